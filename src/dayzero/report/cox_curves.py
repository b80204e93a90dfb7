"""What a proportional hazards model says beyond its hazard ratios: discrimination, size, predicted survival."""

from collections.abc import Mapping
from typing import Any, Final

from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import NONE, Number, count, interval, moment, p_value, percent, plain, sentence_case
from dayzero.report.labels import column_label, in_sentence, split_group
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, rows_of

ADJUSTED: Final = "g-formula"
_CONCORDANCE: Final = {"harrell": "Harrell’s concordance", "uno": "Uno’s concordance"}
_NO_CAUSE: Final = "Adjusted: the average of the model’s predictions had everybody been in the group."


def model_measures(section: Section) -> Table | None:
    """Return how well the model tells patients apart, and how many events stand behind each coefficient."""
    agreement = rows_of(section, "concordance")
    sizes = [row for row in rows_of(section, "events_per_variable") if row["term"] is None]
    marks = footnotes((*agreement, *sizes))
    lines = [Row(_agreement(row), (_decimals(row) + mark(row, marks),)) for row in agreement]
    lines += [Row(f"Events a coefficient ({count(row['n_events'])} events, {count(row['df'])} coefficients)",
                  (plain(row["estimate"]) + mark(row, marks),)) for row in sizes]  # fmt: skip
    header = ("Measure", f"Value ({section.confidence})")
    return Table("Measures of the model", header, tuple(lines), explain(marks)) if lines else None


def _agreement(row: Mapping[str, Any]) -> str:
    until = f", up to {moment(row['time'])}" if row["time"] is not None else ""
    return f"{_CONCORDANCE.get(row['method'], 'Concordance')}{until}"


def _decimals(row: Mapping[str, Any]) -> str:
    def write(value: Number) -> str:
        return NONE if value is None else f"{value:.3f}"

    return f"{write(row['estimate'])} ({interval(row['lower'], row['upper'], write)})"


def predicted_survival(section: Section) -> Table | None:
    """Return the survival that the model predicts for patients, and for groups, adjusted."""
    found = rows_of(section, "survival")
    marks = footnotes(found)
    lines: list[Row] = []
    for group in dict.fromkeys(row["group"] for row in found):
        mine = [row for row in found if row["group"] == group]
        adjusted = is_adjusted(mine[0])
        lines.append(Row(f"{_group(group)}{', adjusted' if adjusted else ''}"))
        lines += [Row(moment(row["time"]), (_rate(row, marks),), 1) for row in mine]
    note = explain(marks, _NO_CAUSE if any(map(is_adjusted, found)) else "")
    caption = f"{section.label} predicted by the model"
    return Table(caption, ("Patient or group", f"% ({section.confidence})"), tuple(lines), note) if lines else None


def adjusted_differences(section: Section) -> Table | None:
    """Return the differences of adjusted survival between groups."""
    found = rows_of(section, "survival_difference")
    marks = footnotes(found)
    lines: list[Row] = []
    for group in dict.fromkeys(row["group"] for row in found):
        column, pair = split_group(group)
        first, second = pair.split("|", 1)
        lines.append(Row(f"{sentence_case(column_label(column))}: {second} less {first}"))
        lines += [Row(moment(row["time"]), (_gap(row) + mark(row, marks), p_value(row["p_value"])), 1)
                  for row in found if row["group"] == group]  # fmt: skip
    header = ("Groups", f"Percentage points ({section.confidence})", "p")
    caption = f"Differences of adjusted {in_sentence(section.label)}"
    return Table(caption, header, tuple(lines), explain(marks)) if lines else None


def is_adjusted(row: Mapping[str, Any]) -> bool:
    """Say whether a row of survival is adjusted, and not that of one patient."""
    return str(row["method"] or "").startswith(ADJUSTED)


def _group(group: str) -> str:
    parts = [split_group(part) for part in group.split(", ")]
    return sentence_case(", ".join(f"{column_label(column)} {value}".strip() for column, value in parts))


def _rate(row: Mapping[str, Any], marks: Mapping[str, str]) -> str:
    limits = interval(row["lower"], row["upper"], percent)
    return f"{percent(row['estimate'])} ({limits}){mark(row, marks)}"


def _gap(row: Mapping[str, Any]) -> str:
    value, low, high = (percent(row[key]).replace("-", "−") for key in ("estimate", "lower", "upper"))
    return f"{value} ({low} to {high})"
