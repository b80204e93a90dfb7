"""MRD visit by visit: who was negative among whom, who was looked at, who was not."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.analyses.courses_states import MRD_NEGATIVE, REMISSION, state_at
from dayzero.analyses.denominators import share, tally
from dayzero.analyses.mrd_samples import CourseMrd
from dayzero.estimate import Estimate, concat
from dayzero.spells import Bools

KNOWN: Final = ("negative", "positive", "below_quantification")
WITH_RESULT: Final = " with an MRD result"
STATES: Final = ("done", "missed", "pending", "not_due")


@dataclass(frozen=True)
class Visit:
    """One visit of the schedule.

    Attributes
    ----------
    month, day
        When it was due, from the course.
    rows
        A row a patient who had the course: ``state``, ``status``; and ``remission``: in remission, alive, and without
        a further course on the day of the visit; ``reached``: followed until the visit, or until what makes it moot.
    """

    month: int
    day: float
    rows: pl.DataFrame

    def has(self, *statuses: str) -> Bools:
        """Return (patients,) whose sample of the visit has one of the statuses."""
        return self.rows["status"].is_in(statuses).fill_null(value=False).to_numpy()

    def is_(self, column: str) -> Bools:
        """Return (patients,) a flag of the rows."""
        return self.rows[column].fill_null(value=False).to_numpy()


def visits_of(found: CourseMrd, states: pl.DataFrame) -> tuple[Visit, ...]:
    """Return the visits that somebody could have kept.

    Parameters
    ----------
    found
        MRD of the course.
    states
        As :func:`dayzero.analyses.courses_states.disease_states` returns them, from the day of the course.
    """
    ends = found.courses.select("patient", "course_day", "competing_day", "end")
    rows = found.visits.join(ends, on="patient", how="left", maintain_order="left")
    looked = pl.max_horizontal(pl.min_horizontal(pl.max_horizontal("due", "day"), "end"), "day")
    at = pl.when(pl.col("day").is_not_null()).then(looked).otherwise(pl.col("due")).alias("at")
    dated = rows.with_columns(at)
    going = pl.col("competing_day").is_null() | (pl.col("competing_day") > pl.col("at"))
    followed = pl.col("day").is_not_null() | (pl.col("end") >= pl.col("at")).fill_null(value=False)
    well = pl.col("disease").is_in([REMISSION, MRD_NEGATIVE])
    moot = pl.col("competing_day").is_not_null() & (pl.col("competing_day") <= pl.col("closes"))
    told = dated.with_columns(state_at(states, dated, "at").alias("disease")).with_columns(
        (going & followed & well & ~(pl.col("state") == "pending").fill_null(value=False)).alias("remission"),
        (moot | pl.col("state").is_in(["done", "missed"]).fill_null(value=False)).alias("reached"),
    )
    visits = []
    for (month,), here in told.sort("month", "patient").group_by("month", maintain_order=True):
        if here["state"].is_in(["done", "missed", "pending"]).any():
            day = float((here["due"] - here["course_day"])[0])
            visits.append(Visit(int(month), day, here))
    return tuple(visits)


def visit_rates(visit: Visit, level: float) -> Estimate:
    """Return MRD-negativity at a visit among those with a result, those in remission, and the infused.

    Those in remission are counted twice: a missing result as failure, and left out. A result of insufficient
    sensitivity is missing.
    """
    negative, known, everybody = visit.has("negative"), visit.has(*KNOWN), np.ones(visit.rows.height, bool)
    remission, reached = visit.is_("remission"), visit.is_("reached")
    among = {
        "evaluated": known,
        "in remission and alive": remission,
        f"in remission and alive{WITH_RESULT}": remission & known,
        "infused": everybody,
        "infused, visit reached": reached,
    }
    term = f"mrd_negative[month={visit.month}]"
    return concat(
        share(negative, who, level=level, term=term, group=f"denominator={name}", time=visit.day)
        for name, who in among.items()
    )


def visit_counts(visit: Visit, level: float) -> Estimate:
    """Return the results of a visit, how many kept it, and done / (done + missed)."""
    n, where = visit.rows.height, f"[month={visit.month}]"
    state = visit.rows["state"].fill_null("unknown")
    results = {
        "positive": visit.has("positive"),
        "below_quantification": visit.has("below_quantification"),
        "insufficient": visit.has("indeterminate"),
        "uncertain": ((state == "done") & visit.rows["status"].is_null()).to_numpy(),
        **{name: (state == name).to_numpy() for name in (*STATES, "unknown")},
    }
    due = results["done"] | results["missed"]
    rows = [tally(int(who.sum()), f"{name}{where}", of=n, time=visit.day) for name, who in results.items()]
    return concat([*rows, share(results["done"], due, level=level, term=f"adherence{where}", time=visit.day)])
