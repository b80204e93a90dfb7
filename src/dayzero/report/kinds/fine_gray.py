"""Fine and Gray's model on the page: subdistribution beside cause-specific hazard ratios, and predicted incidences."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import polars as pl

from dayzero.estimate import Estimate
from dayzero.report.cox_table import model_tests, reference_level, term_parts
from dayzero.report.figures import draw_cumulative_incidence
from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.forest import draw_forest
from dayzero.report.formats import (
    NONE,
    NOT_ESTIMABLE,
    interval,
    listed,
    moment,
    p_statement,
    p_value,
    percent,
    plural,
    ratio,
    sentence_case,
)
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.labels import event_label, group_labels, in_sentence, pair_label, split_group
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, rows_of
from dayzero.report.words import describe_model

CAUSE_SPECIFIC: Final = "cox_cause_specific"
INCIDENCE: Final = "cumulative_incidence"
DIFFERENCE: Final = "cumulative_incidence_difference"
_READ: Final = (
    "Subdistribution HR: above 1 the event is more frequent, competing events being counted as they are. "
    "Cause-specific HR: above 1 the event comes sooner among those still free of every event."
)


def own_rows(section: Section) -> Section:
    """Return the section without the cause-specific models."""
    rows = section.estimates.rows
    kept = rows.filter(pl.col("kind").is_null() | (pl.col("kind") != CAUSE_SPECIFIC))
    return replace(section, estimates=Estimate(kept))


def _sentences(section: Section) -> tuple[str, ...]:
    said = [text.replace("proportional hazards model", "proportional subdistribution hazards model")
            .replace("the hazard ratio was", "the subdistribution hazard ratio was")
            for text in describe_model(own_rows(section))]  # fmt: skip
    return (*said, *_predicted_sentence(section))


def _predicted_sentence(section: Section) -> tuple[str, ...]:
    known = [row for row in rows_of(section, INCIDENCE) if row["estimate"] is not None]
    last = [row for row in known if row["time"] == known[-1]["time"]][:4]
    if not last:
        return ()
    names = group_labels(row["group"] for row in last)
    parts = [f"{percent(row['estimate'])} % for {names[row['group']]} ({_limits(row, section)})" for row in last]
    event = event_label(last[0]["term"], section.endpoint)
    at = f"{in_sentence(event)} at {moment(last[0]['time'])}"
    return (f"The predicted cumulative incidence of {at} was {listed(parts)}.",)


def _limits(row: Mapping[str, Any], section: Section) -> str:
    return f"{section.confidence} {interval(row['lower'], row['upper'], percent)}"


def hazard_ratios(section: Section) -> Table | None:
    """Return the subdistribution hazard ratios, beside them the cause-specific ones of each event."""
    found = rows_of(section, "hazard_ratio")
    if not found:
        return None
    groups = list(dict.fromkeys(row["group"] for row in found))
    cells = {(row["term"], row["group"]): row for row in found}
    marks = footnotes(found)
    lines: list[Row] = []
    heading = ""
    for term in dict.fromkeys(row["term"] for row in found):
        column, value = term_parts(term)
        if value and column != heading:
            lines.append(Row(f"{sentence_case(column)} (reference: {reference_level(section, column) or 'its first'})"))
        heading = column if value else ""
        numbers = tuple(_ratio_cell(cells.get((term, group)), marks) for group in groups)
        lines.append(Row(value or sentence_case(column), numbers, int(bool(value))))
    header = [f"{_model_name(section, group)}HR ({section.confidence})" for group in groups]
    note = explain(marks, _size(section), _READ)
    return Table(f"Hazard ratios, {in_sentence(section.label)}", ("Term", *header), tuple(lines), note)


def _model_name(section: Section, group: str | None) -> str:
    """Name the model of a column: the cause-specific ones have their event for a group."""
    return f"Cause-specific, {event_label(split_group(group)[1], section.endpoint)}: " if group else "Subdistribution: "


def _ratio_cell(row: Mapping[str, Any] | None, marks: Mapping[str, str]) -> str:
    """Return the ratio with its limits, and the p value on a second line."""
    if row is None:
        return NONE
    if row["estimate"] is None:
        return NOT_ESTIMABLE + mark(row, marks)
    limits = interval(row["lower"], row["upper"], ratio)
    return f"{ratio(row['estimate'])} ({limits}){mark(row, marks)}\n{p_statement(row['p_value'])}"


def _size(section: Section) -> str:
    """Say how many patients and events, of each kind, and how it was computed."""
    own = next((row for row in rows_of(own_rows(section), "hazard_ratio")), None)
    if own is None:
        return ""
    size = f"{plural(own['n'] or 0, 'patient')}, {plural(own['n_events'] or 0, 'event')}"
    strata = section.settings.get("strata")
    stratified = f"; stratified by {', '.join(map(str, strata))}" if isinstance(strata, list | tuple) and strata else ""
    return f"{size}; {own['method']}{stratified}; robust standard errors of the subdistribution model."


def incidences(section: Section) -> Table | None:
    """Return the predicted cumulative incidences at the requested times, and their differences."""
    found, gaps = rows_of(section, INCIDENCE), rows_of(section, DIFFERENCE)
    if not found:
        return None
    marks = footnotes((*found, *gaps))
    names = group_labels(row["group"] for row in found)
    lines = []
    for group, name in names.items():
        lines.append(Row(name))
        lines += [_incidence_row(row, marks) for row in found if row["group"] == group]
    for pair in dict.fromkeys(row["group"] for row in gaps):
        lines.append(Row(f"Difference, {pair_label(pair)}: second less first"))
        lines += [_difference_row(row, marks) for row in gaps if row["group"] == pair]
    header = ("Patient", f"% ({section.confidence})", "p")
    what = in_sentence(event_label(found[0]["term"], section.endpoint))
    return Table(f"Predicted cumulative incidence of {what}", header, tuple(lines), explain(marks, _PREDICTED))


_PREDICTED: Final = "Predicted by the model for these values of its terms. Differences in percentage points."


def _incidence_row(row: Mapping[str, Any], marks: Mapping[str, str]) -> Row:
    limits = interval(row["lower"], row["upper"], percent)
    found = NOT_ESTIMABLE if row["estimate"] is None else f"{percent(row['estimate'])} ({limits})"
    return Row(moment(row["time"]), (found + mark(row, marks), NONE), 1)


def _difference_row(row: Mapping[str, Any], marks: Mapping[str, str]) -> Row:
    value, low, high = (percent(row[key]).replace("-", "−") for key in ("estimate", "lower", "upper"))
    found = NOT_ESTIMABLE if row["estimate"] is None else f"{value} ({low} to {high})"
    return Row(moment(row["time"]), (found + mark(row, marks), p_value(row["p_value"])), 1)


def _drawings(section: Section) -> tuple[Drawing, ...]:
    own, drawings = own_rows(section), []
    if any(row["estimate"] is not None for row in rows_of(own, "hazard_ratio")):
        title = f"Subdistribution hazard ratios of {in_sentence(section.label)}, with their confidence intervals."
        said = " ".join(_sentences(section)) or title
        drawings.append(Drawing("forest", title, said, partial(draw_forest, own)))
    terms = section.curves.rows["term"].drop_nulls().unique(maintain_order=True).to_list()
    for term in terms:
        title = f"Predicted cumulative incidence of {in_sentence(event_label(term, section.endpoint))}."
        said = " ".join((*_predicted_sentence(section), title))
        drawings.append(Drawing("predicted", title, said, partial(draw_cumulative_incidence, section, term)))
    return tuple(drawings)


KIND: Final = Kind(
    sentences=_sentences,
    drawings=_drawings,
    tables=lambda section: (hazard_ratios(section), incidences(section), model_tests(own_rows(section))),
    details=lambda _: (),
)
