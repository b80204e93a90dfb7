"""Tables made from rows of estimates: what is written in which cell, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from dayzero.report.axis import time_axis
from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import (
    NONE,
    NOT_ESTIMABLE,
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
SHARE: Final = 0.10  # and so does one of a smaller share of them
FEW_MARK: Final = "†"
MOST_COLUMNS: Final = 4  # groups side by side
TESTS: Final = {"logrank": "Log-rank", "gray": "Gray"}


@dataclass(frozen=True)
class Row:
    """One line of a table: its name, its cells, and whether it is indented; without cells it heads those below.

    A line break within a name or a cell starts its second line, which is secondary.
    """

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
    prose
        The cells are sentences: they break into lines, and start on the left.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    prose: bool = False


def rows_of(section: Section, *statistics: str) -> Rows:
    """Return the section's estimates of the given statistics, in their order."""
    return section.estimates.rows.filter(pl.col("statistic").is_in(statistics)).to_dicts()


def duration_unit(section: Section) -> str:
    """Return the unit of lengths of time: days where the curves end within 100 days, months otherwise."""
    times = pl.concat([section.curves.rows["time"], section.estimates.rows["time"]]).drop_nulls()
    longest = times.max() if len(times) else None
    return "days" if isinstance(longest, float) and time_axis(longest).unit == "days" else "months"


def rates(section: Section) -> Table | None:
    """Rates at fixed times with their limits, the number at risk and the events so far.

    A few groups stand side by side, for the comparison is within a line; one group, or many, stand below each other.
    """
    found = rows_of(section, *CURVES)
    if not found:
        return None
    at_risk = {(row["group"], row["time"]): row["estimate"] for row in rows_of(section, "n_at_risk")}
    names = group_labels((row["group"] for row in found), section.by)
    marks = footnotes(found)
    cells = {_key(row): _rate(row, at_risk.get((row["group"], row["time"])), marks) for row in found}
    side_by_side = 1 < len(names) <= MOST_COLUMNS
    lay_out = _rates_across if side_by_side else _rates_down
    header, lines = lay_out(section, names, cells)
    note = explain(marks, _rates_note(cells.values()), _SO_FAR if side_by_side else "")
    header = (f"Time from {origin_label(section.endpoint)}", *header)
    return Table(f"{section.label} at fixed times", header, tuple(lines), note)


_Rates = Mapping[tuple[str | None, str | None, float], tuple[str, str, str]]
_SO_FAR: Final = "At risk: still followed and free of every event. Events: up to that time."


def _key(row: Mapping[str, Any]) -> tuple[str | None, str | None, float]:
    return row["term"], row["group"], row["time"]


def _rates_across(
    section: Section, names: Mapping[str | None, str], cells: _Rates
) -> tuple[tuple[str, ...], list[Row]]:
    """Lay out one column a group: rate and limits, below them the patients at risk and the events."""
    terms = list(dict.fromkeys(term for term, _, _ in cells))
    lines: list[Row] = []
    for term in terms:
        lines += [Row(sentence_case(event_label(term, section.endpoint)))] if term else []
        for time in dict.fromkeys(at for of, _, at in cells if of == term):
            found = [cells.get((term, group, time), (NONE, NONE, NONE)) for group in names]
            lines.append(Row(_time_label(time), tuple(_two_lines(*cell) for cell in found), int(bool(term))))
    return tuple(f"{name}\n% ({section.confidence})" for name in names.values()), lines


def _two_lines(rate: str, left: str, happened: str) -> str:
    counts = [] if left == NONE else [f"{left} at risk"]
    counts += [] if happened == NONE else [f"{happened} event{'' if happened == '1' else 's'}"]
    return f"{rate}\n{', '.join(counts)}" if counts else rate


def _rates_down(section: Section, names: Mapping[str | None, str], cells: _Rates) -> tuple[tuple[str, ...], list[Row]]:
    """Lay out one block an event and group, a line a time."""
    lines: list[Row] = []
    terms = list(dict.fromkeys(term for term, _, _ in cells))
    for term, group in sorted(dict.fromkeys(key[:2] for key in cells), key=lambda key: terms.index(key[0])):
        title = _block_title(section, term, group, names)
        lines += [Row(title)] if title else []
        lines += [Row(_time_label(time), cell, int(bool(title)))
                  for (of, who, time), cell in cells.items() if (of, who) == (term, group)]  # fmt: skip
    return (f"% ({section.confidence})", "At risk", "Events so far"), lines


def _block_title(section: Section, term: str | None, group: str | None, names: Mapping[str | None, str]) -> str:
    event = event_label(term, section.endpoint) if term else ""
    who = names[group] if group or len(names) > 1 else ""
    return sentence_case(f"{event}: {who}" if event and who else event) or who


def _rates_note(cells: Iterable[tuple[str, str, str]]) -> str:
    """Explain the signs that the table has."""
    text = " ".join(rate for rate, _, _ in cells)
    bare = f"{NONE} There are no limits where the estimate is 0 or 100 %."
    few = f"{FEW_MARK} Fewer than {FEW} patients at risk, or than {100 * SHARE:.0f} % of them."
    return "\n".join(note for note, sign in ((bare, f"({NONE})"), (few, FEW_MARK)) if sign in text)


def _rate(row: dict[str, Any], at_risk: float | None, marks: Mapping[str, str]) -> tuple[str, str, str]:
    if row["estimate"] is None:
        text = NOT_ESTIMABLE
    else:
        few = FEW_MARK if at_risk is not None and at_risk < max(FEW, SHARE * (row["n"] or 0)) else ""
        text = f"{percent(row['estimate'])} ({interval(row['lower'], row['upper'], percent)}){few}"
    return text + mark(row, marks), count(at_risk), count(row["n_events"])


def _time_label(time: float) -> str:
    name = moment(time)
    return name if name.endswith(("day", "days")) else f"{name} (day\u00a0{plain(time)})"


def medians(section: Section) -> Table | None:
    """Medians of time to the event with their limits, and patients and events a group."""
    found = rows_of(section, "median")
    if not found:
        return None
    unit = duration_unit(section)
    names = group_labels((row["group"] for row in found), section.by)
    who = sentence_case(column_label(section.by)) or "Population"
    header = (who, "Patients", "Events", f"Median, {unit} ({section.confidence})")
    marks = footnotes(found)
    lines = tuple(Row(names[row["group"]], _median_cells(row, unit, marks)) for row in found)
    return Table(f"Median {in_sentence(section.label)}", header, lines, explain(marks))


def _median_cells(row: dict[str, Any], unit: str, marks: Mapping[str, str]) -> tuple[str, ...]:
    median = f"{duration(row['estimate'], unit)} ({range_of_days(row['lower'], row['upper'], unit)})"
    return count(row["n"]), count(row["n_events"]), median + mark(row, marks)


def group_tests(section: Section) -> Table | None:
    """Log-rank and Gray's tests, of all groups and of pairs."""
    found = rows_of(section, *TESTS)
    if not found:
        return None
    marks = footnotes(found)
    lines = tuple(Row(_test_name(row, section), _test_cells(row, section, marks)) for row in found)
    pairs = any(row["group"] for row in found)
    note = explain(marks, "Method of the pairwise p values: see the settings." if pairs else "")
    return Table("Tests between groups", ("Test", "Compared", "χ²", "df", "p"), lines, note)


def _test_name(row: dict[str, Any], section: Section) -> str:
    name = "Gray’s test" if row["statistic"] == "gray" else f"{sentence_case(row['method'] or 'log-rank')} test"
    return f"{name}, {event_label(row['term'], section.endpoint)}" if row["term"] else name


def _test_cells(row: dict[str, Any], section: Section, marks: Mapping[str, str]) -> tuple[str, ...]:
    compared = pair_label(row["group"], section.by) if row["group"] else "all groups"
    p = NOT_ESTIMABLE if row["p_value"] is None else p_value(row["p_value"])
    return compared, chi_squared(row["estimate"]), count(row["df"]), p + mark(row, marks)


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
    survival = section.endpoint is not None and len(section.endpoint.states) == 2  # no survival is what is counted
    named = ("events" if survival else event_label(event, section.endpoint) or "events" for event in events)
    header = ("Day", "At risk", *map(sentence_case, named), "Censored")
    return Table("Numbers below the figure", header, tuple(lines), "Events and censored patients are cumulative.")


def follow_up(sections: Iterable[Section]) -> Table | None:
    """Median follow-up by the reverse Kaplan-Meier method, and apart from it the range that was observed.

    Endpoints whose patients were followed alike share a block.
    """
    blocks: dict[tuple[Row, ...], list[str]] = {}
    for section in sections:
        found = {(str(r["statistic"]), r["group"]): r for r in rows_of(section, *_FOLLOW_UP)}
        names = group_labels((group for statistic, group in found if statistic == _FOLLOW_UP[0]), section.by)
        rows = tuple(Row(name, _follow_up_cells(found, group), 1) for group, name in names.items())
        blocks.setdefault(rows, []).append(in_sentence(section.label))
    blocks.pop((), None)
    lines = [line for rows, of in blocks.items() for line in (Row(sentence_case(listed(dict.fromkeys(of)))), *rows)]
    lines = [replace(line, level=0) for line in lines[1:]] if len(blocks) == 1 else lines
    header = ("Patients of", "Patients", "Median, months (95\u00a0% CI)", "Observed range, months")
    note = "Median by the reverse Kaplan–Meier method. The range is that of the patients observed, no confidence limit."
    return Table("Follow-up", header, tuple(lines), note) if lines else None


_FOLLOW_UP: Final = ("median_follow_up", "follow_up_minimum", "follow_up_maximum")


def _follow_up_cells(found: Mapping[tuple[str, str | None], dict[str, Any]], group: str | None) -> tuple[str, ...]:
    median = found[_FOLLOW_UP[0], group]
    ends = [found.get((name, group), {}).get("estimate") for name in _FOLLOW_UP[1:]]
    limits = range_of_days(median["lower"], median["upper"], "months")
    seen = NONE if None in ends else range_of_days(ends[0], ends[1], "months")
    return count(median["n"]), f"{duration(median['estimate'], 'months')} ({limits})", seen
