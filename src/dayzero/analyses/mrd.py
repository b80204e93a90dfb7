"""The analysis kind ``mrd``: MRD patient by patient, its rate at each visit, who was looked at, how long it lasted."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.courses_states import disease_states
from dayzero.analyses.denominators import spread, tally
from dayzero.analyses.mrd_samples import CourseMrd, methods_of, mrd_of
from dayzero.analyses.mrd_visits import Visit, visit_counts, visit_rates, visits_of
from dayzero.errors import Finding, InputError
from dayzero.estimate import Estimate, concat
from dayzero.history import History
from dayzero.protocol import course_words, listed
from dayzero.report.mrd_strip import method_name
from dayzero.report.page import Section

FIRST_SHOWN: Final = "first shown negative"


@dataclass(frozen=True)
class MrdSettings:
    """Settings of a page on MRD.

    Attributes
    ----------
    course
        After which kind of course: ``infusion`` or ``hsct``.
    number
        Its number.
    method
        Only samples by this method; empty: all.
    level
        Of the exact limits.
    """

    course: Literal["infusion", "hsct"] = "infusion"
    number: int = 1
    method: str = ""
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse numbers that are none."""
        if self.number < 1:
            raise InputError("no number of a course", mend="Write number = 1.", column="number")
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")


def run_mrd(settings: MrdSettings, context: Context) -> Section:
    """Return MRD after one course: the strip, rates at each visit, adherence, time to and duration of negativity."""
    history, definitions = context.history, context.protocol.definitions
    _known_method(settings.method, history)
    found = mrd_of(
        history, kind=settings.course, number=settings.number, threshold=definitions.mrd_threshold,
        method=settings.method,
    )  # fmt: skip
    which = course_words(settings.course, settings.number)
    if not found.courses.height:
        raise InputError(f"nobody has a dated {which}", mend="Correct the number, or the dates.", column="number")
    if not found.samples.height:
        mend = "Add a table mrd, or events mrd with the value negative or positive."
        raise InputError(f"nobody has an MRD sample after the {which}", mend=mend, column="course")
    origin = np.full(len(history), np.nan)
    origin[found.courses["patient"].to_numpy()] = found.courses["course_day"].to_numpy()
    visits = visits_of(found, disease_states(history, definitions, origin=origin))
    assay = _assay(found)
    rates = [
        rows for visit in visits for rows in (visit_rates(visit, settings.level), visit_counts(visit, settings.level))
    ]
    return Section(
        kind="mrd",
        title=f"MRD after the {which}",
        estimates=concat([_size(found), *rates, negativity(found)]),
        patients=_rows(history, found),
        definition=f"{_capital(assay)}. Only patients who had the {which}; samples after relapse, progression or a "
        "further course are left out.",
        notes=_notes(found, visits),
        findings=_findings(found, settings),
        settings={"course": settings.course, "number": settings.number, "method": settings.method,
                  "level": settings.level, "assay": assay},
    )  # fmt: skip


def _known_method(method: str, history: History) -> None:
    known = methods_of(history)
    if method and method not in known:
        mend = f"There are {', '.join(known)}." if known else "No sample states its method."
        raise InputError(f"no sample by the method {method!r}", mend=mend, column="method")


def _assay(found: CourseMrd) -> str:
    """Name methods and thresholds, as they stand in headings."""
    names = [method_name(name) for name in found.methods]
    by = f"MRD by {listed(names)}"
    if found.thresholds:
        limits = listed([f"{100 * limit:g}\u00a0%" for limit in found.thresholds])
        return f"{by}, positive from {limits} of cells" + (", or as reported" if found.reported else "")
    return f"{by}, negative or positive as reported"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _size(found: CourseMrd) -> Estimate:
    n = found.courses.height
    sampled = found.samples["patient"].n_unique()
    return concat([tally(n, "infused", of=n), tally(sampled, "sampled", of=n)])


def negativity(found: CourseMrd) -> Estimate:
    """Return time to and duration of negativity, each as the ends of its bracket, and what ended it.

    Negative before the course, a patient cannot become so, and is counted apart. Medians are over those in whom it was
    shown (lost): they are no estimates for everybody.
    """
    rows, n = found.negativity, found.courses.height
    shown = rows.filter(pl.col("first_negative").is_not_null())
    before = (pl.col("baseline") == "negative").fill_null(value=False)
    fresh = shown.filter(~before)
    opens = pl.coalesce("last_positive_before", "course_day") - pl.col("course_day")
    lost = shown.filter(pl.col("lost_day").is_not_null())
    kept = shown.filter(pl.col("lost_day").is_null())
    ended = (
        kept.drop_nulls("competing")["competing"].value_counts().sort("count", "competing", descending=[True, False])
    )
    return concat([
        tally(rows.filter(before).height, "negative before", of=n),
        tally(fresh.height, FIRST_SHOWN, of=n),
        spread((fresh["first_negative"] - fresh["course_day"]).to_numpy(), FIRST_SHOWN),
        spread(fresh.select(opens.alias("opens"))["opens"].to_numpy(), "not yet shown negative"),
        tally(shown.height, "ever negative", of=n),
        tally(lost.height, "lost", of=shown.height),
        spread(lost["duration_lower"].drop_nulls().to_numpy(), "duration at least"),
        spread(lost["duration_upper"].drop_nulls().to_numpy(), "duration at most"),
        *(tally(k, f"ended by {name}", of=shown.height) for name, k in ended.iter_rows()),
        tally(kept.filter(pl.col("competing").is_null()).height, "negative when last seen", of=shown.height),
    ])  # fmt: skip


def _rows(history: History, found: CourseMrd) -> pl.DataFrame:
    """Return a row a patient (``lane``: until when, and what ended it), a sample and a missed visit."""
    zero = found.courses.select("patient", "course_day")
    last = pl.min_horizontal("competing_day", "end") - pl.col("course_day")
    final = found.samples.group_by("patient").agg(pl.col("since").max().alias("last"))
    lanes = found.courses.join(final, on="patient", how="left").select(
        "patient", pl.lit("lane").alias("item"), pl.max_horizontal(last, "last", pl.lit(0.0)).alias("time"),
        pl.coalesce("competing", pl.when(pl.col("end").is_not_null()).then(pl.lit("follow_up")), pl.lit("unknown"))
        .alias("status"), pl.lit("").alias("method"),
    )  # fmt: skip
    samples = found.samples.select(
        "patient", pl.lit("sample").alias("item"), pl.col("since").alias("time"),
        pl.col("status").fill_null("uncertain"), pl.col("method").fill_null(""),
    )  # fmt: skip
    missed = found.visits.filter(pl.col("state") == "missed").join(zero, on="patient").select(
        "patient", pl.lit("missed").alias("item"), (pl.col("due") - pl.col("course_day")).alias("time"),
        pl.lit("missed").alias("status"), pl.lit("").alias("method"),
    )  # fmt: skip
    label = pl.DataFrame({"patient": range(len(history)), "label": history.patients["patient"].cast(pl.String)},
                         schema_overrides={"patient": pl.Int64})  # fmt: skip
    order = lanes.join(label, on="patient").sort(["time", "label"], descending=[True, False]).with_row_index("place")
    placed = order.select("patient", "label", pl.col("place").cast(pl.Int64))
    every = pl.concat([lanes, samples, missed]).join(placed, on="patient").sort("place", "item", "time", "method")
    return every.select(pl.col("label").alias("patient"), "place", "item", "time", "status", "method")


def _notes(found: CourseMrd, visits: tuple[Visit, ...]) -> tuple[str, ...]:
    said = ["Exact limits are those of Clopper and Pearson."]
    if any(visit.has("indeterminate").any() for visit in visits):
        said.append("Negative with insufficient sensitivity is never negative: it counts as no result.")
    said.append(
        "Visits may be kept late or early within their windows; negativity begins between two samples, on a day that "
        "nobody knows. A curve of it (endpoint mrd_negativity) takes the day on which it was first shown."
    )
    unsure = found.samples["status"].null_count()
    if unsure:
        said.append(f"Samples whose status is not certain are no result: {unsure}.")
    return tuple(said)


def _findings(found: CourseMrd, settings: MrdSettings) -> tuple[Finding, ...]:
    """Return what keeps rates from being of one kind: several methods, several thresholds, words alone."""
    result = []
    methods = [name for name in found.methods if name]
    if len(methods) > 1 and not settings.method:
        message = f"MRD by {listed([method_name(name) for name in methods])} is counted as one: they differ in depth."
        mend = f'Name one in the analysis: method = "{methods[0]}".'
        result.append(Finding("warning", "mrd-methods-mixed", message, mend))
    if found.reported:
        message = (
            "MRD is reported as a word or number without its limit of detection: nobody knows how deep negative is."
        )
        mend = "Add a table mrd with value, unit, method, lod (or cells)."
        result.append(Finding("note", "mrd-without-sensitivity", message, mend, table="events", rows=found.reported))
    return tuple(result)
