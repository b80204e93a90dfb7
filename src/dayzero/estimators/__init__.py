"""Estimators: Spells in, Estimate out: a pair ``fit_x(spells, ...) -> Fit`` and ``x(spells, ...) -> Estimate`` each."""
