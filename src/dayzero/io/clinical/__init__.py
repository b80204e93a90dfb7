"""The further tables of a study: assessments, MRD, laboratory values, support, vital signs, GVHD, kinetics."""

from dayzero.io.clinical.read import Clinical, read_clinical

__all__ = ["Clinical", "read_clinical"]
