"""Bootstrap, jackknife and pseudo-observations, for every estimator."""
