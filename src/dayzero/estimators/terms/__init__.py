"""From the terms of a model to its covariates."""
