"""The first event that a term names, patient by patient: its day, its row, what was written beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.endpoints.events import occurrences
from dayzero.history import History
from dayzero.protocol import Term

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Given:
    """One event of each patient.

    Attributes
    ----------
    day
        (patients,) +inf where there is none, NaN where such an event is undated.
    row
        (patients,) its row in the events file; 0 where there is none.
    cells
        (patients,) rows of ``patient`` and the columns that were asked for, as text; null where there is none.
    """

    day: Floats
    row: Ints
    cells: pl.DataFrame

    @property
    def dated(self) -> Bools:
        """(patients,) whether it was given on a known day."""
        return np.isfinite(self.day)

    def texts(self, column: str) -> pl.Series:
        """Return (patients,) the cells of a column without blanks around them; null where empty."""
        cells = self.cells[column].cast(pl.String).str.strip_chars()
        return cells.set(cells == "", None)


def first_given(history: History, term: Term, since: Floats, columns: Sequence[str] = ()) -> Given:
    """Return each patient's first event of a term on or after a day of their own.

    Parameters
    ----------
    history, term
        What happened, and the event.
    since
        (patients,) earlier events do not count.
    columns
        Attribute columns; those that the events do not have are left out of ``cells``.
    """
    found = occurrences(history, term, columns)
    kept = [name for name in columns if name in found.rows.columns]
    late = found.rows.filter(pl.Series(found.day >= since[found.patient], dtype=pl.Boolean))
    first = late.sort("patient", "day", "row", maintain_order=True).unique("patient", keep="first", maintain_order=True)
    everybody = pl.DataFrame({"patient": np.arange(len(history))}, schema={"patient": pl.Int64})
    rows = everybody.join(first.select("patient", "day", "row", *kept), on="patient", how="left", maintain_order="left")
    day = rows["day"].fill_null(np.inf).to_numpy()
    row = rows["row"].fill_null(0).to_numpy()
    undated = found.undated | _uncounted(history, term)
    return Given(np.where(undated, np.nan, day), row, rows.select("patient", *kept))


def _uncounted(history: History, term: Term) -> Bools:
    """Return (patients,) whose second event may be their first: one of that name has neither a day nor a number."""
    found = np.zeros(len(history), bool)
    if term.number is not None:
        rows = history.named(term.name, ("number",)).filter(pl.col("day").is_null() & pl.col("number").is_null())
        found[rows["patient"].to_numpy()] = True
    return found


def earlier_choice(first: Given, second: Given) -> Given:
    """Return the first where a patient has it, or it is undated, and the second otherwise."""
    here = ~np.isposinf(first.day)
    cells = pl.concat([first.cells, second.cells])
    places = np.arange(len(here)) + np.where(here, 0, len(here))
    return Given(np.where(here, first.day, second.day), np.where(here, first.row, second.row), cells[places])


def up_to(given: Given, end: Floats) -> Given:
    """Return the events before a day of each patient; one on that day, or after it, is none.

    Where that day is not known (NaN), nobody knows of the event either.
    """
    with np.errstate(invalid="ignore"):
        late = given.day >= end
    unsure = np.isnan(end) & given.dated
    cells = given.cells.with_columns(
        pl.when(pl.Series(late)).then(None).otherwise(pl.col(name)).alias(name)
        for name in given.cells.columns
        if name != "patient"
    )
    return Given(np.select([late, unsure], [np.inf, np.nan], given.day), np.where(late, 0, given.row), cells)
