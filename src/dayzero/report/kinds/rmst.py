"""Restricted mean times and milestones on the page."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from dayzero.report.axis import DAYS_PER
from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import (
    NONE,
    NOT_ESTIMABLE,
    Number,
    count,
    days_as,
    interval,
    listed,
    moment,
    p_statement,
    p_value,
    percent,
    ratio,
    sentence_case,
    signed_interval,
)
from dayzero.report.intervals import Intervals, Line, draw_intervals
from dayzero.report.kinds import curve
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.labels import EVERYBODY, column_label, event_label, group_labels, in_sentence, split_group
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, duration_unit, rates, rows_of

_MEANS: Final = ("rmst", "rmtl")
_GAPS: Final = ("rmst_difference", "rmtl_difference", "rmst_ratio")
_MILESTONES: Final = ("survival_difference", "cumulative_incidence_difference")


def pair_names(group: str, by: str) -> tuple[str, str]:
    """Return the names of the two groups of ``column=a|b``.

    Examples
    --------
    >>> pair_names("risk=high|low", "risk")
    ('high', 'low')
    """
    first, second = split_group(group, by)[1].split("|", 1)
    names = group_labels([f"{by}={first}", f"{by}={second}"], by)
    return names[f"{by}={first}"], names[f"{by}={second}"]


def _span(section: Section) -> str:
    window = section.settings.get("window")
    if isinstance(window, list | tuple):
        return f"between {moment(window[0])} and {moment(window[1])}"
    horizon = section.settings.get("horizon")
    return f"within {moment(horizon)}" if isinstance(horizon, float | int) else ""


def _what(row: dict[str, Any], section: Section) -> str:
    event = event_label(row["term"], section.endpoint)
    if row["statistic"].startswith("rmtl"):
        return f"days lost to {in_sentence(event)}".replace("days", "time")
    competing = section.endpoint is not None and bool(section.endpoint.competing)
    return "time free of every event" if competing else "event-free time"


def _sentences(section: Section) -> tuple[str, ...]:
    unit = duration_unit(section)
    means = rows_of(section, "rmst")
    names = group_labels((row["group"] for row in means), section.by)
    parts = []
    for row in means[:4]:
        limits = interval(row["lower"], row["upper"], lambda value: days_as(value, unit))
        limits = "no limits" if limits == NONE else f"{section.confidence} {limits}"
        text = f"{days_as(row['estimate'], unit)} {unit} ({limits})"
        parts.append(text if names[row["group"]] == EVERYBODY else f"{text} in {names[row['group']]}")
    said = [f"The mean {_what(means[0], section)} {_span(section)} was {listed(parts)}."] if parts else []
    gaps = rows_of(section, "rmst_difference")
    return (*said, *(_gap_sentence(row, section, unit) for row in gaps[:1] if len(gaps) == 1))


def _gap_sentence(row: dict[str, Any], section: Section, unit: str) -> str:
    first, second = pair_names(row["group"], section.by)
    found = signed_interval(row, lambda value: days_as(value, unit))
    found = found.replace("(", f"{unit} ({section.confidence} ").replace(")", f", {p_statement(row['p_value'])})")
    return f"The difference, {second} less {first}, was {found}."


def _means_table(section: Section) -> Table | None:
    found = rows_of(section, *_MEANS)
    unit, marks = duration_unit(section), footnotes(found)
    names = group_labels((row["group"] for row in found), section.by)
    lines: list[Row] = []
    several = len({row["term"] for row in found}) > 1
    for group, name in names.items():
        mine = [row for row in found if row["group"] == group]
        lines += [Row(name)] if several and len(names) > 1 else []
        lines += [Row(sentence_case(_what(row, section)) if several else name, _mean_cells(row, unit, marks),
                      int(several and len(names) > 1)) for row in mine]  # fmt: skip
    header = (sentence_case(column_label(section.by)) or "Population", "Patients", "Events",
              f"Mean, {unit} ({section.confidence})", "SE")  # fmt: skip
    caption = f"Restricted mean times {_span(section)}, {in_sentence(section.label)}"
    return Table(caption, header, tuple(lines), explain(marks)) if lines else None


def _mean_cells(row: dict[str, Any], unit: str, marks: Mapping[str, str]) -> tuple[str, ...]:
    limits = interval(row["lower"], row["upper"], lambda value: days_as(value, unit))
    mean = f"{days_as(row['estimate'], unit)} ({limits}){mark(row, marks)}"
    return count(row["n"]), count(row["n_events"]), mean, days_as(row["std_error"], unit)


def _gaps_table(section: Section) -> Table | None:
    found = rows_of(section, *_GAPS)
    unit, marks = duration_unit(section), footnotes(found)
    lines: list[Row] = []
    for group in dict.fromkeys(row["group"] for row in found):
        first, second = pair_names(group, section.by)
        lines.append(Row(f"{second} against {first}"))
        lines += [Row(_gap_name(row, section, unit), _gap_cells(row, unit, marks), 1)
                  for row in found if row["group"] == group]  # fmt: skip
    header = ("Compared", f"Second less, or to, first ({section.confidence})", "p")
    return Table(f"Differences and ratios {_span(section)}", header, tuple(lines), explain(marks)) if lines else None


def _gap_name(row: dict[str, Any], section: Section, unit: str) -> str:
    kind = "ratio" if row["statistic"] == "rmst_ratio" else f"difference, {unit}"
    return f"{sentence_case(_what(row, section))}: {kind}"


def _gap_cells(row: dict[str, Any], unit: str, marks: Mapping[str, str]) -> tuple[str, str]:
    def write(value: Number) -> str:
        return ratio(value) if row["statistic"] == "rmst_ratio" else days_as(value, unit)

    return signed_interval(row, write) + mark(row, marks), p_value(row["p_value"])


def _milestones_table(section: Section) -> Table | None:
    found = rows_of(section, *_MILESTONES)
    marks = footnotes(found)
    lines: list[Row] = []
    for group, term in dict.fromkeys((row["group"], row["term"]) for row in found):
        first, second = pair_names(group, section.by)
        event = f", {event_label(term, section.endpoint)}" if term else ""
        lines.append(Row(f"{second} less {first}{event}"))
        lines += [Row(moment(row["time"]), _milestone_cells(row, marks), 1)
                  for row in found if (row["group"], row["term"]) == (group, term)]  # fmt: skip
    header = ("Time", f"Percentage points ({section.confidence})", "p")
    return Table("Differences at fixed times", header, tuple(lines), explain(marks)) if lines else None


def _milestone_cells(row: dict[str, Any], marks: Mapping[str, str]) -> tuple[str, str]:
    if row["estimate"] is None:
        return NOT_ESTIMABLE + mark(row, marks), NONE
    return signed_interval(row, percent) + mark(row, marks), p_value(row["p_value"])


def _drawings(section: Section) -> tuple[Drawing, ...]:
    gaps = [row for row in rows_of(section, "rmst_difference", "rmtl_difference") if row["estimate"] is not None]
    return (*curve.KIND.drawings(section), *([_gaps_drawing(section, gaps)] if gaps else []))


def _gaps_drawing(section: Section, gaps: list[dict[str, Any]]) -> Drawing:
    unit = duration_unit(section)
    lines = []
    for row in gaps:
        first, second = pair_names(row["group"], section.by)
        scaled = [None if row[k] is None else row[k] / DAYS_PER[unit] for k in ("estimate", "lower", "upper")]
        event = f", {in_sentence(event_label(row['term'], section.endpoint))}" if row["term"] else ""
        lines.append(Line(f"{second} less {first}{event}", *scaled))
    title = f"Differences of the mean times {_span(section)}"
    shown = Intervals(
        title, f"{unit} ({section.confidence})", f"{unit} within the window; 0: no difference", tuple(lines),
        lambda value: NONE if value is None else f"{value:.1f}", 0.0,
    )  # fmt: skip
    said = " ".join(_sentences(section)) or title
    return Drawing("differences", f"{title}, with their confidence intervals.", said, partial(draw_intervals, shown))


KIND: Final = Kind(
    sentences=_sentences,
    drawings=_drawings,
    tables=lambda section: (_means_table(section), _gaps_table(section), _milestones_table(section), rates(section)),
    details=curve.KIND.details,
)
