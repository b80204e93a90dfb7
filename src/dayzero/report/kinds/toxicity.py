"""Tables of toxicities on the page: a part a toxicity, its scale in the heading."""

import re
from collections.abc import Mapping
from typing import Any, Final

from dayzero.protocol.words import course_words
from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import (
    NONE,
    count,
    interval,
    listed,
    percent,
    plain,
    plural,
    printable,
    sentence_case,
)
from dayzero.report.kinds.kind import Kind, Part
from dayzero.report.labels import column_label, in_sentence
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, rows_of

_LABELS: Final = {
    "crs": "Cytokine release syndrome",
    "icans": "ICANS",
    "iec_hs": "IEC-HS",
    "icaht": "Neutropenia (ICAHT)",
    "t_icaht": "Thrombocytopenia (T-ICAHT)",
    "agvhd": "Acute GVHD",
    "cgvhd": "Chronic GVHD",
    "sos": "Sinusoidal obstruction syndrome",
}
_COURSES: Final = {"hsct": "transplant", "dli": "DLI"}
_GVHD: Final = ("agvhd", "cgvhd")
_NO_SCALE: Final = "scale not stated"
_CAUSES: Final = {"infusion": "after a donor’s CAR-T", "hsct": "after transplant", "dli": "after DLI"}
_CGVHD: Final = {"1": "mild", "2": "moderate", "3": "severe"}
_Rows = list[dict[str, Any]]


def course_label(group: str) -> str:
    """Name a group of the table.

    Examples
    --------
    >>> course_label("infusion=1"), course_label("hsct=any")
    ('First infusion', 'Any transplant')
    """
    kind, _, number = group.partition("=")
    return sentence_case(course_words(kind, int(number))) if number.isdecimal() else f"Any {_COURSES.get(kind, kind)}"


def _parts(section: Section) -> tuple[Part, ...]:
    events = section.settings.get("events")
    names = tuple(events) if isinstance(events, tuple) else ()
    return tuple(_part(section, name) for name in names if _rows(section, name))


def _part(section: Section, name: str) -> Part:
    rows = _rows(section, name)
    scale = _words(section, "scales", name) or _NO_SCALE
    label = _LABELS.get(name, sentence_case(column_label(name)))
    tables = []
    for kind in dict.fromkeys(row["group"].partition("=")[0] for row in rows):
        here = [row for row in rows if row["group"].startswith(f"{kind}=")]
        cause = f" {_CAUSES[kind]}" if name in _GVHD else ""
        tables.append(_grades(section, name, f"{label}{cause}, {scale}", here))
    more = [_scales(section, rows), _medication(section)] if name == "crs" else []
    said = [_sentence(section, name, rows, group) for group in dict.fromkeys(row["group"] for row in rows)]
    return Part(f"{label}, {scale}", tuple(filter(None, said)), (), (*tables, *more))


def _words(section: Section, key: str, name: str) -> str:
    """Return what a setting says in words of a toxicity or a scale; empty where it says nothing."""
    said = section.settings.get(key)
    return printable(str(said.get(name) or "")) if isinstance(said, Mapping) else ""


def _rows(section: Section, name: str) -> _Rows:
    """Return the rows of one toxicity: those whose term begins with its name."""
    mine = re.compile(rf"{re.escape(name)}(?=[>=\[ ]|$)")
    return [row for row in section.estimates.records() if mine.match(row["term"] or "")]


def _sentence(section: Section, name: str, rows: _Rows, group: str) -> str:
    """Say how many of how many, and how soon, of one infusion number."""
    here = {(row["statistic"], row["term"]): row for row in rows if row["group"] == group}
    every, severe = here.get(("proportion", name)), here.get(("proportion", f"{name}>=3"))
    if every is None or severe is None:
        return ""
    label = course_label(group)
    where = f"After {in_sentence(label) if label.startswith('Any') else f'the {in_sentence(label)}'}"
    any_grade = f"{_share(every, section)} had it in any grade"
    text = f"{where}, {any_grade}, and {_of(severe)} {'severely' if name == 'cgvhd' else 'in grade 3 or higher'}"
    onset = here.get(("median", f"{name} onset"))
    began = f"; in those with it the onset was on day {plain(onset['estimate'])} (median)" if onset else ""
    silent = here.get(("count", f"{name} not evaluable"))
    unknown = f" {sentence_case(plural(silent['estimate'], 'patient'))} could not be graded." if silent else ""
    return f"{text}{began}.{unknown}"


def _share(row: dict[str, Any], section: Section) -> str:
    limits = interval(row["lower"], row["upper"], percent)
    size = f"{count(row['n_events'])} of {count(row['n'])}"
    return f"{size} ({percent(row['estimate'])}\u00a0%; {section.confidence} {limits})"


def _of(row: dict[str, Any]) -> str:
    return (
        f"{count(row['n_events'])} ({percent(row['estimate'])}\u00a0%; {interval(row['lower'], row['upper'], percent)})"
    )


def _grades(section: Section, name: str, caption: str, rows: _Rows) -> Table:
    """Return grades down, courses across: number and share above, exact limits below; then what is uncertain, days."""
    groups = list(dict.fromkeys(row["group"] for row in rows))
    shares = [row for row in rows if row["statistic"] == "proportion" and "[" not in row["term"]]
    marks = footnotes(shares)
    cells = {(row["term"], row["group"]): _cell(row, marks) for row in shares}
    sizes = {row["group"]: row["n"] for row in shares if row["term"] == name}
    lines = [Row("Patients", tuple(count(sizes.get(group)) for group in groups))]
    twice = {"cgvhd=3"}  # severe is the highest: it stands there already
    for term in dict.fromkeys(row["term"] for row in shares if row["term"] not in twice):
        level = 0 if term == name or ">=" in term else 1
        lines.append(Row(_grade_name(name, term), tuple(cells.get((term, group), NONE) for group in groups), level))
    lines += _counted(name, rows, groups) + _days(name, rows, groups)
    header = ("Highest grade", *(course_label(group) for group in groups))
    note = f"Number (% of all patients in the column), below it the {section.confidence}, exact."
    return Table(caption, header, tuple(lines), explain(marks, note))


def _cell(row: dict[str, Any], marks: Mapping[str, str]) -> str:
    limits = interval(row["lower"], row["upper"], percent)
    return f"{count(row['n_events'])} ({percent(row['estimate'])}\u00a0%){mark(row, marks)}\n{limits}"


def _grade_name(name: str, term: str) -> str:
    if term == name:
        return "Any grade"
    bare = term.removeprefix(name)
    if bare.startswith(">="):
        return "Severe" if name == "cgvhd" else f"Grade {bare[2:]} or higher"
    return sentence_case(_CGVHD[bare[1:]]) if name == "cgvhd" else f"Grade {bare[1:]}"


def _counted(name: str, rows: _Rows, groups: list[str]) -> list[Row]:
    """Return what is not certain: bounds, other scales, not evaluable."""
    found = {
        (row["term"], row["group"]): row for row in rows if row["statistic"] == "count" and "differs" not in row["term"]
    }
    terms = [term for term in dict.fromkeys(term for term, _ in found) if not term.endswith("unresolved")]
    lines = []
    for term in terms:
        words = term.removeprefix(f"{name} ")
        words = f"Grade {words}" if words.startswith(("between", "under")) else sentence_case(words)
        cells = [found.get((term, group)) for group in groups]
        lines.append(Row(words, tuple(count(cell["estimate"]) if cell else "0" for cell in cells)))
    return lines


def _days(name: str, rows: _Rows, groups: list[str]) -> list[Row]:
    """Return median and range of onset and duration over the patients with it."""
    lines = []
    for what, words in (
        ("onset", "Days to onset, in those with it"),
        ("duration", "Duration in days, in those with it"),
    ):
        found = {(row["statistic"], row["group"]): row for row in rows if row["term"] == f"{name} {what}"}
        if found:
            lines.append(Row(words, tuple(_middle(found, group) for group in groups)))
    open_ended = {row["group"]: row for row in rows if row["term"] == f"{name} unresolved"}
    if open_ended:
        cells = tuple(count(open_ended[group]["estimate"]) if group in open_ended else "0" for group in groups)
        lines.append(Row("Unresolved: duration as far as seen", cells, 1))
    return lines


def _middle(found: Mapping[tuple[str, str], dict[str, Any]], group: str) -> str:
    median = found.get(("median", group))
    if median is None:
        return NONE
    middle, lowest, highest = (
        round(each["estimate"], 1) for each in (median, found["minimum", group], found["maximum", group])
    )
    return f"{plain(middle)} ({interval(lowest, highest, plain)})\nn = {count(median['n'])}"


def _scales(section: Section, rows: _Rows) -> Table | None:
    """Return the same patients under each scale."""
    found = [row for row in rows if row["statistic"] == "proportion" and "[scale=" in row["term"]]
    if not found:
        return None
    marks = footnotes(found)
    lines = []
    for group in dict.fromkeys(row["group"] for row in found):
        here = {row["term"]: row for row in found if row["group"] == group}
        lines.append(Row(course_label(group)))
        for scale in dict.fromkeys(term.partition("[scale=")[2][:-1] for term in here):
            cells = tuple(_cell(here[f"crs{floor}[scale={scale}]"], marks) for floor in ("", ">=3"))
            named = _words(section, "crs_scales", scale) or printable(scale)
            lines.append(Row(named, (count(here[f"crs[scale={scale}]"]["n"]), *cells), 1))
    note = " ".join(f"{course_label(row['group'])}: the grade of {count(row['estimate'])} of {count(row['n'])} differs "
                    "for certain between two of the scales." for row in rows if "differs" in row["term"])  # fmt: skip
    header = ("Scale", "Patients", "Any grade", "Grade 3 or higher")
    return Table("The same patients under each scale", header, tuple(lines), explain(marks, note))


def _medication(section: Section) -> Table | None:
    named = ("tocilizumab", "siltuximab", "anakinra", "steroid")
    found = [row for row in rows_of(section, "proportion") if row["term"] in named]
    if not found:
        return None
    groups = list(dict.fromkeys(row["group"] for row in found))
    cells = {(row["term"], row["group"]): _cell(row, {}) for row in found}
    lines = tuple(Row(sentence_case(term), tuple(cells.get((term, group), NONE) for group in groups))
                  for term in dict.fromkeys(row["term"] for row in found))  # fmt: skip
    note = "Patients who had it at least once within 30 days of the infusion, whatever for."
    return Table("Medication", ("Medication", *map(course_label, groups)), lines, note)


def _sentences(section: Section) -> tuple[str, ...]:
    events = section.settings.get("events")
    if not isinstance(events, tuple):
        return ()
    labels = [in_sentence(_LABELS.get(name, column_label(name))) for name in events]
    return (f"Toxicities: {listed(labels)}.",)


KIND: Final = Kind(
    sentences=_sentences,
    drawings=lambda _: (),
    tables=lambda _: (),
    details=lambda _: (),
    parts=_parts,
    warnings=lambda _: (),
)
