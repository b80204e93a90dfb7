"""Proportional hazards: the partial likelihood, and what is read off a fitted model."""
