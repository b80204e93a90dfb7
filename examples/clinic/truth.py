"""What grades must find again in the tables of the made-up cohort: derived from the stories, never from the tables."""

from collections.abc import Iterator
from typing import Final

from marrows import follow_up
from stories import REPORTED_OTHERWISE, RESPONSES, Patient, Word, patients

Found = dict[tuple[str, str, int], object]
"""By patient, kind of course, and its number (or day): what was meant."""

STATUS: Final = {"neg": "negative", "ngs": "negative", "insuf": "indeterminate", "low": "below_quantification"}
SEVERITIES: Final = ("none", "mild", "moderate", "severe")
UNCOUNTED: Final = {"C31": (1, 3)}
"""Early ICAHT where neutrophils were not counted for eleven days: 10 low days were meant."""


def _bounds(word: Word | None) -> tuple[int, int]:
    if word is None:
        return 0, 0
    return (2, 3) if word.detail(1) == "noflow" else (int(word.detail()), int(word.detail()))


def highest(what: str) -> Found:
    """Return the bounds of CRS or ICANS after each infusion."""
    found: Found = {}
    for patient in patients():
        for number, infusion in enumerate(patient.infusions, 1):
            until = patient.until(infusion)
            words = [word for word in patient.words(what) if infusion.day <= word.day < until]
            found[patient.name, "infusion", number] = _bounds(words[0] if words else None)
    if what == "icans":
        found["C30", "infusion", 1] = (0, 5)
    return found


def _donors(patient: Patient) -> Iterator[tuple[Word, str, int]]:
    """Yield the courses of donor cells, the kind and the number of each."""
    for course in patient.courses:
        allogeneic = course.what == "dli" or (course.what == "hsct" and course.detail() != "auto")
        if allogeneic or (course.what == "infusion" and patient.origin == "donor"):
            yield course, course.what, patient.number_of(course.what, course.day)


def acute_gvhd() -> Found:
    """Return the MAGIC grade after each transplant, or other cells, of a donor."""
    found: Found = {}
    for patient in patients():
        given = list(_donors(patient))
        for place, (course, kind, number) in enumerate(given):
            stop = given[place + 1][0].day if place + 1 < len(given) else patient.end + 1
            grades = [int(word.detail()) for word in patient.words("agvhd") if course.day < word.day <= stop]
            found[patient.name, kind, number] = max(grades, default=0)
    return found


def chronic_gvhd() -> Found:
    """Return the severity after each transplant after which it was looked for: 0 (none) to 3 (severe)."""
    found: Found = {}
    for patient in patients():
        hscts = patient.words("hsct")
        told = [word.detail() for word in patient.words("cgvhd")]
        for number, hsct in enumerate(hscts, 1):
            stop = min((each.day for each in hscts if each.day > hsct.day), default=patient.end)
            if hsct.detail() != "auto" and hsct.day + 100 < stop:
                found[patient.name, "hsct", number] = SEVERITIES.index(told[0]) if told else 0
    return found


def recovery(place: int) -> Found:
    """Return the day from the transplant of neutrophils (``place`` 1) or platelets (2); None where there was none."""
    found: Found = {}
    for patient in patients():
        for number, hsct in enumerate(patient.words("hsct"), 1):
            found[patient.name, "hsct", number] = int(hsct.detail(place)) or None
    return found


def neutropenia() -> Found:
    """Return the grade of early ICAHT after the first infusions."""
    found: Found = {}
    for patient in patients():
        if not patient.never:
            found[patient.name, "infusion", 1] = UNCOUNTED.get(patient.name) or _icaht(patient)
    return found


def _icaht(patient: Patient) -> tuple[int, int]:
    low, very_low = patient.low
    followed = min(low, patient.end - 2)
    by_low = 1 if followed < 7 else 2 if followed < 14 else 3
    by_very_low = 0 if very_low < 7 else 3 if very_low < 14 else 4
    grade = 4 if low > 30 else max(by_low, by_very_low)
    return grade, grade


def responses() -> dict[tuple[str, int], str]:
    """Return the category of each marrow after an infusion, by patient and day: disease elsewhere is a failure."""
    found = {}
    for patient in patients():
        for word in patient.words(*RESPONSES):
            sick = word.detail(1) == "emd_pr"
            found[patient.name, word.day] = "failure" if sick else word.what
        for day in follow_up(patient):
            found[patient.name, day] = "CR"
    return found


def mrd_statuses() -> dict[tuple[str, int], str]:
    """Return the status of each sample after an infusion, by patient and day."""
    told = {
        (patient.name, word.day): STATUS.get(word.detail(), "positive")
        for patient in patients()
        for word in patient.words(*RESPONSES)
        if word.detail() != "none"
    }
    return told | {(patient.name, day): "negative" for patient in patients() for day in follow_up(patient)}


def relapses() -> dict[tuple[str, int], tuple[str, str]]:
    """Return site and antigen of each relapse, by patient and day."""
    sites = {"csf": "cns"}
    return {
        (patient.name, word.day): (sites.get(word.detail(), word.detail()), word.detail(1))
        for patient in patients()
        for word in patient.words("relapse")
    }


def b_cells() -> Found:
    """Return the day (from the first infusion) of the first sample with B cells, by infusion; None where none came."""
    found: Found = {}
    for patient in patients():
        for number, infusion in enumerate(patient.infusions, 1):
            until = patient.until(infusion)
            back = [word.day for word in patient.words("bcells") if infusion.day < word.day < until]
            if "CD19" in infusion.detail():
                found[patient.name, "infusion", number] = back[0] if back else None
    return found


def deaths() -> dict[str, str]:
    """Return relapse or nrm for each death."""
    found = {}
    for patient in patients():
        for word in patient.words("death"):
            never = [each.what for each in patient.words(*RESPONSES)] == ["failure"]
            ill = never or patient.words("relapse", "progression")
            found[patient.name] = "relapse" if ill or word.detail() == "disease" else "nrm"
    return found


def disagreements(*what: str) -> set[str]:
    """Return the patients whose reported grade was made to differ from the tables."""
    return {patient for patient, event, _ in REPORTED_OTHERWISE if event in what}
