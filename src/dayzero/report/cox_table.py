"""The tables of a proportional hazards model."""

import re
from collections.abc import Mapping
from typing import Any, Final

from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import (
    NONE,
    NOT_ESTIMABLE,
    chi_squared,
    count,
    interval,
    p_value,
    plural,
    printable,
    ratio,
    sentence_case,
)
from dayzero.report.labels import column_label, in_sentence, split_group
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, rows_of

_TESTS: Final = {"likelihood_ratio": "Likelihood ratio", "score": "Score", "wald": "Wald"}
UNIVARIABLE: Final = "cox_univariable"


def hazard_ratios(section: Section) -> Table | None:
    """Hazard ratios a term, beside those of the models with this term alone where the section has them."""
    found = rows_of(section, "hazard_ratio")
    if not found:
        return None
    models = [kind for kind in (UNIVARIABLE, None) if any(_is(row, kind) for row in found)]
    header = [f"{_NAMES[kind] if len(models) > 1 else ''}{name}" for kind in models for name in _columns(section)]
    terms = list(dict.fromkeys(row["term"] for row in found))
    lines: list[Row] = []
    marks = footnotes(found)
    for term in terms:
        column, value = term_parts(term)
        if value and (not lines or _heads(lines, column) != column):
            lines.append(Row(_heading(section, column)))
        cells = [cell for kind in models for cell in _cells(_row(found, term, kind), marks)]
        lines.append(Row(value or sentence_case(column), tuple(cells), int(bool(value))))
    note = explain(marks, _note(found, section), _TWO_MODELS if len(models) > 1 else "")
    return Table(f"Hazard ratios, {in_sentence(section.label)}", ("Term", *header), tuple(lines), note)


_NAMES: Final = {UNIVARIABLE: "Alone: ", None: "Together: "}


_TWO_MODELS: Final = "Alone: the only term of its model. Together: all terms in one model."


def _columns(section: Section) -> tuple[str, str]:
    return f"HR ({section.confidence})", "p"


def term_parts(term: str) -> tuple[str, str]:
    """Return the column and the level of a Cox term; a numeric term has no level, a product those of its factors.

    Examples
    --------
    >>> term_parts("risk=high"), term_parts("age"), term_parts("risk=high:age"), term_parts("rcs(age,4)[2]")
    (('risk', 'high'), ('age', ''), ('risk × age', 'high'), ('age, spline', 'function 2'))
    """
    parts = [split_group(_SPLINE.sub(r"\1, spline=function \2", part)) for part in _PRODUCT.split(term)]
    columns = [column_label(column or value) for column, value in parts]
    return _TIMES.join(columns), ", ".join(printable(value) for column, value in parts if column)


_PRODUCT: Final = re.compile(r":(?!\d)")  # in infusion:2 the number is part of the event's name
_SPLINE: Final = re.compile(r"(?:rcs|ns)\(\s*([^,]+?)\s*,.*\)\[(\d+)\]")
_TIMES: Final = " × "


def _heads(lines: list[Row], column: str) -> str:
    """Return the column under whose heading the next line would stand."""
    for line in reversed(lines):
        if not line.cells:
            return column if line.name.casefold().startswith(f"{column} (".casefold()) else ""
        if not line.level:
            return ""
    return ""


def _heading(section: Section, column: str) -> str:
    if _TIMES in column:
        return f"{sentence_case(column)} (product)"
    if column.endswith(", spline"):
        return f"{sentence_case(column)} (to be read together)"
    level = reference_level(section, column)
    return f"{sentence_case(column)} (reference: {level or 'its first level by name'})"


def reference_level(section: Section, column: str) -> str:
    """Return the reference level of a column, by its label; empty where the settings do not name it."""
    reference = section.settings.get("reference")
    named = reference.items() if isinstance(reference, Mapping) else ()
    return {column_label(str(name)): printable(str(level)) for name, level in named}.get(column, "")


def _is(row: dict[str, Any], kind: str | None) -> bool:
    return bool((row["kind"] == UNIVARIABLE) == (kind == UNIVARIABLE))


def _row(found: list[dict[str, Any]], term: str, kind: str | None) -> dict[str, Any]:
    return next((row for row in found if row["term"] == term and _is(row, kind)), {})


def _cells(row: dict[str, Any], marks: Mapping[str, str]) -> tuple[str, str]:
    if not row:
        return NONE, NONE
    if row["estimate"] is None:
        return NOT_ESTIMABLE + mark(row, marks), p_value(row["p_value"])
    limits = interval(row["lower"], row["upper"], ratio)
    return f"{ratio(row['estimate'])} ({limits}){mark(row, marks)}", p_value(row["p_value"])


def _note(found: list[dict[str, Any]], section: Section) -> str:
    together = next((row for row in found if not _is(row, UNIVARIABLE)), found[0])
    size = f"{plural(together['n'] or 0, 'patient')}, {plural(together['n_events'] or 0, 'event')}"
    method = f"; ties: {together['method']}" if together["method"] else ""
    strata = section.settings.get("strata")
    stratified = f"; stratified by {', '.join(map(str, strata))}" if isinstance(strata, list | tuple) and strata else ""
    return f"{size}{method}{stratified}. HR: hazard ratio; above 1 the event comes sooner."


def model_tests(section: Section) -> Table | None:
    """Likelihood ratio, score and Wald tests of the whole model, and tests of proportional hazards."""
    whole = [row for row in rows_of(section, *_TESTS) if row["kind"] != UNIVARIABLE]
    assumptions = rows_of(section, "proportional_hazards")
    marks = footnotes((*whole, *assumptions))
    lines = [Row(_TESTS[row["statistic"]], _test(row, marks)) for row in whole]
    lines += [Row(_assumption(row), _test(row, marks)) for row in assumptions]
    return Table("Tests of the model", ("Test", "χ²", "df", "p"), tuple(lines), explain(marks)) if lines else None


def _assumption(row: dict[str, Any]) -> str:
    of = " ".join(filter(None, term_parts(row["term"]))) if row["term"] not in {None, "GLOBAL"} else "all terms"
    return f"Proportional hazards, {of}"


def _test(row: dict[str, Any], marks: Mapping[str, str]) -> tuple[str, str, str]:
    p = NOT_ESTIMABLE if row["p_value"] is None else p_value(row["p_value"])
    return chi_squared(row["estimate"]), count(row["df"]), p + mark(row, marks)
