"""What is remarkable about acute GVHD: without donor cells, after autologous ones alone, and where scales differ."""

from typing import Final

import polars as pl

from dayzero.errors import Finding, Level
from dayzero.grading.courses import in_courses
from dayzero.grading.derived import patient_rows
from dayzero.grading.gvhd.days import ORGANS
from dayzero.grading.gvhd.donors import KINDS, donor_courses
from dayzero.grading.gvhd.organs import Stages
from dayzero.grading.reported import differs
from dayzero.history import History

_STOOL: Final = "Check the day's chart; both stages stand in the table agvhd_stool of the results."
_BOTH: Final = "Correct the stage, or leave it empty and let the measurements stage the organ."
NOT_GVHD: Final = ("0", "no", "none", "absent", "false")


def agvhd_findings(
    history: History, given: pl.DataFrame, stages: Stages, results: pl.DataFrame, apart: pl.DataFrame
) -> tuple[Finding, ...]:
    """Return the findings.

    Parameters
    ----------
    history
        Whose.
    given
        As ``given_cells`` returns them.
    stages
        As ``stages_by_day`` returns them.
    results
        A row a course.
    apart
        ``patient`` and ``row`` of the reported grades that differ.
    """
    differ = differs(history, apart, code="agvhd-grade-differs", what="The grade of acute GVHD")
    scales = results.filter(pl.col("scales_differ"))["patient"]
    undated = history.tables["gvhd"].filter(pl.col("day").is_null())
    found = [*differ, *_without_donor(history, given, stages.days)]
    words = "Volume and episodes of stool of {n} give different stages of the lower gut: the volume counts."
    found += _finding(history, stages.stool["patient"], ("warning", "agvhd-stool-measures-differ", words), _STOOL)
    words = "Stages of {n} are given that the measurements of that day rule out: the stages stand."
    found += _finding(history, stages.contradicted["patient"], ("warning", "agvhd-stage-contradicted", words), _BOTH)
    words = "MAGIC and modified Glucksberg give different grades of acute GVHD of {n}; both are in the results."
    found += _finding(history, scales, ("note", "agvhd-scales-differ", words), "Name the scale with each grade.")
    words = "Rows of GVHD without a day, of {n}: they are not graded."
    found += _finding(history, undated["patient"], ("note", "gvhd-undated", words), "Give them a day.")
    return tuple(found)


def _without_donor(history: History, given: pl.DataFrame, stages: pl.DataFrame) -> list[Finding]:
    signs = pl.concat([_staged(stages), _reported(history)])
    inside = in_courses(signs, donor_courses(given), kinds=KINDS, first_day=1).select("patient", "day").unique()
    outside = signs.join(inside, on=["patient", "day"], how="anti")
    whose = given.group_by("patient").agg(pl.col("autologous").any(), pl.col("from_donor").any())
    known = outside.join(whose, on="patient", how="left")
    own = (pl.col("autologous") & ~pl.col("from_donor")).fill_null(value=False)
    auto = "GVHD of {n} whose transplant was autologous and who had no donor's cells: it belongs to no course."
    none = (
        "GVHD of {n} before, or without, a transplant, donor lymphocytes or a donor's product: it belongs to no course."
    )
    mend = "Correct the dates, or say whose cells were given: kind = allo, origin = donor."
    first = _finding(history, known.filter(own)["patient"], ("warning", "gvhd-after-autologous-only", auto), mend)
    second = _finding(history, known.filter(~own)["patient"], ("warning", "gvhd-without-donor-cells", none), mend)
    return [*first, *second]


def _staged(stages: pl.DataFrame) -> pl.DataFrame:
    involved = pl.any_horizontal(pl.col(f"{organ}_least") > 0 for organ in ORGANS).fill_null(value=False)
    return stages.filter(involved).select("patient", "day")


def _reported(history: History) -> pl.DataFrame:
    frames = [history.named(name, ("value", "source")) for name in ("agvhd", "cgvhd")]
    value = pl.col("value").fill_null("").str.strip_chars().str.to_lowercase()
    rows = pl.concat(frames).filter((pl.col("source") == "reported") & ~value.is_in(NOT_GVHD))
    return rows.select("patient", pl.col("day").floor()).drop_nulls()


def _finding(history: History, patients: pl.Series, what: tuple[Level, str, str], mend: str) -> list[Finding]:
    """Return a finding about patients, none where there are none; ``what`` is level, code and words."""
    if not len(patients):
        return []
    n = patients.n_unique()
    who = "1 patient" if n == 1 else f"{n} patients"
    level, code, words = what
    rows = patient_rows(history, patients)
    return [Finding(level, code, words.format(n=who), mend=mend, table="gvhd", patient_rows=rows)]
