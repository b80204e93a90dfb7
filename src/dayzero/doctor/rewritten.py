"""The same history without some patients, or with the undated events of some rows dated."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.history import History
from dayzero.io.tables import end_of_follow_up

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Bound = Literal["earliest", "latest"]
Possible = Mapping[int, tuple[float, float]]

ENDS: Final = ("death", "last_contact")


def without(history: History, patients: Bools) -> History:
    """Return the history with no end of follow-up of some patients (patients,): no endpoint counts them."""
    return replace(history, end=np.where(patients, np.nan, history.end))


def followed(history: History, patients: Bools, bound: Bound) -> History:
    """Return the history with the follow-up of some patients to their last event, or to the last day of the data."""
    _, last, newest = _extent(history, history.events)
    end = np.where(np.isnan(last), np.nan, newest) if bound == "latest" else last
    return replace(history, end=np.where(patients, end, history.end))


def as_reported(history: History, rows: Sequence[int]) -> History:
    """Return the history in which reported events count in place of derived ones: the nearest of the same name.

    Parameters
    ----------
    history
        What happened, with derived events.
    rows
        Rows of the events table; those that no derived event replaced count already.
    """
    keyed = history.events.with_row_index("at")
    said = keyed.filter(pl.col("row").is_in(list(rows)) & (pl.col("source") == "reported")).drop_nulls("day")
    own = keyed.filter(pl.col("source") == "derived").select("patient", "event", pl.col("day").alias("on"), "at")
    pairs = said.filter(pl.col("row").is_in(list(history.superseded))).join(own, on=["patient", "event"])
    nearest = pairs.sort((pl.col("day") - pl.col("on")).abs(), maintain_order=True).unique("row", keep="first")
    events = keyed.filter(~pl.col("at").is_in(nearest["at_right"].to_list())).drop("at")
    return replace(history, events=events, superseded=history.superseded - set(nearest["row"].to_list()))


def dated(history: History, rows: Sequence[int], bound: Bound, possible: Possible) -> History:
    """Return the history with some events on the first or the last day that they can have had.

    Parameters
    ----------
    history
        What happened.
    rows
        Rows of the events table; a date that stands there is not believed.
    bound
        Which of the two.
    possible
        By row, the first and the last day, where they are known. Any other event lies between the patient's first
        event and the end of follow-up; a death or last contact between the last event and the cutoff, or else the
        last day of the data.
    """
    chosen = history.events["row"].is_in(list(rows))
    undated = history.events.with_columns(pl.when(chosen).then(None).otherwise(pl.col("day")).alias("day"))
    bounds = _bounds(history, undated, undated.filter(chosen), bound)
    known = {row: days[0 if bound == "earliest" else 1] for row, days in possible.items()}
    at = undated["row"].filter(chosen).to_list()
    filled = undated["day"].to_numpy().copy()
    filled[chosen.to_numpy()] = [known.get(row, day) for row, day in zip(at, bounds.tolist(), strict=True)]
    events = undated.with_columns(pl.Series("day", filled).fill_nan(None))
    end = end_of_follow_up(events, len(history), history.cutoff)
    if history.cutoff is not None:
        events = events.filter(pl.col("day").is_null() | (pl.col("day") <= history.cutoff))
    return replace(history, events=events, end=end)


def _bounds(history: History, events: pl.DataFrame, rows: pl.DataFrame, bound: Bound) -> Floats:
    """Return (rows,) the first or the last day on which each event can have been, NaN where nothing bounds it."""
    patient = rows["patient"].to_numpy()
    is_end = rows["event"].cast(pl.String).is_in(ENDS).to_numpy()
    first, last, newest = _extent(history, events)
    believed = end_of_follow_up(events, len(history), history.cutoff)
    end = np.where(np.isfinite(believed), believed, last)
    if bound == "earliest":
        return np.asarray(np.where(is_end, last[patient], first[patient]))
    return np.asarray(np.where(is_end, newest, end[patient]))


def _extent(history: History, events: pl.DataFrame) -> tuple[Floats, Floats, float]:
    """Return (patients,) the first and the last dated event of each, NaN where none; and the last day of the data."""
    known = events.drop_nulls("day")
    patient, day = known["patient"].to_numpy(), known["day"].to_numpy()
    first, last = np.full(len(history), np.inf), np.full(len(history), -np.inf)
    np.minimum.at(first, patient, day)
    np.maximum.at(last, patient, day)
    newest = history.cutoff if history.cutoff is not None else float(day.max(initial=-np.inf))
    found = [np.where(np.isfinite(each), each, np.nan) for each in (first, last)]
    return found[0], found[1], newest
