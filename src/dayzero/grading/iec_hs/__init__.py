"""IEC-HS: a screen from laboratory values after each infusion; the diagnosis and its grade are the clinician's."""

from dayzero.grading.iec_hs.screen import derive_iec_hs, screen_iec_hs

__all__ = ["derive_iec_hs", "screen_iec_hs"]
