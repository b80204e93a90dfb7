"""Denominators: how many patients a rate is a share of, every one that the data allow (clinical rule book 4.2)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.endpoints import first_day
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.descriptive import describe
from dayzero.estimators.outcomes.proportions import proportions
from dayzero.history import History
from dayzero.protocol import parse_term
from dayzero.spells import Bools, Floats, make_spells

EXACT: Final = "Clopper-Pearson"
AFTER_THE_FACT: Final = "known_later: these patients lived, and stayed fit, until their transplant"


@dataclass(frozen=True)
class Denominator:
    """Patients of whom a rate is a share.

    Attributes
    ----------
    name
        In ``report.json``: the group is ``denominator=name``.
    patients
        (patients,) who they are.
    warning
        What must be known to read a rate among them; None where nothing.
    """

    name: str
    patients: Bools
    warning: str | None = None

    @property
    def n(self) -> int:
        """How many they are."""
        return int(self.patients.sum())


def ever(history: History, event: str) -> Bools:
    """Return (patients,) who has such an event, dated or not."""
    found = np.zeros(len(history), bool)
    found[history.named(event, ())["patient"].to_numpy()] = True
    return found


def planned(history: History) -> tuple[Denominator, ...]:
    """Return those who were meant to be infused, as far as the events say: apheresed, enrolled.

    Patients who were infused count among them where only their own apheresis or enrolment is not on record: whoever
    was infused was apheresed, or enrolled, before.
    """
    infused = ever(history, "infusion")
    names = (("apheresed", "apheresis"), ("enrolled", "enrolment"))
    return tuple(
        Denominator(name, ever(history, event) | infused) for name, event in names if ever(history, event).any()
    )


def share(yes: Bools, among: Bools, *, level: float, **labels: str | float | None) -> Estimate:
    """Return one ``proportion`` with exact limits: those of ``among`` with ``yes``; without patients it has none.

    Parameters
    ----------
    yes, among
        (patients,) numerator and denominator.
    level
        Coverage of the Clopper-Pearson limits.
    **labels
        Columns of the row.
    """
    n, k = int(among.sum()), int(np.sum(yes & among))
    if n == 0:
        empty = make_estimate("proportion", method=EXACT, n=0, n_events=0, warning="there are no such patients")
        return empty.label(**{name: value for name, value in labels.items() if name != "warning"})
    row = proportions(make_spells(np.zeros(n), np.arange(n) < k), level=level).where(method=EXACT)
    return row.label(**labels)


def rates(yes: Bools, denominators: tuple[Denominator, ...], *, level: float, **labels: str | float | None) -> Estimate:
    """Return one rate with every denominator: a row each, its group being ``denominator=NAME``."""
    return concat(
        share(yes, each.patients, level=level, group=f"denominator={each.name}", warning=each.warning, **labels)
        for each in denominators
    )


def tally(number: int, term: str, *, of: int, **labels: str | float | None) -> Estimate:
    """Return a number of patients, and of how many."""
    row = make_estimate("count", term=term, estimate=float(number), n=of, n_events=number)
    return row.label(**labels)


def spread(days: Floats, term: str, **labels: str | float | None) -> Estimate:
    """Return ``median``, quartiles and range of days over the patients who have them; nothing where nobody has."""
    known = days[np.isfinite(days)]
    if not len(known):
        return concat(())
    found = describe(pl.DataFrame({term: known}), [term]).rows
    return Estimate(found.filter(pl.col("statistic") != "missing")).label(**labels)


def not_infused(history: History) -> Estimate:
    """Return how many were apheresed and never infused, and why: the attribute ``reason`` of any of their events.

    Those without a stated reason who died are counted as such; the others may have failed manufacturing or may wait.
    """
    apheresed = ever(history, "apheresis")
    left = apheresed & ~ever(history, "infusion")
    if not apheresed.any():
        return concat(())
    reasons = _reasons(history, left)
    total = tally(int(left.sum()), "apheresed, never infused", of=int(apheresed.sum()))
    return concat([total, *(tally(k, f"never infused: {why}", of=int(left.sum())) for why, k in reasons.items())])


def _reasons(history: History, left: Bools) -> dict[str, int]:
    died = pl.Series(ever(history, "death"))
    words = pl.DataFrame({"patient": range(len(history)), "left": left}).select(
        pl.col("patient").cast(pl.Int64), "left", pl.when(died).then(pl.lit("died before")).alias("word")
    )
    stated = pl.DataFrame(schema={"patient": pl.Int64, "reason": pl.String})
    if "reason" in history.attributes:
        events = history.events.filter(pl.col("event").is_in(("apheresis", "enrolment", "last_contact", "death")))
        named = events.filter(pl.col("reason").str.strip_chars() != "")
        stated = named.group_by("patient", maintain_order=True).agg(pl.col("reason").first())
    both = words.join(stated, on="patient", how="left", maintain_order="left").filter("left")
    why = both.select(pl.coalesce("reason", "word", pl.lit("reason not stated")).alias("why"))["why"]
    return dict(why.value_counts().sort("count", "why", descending=[True, False]).iter_rows())


def vein_to_vein(history: History, infused: Floats) -> Estimate:
    """Return median and range of the days from a patient's last apheresis before the infusion to the infusion.

    Parameters
    ----------
    history
        What happened.
    infused
        (patients,) day of the infusion, +inf or NaN where there is none.
    """
    days = history.named("apheresis", ()).drop_nulls("day")
    patient, day = days["patient"].to_numpy(), days["day"].to_numpy()
    last = np.full(len(history), -np.inf)
    with np.errstate(invalid="ignore"):
        before = day <= infused[patient]
    np.maximum.at(last, patient[before], day[before])
    with np.errstate(invalid="ignore"):
        return spread(infused - last, "vein_to_vein")


def died_by(history: History, days: Floats) -> Bools:
    """Return (patients,) who is known to have died on or before a day of their own."""
    with np.errstate(invalid="ignore"):
        return np.asarray(first_day(history, parse_term("death")) <= days)
