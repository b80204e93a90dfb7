"""Tests between groups."""
