"""Comparisons within patients on the page."""

from typing import Any, Final

from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import NONE, chi_squared, count, interval, p_statement, p_value, percent, plain, plural
from dayzero.report.kinds.kind import Kind
from dayzero.report.labels import in_sentence
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, rows_of

_TIMES: Final = {"first": "After the first course", "second": "After the second course"}
_TESTS: Final = {"mcnemar": "McNemar", "signed_rank": "Wilcoxon signed-rank"}
_SHIFTS: Final = {"median_difference": "Median difference", "pseudomedian": "Pseudomedian (Hodges–Lehmann)"}


def _sentences(section: Section) -> tuple[str, ...]:
    tests = rows_of(section, *_TESTS)
    shares = {row["term"]: row for row in rows_of(section, "proportion")}
    said = []
    if {"first", "second"} <= shares.keys():
        first, second = (f"{shares[k]['n_events']} ({percent(shares[k]['estimate'])}\u00a0%)" for k in _TIMES)
        who = plural(shares["first"]["n"], "patient")
        said.append(f"Of {who} {first} had {in_sentence(section.label)} after the first course and {second} after the "
                    "second.")  # fmt: skip
    said += [f"The median difference, second less first, was {plain(row['estimate'])} in {plural(row['n'], 'patient')}."
             for row in rows_of(section, "median_difference")]  # fmt: skip
    said += [f"{_TESTS[row['statistic']]} test ({row['method']}): {p_statement(row['p_value'])}." for row in tests[:1]]
    return tuple(said)


def _values(section: Section) -> Table | None:
    shares, shifts = rows_of(section, "proportion"), rows_of(section, *_SHIFTS)
    marks = footnotes([*shares, *shifts])
    lines = [Row(_TIMES.get(row["term"], ""), (f"{count(row['n_events'])} of {count(row['n'])}",
                 f"{percent(row['estimate'])} ({interval(row['lower'], row['upper'], percent)}){mark(row, marks)}"))
             for row in shares]  # fmt: skip
    for row in shifts:
        bare = row["lower"] is None and row["upper"] is None
        limits = "" if bare else f" ({interval(row['lower'], row['upper'], plain)})"
        pairs = f"{count(row['n_events'])} of {count(row['n'])} differ"
        shift = f"{plain(row['estimate'])}{limits}{mark(row, marks)}"
        lines.append(Row(f"{_SHIFTS[row['statistic']]}, second less first", (pairs, shift)))
    unit = f"% ({section.confidence}, exact)" if shares else f"Difference ({section.confidence}, exact)"
    return Table(f"{section.label}, in the same patients", ("", "Patients", unit), tuple(lines), explain(marks))


def _tests(section: Section) -> Table | None:
    found = rows_of(section, *_TESTS)
    marks = footnotes(found)
    names = [f"{_TESTS[row['statistic']]}, {row['method']}" for row in found]
    lines = tuple(Row(name, _test_cells(row, mark(row, marks))) for name, row in zip(names, found, strict=True))
    header = ("Test", "Pairs that differ", "Statistic", "df", "p")
    return Table("Tests", header, lines, explain(marks)) if lines else None


def _test_cells(row: dict[str, Any], letter: str) -> tuple[str, ...]:
    statistic = NONE if row["estimate"] is None else chi_squared(row["estimate"])
    return count(row["n_events"]), statistic, count(row["df"]), p_value(row["p_value"]) + letter


KIND: Final = Kind(
    sentences=_sentences,
    drawings=lambda _: (),
    tables=lambda section: (_values(section), _tests(section)),
    details=lambda _: (),
)
