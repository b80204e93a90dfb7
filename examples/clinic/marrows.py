"""Marrows, blood, fluids and MRD of the made-up cohort."""

from collections.abc import Iterator
from typing import Final

from stories import RESPONSES, Patient, Word

Row = dict[str, object]
ADDED_VISITS: Final = (61, 91, 183, 365, 548, 731)
COUNTS: Final = {"CR": (1.8, 152), "CRi": (1.5, 62), "MLFS": (0.7, 41), "PR": (1.6, 125), "failure": (0.6, 38)}
"""ANC and platelets (1e9/L) at a marrow, by response."""


def assessments(patient: Patient) -> Iterator[Row]:
    """Yield marrows, blood, fluids and disease elsewhere."""
    if not patient.infusions:
        return
    yield from _before(patient)
    for word in patient.words(*RESPONSES):
        yield from _marrow(patient, word)
    for word in patient.words("relapse"):
        yield from _relapse(patient, word)
    for word in patient.words("progression"):
        yield {"patient": patient.name, "date": patient.on(word.day), "site": "bm", "blasts": "62%", "method": "flow"}
    for day in follow_up(patient):
        yield from _marrow(patient, Word(day, "CR", ("neg",)))


def _before(patient: Patient) -> Iterator[Row]:
    in_remission = patient.blasts < 5
    row: Row = {
        "patient": patient.name,
        "date": patient.on(-8),
        "site": "bm",
        "blasts": f"{patient.blasts}%",
        "method": "morphology",
        "cellularity": "normocellular",
        **_tested(patient, "positive"),
    }
    if in_remission:
        row |= {"anc": 1.9, "platelets": 140, "anc_unit": "1e9/L", "platelets_unit": "1e9/L"}
        row["transfusion_independent"] = "yes"
    yield row
    wet: Row = {"csf_wbc": 3, "csf_rbc": 2, "csf_blasts": "yes"} if patient.name == "C14" else {}
    yield {
        "patient": patient.name,
        "date": patient.on(-8),
        "site": "csf",
        "csf_wbc": 1,
        "csf_rbc": 0,
        "csf_blasts": "no",
        "cns_signs": "no",
        **wet,
    }
    if patient.name == "C13":
        yield _elsewhere(patient, -8, "sd")


def _tested(patient: Patient, stain: str) -> Row:
    return {"cd7" if patient.disease == "T-ALL" else "cd19": stain}


def _at_relapse(patient: Patient, word: Word) -> Row:
    """Return the antigens at relapse; after a product against CD22 CD22 was looked at."""
    stain = word.detail(1)
    if stain == "lineage_switch":
        return {"lineage_switch": "yes", **_tested(patient, "negative")}
    last = [infusion.detail() for infusion in patient.infusions if infusion.day < word.day][-1]
    return {"cd22": stain, "cd19": "negative"} if last == "CD22" else _tested(patient, stain)


def _elsewhere(patient: Patient, day: int, status: str) -> Row:
    row: Row = {"patient": patient.name, "date": patient.on(day), "site": "emd", "emd_site": "lymph nodes"}
    return {**row, "emd_status": status, "imaging": "pet"}


def _marrow(patient: Patient, word: Word) -> Iterator[Row]:
    emd = word.detail(1).removeprefix("emd_")
    counts = "CR" if word.what == "PR" and emd else word.what
    anc, platelets = COUNTS[counts]
    if patient.low[0] >= 30 and word.day < 35:
        anc = 0.3
    blasts = {"PR": round(patient.blasts / 4), "failure": patient.blasts}.get(counts, 1)
    donors = [hsct for hsct in patient.words("hsct") if hsct.detail() != "auto" and hsct.day < word.day]
    scale, unit = (1, "K/uL") if patient.number % 2 else (1000, "/uL")
    yield {
        "patient": patient.name,
        "date": patient.on(word.day),
        "site": "bm",
        "blasts": f"{blasts}%",
        "method": "morphology",
        "anc": round(anc * scale, 2),
        "anc_unit": unit,
        "platelets": platelets * scale,
        "platelets_unit": unit,
        "transfusion_independent": "yes",
        "chimerism": "99%" if donors else None,
    }
    yield {"patient": patient.name, "date": patient.on(word.day), "site": "pb", "blasts": "0%", "method": "morphology"}
    if patient.name == "C14" and word.day == 28:
        fluid: Row = {"csf_wbc": 1, "csf_rbc": 0, "csf_blasts": "no", "cns_signs": "no"}
        yield {"patient": patient.name, "date": patient.on(28), "site": "csf", **fluid}
    if emd:
        yield _elsewhere(patient, word.day, emd)


def _relapse(patient: Patient, word: Word) -> Iterator[Row]:
    site, tested = word.detail(), _at_relapse(patient, word)
    row: Row = {"patient": patient.name, "date": patient.on(word.day), "site": site}
    if site == "bm":
        yield {**row, "blasts": "43%", "method": "morphology", **tested}
    elif site == "csf":
        yield {**row, "csf_wbc": 48, "csf_rbc": 3, "csf_blasts": "yes", "cns_signs": "no", **tested}
    else:
        yield {**_elsewhere(patient, word.day, "pd"), "emd_site": "mediastinum", **tested}


def follow_up(patient: Patient) -> tuple[int, ...]:
    """Return the days of the visits in remission beyond those of the story: marrow with CR, MRD negative."""
    told = [word.day for word in patient.words(*RESPONSES)]
    ill = [word.day for word in patient.words("relapse", "progression", "failure")]
    missed = [word.day for word in patient.words("miss")]
    days = []
    for course in patient.courses:
        stop = min(patient.until(course) - 8, patient.end)
        for visit in (30, *ADDED_VISITS):
            day = course.day + visit
            last = [word for word in patient.words(*RESPONSES, "relapse") if word.day < day]
            fit = bool(last) and last[-1].what == "CR" and last[-1].detail() in ("neg", "ngs", "low")
            near = any(abs(day - each) < 20 for each in (*told, *ill, *missed))
            days += [day] if fit and not near and day < stop else []
    return tuple(days)


MRD: Final[dict[str, Row]] = {
    "neg": {"method": "flow", "value": "<0.01", "unit": "percent", "detected": "no", "lod": 0.01, "cells": 600000},
    "insuf": {"method": "flow", "value": "<0.1", "unit": "percent", "detected": "no", "lod": 0.1, "cells": 20000},
    "ngs": {"method": "ngs", "value": "ND", "unit": "fraction", "detected": "no", "lod": "1e-6", "cells": 3600000},
    "low": {
        "method": "qPCR IG/TR",
        "value": "2e-5",
        "unit": "fraction",
        "detected": "yes",
        "lod": "1e-5",
        "loq": "1e-4",
    },
}


def mrd(patient: Patient) -> Iterator[Row]:
    """Yield MRD of the marrow: before the infusion, and with every marrow of the story and of the follow-up."""
    if not patient.infusions:
        return
    before = {"C21": "0.4", "C22": "0.05"}.get(patient.name)
    if before:
        yield _sample(patient, -8, f"pos_{before}")
    told = [(word.day, word.detail()) for word in patient.words(*RESPONSES) if word.detail() != "none"]
    for day, how in sorted([*told, *((day, "neg") for day in follow_up(patient))]):
        yield _sample(patient, day, how)


def _sample(patient: Patient, day: int, how: str) -> Row:
    row: Row = {"patient": patient.name, "date": patient.on(day), "specimen": "bm"}
    if not how.startswith("pos_"):
        return {**row, **MRD[how]}
    found: Row = {"method": "flow", "value": how[4:], "unit": "percent", "detected": "yes"}
    return {**row, **found, "lod": 0.01, "cells": 550000}
