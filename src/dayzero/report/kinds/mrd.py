"""MRD on the page: the strip, rates at each visit with every denominator, who was looked at, how long it lasted."""

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from dayzero.report.formats import NONE, count, interval, percent, plain, plural, sentence_case
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.lanes import MOST_SHEETS
from dayzero.report.mrd_strip import draw_mrd_strip, strip_sheets
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, rows_of

_WITH_RESULT: Final = " with an MRD result"
_REACHED: Final = "infused, visit reached"
_COLUMNS: Final = {  # denominator: the head of its column
    "evaluated": "Of those with a result\n(missing left out)",
    "infused": "Of all infused\n(missing is failure)",
    "in remission and alive": "In remission and alive\n(missing is failure)",
}
_FURTHER: Final = {  # the same, in the folded table
    _REACHED: "Of infused who reached the visit\n(missing is failure)",
    f"in remission and alive{_WITH_RESULT}": "In remission and alive\n(missing left out)",
}
_RESULTS: Final = {
    "positive": "Positive", "below_quantification": "Below quantification", "insufficient": "Insufficient sensitivity",
    "uncertain": "Not certain",
}  # fmt: skip
_KEPT: Final = {"done": "Done", "missed": "Missed", "pending": "Pending", "not_due": "Not due", "unknown": "Unknown"}
_MONTH: Final = re.compile(r"^(\w+)\[month=(\d+)\]$")
_Row = dict[str, Any]


def _visits(section: Section, *statistics: str) -> dict[tuple[str, int, str], _Row]:
    """Return the rows of visits by what they count, month and denominator."""
    found = {}
    for row in rows_of(section, *statistics):
        match = _MONTH.match(row["term"] or "")
        if match:
            found[match[1], int(match[2]), str(row["group"] or "").removeprefix("denominator=")] = row
    return found


def _months(found: dict[tuple[str, int, str], _Row]) -> list[int]:
    return list(dict.fromkeys(month for _, month, _ in found))


def _assay(section: Section) -> str:
    return str(section.settings.get("assay", "MRD"))


def _month(month: int) -> str:
    return f"Month {month}"


def _cell(row: _Row | None) -> str:
    if row is None or not row["n"]:
        return NONE
    limits = interval(row["lower"], row["upper"], percent)
    return f"{count(row['n_events'])} of {count(row['n'])} ({percent(row['estimate'])}\u00a0%)\n{limits}"


def _negative(section: Section) -> dict[tuple[int, str], _Row]:
    """Return the rates of negativity by month and denominator."""
    found = _visits(section, "proportion")
    return {(month, name): row for (what, month, name), row in found.items() if what == "mrd_negative"}


def _lines(rates: dict[tuple[int, str], _Row], names: Iterable[str]) -> tuple[Row, ...]:
    months = dict.fromkeys(month for month, _ in rates)
    return tuple(Row(_month(month), tuple(_cell(rates.get((month, name))) for name in names)) for month in months)


def _rates(section: Section) -> Table | None:
    lines = _lines(_negative(section), _COLUMNS)
    note = (
        f"Negative of all (%), below it the {section.confidence}, exact. A result of insufficient sensitivity is "
        "missing. In remission and alive: on the day of the visit, without a further course.\n"
        "Of all infused, those not yet followed so long count as failures, too. Further denominators stand in a table "
        "of their own."
    )
    header = ("Visit", *_COLUMNS.values())
    return Table(f"MRD-negative at each visit: {_assay(section)}", header, lines, note) if lines else None


def _further(section: Section) -> Table | None:
    """Return the rates of the second denominators; of those who reached the visit only where they are not all."""
    rates = _negative(section)
    reached = any(row["n"] != rates[month, "infused"]["n"] for (month, name), row in rates.items() if name == _REACHED)
    names = {name: head for name, head in _FURTHER.items() if name != _REACHED or reached}
    lines = _lines(rates, names)
    title = f"MRD-negative at each visit, further denominators: {_assay(section)}"
    note = f"Negative of all (%), below it the {section.confidence}, exact."
    return Table(title, ("Visit", *names.values()), lines, note) if lines else None


def _results(section: Section) -> Table | None:
    found = _visits(section, "count")
    known = [name for name in _RESULTS if any(row["n_events"] for (what, _, _), row in found.items() if what == name)]
    rates = _visits(section, "proportion")
    lines = []
    for month in _months(found):
        negative = rates["mrd_negative", month, "evaluated"]["n_events"]
        cells = (count(negative), *(count(found[name, month, ""]["n_events"]) for name in known))
        lines.append(Row(_month(month), cells))
    header = ("Visit", "Negative", *(_RESULTS[name] for name in known))
    return Table(f"Results at each visit: {_assay(section)}", header, tuple(lines)) if lines else None


def _adherence(section: Section) -> Table | None:
    found, shares = _visits(section, "count"), _visits(section, "proportion")
    names = [name for name in _KEPT if name != "unknown" or any(
        row["n_events"] for (what, _, _), row in found.items() if what == "unknown")]  # fmt: skip
    lines = []
    for month in _months(found):
        row = shares["adherence", month, ""]
        limits = interval(row["lower"], row["upper"], percent)
        share = f"{percent(row['estimate'])} ({limits})" if row["n"] else NONE
        lines.append(Row(_month(month), (*(count(found[name, month, ""]["n_events"]) for name in names), share)))
    header = ("Visit", *(_KEPT[name] for name in names), f"Done, % of done and missed ({section.confidence})")
    note = (
        "Pending: the window was open at the end of follow-up. Not due: relapse, death, a further course, or the end "
        "of follow-up came before."
    )
    return Table("Visits of the schedule that were kept", header, tuple(lines), note) if lines else None


def _counts(section: Section) -> dict[str, _Row]:
    return {row["term"]: row for row in rows_of(section, "count") if not _MONTH.match(row["term"])}


def _middle(section: Section, term: str) -> str:
    rows = {row["statistic"]: row for row in rows_of(section, "median", "minimum", "maximum") if row["term"] == term}
    if "median" not in rows:
        return NONE
    ends = interval(rows["minimum"]["estimate"], rows["maximum"]["estimate"], plain)
    return f"{plain(rows['median']['estimate'])} ({ends}; n = {count(rows['median']['n'])})"


def _negativity(section: Section) -> Table | None:
    found = _counts(section)

    def patients(term: str, words: str, level: int = 0) -> list[Row]:
        row = found.get(term)
        return [Row(words, (f"{count(row['n_events'])} of {count(row['n'])}", ""), level)] if row else []

    ended = [name for name in found if name.startswith("ended by ")]
    lines = [
        *patients("negative before", "Negative before the course already"),
        *patients("first shown negative", "First shown negative after it"),
        Row("Day on which it was first shown", ("", _middle(section, "first shown negative")), 1),
        Row("Last day before on which it was known not to be", ("", _middle(section, "not yet shown negative")), 1),
        *patients("ever negative", "Negative at any time after it"),
        *patients("lost", "Positive again without relapse before"),
        Row("Days of negativity, at least", ("", _middle(section, "duration at least")), 1),
        Row("Days of negativity, at most", ("", _middle(section, "duration at most")), 1),
        *(line for name in ended for line in patients(name, sentence_case(_ending(name)))),
        *patients("negative when last seen", "Not known to be lost at the end of follow-up"),
    ]  # fmt: skip
    header = ("Negativity", "Patients", "Days, median (range)")
    note = (
        "The day on which MRD became negative, or positive again, lies between two samples: both ends are given. Where "
        "no sample came between, it is the day of the course. Medians are over those in whom it was seen, and no "
        "estimate for the others: relapse, death and further courses compete."
    )
    return Table(f"Time to and duration of negativity: {_assay(section)}", header, tuple(lines), note)


def _ending(term: str) -> str:
    return term.replace("hsct", "transplant").replace("infusion", "a further infusion")


def _sentences(section: Section) -> tuple[str, ...]:
    found, rates = _counts(section), _visits(section, "proportion")
    n, sampled = found["infused"]["n_events"], found["sampled"]["n_events"]
    said = [f"{count(sampled)} of {plural(n, 'patient')} had a sample."]
    if _assay(section):
        said[0] = f"{sentence_case(_assay(section))}. {said[0]}"
    evaluated = [(month, row) for (what, month, name), row in rates.items()
                 if what == "mrd_negative" and name == "evaluated" and row["n"]]  # fmt: skip
    if evaluated:
        month, row = evaluated[0]
        everybody = rates["mrd_negative", month, "infused"]
        limits = interval(row["lower"], row["upper"], percent)
        said.append(
            f"At month {month}, {count(row['n_events'])} of {count(row['n'])} with a result were negative "
            f"({percent(row['estimate'])}\u00a0%; {section.confidence} {limits}), of all infused "
            f"{percent(everybody['estimate'])}\u00a0%."
        )
    shown = _middle(section, "first shown negative")
    if shown != NONE:
        said.append(f"Negativity was first shown on day {shown}, the median (range) of those in whom it was shown.")
    return tuple(said)


def _drawings(section: Section) -> tuple[Drawing, ...]:
    if not section.patients.height:
        return ()
    drawings = []
    for sheet in strip_sheets(section)[:MOST_SHEETS]:
        name = "strip" if sheet.of == 1 else f"strip {sheet.number}"
        part = f", figure {sheet.number} of {sheet.of}" if sheet.of > 1 else ""
        title = f"MRD of each patient over time{part}: {plural(sheet.patients, 'patient')}. {_assay(section)}."
        description = " ".join([title, *_sentences(section)])
        drawings.append(Drawing(name, title, description, partial(draw_mrd_strip, section, sheet)))
    return tuple(drawings)


KIND: Final = Kind(
    sentences=_sentences,
    drawings=_drawings,
    tables=lambda section: (_rates(section), _negativity(section), _adherence(section)),
    details=lambda section: (_further(section), _results(section)),
    warnings=lambda _: (),
)
