"""Fine and Gray's model of subdistribution hazards."""
