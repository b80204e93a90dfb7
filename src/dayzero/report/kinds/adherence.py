"""How adherence is printed: the flow, deviations by rule, eligibility, visits, the per-protocol set and its warning."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from dayzero.report.footnotes import spoken
from dayzero.report.formats import count, interval, listed, percent, plain, plural, printable, sentence_case
from dayzero.report.kinds.kind import Drawing, Kind, Part
from dayzero.report.page import Section
from dayzero.report.step_flow import FlowBox, draw_steps
from dayzero.report.tables import Row, Table, rows_of

_Row = dict[str, Any]
_RULES: Final = {
    "any": "Any of them, of those who had the first course",
    "window": "Outside the window",
    "order": "Out of order",
    "missing": "Not given, though due",
    "dose": "Dose outside the range",
    "product": "Another product",
    "lymphodepletion": "Without lymphodepletion",
    "decision": "Condition of the decision not met",
    "not_planned": "Not planned",
}
_CHECKED: Final = "eligible by the criteria that can be checked"
_TITLE: Final = "Patients at each step of the protocol"


def _words(section: Section) -> dict[str, tuple[str, str]]:
    return {key: (first, second) for key, first, second in section.design}


def _sentences(section: Section) -> tuple[str, ...]:
    return (*_deviating(section), *_eligible(section), *_complete(section))


def _share(row: _Row, section: Section) -> str:
    limits = interval(row["lower"], row["upper"], percent)
    size = f"{count(row['n_events'])} of {plural(row['n'], 'patient')}"
    return f"{size} ({percent(row['estimate'])}\u00a0%; {section.confidence} {limits})"


def _proportion(section: Section, term: str, group: str | None) -> _Row | None:
    rows = rows_of(section, "proportion")
    return next((row for row in rows if row["term"] == term and row["group"] == group and row["n"]), None)


def _deviating(section: Section) -> Iterator[str]:
    row = _proportion(section, "any deviation", "rule=any")
    if row:
        yield f"{_share(row, section)} who had the first course deviate from the protocol somewhere, visits apart."


def _eligible(section: Section) -> Iterator[str]:
    parts = []
    for value, words in (("yes", "eligible"), ("no", "not eligible"), ("unknown", "not known")):
        row = _proportion(section, "eligible", f"eligible={value}")
        if row:
            parts.append(f"{count(row['n_events'])} {words}")
            n = row["n"]
    if parts:
        yield f"Eligibility of {plural(n, 'patient')}: {listed(parts)}."


def _complete(section: Section) -> Iterator[str]:
    row = _proportion(section, "per_protocol", None)
    if row:
        done = f"{_share(row, section)} had every course that is planned for everybody, in order and in its window."
        yield f"{done}{_wait(section)}"


def _wait(section: Section) -> str:
    days = {row["statistic"]: row["estimate"] for row in rows_of(section, "median", "minimum", "maximum")
            if row["term"] == "immortal_time"}  # fmt: skip
    if not days or not days["maximum"]:
        return ""
    ends = interval(days["minimum"], days["maximum"], plain)
    return (
        f" They can be called completers from a median of {plain(days['median'])} days after the first course on "
        f"(range {ends}), and not before."
    )


def _boxes(section: Section) -> tuple[FlowBox, ...]:
    """Return the steps of the flow, in their order, from the counts."""
    depths, found = _words(section), []
    lost: dict[str, list[tuple[str, float]]] = {}
    for row in rows_of(section, "count"):
        kind, _, words = str(row["term"]).partition(": ")
        if kind == "lost":
            lost.setdefault(row["group"].removeprefix("step="), []).append((printable(words), row["estimate"]))
        elif kind == "step":
            found.append((words, row["estimate"]))
    return tuple(
        FlowBox(name, n, depths[f"step: {name}"][0], int(depths[f"step: {name}"][1]), tuple(lost.get(name, ())))
        for name, n in found
    )


def _drawings(section: Section) -> tuple[Drawing, ...]:
    boxes = _boxes(section)
    if not boxes:
        return ()
    told = "; ".join(f"{box.name}: {count(box.n)}" for box in boxes)
    caption = f"{_TITLE}. Beside a box: those of the step before who did not reach it, and why."
    return (Drawing("flow", caption, f"{_TITLE}. {told}", partial(draw_steps, _TITLE, boxes)),)


def _deviations(section: Section) -> Table | None:
    """Return the deviations, a block a course, a line a rule."""
    rows = [row for row in rows_of(section, "proportion") if str(row["group"]).startswith("rule=")]
    unknown = {(row["group"], row["term"].removeprefix("unknown: ")): row["estimate"]
               for row in rows_of(section, "count") if str(row["term"]).startswith("unknown: ")}  # fmt: skip
    lines, words = [], _words(section)
    for course in dict.fromkeys(row["term"] for row in rows):
        here = [row for row in rows if row["term"] == course]
        lines += [Row(printable(sentence_case(course)))] if course != "any deviation" else []
        for row in here:
            name = row["group"].removeprefix("rule=")
            planned = words.get(f"{name}: {course}", ("", ""))[0]
            cells = (*_cells(row), count(unknown.get((row["group"], course), 0)))
            lines.append(Row(_rule(name, planned), cells, int(course != "any deviation")))
    header = ("Deviation", "Patients", f"% ({section.confidence})", "Unknown")
    note = "Of those who had the course, or to whom it was due; whoever is unknown is in neither number."
    return Table("Each rule of the protocol, and who deviates", header, tuple(lines), note) if len(lines) > 1 else None


def _rule(name: str, planned: str) -> str:
    rule = _RULES.get(name.partition(": ")[0], name)
    return f"{rule}\nplanned: {printable(planned)}" if planned else rule


def _cells(row: _Row) -> tuple[str, str]:
    if not row["n"]:
        return "0 of 0", "–"
    limits = interval(row["lower"], row["upper"], percent)
    return f"{count(row['n_events'])} of {count(row['n'])}", f"{percent(row['estimate'])} ({limits})"


def _unchecked(section: Section) -> Table | None:
    """Return the rules by which nobody can be judged."""
    found = [row for row in section.design if row[2] and not row[0].startswith(("step: ", "criterion: "))]
    lines = [Row(_rule_of(key), (printable(planned), printable(why))) for key, planned, why in found]
    header = ("Rule", "Planned", "Why nobody can be judged")
    return Table("Planned, and not checked", header, tuple(lines), prose=True) if lines else None


def _rule_of(key: str) -> str:
    rule, course = key.partition(": ")[0], key.rpartition(": ")[2]
    return printable(f"{sentence_case(course)}: {rule.replace('_', ' ')}")


def _eligibility(section: Section) -> Table | None:
    """Return each criterion: met, not met, unknown; and who was eligible."""
    rows, lines = rows_of(section, "proportion"), []
    for key, kind, why in section.design:
        if key.startswith("criterion: "):
            term = key.removeprefix("criterion: ")
            cells = _three(rows, term, "status", ("met", "not met", "unknown"))
            name = printable(sentence_case(term))
            more = "; ".join(filter(None, ("exclusion" if kind == "exclusion" else "", printable(why))))
            lines.append(Row(f"{name}\n{more}" if more else name, cells))
    if not lines:
        return None
    eligible = _three(rows, "eligible", "eligible", ("yes", "no", "unknown"))
    lines.append(Row("Eligible by all of them", eligible))
    if any(row["term"] == _CHECKED for row in rows):
        lines.append(Row(sentence_case(_CHECKED), _three(rows, _CHECKED, "eligible", ("yes", "no", "unknown"))))
    note = (
        "A patient is eligible where every inclusion criterion is met and no exclusion criterion; unknown is neither."
    )
    return Table("Criteria of eligibility", ("Criterion", "Met", "Not met", "Unknown"), tuple(lines), note)


def _three(rows: list[_Row], term: str, column: str, values: tuple[str, ...]) -> tuple[str, ...]:
    groups = {row["group"]: row["n_events"] for row in rows if row["term"] == term}
    return tuple(count(groups.get(f"{column}={value}")) for value in values)


def _visits(section: Section) -> Table | None:
    """Return the visits kept of those that were due, a block a series."""
    rows, lines = [row for row in rows_of(section, "proportion") if row["group"] == "visit=kept"], []
    for name in dict.fromkeys(row["term"] for row in rows):
        lines.append(Row(printable(name)))
        lines += [Row(_month(row["time"]), _cells(row), 1) for row in rows if row["term"] == name]
    header = ("Visit", "Kept, of those due", f"% ({section.confidence})")
    note = "Due: alive, without relapse, progression or a further course, and followed to the end of the window."
    return Table("Visits kept", header, tuple(lines), note) if lines else None


def _month(days: float) -> str:
    return f"Month {days / 30.4375:g}"


def _completers(section: Section) -> Table | None:
    """Return how many completed the plan, and what kept the others from it."""
    row = _proportion(section, "per_protocol", None)
    if row is None:
        return None
    n = count(row["n"])
    lines = [Row("Completed", (f"{count(row['n_events'])} of {n}", _cells(row)[1]))]
    for each in rows_of(section, "count"):
        kind, _, why = str(each["term"]).partition(": ")
        if kind == "not per protocol":
            lines.append(Row(printable(sentence_case(why)), (f"{count(each['estimate'])} of {n}", ""), 1))
        elif kind == "per_protocol unknown":
            lines.append(Row("May still come, or a date is not known", (f"{count(each['estimate'])} of {n}", ""), 1))
    header = ("All planned courses in their windows", "Patients", f"% ({section.confidence})")
    return Table("Per-protocol set", header, tuple(lines), "Others by the first thing that kept them from it.")


def _warned(section: Section) -> tuple[str, ...]:
    row = _proportion(section, "per_protocol", None)
    return (sentence_case(spoken(row["warning"])) + ".",) if row and row["warning"] else ()


def _parts(section: Section) -> tuple[Part, ...]:
    found = (
        Part("Deviations", tables=(_deviations(section), _unchecked(section))),
        Part("Eligibility", tables=(_eligibility(section),)),
        Part("Visits", tables=(_visits(section),)),
        Part("Who completed the plan", tables=(_completers(section),)),
    )
    return tuple(part for part in found if any(part.tables))


KIND: Final = Kind(
    sentences=_sentences,
    drawings=_drawings,
    tables=lambda _: (),
    details=lambda _: (),
    parts=_parts,
    warnings=_warned,
)
