"""Binary and ordinal outcomes on the page."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from dayzero.report.cox_table import reference_level, term_parts
from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import (
    NOT_ESTIMABLE,
    chi_squared,
    count,
    interval,
    listed,
    p_statement,
    p_value,
    percent,
    plural,
    printable,
    ratio,
    sentence_case,
)
from dayzero.report.intervals import Intervals, Line, draw_intervals
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.labels import EVERYBODY, column_label, group_labels, in_sentence
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, rows_of

_METHODS: Final = {
    "maximum likelihood": "Maximum likelihood with Wald limits and p values.",
    "firth": "Firth’s penalty, with limits and p values of the profile penalised likelihood.",
    "proportional odds": "Proportional odds: of a higher level, at every cut; Wald limits and p values.",
}
EXACT: Final = "Clopper-Pearson"
MOST: Final = 4


def _sentences(section: Section) -> tuple[str, ...]:
    said = []
    shares = [row for row in rows_of(section, "proportion") if row["method"] == EXACT and not row["term"]]
    if 0 < len(shares) <= MOST + 1:
        names = group_labels((row["group"] for row in shares), section.by)
        said.append(f"{sentence_case(section.label)} was seen in {listed(_share(r, names, section) for r in shares)}.")
    said += [f"Fisher’s exact test between the groups: {p_statement(row['p_value'])}."
             for row in rows_of(section, "fisher") if row["p_value"] is not None]  # fmt: skip
    odds = [row for row in rows_of(section, "odds_ratio") if row["estimate"] is not None][:MOST]
    if odds:
        size = plural(odds[0]["n"], "patient")
        said.append(f"In the regression ({size}) the odds ratio was {listed(_odds(row, section) for row in odds)}.")
    return (*said, *(_area_sentence(row, section) for row in rows_of(section, "auc")))


def _share(row: dict[str, Any], names: Mapping[str | None, str], section: Section) -> str:
    if row["estimate"] is None:
        return f"{NOT_ESTIMABLE} in {names[row['group']]}"
    limits = interval(row["lower"], row["upper"], percent)
    who = "" if names[row["group"]] == EVERYBODY else f" in {names[row['group']]}"
    return f"{row['n_events']} of {row['n']} ({percent(row['estimate'])}\u00a0%; {section.confidence} {limits}){who}"


def _odds(row: dict[str, Any], section: Section) -> str:
    column, level = term_parts(row["term"])
    name = f"{column} {level}" if level else f"each unit of {column}"
    limits = interval(row["lower"], row["upper"], ratio)
    return f"{ratio(row['estimate'])} for {name} ({section.confidence} {limits}, {p_statement(row['p_value'])})"


def _area_sentence(row: dict[str, Any], section: Section) -> str:
    limits = interval(row["lower"], row["upper"], ratio)
    area = f"{ratio(row['estimate'])} ({section.confidence} {limits})"
    return f"The area under the ROC curve of {column_label(row['term'])} was {area}."


def _proportions(section: Section) -> Table | None:
    found = rows_of(section, "proportion")
    names = group_labels((row["group"] for row in found), section.by)
    marks = footnotes(found)
    lines: list[Row] = []
    exact = {(row["group"], row["term"]): row for row in found if row["method"] == EXACT}
    wilson = {(row["group"], row["term"]): row for row in found if row["method"] == "Wilson"}
    several = any(term for _, term in exact)
    for group, name in names.items():
        lines += [Row(name)] if several else []
        for key, row in exact.items():
            if key[0] == group:
                title = printable(str(key[1])) if several else name
                lines.append(Row(title, _proportion_cells(row, wilson[key], marks), int(several)))
    kind = f"{section.confidence}, exact"
    header = (sentence_case(column_label(section.by)) or "Population", "Patients", f"% ({kind})", "Wilson limits")
    return Table(f"Proportions, {in_sentence(section.label)}", header, tuple(lines), explain(marks)) if lines else None


def _proportion_cells(row: dict[str, Any], wilson: dict[str, Any], marks: Mapping[str, str]) -> tuple[str, ...]:
    limits = interval(row["lower"], row["upper"], percent)
    cell = f"{percent(row['estimate'])} ({limits}){mark(row, marks)}"
    return f"{count(row['n_events'])} of {count(row['n'])}", cell, interval(wilson["lower"], wilson["upper"], percent)


def _odds_table(section: Section) -> Table | None:
    found = rows_of(section, "odds_ratio")
    if not found:
        return None
    marks, lines, heading = footnotes(found), list[Row](), ""
    for row in found:
        column, value = term_parts(row["term"])
        if value and heading != column:
            lines.append(Row(f"{sentence_case(column)} (reference: {reference_level(section, column)})"))
        heading = column if value else ""
        lines.append(Row(value or sentence_case(column), _odds_cells(row, marks), int(bool(value))))
    size = f"{plural(found[0]['n'] or 0, 'patient')}, {plural(found[0]['n_events'] or 0, 'event')}."
    note = explain(marks, f"{size} {_METHODS.get(found[0]['method'], '')} OR: odds ratio.")
    return Table(
        f"Odds ratios, {in_sentence(section.label)}", ("Term", f"OR ({section.confidence})", "p"), tuple(lines), note
    )


def _odds_cells(row: dict[str, Any], marks: Mapping[str, str]) -> tuple[str, str]:
    if row["estimate"] is None:
        return NOT_ESTIMABLE + mark(row, marks), p_value(row["p_value"])
    limits = interval(row["lower"], row["upper"], ratio)
    return f"{ratio(row['estimate'])} ({limits}){mark(row, marks)}", p_value(row["p_value"])


def _tests(section: Section) -> Table | None:
    lines = [Row("Fisher’s exact, all groups", ("", "", p_value(row["p_value"]))) for row in rows_of(section, "fisher")]
    for row in rows_of(section, "likelihood_ratio"):
        name = f"Likelihood ratio, {column_label(row['term'])}" if row["term"] else "Likelihood ratio, all terms"
        lines.append(Row(name, (chi_squared(row["estimate"]), count(row["df"]), p_value(row["p_value"]))))
    return Table("Tests", ("Test", "χ²", "df", "p"), tuple(lines)) if lines else None


def _areas(section: Section) -> Table | None:
    found = rows_of(section, "auc", "auc_difference")
    marks = footnotes(found)
    lines = []
    for row in found:
        names = [column_label(name) for name in row["term"].split("|")] if row["statistic"] != "auc" else []
        name = f"{names[1]} less {names[0]}" if names else column_label(row["term"])
        cell = _area_cell(row) + mark(row, marks)
        lines.append(Row(sentence_case(name), (count(row["n"]), count(row["n_events"]), cell, p_value(row["p_value"]))))
    header = ("Column", "Patients", "Events", f"Area ({section.confidence})", "p")
    note = explain(marks, "Limits and p (against 0.5, or no difference) by DeLong. Above 0.5: higher with the event.")
    return Table("Areas under the ROC curve", header, tuple(lines), note) if lines else None


def _area_cell(row: dict[str, Any]) -> str:
    if row["estimate"] is None or row["lower"] is None:
        return NOT_ESTIMABLE if row["estimate"] is None else f"{row['estimate']:.3f}"
    value, *ends = (f"{row[key]:.3f}".replace("-", "−") for key in ("estimate", "lower", "upper"))
    return f"{value} ({' to '.join(ends)})"


def _drawings(section: Section) -> tuple[Drawing, ...]:
    rows = [row for row in rows_of(section, "odds_ratio") if row["estimate"] is not None]
    if not rows:
        return ()
    lines = tuple(Line(_name(section, row["term"]), row["estimate"], row["lower"], row["upper"]) for row in rows)
    unit = f"OR ({section.confidence})"
    what = "odds ratio: left of 1 rarer, right of 1 more frequent"
    shown = Intervals(section.label, unit, what, lines, ratio, 1.0, logarithmic=True)
    title = f"Odds ratios of {in_sentence(section.label)}, with their confidence intervals."
    return (Drawing("odds-ratios", title, " ".join(_sentences(section)) or title, partial(draw_intervals, shown)),)


def _name(section: Section, term: str) -> str:
    column, level = term_parts(term)
    reference = reference_level(section, column) if level else ""
    return ": ".join(filter(None, (sentence_case(column), f"{level} v {reference}" if reference else level)))


KIND: Final = Kind(
    sentences=_sentences,
    drawings=_drawings,
    tables=lambda section: (_proportions(section), _odds_table(section), _areas(section), _tests(section)),
    details=lambda _: (),
)
