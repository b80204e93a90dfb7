"""Results in sentences, with the words of a careful author: what was seen, how sure, in how many.

A sentence names the estimate, its limits and the number behind it; it never says that something is significant, nor
that one thing made another happen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dayzero.report.cox_table import UNIVARIABLE, reference_level, term_parts
from dayzero.report.footnotes import says_null, spoken
from dayzero.report.formats import (
    NOT_ESTIMABLE,
    chi_squared,
    count,
    duration,
    interval,
    listed,
    moment,
    p_statement,
    percent,
    plural,
    printable,
    range_of_days,
    ratio,
    sentence_case,
)
from dayzero.report.labels import event_label, group_labels, in_sentence
from dayzero.report.page import Section
from dayzero.report.tables import CURVES, FEW, TESTS, duration_unit, rows_of

Rows = Sequence[dict[str, Any]]
MOST_TERMS = 6
MOST_GROUPS = 4


def describe_rates(section: Section) -> tuple[str, ...]:
    """One sentence: the rate of each group, of the endpoint's own event, at :func:`telling_time`; the table has all."""
    found = _first_event(rows_of(section, *CURVES))
    at_risk = {(row["group"], row["time"]): row["estimate"] for row in rows_of(section, "n_at_risk")}
    time = telling_time(found, at_risk)
    rows = [row for row in found if row["time"] == time]
    names = group_labels((row["group"] for row in rows), section.by)
    if not 0 < len(names) <= MOST_GROUPS:
        return ()
    if len(names) == 1 and None in names:
        parts = [_rate(rows[0], section.confidence, at_risk.get((None, rows[0]["time"])))]
    else:
        limits = (section.confidence, *[""] * len(rows))
        parts = [f"{_rate(row, of)} in {names[row['group']]}" for row, of in zip(rows, limits, strict=False)]
    return (f"At {moment(rows[0]['time'])}, {_what(section, rows[0])} was {listed(parts)}.",)


def telling_time(rows: Rows, at_risk: Mapping[tuple[str | None, float], float]) -> float | None:
    """Return the latest time at which every group has an estimate and at least five patients at risk.

    Where there is none it is the first time. The rule looks at the numbers at risk alone, never at the results.
    """
    times = list(dict.fromkeys(row["time"] for row in rows))

    def tells(row: Mapping[str, Any]) -> bool:
        return row["estimate"] is not None and at_risk.get((row["group"], row["time"]), FEW) >= FEW

    firm = [time for time in times if all(tells(row) for row in rows if row["time"] == time)]
    return max(firm) if firm else min(times, default=None)


def _what(section: Section, row: dict[str, Any]) -> str:
    if row["statistic"] == "survival":
        return in_sentence(section.label)
    event = in_sentence(event_label(row["term"], section.endpoint))
    kind = "cumulative incidence" if row["statistic"] == "cumulative_incidence" else "probability"
    return f"the {kind} of {event}"


def _rate(row: dict[str, Any], confidence: str, at_risk: float | None = None) -> str:
    if row["estimate"] is None:
        return NOT_ESTIMABLE
    bare = row["lower"] is None and row["upper"] is None
    limits = "no limits" if bare else f"{confidence} {interval(row['lower'], row['upper'], percent)}".lstrip()
    left = f"; {count(at_risk)} at risk" if at_risk is not None else ""
    return f"{percent(row['estimate'])}\u00a0% ({limits}{left})"


def describe_medians(section: Section) -> tuple[str, ...]:
    """One sentence with the median of everybody; those of groups stand in their table and beside the curves."""
    rows = rows_of(section, "median")
    if len(rows) != 1 or rows[0]["group"] is not None:
        return ()
    return (f"Median {in_sentence(section.label)} was {_median(rows[0], section)}.",)


def _median(row: dict[str, Any], section: Section) -> str:
    unit = duration_unit(section)
    bare = row["lower"] is None and row["upper"] is None
    limits = f"{'' if bare else section.confidence + ' '}{range_of_days(row['lower'], row['upper'], unit)}"
    if row["estimate"] is None:
        return f"not reached ({limits})"
    return f"{duration(row['estimate'], unit)} {unit} ({limits})"


def describe_tests(section: Section) -> tuple[str, ...]:
    """One sentence: the test of all groups for the endpoint's own event; those of pairs stand in their table."""
    found = [row for row in rows_of(section, *TESTS) if row["group"] is None]
    return tuple(_test_sentence(section, row) for row in _first_event(found)[:1])


def _first_event(rows: Rows) -> Rows:
    """Return the rows of the endpoint's own event; those that compete with it are left to the tables."""
    return [row for row in rows if row["term"] == rows[0]["term"]]


def _test_sentence(section: Section, row: dict[str, Any]) -> str:
    name = "Gray’s test" if row["statistic"] == "gray" else f"{row['method'] or 'log-rank'} test"
    if row["p_value"] is None:
        why = f": {printable(row['warning'])}" if row["warning"] else ""
        return f"{section.label} could not be compared between the groups ({name}{why})."
    degrees = plural(row["df"] or 0, "degree")
    numbers = f"χ²\u00a0=\u00a0{chi_squared(row['estimate'])}, {degrees} of freedom, {p_statement(row['p_value'])}"
    return f"{sentence_case(name)} of {_compared(section)}: {numbers}."


def _compared(section: Section) -> str:
    groups = {row["group"] for row in rows_of(section, *CURVES, "median") if row["group"]}
    size = _NUMBERS[len(groups)] if len(groups) < len(_NUMBERS) else str(len(groups))
    return f"the whole curves of the {size} groups" if len(groups) > 1 else "the whole curves"


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def describe_model(section: Section) -> tuple[str, ...]:
    """One sentence on a proportional hazards model: its size, and the hazard ratios of its first column.

    The others adjust that comparison; read one by one they answer other questions (Westreich and Greenland 2013, the
    "table 2 fallacy"), and are left to the table.
    """
    rows = [row for row in rows_of(section, "hazard_ratio") if row["kind"] != UNIVARIABLE]
    if not rows:
        return ()
    columns = list(dict.fromkeys(term_parts(row["term"])[0] for row in rows))
    first = [row for row in rows if term_parts(row["term"])[0] == columns[0]]
    known = [row for row in first if row["estimate"] is not None][:MOST_TERMS]
    size = f"{plural(rows[0]['n'] or 0, 'patient')}, {plural(rows[0]['n_events'] or 0, 'event')}"
    ratios = listed(_hazard_ratio(row, section) for row in known)
    found = f"the hazard ratio was {ratios}" if known else f"no hazard ratio of {columns[0]} could be estimated"
    adjusted = f", adjusted for {_adjusters(columns[1:])}" if len(columns) > 1 else ""
    return (f"In the proportional hazards model of {in_sentence(section.label)} ({size}), {found}{adjusted}.",)


def _adjusters(columns: Sequence[str]) -> str:
    return listed(columns) if len(columns) <= MOST_TERMS else f"{len(columns)} other terms"


def _hazard_ratio(row: dict[str, Any], section: Section) -> str:
    column, level = term_parts(row["term"])
    reference = reference_level(section, column)
    name = f"{level} against {reference}" if level and reference else level or f"each unit of {column}"
    name = f"{column} {name}" if level and not reference else name
    limits = interval(row["lower"], row["upper"], ratio)
    return f"{ratio(row['estimate'])} for {name} ({section.confidence} {limits}, {p_statement(row['p_value'])})"


def warnings_of(section: Section) -> tuple[str, ...]:
    """Return the distinct warnings of the section's rows, each with the groups and terms that it concerns.

    What concerns rates and medians alone stands beside them in the tables, and is not said twice.
    """
    found: dict[str, list[str]] = {}
    above: set[str] = set()
    for row in section.estimates.records():
        if row["warning"] and not says_null(row):
            time = f"at {moment(row['time'])}" if row["time"] is not None else ""
            where = printable(" ".join(filter(None, (row["group"], row["term"], time))).replace("=", " = "))
            found.setdefault(row["warning"], []).append(where)
            above |= {row["warning"]} if row["statistic"] not in (*CURVES, "median") else set()
    return tuple(_warning(text, list(dict.fromkeys(filter(None, found[text])))) for text in found if text in above)


def _warning(text: str, where: list[str]) -> str:
    places = f" ({listed(where)})" if 0 < len(where) <= MOST_TERMS else ""
    return f"{sentence_case(spoken(text).rstrip('.'))}{places}."
