"""CAR T cells in the blood, and graft-versus-host disease, of the made-up cohort."""

from collections.abc import Iterator
from typing import Final

from numpy.random import Generator
from stories import Patient, Word

Row = dict[str, object]


def kinetics(patient: Patient, rng: Generator) -> Iterator[Row]:
    """Yield copies of the transgene; cells per uL after products against CD7."""
    cd7 = patient.targets == "CD7"
    for infusion in patient.infusions:
        height = (
            (900 if cd7 else 60000) * (0.2 + patient.blasts / 60) * (0.4 + rng.random()) / (1 + 2 * infusion.day / 100)
        )
        for since in (0, 3, 7, 10, 14, 21, 28, 61, 91, 183, 365):
            day = infusion.day + since
            if day > patient.end or (since and day >= patient.until(infusion) - 7):
                break
            shape = {0: 0, 3: 0.02, 7: 0.4, 10: 1, 14: 0.7, 21: 0.22, 28: 0.08, 61: 0.01}.get(since, 0.0008)
            value, lloq, top = height * shape, 1 if cd7 else 50, 150000
            text = f"<{lloq}" if value < lloq else ">ULOQ" if value > top else round(value)
            yield {
                "patient": patient.name,
                "date": patient.on(day),
                "specimen": "pb",
                "value": text,
                "lloq": lloq,
                "assay": "cells/uL" if cd7 else "copies/ug",
            }


ACUTE: Final = {
    "0": (0, 0, 0, 0), "1": (2, 0, 0, 0), "2": (3, 0, 1, 0), "3": (2, 0, 1, 2), "4": (3, 2, 1, 4)
}  # fmt: skip
"""Stages of skin, liver, upper and lower gut, by MAGIC grade."""
CHRONIC: Final[dict[str, Row]] = {
    "none": {},
    "mild": {"skin": 1, "mouth": 1},
    "moderate": {"skin": 2, "mouth": 1, "eyes": 1},
    "severe": {"skin": 3, "mouth": 2, "lungs": 1},
}
ORGANS: Final = ("skin", "mouth", "eyes", "gi", "liver", "lungs", "joints", "genital")


def gvhd(patient: Patient) -> Iterator[Row]:
    """Yield the organs: acute in one row a week, chronic in one row an organ."""
    for course in patient.courses:
        of_donor = course.detail() != "auto" if course.what == "hsct" else patient.origin == "donor"
        if not of_donor and course.what != "dli":
            continue
        stop = min(patient.until(course), patient.end, course.day + 106)
        days = {*range(course.day + 14, stop, 7), *(w.day for w in patient.words("agvhd") if course.day < w.day < stop)}
        for day in sorted(days):
            stages = dict(
                zip(("skin", "liver", "upper_gi", "lower_gi"), ACUTE[_grade(patient, course, day)], strict=True)
            )
            yield {"patient": patient.name, "date": patient.on(day), "kind": "acute", **stages}
    for day, severity in _chronic_visits(patient):
        yield from _organs(patient, day, severity)


def _chronic_visits(patient: Patient) -> Iterator[tuple[int, str]]:
    """Yield the days on which chronic GVHD was looked for, and what was there: also where it never came."""
    found = [(word.day, word.detail()) for word in patient.words("cgvhd")]
    yield from found
    for hsct in patient.words("hsct"):
        free = not found and hsct.detail() != "auto"
        stop = min((each.day for each in patient.words("hsct") if each.day > hsct.day), default=patient.end)
        yield from ((day, "none") for day in (hsct.day + 100, hsct.day + 183, hsct.day + 365) if free and day < stop)


def _organs(patient: Patient, day: int, severity: str) -> Iterator[Row]:
    scores, immune = CHRONIC[severity], "yes" if severity in ("moderate", "severe") else "no"
    for organ in ORGANS:
        more: Row = {"fev1_percent": 71 if severity == "severe" else 96} if organ == "lungs" else {}
        row: Row = {"patient": patient.name, "date": patient.on(day), "kind": "chronic", "organ": organ}
        yield {**row, "stage": scores.get(organ, 0), "systemic_is": immune, **more}


def _grade(patient: Patient, course: Word, day: int) -> str:
    """Return the grade of a day: none before the onset, the highest for ten days, grade I for three more weeks."""
    onsets = [word for word in patient.words("agvhd") if course.day < word.day <= day]
    if not onsets:
        return "0"
    since = day - onsets[-1].day
    return onsets[-1].detail() if since < 10 else "1" if since < 31 else "0"
