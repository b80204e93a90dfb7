"""Effects that change with time: rows are split so that a function of time is constant within each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from dayzero.errors import InputError
from dayzero.estimators.terms.language import parse_terms
from dayzero.spells import CENSORED, Floats, Spells, split

MOST_ROWS: Final = 5_000_000


def split_time_effects(spells: Spells, terms: Sequence[str], event: str | None = None) -> Spells:
    """Split the rows for the functions of time among a model's terms, which become columns: ``log(t)``, ``after(90)``.

    A step after a day needs one cut. Functions that change all the time, ``t`` and ``log(t)``, are needed at the event
    times alone: rows are split there, and have the function's value at their end (Therneau and Grambsch 2000, 3.7).

    Parameters
    ----------
    spells
        The table.
    terms
        Terms of a model.
    event
        Name of the state whose hazard is modelled; by default the table's second.

    Raises
    ------
    InputError
        ``log(t)`` with an event on day 0, or so many events and patients that rows would run into millions.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = split_time_effects(make_spells([2, 4], [1, 1], tx=[0, 1]), ["tx", "tx:t"])
    >>> spells.stop.tolist(), spells.columns["t"].tolist()
    ([2.0, 2.0, 4.0], [2.0, 2.0, 4.0])
    """
    known = {*spells.columns, *spells.patients.columns}
    factors = [factor for term in parse_terms(terms, known) for factor in term.factors]
    names = [f.column for f in dict.fromkeys(factors) if f.is_time and f.column not in known]
    for name in names:
        if name.startswith("after("):
            day = float(name[6:-1])
            spells = split(spells, np.full(spells.patients.height, day), name=name)
    smooth = [name for name in names if not name.startswith("after(")]
    days = np.unique(spells.stop[spells.event(event)])
    if not smooth or not len(days):
        return spells
    spells = _split_at(spells, days)
    ending = days[np.minimum(np.searchsorted(days, spells.stop), len(days) - 1)]  # after the last event: never used
    return replace(spells, columns={**spells.columns, **{name: _values(name, ending) for name in smooth}})


def _values(name: str, days: Floats) -> Floats:
    if name == "t":
        return days
    shifted = days + float(name[6:-1] or 0.0)
    if not bool(np.all(shifted > 0.0)):
        raise InputError("an event on day 0 has no logarithm", mend="Write log(t+1).", column="terms")
    return np.log(shifted)


def _split_at(spells: Spells, days: Floats) -> Spells:
    """Split every row at the days within it; the pieces of a row stand next to each other."""
    first = np.searchsorted(days, spells.start, side="right")
    inside = np.maximum(np.searchsorted(days, spells.stop, side="left") - first, 0)
    if int(inside.sum()) > MOST_ROWS:
        mend = "Use a step instead, for example tx:after(90)."
        raise InputError("too many patients and events for an effect that changes all the time", mend=mend)
    index = np.repeat(np.arange(len(spells)), 1 + inside)
    place = np.arange(len(index)) - np.repeat(np.cumsum(1 + inside) - 1 - inside, 1 + inside)
    taken = spells.where(index)  # type: ignore[arg-type]
    next_day = np.minimum(first[index] + place, len(days) - 1)
    last = place == inside[index]
    return replace(
        taken,
        start=np.where(place == 0, taken.start, days[next_day - 1]),
        stop=np.where(last, taken.stop, days[next_day]),
        to=np.where(last, taken.to, CENSORED),
    )
