"""Persistence of CAR-T cells by what they empty: B cells (CD19, CD20, CD22), T and NK cells (CD7)."""

from dayzero.grading.persistence.derive import derive_aplasia, grade_aplasia

__all__ = ["derive_aplasia", "grade_aplasia"]
