"""Who responded after an infusion, who was assessed, who could respond at all: patient by patient."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from dayzero.analyses.denominators import died_by
from dayzero.endpoints import matching
from dayzero.grading.courses import courses, in_courses
from dayzero.history import History
from dayzero.protocol import Term
from dayzero.spells import Bools, Floats

MARROW: Final = ("bm", "marrow", "bone_marrow", "bone marrow")
OVERALL: Final = ("", "overall", "all")
EXTRAMEDULLARY: Final = ("emd", "extramedullary", "cns", "csf", "testis")
ORDER: Final = ("CR", "CRh", "CRi", "CR_ANY", "MLFS", "PR", "SD", "NR", "failure", "PD")
"""From the best response on; other words come after them."""
_ATTRIBUTES: Final = ("value", "row", "source", "site", "scale", "criteria")
_END: Final = ("relapse", "progression")


@dataclass(frozen=True)
class Window:
    """The time after one infusion in which its response is looked for.

    Attributes
    ----------
    number, by_day
        Of the infusion, and days from it.
    infused
        (patients,) its day, +inf where a patient has none.
    """

    number: int
    by_day: float
    infused: Floats

    @property
    def patients(self) -> Bools:
        """(patients,) who had the infusion."""
        return np.isfinite(self.infused)

    def within(self, rows: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
        """Return the rows after the infusion, on or before the day, and before the next course begins."""
        placed = in_courses(rows, opened, kinds=("infusion",), first_day=1)
        return placed.filter((pl.col("course") == self.number) & (pl.col("since") <= self.by_day))


@dataclass(frozen=True)
class Responses:
    """What is known of the response of every patient.

    Attributes
    ----------
    window
        After which infusion, and until when.
    rows
        Assessments of the whole patient in the window: ``patient``, ``day``, ``since``, ``value``, ``row``,
        ``scale``.
    marrow
        Assessments of the marrow alone: the same columns; they are no responses of the patient.
    assessed
        (patients,) whose response was assessed in the window, uncertain results included.
    in_cr
        (patients,) in remission before the infusion: they cannot show a response to it.
    died_early
        (patients,) who died in the window without an assessment: non-responders.
    extramedullary
        (patients,) who had disease outside the marrow.
    """

    window: Window
    rows: pl.DataFrame
    marrow: pl.DataFrame
    assessed: Bools
    in_cr: Bools
    died_early: Bools
    extramedullary: Bools

    @property
    def evaluable(self) -> Bools:
        """(patients,) infused while not in remission, and assessed."""
        return np.asarray(self.window.patients & self.assessed & ~self.in_cr)

    @property
    def marrow_apart(self) -> bool:
        """Whether the marrow was judged on its own: reported so, or there is disease outside it."""
        reported = "row" in self.marrow.columns and self.marrow["row"].is_not_null().any()
        return self.marrow.height > 0 and bool(reported or self.extramedullary.any())

    def responders(self, term: Term, *, marrow: bool = False) -> Bools:
        """Return (patients,) who had a response of the set in the window and were not in remission before.

        With ``marrow`` that of the marrow alone suffices: a response of the patient is one of the marrow, too.
        """
        found = mask(len(self.in_cr), self.rows.filter(counts(self.rows, term))["patient"])
        if marrow:
            found |= mask(len(self.in_cr), self.marrow.filter(counts(self.marrow, term))["patient"])
        return np.asarray(found & self.window.patients & ~self.in_cr)


def counts(rows: pl.DataFrame, term: Term) -> pl.Series:
    """Return whether the value of each assessment is one of the set's."""
    values = [value for condition in term.conditions if condition.column == "value" for value in condition.values]
    return rows["value"].is_in(values).fill_null(value=False)


def mask(n: int, patients: pl.Series) -> Bools:
    """Return (n,) which patients are named."""
    found = np.zeros(n, bool)
    found[patients.to_numpy()] = True
    return found


def infusion_days(history: History, number: int) -> Floats:
    """Return (patients,) the day of an infusion by its number, +inf where a patient has none."""
    opened = courses(history).filter((pl.col("kind") == "infusion") & (pl.col("course") == number))
    days = np.full(len(history), np.inf)
    days[opened["patient"].to_numpy()] = opened["day"].to_numpy()
    return days


def responses_of(history: History, term: Term, *, number: int, by_day: float) -> Responses:
    """Return what is known of the response to an infusion; ``term`` is the set that is a remission."""
    window, opened = Window(number, by_day, infusion_days(history, number)), courses(history)
    rows = _assessments(history, term)
    site = pl.col("site").fill_null("").str.strip_chars().str.to_lowercase()
    overall, marrow = rows.filter(site.is_in(OVERALL)), rows.filter(site.is_in(MARROW))
    after, after_marrow = window.within(overall, opened), window.within(marrow, opened)
    after_marrow = pl.concat([after_marrow, _derived_marrow(history, window, opened)], how="diagonal_relaxed")
    n = len(history)
    uncertain = window.within(_graded(history), opened)["patient"]
    assessed = mask(n, after["patient"]) | mask(n, uncertain)
    early = window.patients & ~assessed & died_by(history, window.infused + by_day)
    return Responses(
        window, after, after_marrow, assessed, _in_remission(history, overall, term, window), early,
        _extramedullary(history, rows, window),
    )  # fmt: skip


def _assessments(history: History, term: Term) -> pl.DataFrame:
    """Return the assessments that count, with every attribute of the term but without its values."""
    plain = tuple(condition for condition in term.conditions if condition.column != "value")
    rows = matching(history, replace(term, conditions=plain, number=None, after=None), _ATTRIBUTES)
    absent = [pl.lit(None, pl.String).alias(name) for name in ("site", "scale", "criteria") if name not in rows.columns]
    stated = (pl.col(name).str.strip_chars().replace({"": None}) for name in ("scale", "criteria"))
    scale = pl.coalesce(*stated).str.to_lowercase().str.replace_all(r"[\s_]+", "-").alias("scale")
    value = pl.col("value").cast(pl.String).str.strip_chars()
    return rows.with_columns(absent).with_columns(scale, value)


def _graded(history: History) -> pl.DataFrame:
    """Return patient and day of the assessments that were judged from tables, uncertain ones included."""
    frame = history.graded.get("response")
    return history.named("response", ()).head(0) if frame is None else frame.select("patient", "day")


def _derived_marrow(history: History, window: Window, opened: pl.DataFrame) -> pl.DataFrame:
    """Return the responses of the marrow alone that were judged from tables."""
    frame = history.graded.get("response")
    if frame is None or "marrow" not in frame.columns:
        return pl.DataFrame(schema={"patient": pl.Int64, "day": pl.Float64, "value": pl.String})
    value = pl.col("marrow").cast(pl.String).str.replace(r"^marrow\s+|\s+only$", "").str.replace(r"\s+only$", "")
    return window.within(frame.select("patient", "day", value.alias("value")).drop_nulls("value"), opened)


def _in_remission(history: History, overall: pl.DataFrame, term: Term, window: Window) -> Bools:
    """Return (patients,) whose last assessment on or before the infusion was a remission, without relapse since."""
    n, infused = len(history), window.infused
    dated = overall.drop_nulls("day").filter(pl.Series(_on_or_before(overall.drop_nulls("day"), infused)))
    last = dated.sort("day", "row", maintain_order=True).group_by("patient", maintain_order=True).last()
    remission = last.filter(counts(last, term))
    since = np.full(n, np.nan)
    since[remission["patient"].to_numpy()] = remission["day"].to_numpy()
    for event in _END:
        ended = history.named(event, ()).drop_nulls("day")
        patient, day = ended["patient"].to_numpy(), ended["day"].to_numpy()
        with np.errstate(invalid="ignore"):
            since[patient[(day >= since[patient]) & (day <= infused[patient])]] = np.nan
    found = np.isfinite(since) & window.patients
    best = history.graded.get("best_response")
    if best is not None and "in_cr_before" in best.columns:
        known = best.filter(pl.col("course") == window.number).drop_nulls("in_cr_before")
        found[known["patient"].to_numpy()] = known["in_cr_before"].to_numpy()
    return np.asarray(found)


def _on_or_before(rows: pl.DataFrame, days: Floats) -> Bools:
    bound = days[rows["patient"].to_numpy()]
    return np.asarray((rows["day"].to_numpy() <= bound) & np.isfinite(bound))


def _extramedullary(history: History, rows: pl.DataFrame, window: Window) -> Bools:
    """Return (patients,) with disease outside the marrow at an assessment at most a year before the infusion, or since.

    Reported: an assessment whose ``site`` is outside the marrow. Derived: an extramedullary status other than none,
    or a CNS status other than CNS1.
    """
    n = len(history)
    site = pl.col("site").fill_null("").str.strip_chars().str.to_lowercase()
    outside = [rows.filter(site.is_in(EXTRAMEDULLARY)).select("patient", "day")]
    frame = history.graded.get("response")
    if frame is not None:
        emd = pl.col("emd").cast(pl.String) if "emd" in frame.columns else pl.lit(None, pl.String)
        cns = pl.col("cns").cast(pl.String) if "cns" in frame.columns else pl.lit(None, pl.String)
        sick = emd.is_in(["cr", "cru", "pr", "sd", "pd", "CR", "CRu", "PR", "SD", "PD"]) | cns.str.contains("[23]")
        outside.append(frame.filter(sick.fill_null(value=False)).select("patient", "day"))
    days = pl.concat(outside).drop_nulls("day")
    since = days["day"].to_numpy() - window.infused[days["patient"].to_numpy()]
    near = days.filter(pl.Series((since >= -365) & (since <= window.by_day), dtype=pl.Boolean))
    return np.asarray(mask(n, near["patient"]) & window.patients)
