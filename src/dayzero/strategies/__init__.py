"""Strategies: what a treatment given after day zero does, as transformations of Spells run by the same estimators."""
