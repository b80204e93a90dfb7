"""A study engine for sequential cell therapy in acute leukaemia."""

__version__ = "0.1.0"
