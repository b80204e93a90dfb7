"""Courses on the page: the swimmer plot, the table of courses, and the sequences that patients went through."""

from functools import partial
from typing import Any, Final

from dayzero.protocol.words import course_words
from dayzero.report.formats import count, interval, listed, percent, plain, plural, printable, sentence_case
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.lanes import MOST_SHEETS
from dayzero.report.page import Section
from dayzero.report.swimmer import draw_swimmer, sheets_of
from dayzero.report.tables import Row, Table, rows_of

_WORDS: Final = {"infusion": "infusion", "hsct": "transplant", "dli": "DLI", "boost": "boost"}
_ENDS: Final = ("alive", "died", "died on an unknown day", "follow-up unknown")
_SEQUENCE: Final = "sequence="
_NEVER: Final = "Who is in which line was known only after day zero: the lines are described, and never compared."
_Row = dict[str, Any]


def course_name(term: str) -> str:
    """Name a course.

    Examples
    --------
    >>> course_name("infusion:2"), course_name("hsct:7")
    ('Second infusion', '7th transplant')
    """
    kind, _, number = term.partition(":")
    return sentence_case(course_words(kind, int(number)))


def sequence_name(words: str) -> str:
    """Write a sequence as people read it.

    Examples
    --------
    >>> sequence_name("infusion > relapse > hsct")
    'Infusion → relapse → transplant'
    """
    steps = [_WORDS.get(step, step) for step in words.split(" > ")]
    return sentence_case(" → ".join(steps)) if words != "none" else "No course from day zero on"


def _counts(section: Section) -> dict[str, _Row]:
    return {row["term"]: row for row in rows_of(section, "count")}


def _sentences(section: Section) -> tuple[str, ...]:
    found = _counts(section)
    n = found["patients"]["n_events"]
    ends = listed(f"{count(found[end]['n_events'])} {_end(end)}" for end in _ENDS if end in found)
    without = found.get("without day zero")
    left = f" {plural(without['n_events'], 'patient')} without day zero: not drawn." if without else ""
    given = [
        f"{count(found[term]['n_events'])} had a {_given(term)}" for term in _terms(section) if term != "infusion:1"
    ]
    more = f" {sentence_case(listed(given))}." if given else ""
    return (f"{plural(n, 'patient')} followed from day zero: {ends}.{left}", *([more.strip()] if more else []))


def _given(term: str) -> str:
    """Name a course within a sentence: the first of its kind needs no number."""
    kind, _, number = term.partition(":")
    return _WORDS.get(kind, kind) if number == "1" else course_name(term)[:1].lower() + course_name(term)[1:]


def _end(word: str) -> str:
    return {"alive": "alive at last contact", "follow-up unknown": "of unknown follow-up"}.get(word, word)


def _terms(section: Section) -> list[str]:
    """Return the courses that somebody had, in order."""
    names = [row["term"] for row in rows_of(section, "count") if ":" in row["term"] and "=" not in row["term"]]
    return list(dict.fromkeys(names))


def _courses(section: Section) -> Table | None:
    """Return each course: patients, days from day zero, products, kinds."""
    found, lines = _counts(section), []
    days = {
        (row["statistic"], row["term"]): row["estimate"] for row in rows_of(section, "median", "minimum", "maximum")
    }
    for term in _terms(section):
        row = found[term]
        ends = interval(days.get(("minimum", term)), days.get(("maximum", term)), plain)
        middle = f"{plain(days.get(('median', term)))} ({ends})"
        lines.append(Row(course_name(term), (f"{count(row['n_events'])} of {count(row['n'])}", middle)))
        for name, part in found.items():
            if name.startswith(f"{term}["):
                words = name[len(term) + 1 : -1].partition("=")[2]
                lines.append(Row(printable(words), (f"{count(part['n_events'])} of {count(part['n'])}", ""), 1))
    header = ("Course", "Patients", "Days from day zero, median (range)")
    return Table("Courses from day zero on", header, tuple(lines), _NEVER) if lines else None


def _sequences(section: Section) -> Table | None:
    """Return the sequences of courses and relapses, the commonest first."""
    rows = [row for name, row in _counts(section).items() if name.startswith(_SEQUENCE)]
    lines = tuple(Row(sequence_name(row["term"].removeprefix(_SEQUENCE)), _share(row)) for row in rows)
    caption = "Sequences of courses and relapses from day zero on"
    return Table(caption, ("Sequence", "Patients", "%"), lines, _NEVER) if lines else None


def _share(row: _Row) -> tuple[str, str]:
    return count(row["n_events"]), percent(row["n_events"] / row["n"])


def _drawings(section: Section) -> tuple[Drawing, ...]:
    if not section.patients.height:
        return ()
    drawings = []
    for sheet in sheets_of(section)[:MOST_SHEETS]:
        name = "swimmer" if sheet.of == 1 else f"swimmer {sheet.number}"
        part = f", figure {sheet.number} of {sheet.of}" if sheet.of > 1 else ""
        title = f"One bar a patient from day zero{part}: {plural(sheet.patients, 'patient')}."
        description = " ".join([title, *_sentences(section)])
        drawings.append(Drawing(name, title, description, partial(draw_swimmer, section, sheet)))
    return tuple(drawings)


KIND: Final = Kind(
    sentences=_sentences,
    drawings=_drawings,
    tables=lambda section: (_courses(section), _sequences(section)),
    details=lambda _: (),
    warnings=lambda _: (),
)
