"""Paths written as an event history: millions of patients in seconds, for those who bring their own model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from dayzero.errors import InputError
from dayzero.simulate.paths import Paths


def event_history(paths: Paths, events: Sequence[str]) -> pl.DataFrame:
    """Return a row an event: ``patient`` (from 1), ``event``, ``day``.

    Parameters
    ----------
    paths
        As :func:`dayzero.simulate.simulate_paths` returns them.
    events
        (states,) the event that entering each state is. A path that the horizon cut ends with ``last_contact``; one
        that ended in a final state has its event alone.
    """
    names = (*events, "last_contact")
    words = pl.Series("event", names, pl.Enum(list(dict.fromkeys(names))))
    place = np.where(paths.to < 0, len(events), paths.to)
    return pl.DataFrame(
        {
            "patient": pl.Series(paths.patient, dtype=pl.Int64) + 1,
            "event": words.gather(pl.Series(place)),
            "day": paths.leave,
        }
    )


def write_event_history(paths: Paths, events: Sequence[str], file: Path) -> Path:
    """Write the event history to a ``.csv`` or ``.parquet`` file.

    Raises
    ------
    InputError
        Where the file's name ends otherwise.
    """
    frame = event_history(paths, events)
    if file.suffix == ".csv":
        frame.write_csv(file, float_precision=4)
    elif file.suffix == ".parquet":
        frame.write_parquet(file, compression="lz4", statistics=False)
    else:
        raise InputError("no format of an event history", mend="Name a .csv or a .parquet file.", file=file.name)
    return file
