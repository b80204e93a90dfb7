"""Persistence on the page: B-cell aplasia at each day, its loss; T and NK cells after CD7 products."""

import re
from typing import Any, Final

from dayzero.report.formats import NONE, count, interval, percent, plain, printable
from dayzero.report.kinds.kind import Kind
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, rows_of

_DAY: Final = re.compile(r"^b_cells: (.+)\[day=([\d.]+)\]$")
_Row = dict[str, Any]
_T_NK: Final = (
    ("t: aplasia", "T-cell aplasia", 0), ("t: recovered", "recovered", 1), ("nk: aplasia", "NK-cell aplasia", 0),
    ("nk: recovered", "recovered", 1), ("t_nk: cd7_negative_recovery", "T cells back, most of them CD7-negative", 0),
    ("t_nk: prolonged_cytopenia", "Prolonged cytopenia, days 30 to 90", 0),
)  # fmt: skip


def _found(section: Section, statistic: str) -> dict[str, _Row]:
    return {row["term"]: row for row in rows_of(section, statistic)}


def _share(row: _Row | None, section: Section) -> str:
    if row is None or not row["n"]:
        return "nobody is known"
    limits = interval(row["lower"], row["upper"], percent)
    share = f"{percent(row['estimate'])}\u00a0%; {section.confidence} {limits}"
    return f"{count(row['n_events'])} of {count(row['n'])} ({share})"


def _cells(row: _Row | None) -> tuple[str, str]:
    if row is None or not row["n"]:
        return NONE, NONE
    limits = interval(row["lower"], row["upper"], percent)
    return f"{count(row['n_events'])} of {count(row['n'])}", f"{percent(row['estimate'])} ({limits})"


def _middle(section: Section, term: str) -> str:
    parts = [_found(section, name).get(term) for name in ("median", "minimum", "maximum")]
    if not all(parts):
        return NONE
    median, low, high = (part["estimate"] for part in parts if part)
    return f"{plain(median)} ({interval(low, high, plain)}; n = {count(parts[0]['n'] if parts[0] else 0)})"


def _days(section: Section) -> list[str]:
    return list(dict.fromkeys(match[2] for term in _found(section, "proportion") if (match := _DAY.match(term))))


def _sentences(section: Section) -> tuple[str, ...]:
    shares = _found(section, "proportion")
    aplastic = {day: shares.get(f"b_cells: in aplasia[day={day}]") for day in _days(section)}
    said = [f"in B-cell aplasia on day {day}, {_share(row, section)}" for day, row in aplastic.items()]
    text = [f"Of those of whom it is known: {'; '.join(said)}."] if said else []
    early = shares.get("b_cells: recovered early")
    if early and early["n"]:
        text.append(f"Recovery within six months, known in {count(early['n'])}: {_share(early, section)}.")
    cd7 = shares.get("t: aplasia")
    if cd7 and cd7["n"]:
        text.append(f"After products against CD7, T-cell aplasia in {_share(cd7, section)}.")
    return tuple(text)


def _b_cells(section: Section) -> Table | None:
    shares, counts = _found(section, "proportion"), _found(section, "count")
    lines = []
    for day in _days(section):
        where = f"[day={day}]"
        numbers = (counts[f"b_cells: {name}{where}"]["n_events"] for name in ("lost by", "ended before", "not known"))
        lines.append(Row(f"Day {day}", (*_cells(shares[f"b_cells: in aplasia{where}"]), *map(count, numbers))))
    header = ("B-cell aplasia", "In aplasia", f"% of the known ({section.confidence})", "Lost by then",
              "Ended before", "Not known")  # fmt: skip
    note = (
        f"Loss of aplasia: {_definition(section, 'b_cell_loss')}. Ended before: relapse, death, a further course or "
        "treatment against B cells came first. Not known: no sample tells."
    )
    return Table("B-cell aplasia by day", header, tuple(lines), note) if lines else None


def _definition(section: Section, name: str) -> str:
    found = section.settings.get("definitions")
    return printable(str(found.get(name, ""))) if isinstance(found, dict) else ""


def _loss(section: Section) -> Table | None:
    counts, shares = _found(section, "count"), _found(section, "proportion")
    if "b_cells: evaluable" not in counts:
        return None
    words = (
        ("evaluable", "With a product against B cells"),
        ("sampled", "and a sample after it"),
        ("targets unknown", "Targets of the product unknown: not evaluable"),
        ("lost", "Aplasia lost"),
    )
    lines = [Row(text, (_of(counts[f"b_cells: {name}"]), ""), int(name == "sampled")) for name, text in words
             if name != "targets unknown" or counts[f"b_cells: {name}"]["n_events"]]  # fmt: skip
    lines.append(
        Row("Day on which it was first shown to be lost", ("", _middle(section, "b_cells: first shown lost")), 1)
    )
    lines.append(Row("Last day before in aplasia", ("", _middle(section, "b_cells: last in aplasia before")), 1))
    known, share = _cells(shares.get("b_cells: recovered early"))
    lines.append(Row("Early recovery, by day 182, of the known", (known, share.replace(" (", "\u00a0% (", 1))))
    header = ("Patients with the infusion", "Patients", f"Days, median (range); or % ({section.confidence})")
    return Table("B cells: who can be judged, and the loss of aplasia", header, tuple(lines))


def _of(row: _Row) -> str:
    return f"{count(row['n_events'])} of {count(row['n'])}"


def _t_nk(section: Section) -> Table | None:
    shares = _found(section, "proportion")
    if "t: aplasia" not in shares:
        return None
    lines = []
    for term, words, level in _T_NK:
        days = _middle(section, f"{term.partition(':')[0]}: recovery") if level else ""
        lines.append(Row(words, (*_cells(shares.get(term)), days), level))
    chimerism = _middle(section, "t_nk: chimerism")
    if chimerism != NONE:
        lines.append(Row("Donor chimerism, last known (fraction), median (range)", ("", "", chimerism)))
    header = ("After products against CD7", "Of the known", f"% ({section.confidence})", "Days, median (range)")
    named = _definition(section, "t_nk_aplasia")
    note = f"Aplasia: {named}. Recovered: of those with aplasia, as far as they were followed."
    return Table("T and NK cells", header, tuple(lines), note)


KIND: Final = Kind(
    sentences=_sentences,
    drawings=lambda _: (),
    tables=lambda section: (_b_cells(section), _loss(section), _t_nk(section)),
    details=lambda _: (),
    warnings=lambda _: (),
)
