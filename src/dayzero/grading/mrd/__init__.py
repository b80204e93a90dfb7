"""MRD: the status of each sample, the visits of the schedule, time to and duration of negativity."""

from dayzero.grading.mrd.derive import derive_mrd, grade_mrd
from dayzero.grading.mrd.visits import adherence

__all__ = ["adherence", "derive_mrd", "grade_mrd"]
