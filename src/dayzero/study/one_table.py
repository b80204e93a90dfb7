"""``dayzero grade`` of a table with units: MRD, assessments, kinetics, counts, without a study around them.

A table of its own knows no infusion and no transplant. Where it has the column ``day``, days count from the infusion
(of ``engraftment`` the transplant), which is day 0. Each patient and course stands alone.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from dayzero.errors import Finding, InputError
from dayzero.grading.blood.history import grade_engraftment
from dayzero.grading.derived import Derived, with_derived
from dayzero.grading.editions import edition
from dayzero.grading.kinetics import grade_kinetics
from dayzero.grading.mrd import grade_mrd
from dayzero.grading.response import derive_response
from dayzero.history import EVENT_COLUMNS, History
from dayzero.io.clinical.rows import read_table
from dayzero.io.clinical.source import Source, read_source
from dayzero.io.tables import DataSettings
from dayzero.protocol import Definitions

Row = dict[str, Any]
_MRD: Final = ("negative", "below_quantification", "positive")


@dataclass(frozen=True)
class Kind:
    """What one command derives.

    Attributes
    ----------
    table
        The further table that it reads.
    grade
        ``(history, scale) -> History``.
    result
        The table of results that it prints.
    opens
        The event on day 0.
    needs_day
        Whether dates do not do: the result counts from day 0.
    """

    table: str
    grade: Callable[[History, str], History]
    result: str
    opens: str = "infusion"
    needs_day: bool = False


def _mrd(history: History, scale: str) -> History:
    return grade_mrd(history, methods=scale)


def _response(history: History, scale: str) -> History:
    derived: Derived = derive_response(history, Definitions(response=edition("response", scale).name))
    return with_derived(history, derived)


def _kinetics(history: History, scale: str) -> History:
    edition("kinetics", scale)
    return grade_kinetics(history)


def _engraftment(history: History, scale: str) -> History:
    edition("engraftment", scale)
    return grade_engraftment(history)


_KINDS: Final = {
    "mrd": Kind("mrd", _mrd, "mrd"),
    "response": Kind("assessments", _response, "response"),
    "kinetics": Kind("kinetics", _kinetics, "kinetics", needs_day=True),
    "engraftment": Kind("labs", _engraftment, "engraftment", "hsct", needs_day=True),
}


def typed_graders() -> tuple[str, ...]:
    """Return the tables with units that ``dayzero grade`` can grade."""
    return tuple(_KINDS)


def grade_one_table(name: str, path: Path, *, scale: str = "", support: Path | None = None) -> list[Row]:
    """Grade one table with units.

    Parameters
    ----------
    name
        ``mrd``, ``response``, ``kinetics`` or ``engraftment``.
    path
        The table, with the columns of ``docs/study-file/tables.md``; ``course`` is optional, 1 where it is absent.
    scale
        The edition; empty: the default.
    support
        A table ``support``; platelets engraft only where it tells of transfusions.

    Returns
    -------
    list of dict
        One a sample (``mrd``), an assessment (``response``), an assay (``kinetics``) or a recovery (``engraftment``):
        the keys of every grade, then those of the table of results. ``grade`` is a word here, or null.

    Raises
    ------
    InputError
        Where a cell cannot be read, a quantity has no unit, or there is no such edition.
    """
    kind = _KINDS[name]
    sources = [read_source(path, table=kind.table, name=path.name)]
    if support is not None:
        sources.append(read_source(support, table="support", name=support.name))
    told, findings = _history(kind, sources)
    graded = kind.grade(told, scale)
    frame = graded.graded.get(kind.result, pl.DataFrame())
    return [_row(kind, row, told, findings) for row in frame.iter_rows(named=True)]


def _history(kind: Kind, sources: Sequence[Source]) -> tuple[History, list[Finding]]:
    """Return the history of which the tables are all that is known."""
    keyed = [_keyed(source) for source in sources]
    calendar = "date" in keyed[0].frame.columns
    if calendar and kind.needs_day:
        mend = f"Write a column 'day': days from the {kind.opens}, which is day 0."
        raise InputError("dates without a day 0", mend=mend, file=keyed[0].name, row=1)
    patients = keyed[0].frame.select(pl.col("patient").drop_nulls().unique(maintain_order=True))
    n = 0 if calendar else patients.height
    kinds = {"patient": pl.Int64, "day": pl.Float64, "number": pl.Int64, "row": pl.Int64}
    opened = {"patient": range(n), "event": [kind.opens] * n, "day": [0.0] * n, "source": ["reported"] * n}
    blank = {name: [None] * n for name in EVENT_COLUMNS if name not in opened}
    history = History(
        patients=patients,
        patient_rows=np.arange(patients.height),
        events=pl.DataFrame(opened | blank, schema={name: kinds.get(name, pl.String) for name in EVENT_COLUMNS}),
        end=np.full(patients.height, np.nan),
        calendar=calendar,
    )
    tables, findings = {}, [finding for source in keyed for finding in source.findings]
    for source in keyed:
        tables[source.table], found = read_table(source, DataSettings(), history)
        findings += found
    return replace(history, tables=tables), findings


def _keyed(source: Source) -> Source:
    """Return the table with each patient and course as a patient of its own."""
    if "course" not in source.frame.columns:
        return replace(source, frame=source.frame.with_columns(pl.concat_str("patient", pl.lit("\x1f1"))))
    course = source.text("course").fill_null("1")
    whole = course.str.contains(r"^[1-9]\d{0,2}$")
    if not whole.all():
        raise source.fault("not the number of a course", "Write 1, 2, ...", ~whole, "course")
    key = pl.concat_str("patient", pl.lit("\x1f"), course.alias("course"))
    return replace(source, frame=source.frame.with_columns(key.alias("patient")).drop("course"))


def _row(kind: Kind, row: Row, told: History, findings: Sequence[Finding]) -> Row:
    patient, course = str(told.patients["patient"][row["patient"]]).rsplit("\x1f", 1)
    codes = [finding.code for finding in findings if row["patient"] in finding.patient_rows]
    grade, lower, upper = _bounds(kind, row)
    head: Row = {
        "patient": patient,
        "course": int(course),
        "grade": grade,
        "lower": lower,
        "upper": upper,
        "evaluable": grade is not None or (kind.result == "kinetics" and bool(row["n"])),
        "scale": row["scale"],
        "drivers": row.get("drivers") or [],
        "missing": row.get("missing") or [],
        "findings": list(dict.fromkeys([*(row.get("findings") or []), *codes])),
    }
    own = {name: value for name, value in row.items() if name not in head and name not in {"course_kind", "possible"}}
    if told.calendar and own.get("day") is not None:
        own["day"] = str(np.datetime64(int(own["day"]), "D"))
    return head | own


def _bounds(kind: Kind, row: Row) -> tuple[str | None, str | None, str | None]:
    """Return the word, and the mildest and the worst that it can be; of MRD the least and the most of it."""
    if kind.result == "kinetics":
        return None, None, None
    if kind.result == "engraftment":
        outcome = None if row["outcome"] == "not_evaluable" else row["outcome"]
        return outcome, outcome, outcome
    word = row["category"] if kind.result == "response" else row["status"]
    possible = list(row["possible"] or [word])
    if kind.result == "mrd":  # a negative without the sensitivity for it may be either
        possible = sorted(possible, key=_MRD.index) if set(possible) <= set(_MRD) else [_MRD[0], _MRD[-1]]
    certain = possible == [word]
    return (word if certain else None), possible[0], possible[-1]


def rows_json(rows: Sequence[Row]) -> str:
    """Return the rows as a JSON list, one object a line."""
    lines = ",\n ".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    return f"[{lines}]\n"


def rows_text(rows: Sequence[Row]) -> str:
    """Return the rows as lines, columns separated by tabs; those that are empty throughout are left out."""
    names = [name for name in (rows[0] if rows else ()) if any(row[name] not in (None, []) for row in rows)]
    lines = [names, *([_shown(row[name]) for name in names] for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    text = "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)
