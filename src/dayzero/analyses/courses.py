"""The analysis kind ``courses``: every patient from day zero on, and which courses came in which sequence."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.courses_counts import count_courses, count_sequences
from dayzero.analyses.courses_states import remission_term
from dayzero.analyses.courses_tracks import Tracks, tracks
from dayzero.analyses.denominators import tally
from dayzero.checks import columns_known_later
from dayzero.endpoints import first_day
from dayzero.errors import InputError
from dayzero.estimate import concat
from dayzero.history import History
from dayzero.protocol import Endpoint, listed, parse_term, term_words
from dayzero.report.page import Section

NO_POSTBASELINE_GROUPS: Final = (
    "Who had a second infusion or a transplant is known only after day zero. Such groups are described here and never "
    'compared: whoever is in one has lived long enough to be (use kind = "strategy").'
)
_LONGEST: Final = 36_525  # days
_LOST: Final = {"dli": "DLI", "hsct": "transplant"}


@dataclass(frozen=True)
class CoursesSettings:
    """Settings of a swimmer plot and the table of courses.

    Attributes
    ----------
    origin
        The term of day zero; empty: the protocol's.
    sort
        Order of the bars: the longest follow-up first, the earliest first infusion first, or by ``group`` (and the
        longest first within each).
    by
        Baseline column: bars stand in blocks by its levels.
    from_day, to_day
        Days from day zero where the figure begins and ends; without ``to_day`` with the longest follow-up.
    """

    origin: str = ""
    sort: Literal["follow_up", "first_infusion", "group"] = "follow_up"
    by: str = ""
    from_day: float = 0.0
    to_day: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no term, a figure that does not hold day zero, and groups without a column."""
        parse_term(self.origin or "infusion:1")
        if not -_LONGEST <= self.from_day <= 0:
            fault = "a figure that begins after day zero, or a century before it"
            raise InputError(fault, mend="Write from_day = -90.", column="from_day")
        if self.to_day is not None and not 1 <= self.to_day <= _LONGEST:
            fault = "a figure that ends on day zero, or a century after it"
            raise InputError(fault, mend="Write to_day = 730.", column="to_day")
        if self.sort == "group" and not self.by:
            mend = 'Name a baseline column: by = "risk", or write sort = "follow_up".'
            raise InputError("bars by group without groups", mend=mend, column="sort")


def run_courses(settings: CoursesSettings, context: Context) -> Section:
    """Lay out the track of every patient, and count courses and sequences of courses."""
    history, definitions = context.history, context.protocol.definitions
    term = settings.origin or definitions.day_zero
    origin = first_day(history, parse_term(term))
    origin = np.where(history.end < origin, np.nan, origin)
    if not np.isfinite(origin).any():
        mend = "Correct the origin, or the events."
        raise InputError(f"no patient has a dated {term}", mend=mend, column="origin")
    groups = _groups(settings, context, term)
    found = tracks(history, definitions, origin=origin, from_day=settings.from_day)
    n = int(np.isfinite(origin).sum())
    ends = found.bars["end"].value_counts().sort("count", "end", descending=[True, False])
    counts = [
        tally(n, "patients", of=len(history)),
        *([tally(len(history) - n, "without day zero", of=len(history))] if n < len(history) else []),
        *(tally(k, word, of=n) for word, k in ends.iter_rows()),
        *(tally(k, f"undated {name}", of=k) for name, k in found.undated.items()),
    ]
    return Section(
        kind="courses",
        title="The course of each patient",
        estimates=concat([*counts, count_courses(history, origin), count_sequences(history, origin)]),
        patients=_rows(history, found, groups=groups, sort=settings.sort),
        definition=_definition(context, term),
        notes=(NO_POSTBASELINE_GROUPS, *_notes(found, n, settings)),
        settings={
            "origin": term, "sort": settings.sort, "by": settings.by, "from_day": settings.from_day,
            "to_day": settings.to_day,
        },
    )  # fmt: skip


def _groups(settings: CoursesSettings, context: Context, term: str) -> pl.Series:
    """Return (patients,) the level of each patient; null where there are no groups, or a patient has no level."""
    history = context.history
    if not settings.by:
        return pl.Series([None] * len(history), dtype=pl.String)
    endpoint = Endpoint(name="courses", origin=term, events=("death",))
    refused = {"courses": columns_known_later(history, context.protocol, (endpoint,))}
    column = replace(context, refused=refused).baseline(settings.by, "by", endpoint)
    if column.dtype != pl.String and column.n_unique() > 12:
        mend = "Name a column with few levels, or make classes of it in the table."
        raise InputError(f"the column {settings.by!r} is a number with many values", mend=mend, column="by")
    text = column if column.dtype == pl.String else column.map_elements(lambda x: f"{x:g}", return_dtype=pl.String)
    return text.fill_null("not known")


def _rows(history: History, found: Tracks, *, groups: pl.Series, sort: str) -> pl.DataFrame:
    """Return a row a bar, a state and a mark, in the order in which they are drawn."""
    label = history.patients["patient"].cast(pl.String)
    known = pl.DataFrame({"patient": range(len(history)), "label": label, "group": groups},
                         schema_overrides={"patient": pl.Int64})  # fmt: skip
    first = history.named("infusion", ()).group_by("patient").agg(pl.col("day").min().alias("infused"))
    bars = found.bars.join(known, on="patient").join(first, on="patient", how="left")
    keys = ["group", "infused", "stop"] if sort == "first_infusion" else ["group", "stop"]
    down = [key == "stop" for key in keys]
    ordered = bars.sort([*keys, "label"], descending=[*down, False], nulls_last=True, maintain_order=True)
    placed = ordered.with_row_index("place").select("patient", "label", "group", pl.col("place").cast(pl.Int64))
    blank, no = pl.lit(""), pl.lit(None, pl.Float64)
    columns = ("patient", "item", "name", "start", "stop", "detail")
    parts = [
        bars.select("patient", pl.lit("bar").alias("item"), pl.col("end").alias("name"), "start", "stop",
                    blank.alias("detail")),
        found.segments.select("patient", pl.lit("state").alias("item"), "name", "start", "stop", blank.alias("detail")),
        found.marks.select("patient", pl.lit("mark").alias("item"), "name", "start", no.alias("stop"), "detail"),
    ]  # fmt: skip
    every = pl.concat([part.select(columns) for part in parts]).join(placed, on="patient").drop("patient")
    item = pl.col("item").replace_strict({"bar": 0, "state": 1, "mark": 2}, return_dtype=pl.Int64).alias("kind")
    told = every.with_columns(item).sort("place", "kind", "start", "name", maintain_order=True)
    return told.select(pl.col("label").alias("patient"), "group", "place", *columns[1:])


def _definition(context: Context, term: str) -> str:
    remission = term_words(remission_term(context.protocol.definitions)).removeprefix("response ")
    return (
        f"One bar a patient, from the {_first(term)} to death or last contact. In remission: {remission}, until "
        "relapse or progression. MRD-negative: from a negative sample until one that is not. What was relapse before "
        "day zero is ‘before response’ from then on."
    )


def _first(term: str) -> str:
    words = term_words(term)
    return words if parse_term(term).number else f"first {words}"


def _notes(found: Tracks, n: int, settings: CoursesSettings) -> tuple[str, ...]:
    said = []
    if found.undated:
        counts = [f"{_LOST.get(name, name)} ({number})" for name, number in found.undated.items()]
        said.append(f"Events without a date are left out: {listed(counts)}.")
    if found.late:
        said.append(f"Events after the end of their patient’s follow-up are left out: {found.late}.")
    beyond = found.bars.filter(pl.col("stop") > (settings.to_day or np.inf)).height
    if beyond:
        said.append(f"The figure ends on day {settings.to_day:g}; {beyond} of {n} patients are followed beyond it.")
    return tuple(said)
