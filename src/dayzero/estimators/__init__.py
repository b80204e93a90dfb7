"""Estimators: Spells in, Estimate out. Each is a pair ``fit_x(spells, ...) -> Fit`` and ``x(spells, ...) -> Estimate``."""
