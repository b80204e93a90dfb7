"""Severity of chronic GVHD of a table that stands alone: a row a patient and day, a column an organ."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.grading.editions import Edition, edition
from dayzero.grading.gvhd.scores import HIGHEST, MOST, NOT_ELSE, fev1_scores
from dayzero.grading.gvhd.severity import with_severity
from dayzero.grading.results import Graded
from dayzero.grading.table import Bedside, Column, read_bedside

CAUSE: Final = Column("choice", ("none", "partly", "entirely"))


def grade_table(
    frame: pl.DataFrame, *, scale: str = "", file: str = "the table", rows: npt.NDArray[np.int64] | None = None
) -> list[Graded]:
    """Grade a table: the highest severity of a patient and course, 0 none, 1 mild, 2 moderate, 3 severe.

    Parameters
    ----------
    frame
        (rows, columns) text: ``patient``, ``course`` (the transplant), ``time``; scores 0 to 3 in ``skin``, ``mouth``,
        ``eyes``, ``gi``, ``liver``, ``lungs``, ``joints``, ``genital``; ``fev1_percent``, which rules the lung;
        ``skin_other_cause`` and so on: ``none``, ``partly`` or ``entirely``.
    scale
        The edition; empty: ``nih-2014``.
    file, rows
        The file's name, and the row of each row in it, for messages.

    Returns
    -------
    list of Graded
        ``extra`` holds ``severity``, null where it is not certain.

    Raises
    ------
    InputError
        Where a cell cannot be read, or there is no such edition.

    Examples
    --------
    >>> scores = dict.fromkeys(["mouth", "eyes", "gi", "liver", "lungs", "joints", "genital"], "0")
    >>> found = grade_table(pl.DataFrame([{"patient": "A", "skin": "2"} | scores]))[0]
    >>> found.grade, found.drivers, dict(found.extra)
    (2, ('skin',), {'severity': 'moderate'})
    """
    chosen = edition("cgvhd", scale)
    organs = chosen.table["organs"]
    columns = {organ: Column("number", lowest=0, highest=MOST, whole=True) for organ in organs}
    columns |= {f"{organ}_other_cause": CAUSE for organ in organs}
    columns |= {"fev1_percent": Column("number", lowest=0, highest=200)}
    bedside = read_bedside(frame, columns, file=file, rows=rows)
    graded = with_severity(_scores(bedside, chosen), chosen)
    return [_result(bedside, graded, chosen, at) for at in range(len(bedside.starts))]


def _scores(bedside: Bedside, chosen: Edition) -> pl.DataFrame:
    """Return the least and the greatest score of each organ on each row."""
    found: dict[str, Any] = {}
    measured = fev1_scores(pl.DataFrame({"fev1_percent": bedside.number("fev1_percent")}), chosen)
    for organ in chosen.table["organs"]:
        score = bedside.number(organ)
        if organ == "lungs":
            score = np.where(bedside.missing("fev1_percent"), score, measured[0].cast(pl.Float64).to_numpy())
        score = np.where(bedside.is_any(f"{organ}_other_cause", "entirely").yes, 0.0, score)
        found[organ] = np.nan_to_num(score, nan=0).astype(np.int64)
        found[f"{organ}{HIGHEST}"] = np.nan_to_num(score, nan=MOST).astype(np.int64)
    return pl.DataFrame(found)


def _result(bedside: Bedside, graded: pl.DataFrame, chosen: Edition, at: int) -> Graded:
    start, length = int(bedside.starts[at]), int(bedside.lengths[at])
    own = graded.slice(start, length)
    lower, upper = _highest(own, "lower"), _highest(own, "upper")
    organs = chosen.table["organs"]
    top = own.filter(pl.col("lower") == lower)
    worst = {organ: _highest(top, organ) for organ in organs}
    asked = any(
        bool((bedside.missing(f"{organ}_other_cause")[start : start + length] & (own[organ] > 0).to_numpy()).any())
        for organ in organs
    )
    return Graded(
        patient=bedside.patients[at],
        course=int(bedside.courses[at]),
        lower=lower,
        upper=upper,
        scale=chosen.name,
        drivers=tuple(o for o in organs if worst[o] > 0 and worst[o] == max(worst.values()) and lower > 0),
        missing=tuple(o for o in organs if lower < upper and (own[o] < own[f"{o}{HIGHEST}"]).any()),
        assumptions=(NOT_ELSE,) if asked else (),
        time=bedside.time_of(np.array([start + int(own["lower"].arg_max() or 0)]))[0] if lower else "",
        extra=(("severity", chosen.table["grades"][lower] if lower == upper else None),),
    )


def _highest(rows: pl.DataFrame, column: str) -> int:
    return int(rows[column].to_numpy().max())
