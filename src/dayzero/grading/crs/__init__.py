"""Cytokine release syndrome: its criteria, grades under five scales, and episodes."""
