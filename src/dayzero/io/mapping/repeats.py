"""The same event in two places: equal, it counts once; on two dates, it is a finding."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from dayzero.io.mapping.events import PLACES
from dayzero.io.mapping.faults import Fault

ONCE: Final = ("diagnosis", "death")
"""Events that happen once by nature."""
_ISO: Final = r"^\d{4}-\d{2}-\d{2}"
_ANYWHERE: Final = frozenset({"last_contact", "response", "mrd"})
"""Events that sheets may well give different dates: every visit is one."""


def without_repeats(events: pl.DataFrame) -> tuple[pl.DataFrame, list[Fault]]:
    """Keep one row of each event that stands twice, and one of each event that happens once.

    Parameters
    ----------
    events
        As ``map_events`` gives them.

    Returns
    -------
    tuple
        The rows that count, a value or attribute that only the other row has filled in; and the faults.
    """
    when = "date" if "date" in events.columns else "day"
    faults: list[Fault] = []
    events = events.with_row_index("at")
    for find in (_equal, _compatible, _of_nature):
        events, found = find(events, when)
        faults += found
    faults += _on_two_dates(events, when)
    return events.drop("at"), faults


def _facts(events: pl.DataFrame, *but: str) -> list[str]:
    return [name for name in events.columns if name not in {"at", *PLACES, *but}]


def _equal(events: pl.DataFrame, when: str) -> tuple[pl.DataFrame, list[Fault]]:
    facts = _facts(events)
    first = pl.struct(facts).is_first_distinct()
    twice = events.filter(~first & pl.col(when).is_not_null())
    return events.filter(first | pl.col(when).is_null()), list(_faults("event-twice", twice))


def _compatible(events: pl.DataFrame, when: str) -> tuple[pl.DataFrame, list[Fault]]:
    """Join rows of different sheets about one event on one day that contradict each other in nothing."""
    key = ["patient", "event", when]
    facts = _facts(events, *key)
    each_sheet_once = (pl.len() > 1) & (pl.col("sheet").n_unique() == pl.len()) & pl.col(when).is_not_null().all()
    agree = pl.all_horizontal(pl.col(name).drop_nulls().n_unique() <= 1 for name in facts)
    joins = (each_sheet_once & agree).over(key)
    filled = [pl.col(name).drop_nulls().first().over(key).alias(name) for name in facts]
    same = events.filter(joins)
    if same.is_empty():
        return events, []
    joined = same.with_columns(filled).unique(key, keep="first", maintain_order=True)
    kept = pl.concat([events.filter(~joins), joined]).sort("at")
    return kept, list(_faults("event-twice", same.filter(~pl.col("at").is_in(joined["at"].implode()))))


def _of_nature(events: pl.DataFrame, when: str) -> tuple[pl.DataFrame, list[Fault]]:
    """Keep the first dated row of an event that happens once; other dates contradict it."""
    once = events.filter(pl.col("event").is_in(ONCE))
    if once.height == once.select("patient", "event").n_unique():
        return events, []
    full = pl.col(when).str.contains(_ISO) if when == "date" else pl.col(when).is_not_null()
    ranked = once.with_columns(full.fill_null(value=False).alias("full")).sort(
        "full", "at", descending=[True, False], maintain_order=True
    )
    key = ["patient", "event"]
    chosen = ranked.unique(key, keep="first", maintain_order=True)
    used = pl.col(when).first().over(key)
    agrees = pl.col(when).is_null() | used.str.starts_with(pl.col(when))
    other = ranked.filter((~agrees).any().over(key) & used.is_not_null())
    kept = events.filter(~pl.col("event").is_in(ONCE) | pl.col("at").is_in(chosen["at"].implode()))
    return kept, list(_faults("happens-once", other.sort("at")))


def _on_two_dates(events: pl.DataFrame, when: str) -> list[Fault]:
    """Find events of which each of two sheets knows one, on different days."""
    key = [name for name in ("patient", "event", "value", "number") if name in events.columns]
    dated = events.drop_nulls(when).filter(~pl.col("event").is_in([*_ANYWHERE, *ONCE]))
    claims = (pl.len() > 1) & (pl.col("sheet").n_unique() == pl.len())
    return list(_faults("event-on-two-dates", dated.filter(claims.over(key))))


def _faults(code: str, rows: pl.DataFrame) -> Iterator[Fault]:
    for (table, column, event), of in rows.group_by("table", "column", "event", maintain_order=True):
        yield Fault(code, str(table), str(column), tuple(of["row"]), str(event))
