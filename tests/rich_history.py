"""A made-up cohort with every further table, at random: several courses, values at thresholds, two on a day."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from bedside_histories import history, table
from crs_tables import DEVICES
from dayzero.history import History

Row = dict[str, Any]
FLAG = ("no", "yes")
TABLES = ("vitals", "neuro", "gvhd", "labs", "support", "assessments", "mrd", "kinetics")


def rich_history(seed: int, patients: int = 4) -> History:
    """Return a cohort that is always the same for a seed."""
    rng = np.random.default_rng(seed)
    events: list[Row] = []
    rows: dict[str, list[Row]] = {name: [] for name in TABLES}
    for patient in range(patients):
        courses = _courses(rng)
        events += [{"patient": f"P{patient}"} | event for event in _events(rng, courses)]
        for name, made in _tables(rng, courses):
            rows[name] += [{"patient": patient} | row for row in made]
    people = [{"patient": f"P{i}", "age": [8, 30, 55][i % 3], "weight": [25, 80, 60][i % 3]} for i in range(patients)]
    tables = {name: table(name, rows[name]) for name in TABLES if name not in {"vitals", "neuro"}}
    tables |= {name: _as_text(rows[name]) for name in ("vitals", "neuro")}
    return history(events, tables, people)


def _as_text(rows: list[Row]) -> pl.DataFrame:
    numbered = [{"row": at, **row} for at, row in enumerate(rows, 2)]
    frame = pl.DataFrame(numbered, infer_schema_length=None)
    text = [pl.col(name).cast(pl.String) for name in frame.columns if name not in {"patient", "day", "row"}]
    return frame.with_columns(pl.col("patient").cast(pl.Int64), pl.col("day").cast(pl.Float64), *text)


def _courses(rng: np.random.Generator) -> list[Row]:
    """Return two to four infusions and transplants, and what came with them."""
    days = 20 + np.cumsum(rng.integers(35, 70, rng.integers(2, 5)))
    courses = []
    for place, day in enumerate(days.tolist()):
        name = "infusion" if place == 0 else str(rng.choice(["infusion", "hsct", "dli"], p=[0.4, 0.4, 0.2]))
        more = {"infusion": {"targets": str(rng.choice(["CD19", "CD7"])), "origin": str(rng.choice(["donor", "self"]))}}
        more |= {"hsct": {"kind": str(rng.choice(["allo", "auto"]))}}
        courses.append({"event": name, "day": day} | more.get(name, {}))
    return courses


def _events(rng: np.random.Generator, courses: list[Row]) -> Iterator[Row]:
    end = courses[-1]["day"] + int(rng.integers(40, 120))
    yield {"event": "enrolment", "day": 1}
    for course in courses:
        yield course
        if course["event"] != "dli" and rng.random() < 0.7:
            yield {"event": "lymphodepletion", "day": course["day"] - 5}
    for name, values in {"crs": "123", "icans": "123", "agvhd": "1234", "response": ("CR", "CRi", "PR")}.items():
        yield {"event": name, "day": int(rng.integers(30, end)), "value": str(rng.choice(list(values)))}
    yield {"event": "relapse", "day": int(rng.integers(30, end))}
    yield {"event": str(rng.choice(["death", "last_contact"])), "day": end, "cause": "infection"}


def _tables(rng: np.random.Generator, courses: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    for course in courses:
        day = course["day"]
        yield "vitals", [_vitals(rng, day + hour / 24) for hour in (*range(0, 96, 12), 24)]
        yield "neuro", [_neuro(rng, day + at) for at in (*range(6), 3)]
        yield "labs", [row for at in (*range(-3, 32, 2), 7, 14) for row in _labs(rng, day + at)]
        yield "support", [_support(rng, day) for _ in range(4)]
        yield "gvhd", [_gvhd(rng, day + at) for at in (12, 19, 19, 26)]
        yield "assessments", [_marrow(rng, day + at) for at in (-6, 14, 14, 28, 28)]
        yield "mrd", [_mrd(rng, day + at) for at in (-6, 14, 14, 28, 28)]
        yield "kinetics", [_kinetics(rng, day + at) for at in (1, 4, 7, 7, 10, 14, 28)]


def _pick(rng: np.random.Generator, *words: Any) -> Any:
    return words[int(rng.integers(len(words)))]


def _vitals(rng: np.random.Generator, day: float) -> Row:
    return {
        "day": day,
        "temp_c": _pick(rng, "36.8", "37.0", "38.0", "39.5", None),
        "hypotension": _pick(rng, *FLAG, None),
        "vasopressors": _pick(rng, "0", "0", "1", "2"),
        "vasopressin": _pick(rng, "no", "no", "yes"),
        "o2_device": _pick(rng, "none", "none", "none", *DEVICES),
        "o2_flow_l_min": _pick(rng, "2", "6", "8", None),
        "antipyretic_or_anticytokine": _pick(rng, *FLAG),
        "fluids": _pick(rng, *FLAG),
    }


def _neuro(rng: np.random.Generator, day: float) -> Row:
    return {
        "day": day,
        "ice": _pick(rng, "10", "10", "8", "5", "1", None),
        "consciousness": _pick(rng, "alert", "alert", "voice", "tactile"),
        "seizure": _pick(rng, "none", "none", "brief", None),
        "motor_weakness": "no",
        "cerebral_oedema": _pick(rng, "none", "none", "focal"),
    }


def _labs(rng: np.random.Generator, day: float) -> Iterator[Row]:
    drawn = {
        "anc": (0.05, 0.2, 0.5, 0.9, 1.5), "platelets": (8, 20, 49, 60, 120), "wbc": (0.2, 1.0, 3.0),
        "ferritin": (300, 900, 12000), "fibrinogen": (90, 160, 300), "ldh": (200, 600), "b_cells": (0, 5, 50, 80),
        "crp": (0.3, 4, 20), "t_cells": (10, 80, 400), "nk_cells": (5, 60),
    }  # fmt: skip
    for analyte, values in drawn.items():
        if rng.random() < 0.7:
            yield {"day": day, "analyte": analyte, "value": _pick(rng, *values)}


def _support(rng: np.random.Generator, day: float) -> Row:
    at = day + float(rng.integers(0, 20)) + _pick(rng, 0.0, 0.25)
    kind = _pick(rng, "tocilizumab", "steroid", "transfusion_platelets", "gcsf", "vasopressor", "o2", "antipyretic")
    more = {"vasopressor": {"agent": "norepinephrine"}, "o2": {"device": "nasal_cannula", "flow": 3.0}}
    lasting = {"end_day": at + 1.5} if kind in {"vasopressor", "o2", "gcsf"} and rng.random() < 0.8 else {}
    return {"day": at, "kind": kind} | more.get(kind, {}) | lasting


def _gvhd(rng: np.random.Generator, day: float) -> Row:
    stages = {organ: _pick(rng, 0, 0, 1, 2, 3, None) for organ in ("skin", "liver", "lower_gi")}
    return {"day": day, "kind": "acute", **stages, "upper_gi": _pick(rng, 0, 0, 1)}


def _marrow(rng: np.random.Generator, day: float) -> Row:
    return {
        "day": day + int(rng.integers(0, 3)),
        "site": _pick(rng, "bm", "bm", "bm", "csf", "emd"),
        "blasts": _pick(rng, 0.0, 0.01, 0.04, 0.05, 0.3, None),
        "method": _pick(rng, "morphology", "flow"),
        "csf_blasts": _pick(rng, False, False, None),
        "emd_status": _pick(rng, "none", "none", "pr"),
        "cd19": _pick(rng, "positive", "negative", None),
    }


def _mrd(rng: np.random.Generator, day: float) -> Row:
    return {
        "day": day + int(rng.integers(0, 3)),
        "specimen": _pick(rng, "bm", "pb"),
        "method": _pick(rng, "mfc", "ngs"),
        "value": _pick(rng, 0.0, 1e-5, 1e-4, 5e-3, 0.1),
        "lod": 1e-5,
        "cells": 1e6,
    }


def _kinetics(rng: np.random.Generator, day: float) -> Row:
    return {"day": day, "assay": "copies_per_ug", "specimen": "pb", "value": _pick(rng, 5, 200, 5e4), "lloq": 10}


def shuffled(told: History, seed: int) -> History:
    """Return the history with the rows of every table in another order."""
    tables = {name: rows.sample(fraction=1, shuffle=True, seed=seed) for name, rows in told.tables.items()}
    return replace(told, tables=tables, events=told.events.sample(fraction=1, shuffle=True, seed=seed))
