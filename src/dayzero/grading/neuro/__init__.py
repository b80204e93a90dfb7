"""Neurotoxicity: ICANS, and CTCAE terms."""
