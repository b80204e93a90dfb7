"""Tables made from rows of estimates: what is written in which cell, and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from dayzero.report.axis import time_axis
from dayzero.report.formats import (
    NONE,
    chi_squared,
    count,
    duration,
    interval,
    listed,
    moment,
    p_value,
    percent,
    plain,
    range_of_days,
    sentence_case,
)
from dayzero.report.labels import column_label, event_label, group_labels, in_sentence, origin_label, pair_label
from dayzero.report.page import Section

Rows = list[dict[str, Any]]
CURVES: Final = ("survival", "cumulative_incidence", "state_probability")
FEW: Final = 5  # a rate of fewer patients than this at risk says little (clinical rule book 7.1; Pocock 2002)
FEW_MARK: Final = "†"
TESTS: Final = {"logrank": "Log-rank", "gray": "Gray"}


@dataclass(frozen=True)
class Row:
    """One line of a table: its name, its cells, and whether it is indented; without cells it heads those below."""

    name: str
    cells: tuple[str, ...] = ()
    level: int = 0


@dataclass(frozen=True)
class Table:
    """A table ready to print.

    Attributes
    ----------
    caption
        What it shows.
    header
        Names of the columns, the first being that of the rows' names.
    rows
        The lines.
    note
        What must be known to read it, empty where nothing.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


def rows_of(section: Section, *statistics: str) -> Rows:
    """Return the section's estimates of the given statistics, in their order."""
    return section.estimates.rows.filter(pl.col("statistic").is_in(statistics)).to_dicts()


def duration_unit(section: Section) -> str:
    """Return the unit of lengths of time: days where the curves end within 100 days, months otherwise."""
    times = pl.concat([section.curves.rows["time"], section.estimates.rows["time"]]).drop_nulls()
    longest = times.max() if len(times) else None
    return "days" if isinstance(longest, float) and time_axis(longest).unit == "days" else "months"


def rates(section: Section) -> Table | None:
    """Rates at fixed times with their limits, the number at risk and the events so far."""
    found = rows_of(section, *CURVES)
    if not found:
        return None
    at_risk = {(row["group"], row["time"]): row["estimate"] for row in rows_of(section, "n_at_risk")}
    names = group_labels((row["group"] for row in found), section.by)
    header = (f"Time from {origin_label(section.endpoint)}", f"% ({section.confidence})", "At risk", "Events so far")
    lines: list[Row] = []
    for (term, group), block in _blocks(found).items():
        title = _block_title(section, term, group, names)
        lines += [Row(title)] if title else []
        lines += [_rate(row, at_risk.get((group, row["time"])), level=bool(title)) for row in block]
    return Table(f"{section.label} at fixed times", header, tuple(lines), _rates_note(lines))


def _rates_note(lines: Sequence[Row]) -> str:
    """Explain the marks that the table has."""
    text = " ".join(cell for line in lines for cell in line.cells[:1])
    bare = f"{NONE}: no limits exist where the estimate is 0 or 100 %, or nothing was observed so late."
    few = f"{FEW_MARK}: fewer than {FEW} patients at risk."
    shown = {bare: f"({NONE})" in text or text.endswith(NONE) or f"{NONE} " in text, few: FEW_MARK in text}
    return " ".join(note for note, needed in shown.items() if needed)


def _block_title(section: Section, term: str | None, group: str | None, names: Mapping[str | None, str]) -> str:
    event = event_label(term, section.endpoint) if term else ""
    who = names[group] if group or len(names) > 1 else ""
    return sentence_case(f"{event}: {who}" if event and who else event) or who


def _rate(row: dict[str, Any], at_risk: float | None, *, level: bool) -> Row:
    few = at_risk is not None and at_risk < FEW and row["estimate"] is not None
    value = percent(row["estimate"])
    limits = interval(row["lower"], row["upper"], percent)
    name = moment(row["time"])
    name = name if name.endswith(("day", "days")) else f"{name} (day {plain(row['time'])})"
    text = value if value == NONE else f"{value} ({limits}){FEW_MARK if few else ''}"
    cells = (text, count(at_risk), count(row["n_events"]))
    return Row(name, cells, int(level))


def medians(section: Section) -> Table | None:
    """Medians of time to the event with their limits, and patients and events a group."""
    found = rows_of(section, "median")
    if not found:
        return None
    unit = duration_unit(section)
    names = group_labels((row["group"] for row in found), section.by)
    header = (column_label(section.by) or "Population", "Patients", "Events", f"Median, {unit} ({section.confidence})")
    lines = tuple(Row(names[row["group"]], _median_cells(row, unit)) for row in found)
    return Table(f"Median {in_sentence(section.label)}", header, lines)


def _median_cells(row: dict[str, Any], unit: str) -> tuple[str, ...]:
    median = f"{duration(row['estimate'], unit)} ({range_of_days(row['lower'], row['upper'], unit)})"
    return count(row["n"]), count(row["n_events"]), median


def group_tests(section: Section) -> Table | None:
    """Log-rank and Gray's tests, of all groups and of pairs."""
    found = rows_of(section, *TESTS)
    if not found:
        return None
    lines = tuple(Row(_test_name(row, section), _test_cells(row, section)) for row in found)
    pairs = any(row["group"] for row in found)
    note = "Method of the pairwise p values: see the settings." if pairs else ""
    return Table("Tests between groups", ("Test", "Compared", "χ²", "df", "p"), lines, note)


def _test_name(row: dict[str, Any], section: Section) -> str:
    name = "Gray’s test" if row["statistic"] == "gray" else f"{sentence_case(row['method'] or 'log-rank')} test"
    return f"{name}, {event_label(row['term'], section.endpoint)}" if row["term"] else name


def _test_cells(row: dict[str, Any], section: Section) -> tuple[str, ...]:
    compared = pair_label(row["group"], section.by) if row["group"] else "all groups"
    return compared, chi_squared(row["estimate"]), count(row["df"]), p_value(row["p_value"])


def at_risk(section: Section) -> Table | None:
    """Patients at risk, events and censored patients at the ticks of the figure, for those who cannot see it."""
    rows = section.at_risk.rows
    if not rows.height:
        return None
    names = group_labels(rows["group"].unique(maintain_order=True), section.by)
    events = rows.filter(pl.col("statistic") == "n_events")["term"].unique(maintain_order=True).to_list()
    counted = {(r["group"], r["time"], r["statistic"], r["term"]): r["estimate"] for r in rows.to_dicts()}
    columns = [("n_at_risk", None), *(("n_events", event) for event in events), ("n_censored", None)]
    lines: list[Row] = []
    for group, name in names.items():
        times = rows.filter(pl.col("group").eq_missing(pl.lit(group)))["time"].unique(maintain_order=True)
        lines.append(Row(name))
        lines += [Row(plain(t), tuple(count(counted.get((group, t, *c))) for c in columns), 1) for t in times]
    named = (event_label(event, section.endpoint) or "events" for event in events)
    header = ("Day", "At risk", *map(sentence_case, named), "Censored")
    return Table("Numbers below the figure", header, tuple(lines), "Events and censored patients are cumulative.")


def follow_up(sections: Iterable[Section]) -> Table | None:
    """Median follow-up by the reverse Kaplan-Meier method, and apart from it the range that was observed."""
    endpoints: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for section in sections:
        found = {(str(r["statistic"]), r["group"]): r for r in rows_of(section, *_FOLLOW_UP)}
        names = group_labels((group for statistic, group in found if statistic == _FOLLOW_UP[0]), section.by)
        for group, name in names.items():
            endpoints.setdefault((name, _follow_up_cells(found, group)), []).append(in_sentence(section.label))
    lines = [Row(f"{name}: {listed(dict.fromkeys(of))}", cells) for (name, cells), of in endpoints.items()]
    header = ("Patients of", "Patients", "Median, months (95 % CI)", "Observed range, months")
    note = "Median by the reverse Kaplan–Meier method. The range is that of the patients observed, no confidence limit."
    return Table("Follow-up", header, tuple(lines), note) if lines else None


_FOLLOW_UP: Final = ("median_follow_up", "follow_up_minimum", "follow_up_maximum")


def _follow_up_cells(found: Mapping[tuple[str, str | None], dict[str, Any]], group: str | None) -> tuple[str, ...]:
    median = found[_FOLLOW_UP[0], group]
    ends = [found.get((name, group), {}).get("estimate") for name in _FOLLOW_UP[1:]]
    limits = range_of_days(median["lower"], median["upper"], "months")
    seen = NONE if None in ends else range_of_days(ends[0], ends[1], "months")
    return count(median["n"]), f"{duration(median['estimate'], 'months')} ({limits})", seen


def _blocks(rows: Sequence[dict[str, Any]]) -> dict[tuple[str | None, str | None], Rows]:
    """Collect rows by term, within a term by group, both in the order in which they come."""
    terms = list(dict.fromkeys(row["term"] for row in rows))
    blocks: dict[tuple[str | None, str | None], Rows] = {}
    for row in sorted(rows, key=lambda row: terms.index(row["term"])):
        blocks.setdefault((row["term"], row["group"]), []).append(row)
    return blocks
