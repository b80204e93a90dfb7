"""Results in sentences, with the words of a careful author: what was seen, how sure, in how many.

A sentence names the estimate, its limits and the number behind it; it never says that something is significant, nor
that one thing made another happen.
"""

from collections.abc import Sequence
from typing import Any

from dayzero.report.cox_table import UNIVARIABLE, term_parts
from dayzero.report.formats import (
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
from dayzero.report.labels import EVERYBODY, column_label, event_label, group_labels, in_sentence, pair_label
from dayzero.report.page import Section
from dayzero.report.tables import CURVES, duration_unit, rows_of

Rows = Sequence[dict[str, Any]]
MOST_TERMS = 6


def describe_rates(section: Section) -> tuple[str, ...]:
    """One sentence a time: the rate of each group with its limits and the number at risk; of the first event only."""
    found = _first_event(rows_of(section, *CURVES))
    at_risk = {(row["group"], row["time"]): row["estimate"] for row in rows_of(section, "n_at_risk")}
    keys = dict.fromkeys((row["time"], row["term"]) for row in found)
    sentences = []
    for time, term in keys:
        rows = [row for row in found if (row["time"], row["term"]) == (time, term)]
        sentences.append(_rates_sentence(section, rows, at_risk))
    return tuple(filter(None, sentences))


def _rates_sentence(section: Section, rows: Rows, at_risk: dict[tuple[str | None, float], float]) -> str:
    names = group_labels((row["group"] for row in rows), section.by)
    if len(names) > MOST_TERMS:
        return ""
    parts = []
    for row in rows:
        value = _rate(row, section, at_risk.get((row["group"], row["time"])))
        parts.append(value if names[row["group"]] == EVERYBODY else f"{value} in {names[row['group']]}")
    return f"At {moment(rows[0]['time'])}, {_what(section, rows[0])} was {listed(parts)}."


def _what(section: Section, row: dict[str, Any]) -> str:
    if row["statistic"] == "survival":
        return in_sentence(section.label)
    event = in_sentence(event_label(row["term"], section.endpoint))
    kind = "cumulative incidence" if row["statistic"] == "cumulative_incidence" else "probability"
    return f"the {kind} of {event}"


def _rate(row: dict[str, Any], section: Section, at_risk: float | None) -> str:
    if row["estimate"] is None:
        return "not estimable"
    bare = row["lower"] is None and row["upper"] is None
    limits = "no limits" if bare else f"{section.confidence} {interval(row['lower'], row['upper'], percent)}"
    left = f"; {count(at_risk)} at risk" if at_risk is not None else ""
    return f"{percent(row['estimate'])}\u00a0% ({limits}{left})"


def describe_medians(section: Section) -> tuple[str, ...]:
    """One sentence with the median of each group."""
    rows = rows_of(section, "median")
    if not 0 < len(rows) <= MOST_TERMS:
        return ()
    names = group_labels((row["group"] for row in rows), section.by)
    parts = []
    for row in rows:
        value = _median(row, section)
        parts.append(value if names[row["group"]] == EVERYBODY else f"{value} in {names[row['group']]}")
    return (f"Median {in_sentence(section.label)} was {listed(parts)}.",)


def _median(row: dict[str, Any], section: Section) -> str:
    unit = duration_unit(section)
    bare = row["lower"] is None and row["upper"] is None
    limits = f"{'' if bare else section.confidence + ' '}{range_of_days(row['lower'], row['upper'], unit)}"
    if row["estimate"] is None:
        return f"not reached ({limits})"
    return f"{duration(row['estimate'], unit)} {unit} ({limits})"


def describe_tests(section: Section) -> tuple[str, ...]:
    """One sentence a test of the first event: what was compared between whom, by which test, with which p."""
    return tuple(_test_sentence(section, row) for row in _first_event(rows_of(section, "logrank", "gray")))


def _first_event(rows: Rows) -> Rows:
    """Return the rows of the endpoint's own event; those that compete with it are left to the tables."""
    return [row for row in rows if row["term"] == rows[0]["term"]]


def _test_sentence(section: Section, row: dict[str, Any]) -> str:
    event = event_label(row["term"], section.endpoint) if row["statistic"] == "gray" else section.label
    between = _compared(section, row)
    test = "Gray’s test" if row["statistic"] == "gray" else f"{row['method'] or 'log-rank'} test"
    if row["p_value"] is None:
        return f"{sentence_case(event)} could not be compared between {between} ({test})."
    degrees = plural(row["df"] or 0, "degree")
    numbers = f"χ²\u00a0=\u00a0{chi_squared(row['estimate'])}, {degrees} of freedom, {p_statement(row['p_value'])}"
    return f"{sentence_case(event)} was compared between {between}: {test}, {numbers}."


def _compared(section: Section, row: dict[str, Any]) -> str:
    if row["group"]:
        return pair_label(row["group"], section.by).replace(" v ", " and ")
    groups = [r["group"] for r in rows_of(section, *CURVES, "median") if r["group"]]
    names = list(group_labels(groups, section.by).values())
    return listed(names) if 0 < len(names) <= MOST_TERMS else f"the groups of {column_label(section.by)}"


def describe_model(section: Section) -> tuple[str, ...]:
    """One sentence on a proportional hazards model: its size, and the hazard ratio of each of its first terms."""
    rows = [row for row in rows_of(section, "hazard_ratio") if row["kind"] != UNIVARIABLE]
    if not rows:
        return ()
    size = f"{plural(rows[0]['n'] or 0, 'patient')}, {plural(rows[0]['n_events'] or 0, 'event')}"
    known = [row for row in rows if row["estimate"] is not None]
    ratios = listed(_hazard_ratio(row, section) for row in known[:MOST_TERMS])
    rest = " The table has the other terms." if len(known) > MOST_TERMS else ""
    found = f" the hazard ratio was {ratios}." if known else " no hazard ratio could be estimated."
    return (f"In the proportional hazards model of {in_sentence(section.label)} ({size}),{found}{rest}",)


def _hazard_ratio(row: dict[str, Any], section: Section) -> str:
    column, level = term_parts(row["term"])
    name = f"{column} {level}".strip() if level else f"each unit of {column}"
    limits = interval(row["lower"], row["upper"], ratio)
    return f"{ratio(row['estimate'])} for {name} ({section.confidence} {limits}, {p_statement(row['p_value'])})"


def warnings_of(section: Section) -> tuple[str, ...]:
    """Return the distinct warnings of the section's rows, each with the groups and terms that it concerns."""
    found: dict[str, list[str]] = {}
    for row in section.estimates.records():
        if row["warning"] and not _says_null(row):
            time = f"at {moment(row['time'])}" if row["time"] is not None else ""
            where = printable(" ".join(filter(None, (row["group"], row["term"], time))).replace("=", " = "))
            found.setdefault(row["warning"], []).append(where)
    return tuple(_warning(text, list(dict.fromkeys(filter(None, where)))) for text, where in found.items())


def _says_null(row: dict[str, Any]) -> bool:
    """Return whether the table already says so: a median that is not reached."""
    return row["statistic"] in {"median", "median_follow_up"} and str(row["warning"]).endswith("was not reached")


def _warning(text: str, where: list[str]) -> str:
    places = f" ({listed(where)})" if 0 < len(where) <= MOST_TERMS else ""
    return f"{sentence_case(text.rstrip('.'))}{places}."
