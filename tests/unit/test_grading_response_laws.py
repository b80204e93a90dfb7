"""Laws of response: monotone in every input, and bounds that hold every completion of what is missing."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.grading.response.categories import ORDER
from response_study import graded, study

N = 60
EDITIONS = ("eln-2024", "nccn-crh", "cr-regardless-of-counts", "paediatric-2022", "cibmtr")
BLASTS = (0.0, 0.01, 0.049, 0.05, 0.051, 0.1, 0.25, 0.26, 0.6)
COUNTS = {"anc": (0.2, 0.5, 0.51, 1.0, 1.01, 3.0), "platelets": (10.0, 50.0, 51.0, 100.0, 101.0, 300.0)}
MRD = (0.0, 1e-3, 0.0099, 0.01, 0.2)
Patient = dict[str, Any]


def draw(rng: np.random.Generator, *, whole: bool) -> Patient:
    """Return one patient's inputs; None where a value is missing."""

    def pick(values, missing=0.3):
        return None if not whole and rng.random() < missing else values[rng.integers(len(values))]

    return {
        "baseline": pick((0.06, 0.2, 0.5, 0.9)),
        "bm": pick(BLASTS),
        "pb": pick((0.0, 0.0, 0.0, 0.02)),
        "anc": pick(COUNTS["anc"]),
        "platelets": pick(COUNTS["platelets"]),
        "emd": pick(("none", "cr", "pr", "sd")),
        "csf_blasts": pick((False, False, True)),
        "mrd": pick(MRD),
        "measured": bool(rng.integers(2)),
    }


def completed(patient: Patient, rng: np.random.Generator) -> Patient:
    """Return a patient with something in the place of what is missing."""
    full = draw(rng, whole=True)
    return {name: full[name] if value is None else value for name, value in patient.items()}


def judged(patients: list[Patient], edition: str) -> pl.DataFrame:
    """Return the response of each patient on day 28."""
    rows, mrd = [], []
    for i, p in enumerate(patients):
        if p["baseline"] is not None:
            rows.append({"patient": i, "day": -5.0, "site": "bm", "blasts": p["baseline"]})
        counts = {name: p[name] for name in ("anc", "platelets")}
        rows.append({"patient": i, "day": 28.0, "site": "bm", "blasts": p["bm"], **counts})
        rows.append({"patient": i, "day": 28.0, "site": "pb", "blasts": p["pb"]})
        rows.append({"patient": i, "day": 28.0, "site": "emd", "emd_status": p["emd"]})
        rows.append(
            {"patient": i, "day": 28.0, "site": "csf", "csf_blasts": p["csf_blasts"], "csf_wbc": 9.0, "csf_rbc": 0.0}
        )
        if p["measured"]:
            status = None if p["mrd"] is None else "positive" if p["mrd"] >= 1e-4 else "negative"
            mrd.append({"patient": i, "day": 28.0, "status": status, "value": p["mrd"]})
    events = [{"patient": i, "event": "infusion", "day": 0.0} for i in range(len(patients))]
    history = study(events, assessments=rows, mrd=mrd, n=len(patients))
    found = graded(history, response=edition).graded["response"].filter(pl.col("day") == 28.0)
    assert found["patient"].to_list() == list(range(len(patients)))
    return found


def bounds(found: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the best and the worst possible category."""
    rank = {name: place for place, name in enumerate(ORDER)}
    ends = [[rank[names[0]], rank[names[-1]]] for names in found["possible"].to_list()]
    return np.array(ends)[:, 0], np.array(ends)[:, 1]


@pytest.mark.parametrize("edition", EDITIONS)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_possible_holds_every_completion(edition, seed):
    rng = np.random.default_rng(seed)
    patients = [draw(rng, whole=False) for _ in range(N)]
    possible = judged(patients, edition)["possible"].to_list()
    full = judged([completed(p, rng) for _ in range(4) for p in patients], edition)
    assert full["evaluable"].all()
    assert all(name in names for name, names in zip(full["category"], possible * 4, strict=True))


@pytest.mark.parametrize("edition", ["eln-2024", "nccn-crh"])
def test_possible_names_nothing_that_no_completion_gives(edition):
    rng = np.random.default_rng(4)
    patients = [draw(rng, whole=False) for _ in range(N)]
    possible = judged(patients, edition)["possible"].to_list()
    rounds = 120
    full = judged([completed(p, rng) for _ in range(rounds) for p in patients], edition)["category"].to_list()
    given_ = [set(full[place::N]) for place in range(N)]
    certain = [names for names in possible if len(names) == 1]
    assert len(certain) > 5
    tight = sum(set(names) == seen for names, seen in zip(possible, given_, strict=True))
    assert tight >= 0.8 * N  # rare completions are not always drawn


def higher(name, values):
    return lambda p, rng: {**p, name: None if p[name] is None else max(p[name], values[rng.integers(len(values))])}


def lower(name):
    values = COUNTS[name]
    return lambda p, rng: {**p, name: None if p[name] is None else min(p[name], values[rng.integers(len(values))])}


def found(**columns):
    return lambda p, _: {**p, **columns}


WORSE = {
    "blasts": higher("bm", BLASTS),
    "blood": found(pb=0.02),
    "emd": found(emd="sd"),
    "cns": found(csf_blasts=True),
    "mrd": higher("mrd", MRD),
    "anc": lower("anc"),
    "platelets": lower("platelets"),
}


@pytest.mark.parametrize("edition", EDITIONS)
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_response_improves_when_an_input_worsens(edition, seed):
    rng = np.random.default_rng(seed)
    patients = [draw(rng, whole=False) for _ in range(N)]
    best, worst = bounds(judged(patients, edition))
    after = bounds(judged([worsen(p, rng) for worsen in WORSE.values() for p in patients], edition))
    assert (after[0] >= np.tile(best, len(WORSE))).all()
    assert (after[1] >= np.tile(worst, len(WORSE))).all()
