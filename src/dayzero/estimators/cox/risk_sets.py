"""Risk sets: the rows of a Cox model, sorted once so that every sum over a risk set is a running sum.

The distinct event times of all strata stand in one line, stratum after stratum, and are numbered from 0. A row is at
risk at the event times ``lower <= k < upper``: those of its own stratum in (start, stop] (convention 2). Rows are
sorted by ``upper``, so that the sum over the rows that leave at one event time is a sum over neighbours.

The weights of some rows may change with time, being sums of a few products of a function of the row and one of time:
the sum over a risk set is then the running sum over the other rows, and running sums over these, each times a function
of time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dayzero.estimators.changing_weights import Changing
from dayzero.estimators.cox.blocks import Blocks, form_blocks, run_lengths, run_starts
from dayzero.estimators.cox.scaled import Scaled, Tail
from dayzero.spells import Bools, Floats, Ints

SHORT: Final = 5  # with fewer rows an event time than this, running sums over rows are faster than over times
RADIX: Final = 65536  # whole times in a range smaller than this are sorted by radix
Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Observations:
    """What a Cox model sees of a table: one entry a row.

    Attributes
    ----------
    start, stop
        (rows,) at risk in (start, stop].
    event
        (rows,) whether the row ends in the event.
    stratum
        (rows,) code of the stratum.
    """

    start: Floats
    stop: Floats
    event: Bools
    stratum: Ints


@dataclass(frozen=True)
class RiskSets:
    """Rows that are at risk at some event time, sorted by the last event time at which they are.

    Attributes
    ----------
    row
        (n,) index of each sorted row in the table that it was made from.
    lower, upper
        (n,) at risk at the event times lower <= k < upper.
    leave
        (times,) position of the first row that leaves at each event time; there is always one, the event's.
    entries, entry_starts, entered
        Rows that enter after their stratum's first event time, sorted by ``lower``; where each run of equal ``lower``
        starts; the last event time before each run.
    events, event_starts
        (events,) positions of the rows that end in the event; (times,) where each event time's run starts.
    time, stratum
        (times,) the event times and the codes of their strata.
    rows_of, times_of
        The rows of each stratum, and its event times.
    scaled
        The rows whose weights change with time, similar ones together.
    """

    row: Ints
    lower: Ints
    upper: Ints
    leave: Ints
    entries: Ints
    entry_starts: Ints
    entered: Ints
    events: Ints
    event_starts: Ints
    time: Floats
    stratum: Ints
    rows_of: Blocks
    times_of: Blocks
    scaled: tuple[Scaled, ...] = ()

    @property
    def times(self) -> int:
        """Number of event times, over all strata."""
        return len(self.time)

    @property
    def deaths(self) -> Ints:
        """(times,) number of rows that end in the event at each event time."""
        return run_lengths(self.event_starts, len(self.events))

    def sum(self, values: Floats) -> Floats:
        """Sum values over each risk set.

        Parameters
        ----------
        values
            (..., n) in the order of the sorted rows.

        Returns
        -------
        Floats
            (..., times)
        """
        if not self.scaled:
            return self._sum(values)
        others = values.copy()
        for part in self.scaled:
            others[..., part.change.rows] = 0.0
        return self._sum(others) + sum(part.sum(values) for part in self.scaled)

    def _sum(self, values: Floats) -> Floats:
        """Sum (..., n) values over each risk set, each row counting the same at all event times."""
        late = len(self.entries) > 0
        if len(self.times_of.starts) == 1 and self.times > values.shape[-1] // SHORT:
            sums = self.rows_of.from_on(values)[..., self.leave]
            return sums - self.times_of.from_on(self._entering(values)) if late else sums
        change = np.add.reduceat(values, self.leave, axis=-1)
        return self.times_of.from_on(change - self._entering(values) if late else change)

    def _entering(self, values: Floats) -> Floats:
        """Sum (..., n) values over the rows that enter after each event time and before the next: (..., times)."""
        sums = np.zeros((*values.shape[:-1], self.times))
        sums[..., self.entered] = np.add.reduceat(values[..., self.entries], self.entry_starts, axis=-1)
        return sums

    def over_rows(self, increments: Floats) -> Floats:
        """Sum (..., times) increments over the event times at which each row is at risk: (..., n)."""
        running = self.times_of.up_to(increments)
        sums = running[..., self.upper - 1]
        if len(self.entries):
            sums[..., self.entries] -= running[..., self.lower[self.entries] - 1]
        for part in self.scaled:
            rows, late = part.change.rows, part.entering.chosen
            sums[..., rows] = 0.0
            for some, running in self._scaled(part, increments):
                change = running[..., self.upper[rows] - 1]
                change[..., late] -= running[..., self.lower[rows[late]] - 1]
                sums[..., rows] += np.einsum("...mr,mr->...r", change, part.change.basis[some])
        return sums

    def before_entries(self, increments: Floats) -> Floats:
        """Sum (..., times) increments over the event times before the entry of each of ``entries``."""
        before = self.lower[self.entries] - 1
        sums = self.times_of.up_to(increments)[..., before]
        for part in self.scaled:
            sums[..., part.entries] = 0.0
            for some, running in self._scaled(part, increments):
                shares = part.change.basis[some, part.entering.chosen]
                sums[..., part.entries] += np.einsum("...mr,mr->...r", running[..., before[part.entries]], shares)
        return sums

    def _scaled(self, part: Scaled, increments: Floats) -> Iterator[tuple[slice, Floats]]:
        """Yield the running sums (..., m, times) of increments times some of the functions of time of a part."""
        for some in part.change.pieces(increments.size + len(part.change.rows)):
            yield some, self.times_of.up_to(increments[..., None, :] * part.change.factor[some])


def scale_rows(sets: RiskSets, changes: Sequence[Changing]) -> RiskSets:
    """Let the weights of rows, given by their positions among the sorted ones, change with time."""
    return replace(sets, scaled=tuple(_scale(sets, change) for change in changes))


def _scale(sets: RiskSets, change: Changing) -> Scaled:
    place = np.full(len(sets.row), -1)
    place[change.rows] = np.arange(len(change.rows))
    late = place[sets.entries]
    chosen = late[late >= 0]
    return Scaled(
        change=change,
        leaving=_tail(sets, np.arange(len(change.rows)), change.rows, sets.upper),
        entering=_tail(sets, chosen, change.rows[chosen], sets.lower),
        entries=np.flatnonzero(late >= 0),
    )


def _tail(sets: RiskSets, chosen: Ints, rows: Ints, bound: Ints) -> Tail:
    """Order rows, which are in the order of a bound of their event times."""
    stratum = sets.stratum[sets.upper[rows] - 1]
    place = np.searchsorted(bound[rows], np.arange(sets.times), side="right")
    found = np.append(stratum, -1)[place] == sets.stratum
    return Tail(chosen, form_blocks(stratum), np.where(found, place, len(rows)))


def form_risk_sets(seen: Observations) -> RiskSets:
    """Sort the rows, number the event times, and drop the rows that are never at risk at one."""
    one = not len(seen.stratum) or bool(np.all(seen.stratum == seen.stratum[0]))
    order = _order(seen.stop) if one else np.lexsort((seen.stop, seen.stratum))
    stop, event, stratum = seen.stop[order], seen.event[order], seen.stratum[order]
    upper, time, time_stratum = _number_times(stop, event, stratum)
    start = seen.start[order]
    base = np.searchsorted(time_stratum, stratum, side="left") if not one else np.zeros(len(order), np.int64)
    lower = _count_before(start, stratum, base=base, time=time, time_stratum=time_stratum)
    used = lower < upper
    if not bool(used.all()):
        order, upper, lower, base = order[used], upper[used], lower[used], base[used]
        event, stratum = event[used], stratum[used]
    return _index(order, (lower, upper, base), event=event, stratum=stratum, time=(time, time_stratum))


def _order(values: Numbers) -> Ints:
    """Return the order of times or codes, faster where they are whole numbers close together."""
    if not len(values):
        return np.zeros(0, np.int64)
    low = values.min()
    if values.max() - low < RADIX and bool(np.all(np.floor(values) == values)):
        return np.argsort((values - low).astype(np.uint16), kind="stable")
    return np.argsort(values)


def _number_times(stop: Floats, event: Bools, stratum: Ints) -> tuple[Ints, Floats, Ints]:
    """Return how many event times lie at or before each sorted row, the event times and their strata."""
    if not len(stop):
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)
    new = np.concatenate(([True], (stop[1:] != stop[:-1]) | (stratum[1:] != stratum[:-1])))
    first = np.flatnonzero(new)
    eventful = np.logical_or.reduceat(event, first)
    upper = np.repeat(np.cumsum(eventful), run_lengths(first, len(stop)))
    return upper, stop[first[eventful]], stratum[first[eventful]]


def _count_before(start: Floats, stratum: Ints, *, base: Ints, time: Floats, time_stratum: Ints) -> Ints:
    """Return the number of event times of earlier strata, and of the own one at or before each row's start."""
    late = np.flatnonzero(start >= time.min(initial=np.inf))
    if not len(late):
        return base
    late = late[_order(start[late])]  # a sorted search stays in the processor's cache
    distinct = np.unique(time)
    rank = np.searchsorted(distinct, start[late], side="right")
    keys = time_stratum * (len(distinct) + 1) + np.searchsorted(distinct, time, side="right")
    lower = base.copy()
    lower[late] = np.searchsorted(keys, stratum[late] * (len(distinct) + 1) + rank, side="right")
    return lower


def _index(
    row: Ints, bounds: tuple[Ints, Ints, Ints], *, event: Bools, stratum: Ints, time: tuple[Floats, Ints]
) -> RiskSets:
    lower, upper, base = bounds
    late = np.flatnonzero(lower > base)
    entries = late[_order(lower[late])]
    entry_starts = run_starts(lower[entries])
    events = np.flatnonzero(event)
    return RiskSets(
        row=row,
        lower=lower,
        upper=upper,
        leave=run_starts(upper),
        entries=entries,
        entry_starts=entry_starts,
        entered=lower[entries[entry_starts]] - 1,
        events=events,
        event_starts=run_starts(upper[events]),
        time=time[0],
        stratum=time[1],
        rows_of=form_blocks(stratum),
        times_of=form_blocks(time[1]),
    )
