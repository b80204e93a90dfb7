"""Responses on the page: every rate with its set and its denominator."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import (
    count,
    interval,
    percent,
    plain,
    plural,
    printable,
    sentence_case,
)
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, rows_of
from dayzero.report.waterfall import Bar, draw_waterfall

_MEASURES: Final = {"mrd": "MRD", "blasts": "marrow blasts"}
_STEPS: Final = (
    "enrolled", "apheresed", "infused", "infused, not in remission before", "evaluable", "transplanted",
)  # fmt: skip
_SILENT: Final = ("in remission before", "died before assessment", "not assessed")
_WITH_RESULT: Final = " with an MRD result"
_NAMES: Final = {"transplanted": "transplanted later"}
_RELAPSES: Final = {
    "bm": "bone marrow", "cns": "CNS", "csf": "CNS", "emd": "extramedullary", "testis": "testis",
    "positive": "antigen-positive", "negative": "antigen-negative", "dim": "dim", "mixed": "mixed",
}  # fmt: skip
_Row = dict[str, Any]


def sets_of(section: Section) -> dict[str, str]:
    """Return the label of each set of responses by its term."""
    sets = section.settings.get("sets")
    return {str(term): str(label) for label, term in sets.items()} if isinstance(sets, Mapping) else {}


def _of(row: _Row) -> str:
    """Name a row's denominator."""
    name = str(row["group"] or "").removeprefix("denominator=").removesuffix(_WITH_RESULT)
    return printable(_NAMES.get(name, name))


def _day(section: Section) -> str:
    days = section.settings.get("by_day")
    return f"by day {days:g}" if isinstance(days, float) else ""


def _sentences(section: Section) -> tuple[str, ...]:
    return (*_rate_sentences(section), *_mrd_sentence(section), *_waiting(section))


def _rate_sentences(section: Section) -> Iterator[str]:
    """Yield a sentence a set: its share of every denominator, in which they died too early to be assessed."""
    for term, label in sets_of(section).items():
        found = [row for row in rows_of(section, "proportion") if row["term"] == term]
        parts = [f"{_share(row, section)} of the {_of(row)}" for row in found
                 if row["estimate"] is not None and _of(row) != _NAMES["transplanted"]]  # fmt: skip
        if parts:
            yield f"{sentence_case(label)} {_day(section)}: {'; '.join(parts)}."


def _share(row: _Row, section: Section) -> str:
    limits = interval(row["lower"], row["upper"], percent)
    size = f"{count(row['n_events'])}/{count(row['n'])}"
    return f"{size} ({percent(row['estimate'])}\u00a0%; {section.confidence} {limits})"


def _mrd_sentence(section: Section) -> Iterator[str]:
    found = [row for row in rows_of(section, "proportion") if row["term"] == "mrd_negative"]
    wanted = ("infused", "evaluable", "responders")
    here = [row for row in found if not row["group"].endswith(_WITH_RESULT) and _of(row) in wanted and row["n"]]
    parts = [f"{_share(row, section)} of the {_of(row)}" for row in here]
    if parts:
        yield f"MRD-negative {_day(section)}, a missing result counting as failure: {'; '.join(parts)}."


def _waiting(section: Section) -> Iterator[str]:
    rows = {row["statistic"]: row for row in rows_of(section, "median", "minimum", "maximum")
            if row["term"] == "vein_to_vein"}  # fmt: skip
    if "median" in rows:
        ends = interval(rows["minimum"]["estimate"], rows["maximum"]["estimate"], plain)
        median, n = plain(rows["median"]["estimate"]), plural(rows["median"]["n"], "patient")
        yield f"From apheresis to infusion it took a median of {median} days (range {ends}; {n})."


def _flow(section: Section) -> Table | None:
    """Return how many there were at each step, and who is not evaluable, and why."""
    found = {row["term"]: row for row in rows_of(section, "count")}
    lines = []
    for term in _STEPS:
        if term in found:
            lines.append(Row(sentence_case(_NAMES.get(term, term)), (count(found[term]["estimate"]),)))
        if term == "apheresed" and "apheresed, never infused" in found:
            lines.append(Row("Never infused", (count(found["apheresed, never infused"]["estimate"]),), 1))
            lines += [Row(sentence_case(printable(name.replace("_", " "))), (count(row["estimate"]),), 1)
                      for name, row in found.items() if name.startswith("never infused: ")]  # fmt: skip
        if term == "infused":
            silent = [(name, found[name]) for name in _SILENT if name in found and found[name]["estimate"]]
            lines += [Row(sentence_case(name), (count(row["estimate"]),), 1) for name, row in silent]
    note = "Who died before an assessment is a non-responder among the infused, and is not evaluable."
    return Table("Patients at each step", ("Step", "Patients"), tuple(lines), note) if lines else None


def _rates(section: Section) -> Table | None:
    """Return each set of responses with every denominator."""
    lines, marks = [], footnotes(rows_of(section, "proportion"))
    for term, label in sets_of(section).items():
        found = [row for row in rows_of(section, "proportion") if row["term"] == term]
        lines.append(Row(f"{sentence_case(printable(label))} {_day(section)}"))
        lines += [Row(f"of the {_of(row)}", _cells(row, marks), 1) for row in found]
    return _table(section, "Response rates with every denominator", lines, _marked(lines, marks))


def _cells(row: _Row, marks: Mapping[str, str]) -> tuple[str, ...]:
    limits = interval(row["lower"], row["upper"], percent)
    share = f"{percent(row['estimate'])} ({limits}){mark(row, marks)}" if row["n"] else f"–{mark(row, marks)}"
    return f"{count(row['n_events'])} of {count(row['n'])}", share


def _marked(lines: list[Row], marks: Mapping[str, str]) -> str:
    """Explain the letters that stand in these lines."""
    text = "".join(cell for line in lines for cell in line.cells)
    return explain({words: letter for words, letter in marks.items() if letter in text})


def _table(section: Section, caption: str, lines: list[Row], note: str = "") -> Table | None:
    header = ("Response", "Patients", f"% ({section.confidence}, exact)")
    return Table(caption, header, tuple(lines), note) if any(line.cells for line in lines) else None


def _categories(section: Section) -> Table | None:
    found = [row for row in rows_of(section, "proportion") if str(row["term"]).startswith("best response=")]
    lines = [Row(printable(sentence_case(row["term"].partition("=")[2])), _cells(row, {})) for row in found]
    return _table(section, f"Best response {_day(section)}, of the infused", lines)


def _marrow(section: Section) -> Table | None:
    """Return the marrow beside the whole patient: a marrow without leukaemia is no remission where it is elsewhere."""
    lines: list[Row] = []
    for term, label in sets_of(section).items():
        found = [row for row in rows_of(section, "proportion") if str(row["term"]).endswith(f": {term}")]
        for group in dict.fromkeys(row["group"] for row in found):
            here = [row for row in found if row["group"] == group]
            among = f"patients with {_of(here[0])}" if "disease" in _of(here[0]) else f"those {_of(here[0])}"
            lines.append(Row(f"{sentence_case(printable(label))}, of {among}"))
            lines += [Row(sentence_case(row["term"].partition(":")[0]), _cells(row, {}), 1) for row in here]
    note = "Marrow: its response, whatever is outside it. A patient with leukaemia outside it has not responded."
    return _table(section, "Response of the marrow and of the whole patient", lines, note)


def _mrd(section: Section) -> Table | None:
    found = [row for row in rows_of(section, "proportion") if row["term"] == "mrd_negative"]
    lines, marks = [], footnotes(found)
    for ending, words in (
        ("", "Missing results count as failures"),
        (_WITH_RESULT, "Missing results left out"),
    ):
        here = [row for row in found if str(row["group"]).endswith(_WITH_RESULT) == bool(ending)]
        lines.append(Row(words))
        lines += [Row(f"of the {_of(row)}", _cells(row, marks), 1) for row in here]
    return _table(section, f"MRD-negativity {_day(section)}", lines, _marked(lines, marks))


def _relapses(section: Section) -> Table | None:
    lines: list[Row] = []
    for column, words in (("site", "Site, of all relapses"), ("antigen", "Antigen, of the relapses that were tested")):
        start = f"relapse[{column}="
        here = [row for row in rows_of(section, "proportion") if str(row["term"]).startswith(start)]
        lines += [Row(words)] if here else []
        lines += [Row(_relapse_name(row["term"].removeprefix(start)[:-1]), _cells(row, {}), 1) for row in here]
    table = _table(section, "First relapses after the infusion", lines)
    return table and Table(table.caption, ("Relapse", *table.header[1:]), table.rows)


def _relapse_name(text: str) -> str:
    """Name a site (several are joined with +) or an antigen."""
    words = (_RELAPSES.get(part, part.replace("_", " ")) for part in text.split("+"))
    return sentence_case(printable(" and ".join(words)))


def _drawings(section: Section) -> tuple[Drawing, ...]:
    if not section.patients.height:
        return ()
    measure = _MEASURES.get(str(section.settings.get("waterfall")), "")
    title = f"Change of {measure} from baseline to the lowest value {_day(section)}"
    bars = tuple(
        Bar(row["log10_change"], printable(row["response"]), row["at_limit"] == "yes")
        for row in section.patients.iter_rows(named=True)
    )
    infused = next((row["estimate"] for row in rows_of(section, "count") if row["term"] == "infused"), None)
    told = f"One bar a patient: the {len(bars)} of {count(infused)} infused who have a baseline and a later value."
    draw = partial(draw_waterfall, title, "log10 of the lowest value over baseline", bars)
    return (Drawing("waterfall", f"{title}. {told}", f"{title}. {told}", draw),)


KIND: Final = Kind(
    sentences=_sentences,
    drawings=_drawings,
    tables=lambda section: (_flow(section), _rates(section), _categories(section), _marrow(section), _mrd(section),
                            _relapses(section)),
    details=lambda _: (),
    warnings=lambda _: (),
)  # fmt: skip
