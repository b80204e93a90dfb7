"""Kinetics and cytokines on the page: exposure by assay, peaks with what is censored, CRS against burden and dose."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

import polars as pl

from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import (
    NONE,
    NOT_ESTIMABLE,
    chi_squared,
    count,
    interval,
    listed,
    p_statement,
    p_value,
    plain,
    plural,
    sentence_case,
    signed_interval,
)
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.kinetics_figures import draw_by_grade, draw_kinetics, draw_peaks
from dayzero.report.kinetics_names import (
    BEFORE,
    amount,
    analyte_name,
    quantity_name,
    series_name,
    short_name,
    split_term,
)
from dayzero.report.labels import column_label, group_labels, in_sentence
from dayzero.report.page import Section
from dayzero.report.tables import Row, Table, rows_of

_RANKS: Final = ("spearman", "jonckheere")
_SPREAD: Final = ("median", "lower_quartile", "upper_quartile", "minimum", "maximum")
_GRADE: Final = "crs="

_Found = Mapping[tuple[str, str, str | None], dict[str, Any]]


def _found(section: Section) -> _Found:
    """Return every row by its statistic, term and group."""
    return {(row["statistic"], row["term"], row["group"]): row for row in section.estimates.records()}


def _series(section: Section) -> list[str]:
    """Return ``assay,specimen`` of each curve."""
    terms = (split_term(row["term"]) for row in rows_of(section, "geometric_mean"))
    return list(dict.fromkeys(series for _, series in terms))


def _analytes(section: Section) -> list[str]:
    suffix = "_above_range"
    terms = (row["term"] for row in rows_of(section, "count"))
    return list(dict.fromkeys(term.removesuffix(suffix) for term in terms if term.endswith(suffix)))


def _quantities(section: Section) -> list[str]:
    """Return what CRS is compared with: burden and dose first, then cytokines."""
    terms = list(dict.fromkeys(row["term"] for row in rows_of(section, "spearman")))
    return sorted(terms, key=lambda term: _is_peak(section, term))


def _is_peak(section: Section, term: str) -> bool:
    return term.removesuffix(BEFORE) in _analytes(section)


def _groups(found: _Found, statistic: str, term: str) -> list[str | None]:
    return [g for s, t, g in found if (s, t) == (statistic, term) and not str(g).startswith(_GRADE)]


def _sentences(section: Section) -> tuple[str, ...]:
    found = _found(section)
    said = []
    for series in _series(section):
        row = found["geometric_mean", f"cmax[{series}]", None]
        if row["estimate"] is not None:
            limits = f"{section.confidence} {interval(row['lower'], row['upper'], amount)}"
            median = found["median", f"tmax[{series}]", None]["estimate"]
            said.append(f"The geometric mean of Cmax was {amount(row['estimate'])} {series_name(series)} ({limits}; "
                        f"{plural(row['n'], 'patient')}), at a median of {plain(median)} days.")  # fmt: skip
    said += [_relation(found, term) for term in _quantities(section) if not _is_peak(section, term)]
    return tuple(filter(None, said))


def _relation(found: _Found, term: str) -> str:
    row, trend = found["spearman", term, None], found["jonckheere", term, None]
    if row["estimate"] is None:
        return ""
    word = "rose" if row["estimate"] > 0 else "fell"
    limits = f"{signed_interval(row, _two)}, {p_statement(row['p_value'])}"
    tested = f"Jonckheere–Terpstra {p_statement(trend['p_value'])}"
    clear = row["p_value"] is not None and row["p_value"] < 0.05
    said = f"CRS {word} with {quantity_name(term)}" if clear else f"CRS and {quantity_name(term)} did not clearly move"
    together = "" if clear else " together"
    return f"{said}{together}: Spearman’s ρ {limits} in {plural(row['n'], 'patient')}; {tested}; unadjusted."


def _two(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _exposure(section: Section) -> Table | None:
    found, lines = _found(section), list[Row]()
    marks = footnotes(rows_of(section, "geometric_mean", "geometric_cv"))
    for series in _series(section):
        lines.append(Row(sentence_case(series_name(series))))
        groups = _groups(found, "geometric_mean", f"cmax[{series}]")
        names = group_labels(groups, section.by)
        lines += [Row(names[g], _exposure_cells(found, series, g, marks), 1) for g in groups]
    header = ("", "Patients", f"Cmax, geometric mean ({section.confidence})", "Tmax, days\nmedian (range)",
              f"AUC0–28, geometric mean ({section.confidence})")  # fmt: skip
    note = "CV: geometric coefficient of variation. Patients in whom no cell was quantifiable have no Cmax and no area."
    return Table("Exposure to CAR T cells", header, tuple(lines), explain(marks, note)) if lines else None


def _exposure_cells(found: _Found, series: str, group: str | None, marks: Mapping[str, str]) -> tuple[str, ...]:
    never = found["count", f"never_quantifiable[{series}]", group]
    size = count(never["n"]) + (f"\n{count(never['estimate'])} never quantifiable" if never["estimate"] else "")
    days = _quartile_rows(found, f"tmax[{series}]", group)
    tmax = NOT_ESTIMABLE
    if days["median"]["estimate"] is not None:
        ends = interval(days["minimum"]["estimate"], days["maximum"]["estimate"], plain)
        tmax = f"{plain(days['median']['estimate'])} ({ends})"
    cmax, area = (_geometric(found, f"{name}[{series}]", group, marks) for name in ("cmax", "auc_0_28"))
    return size, cmax, tmax, area


def _geometric(found: _Found, term: str, group: str | None, marks: Mapping[str, str]) -> str:
    row, variation = found["geometric_mean", term, group], found["geometric_cv", term, group]["estimate"]
    if row["estimate"] is None:
        return NOT_ESTIMABLE
    limits = f" ({interval(row['lower'], row['upper'], amount)})" if row["lower"] is not None else ""
    spread = f", CV {100 * variation:.0f}\u00a0%" if variation is not None else ""
    return f"{amount(row['estimate'])}{limits}{mark(row, marks)}\nn = {row['n']}{spread}"


def _quartile_rows(found: _Found, term: str, group: str | None) -> dict[str, dict[str, Any]]:
    return {name: found[name, term, group] for name in _SPREAD}


def _peaks(section: Section) -> Table | None:
    found, lines = _found(section), list[Row]()
    for analyte in _analytes(section):
        groups = _groups(found, "median", analyte)
        several = len(groups) > 1
        lines += [Row(analyte_name(analyte))] if several else []
        names = group_labels(groups, section.by)
        lines += [Row(names[g] if several else analyte_name(analyte), _peak_cells(found, analyte, g), int(several))
                  for g in groups]  # fmt: skip
    header = ("Peak, days 0–28", "Patients", "Median (quartiles)", "Out of range", "After\ntocilizumab",
              "Before tocilizumab\nmedian (quartiles)")  # fmt: skip
    note = "Of fibrinogen the lowest value. Values out of the range of the assay rank above, or below, all others."
    return Table("Cytokines and markers of inflammation", header, tuple(lines), note) if lines else None


def _peak_cells(found: _Found, analyte: str, group: str | None) -> tuple[str, ...]:
    above, below = (found["count", f"{analyte}_{word}_range", group]["estimate"] for word in ("above", "below"))
    words = [f"{count(number)} {word}" for number, word in ((above, "above"), (below, "below")) if number]
    after = found["count", f"{analyte}_after_tocilizumab", group]["estimate"]
    before = found.get(("median", f"{analyte}{BEFORE}", group))
    early = f"{_spread(found, f'{analyte}{BEFORE}', group)}\nn = {before['n']}" if before else NONE
    size = found["median", analyte, group]["n"]
    told = "not known" if after is None else count(after)
    return count(size), _spread(found, analyte, group), listed(words) or "0", told, early


def _spread(found: _Found, term: str, group: str | None) -> str:
    """Write a median with its quartiles, ``above range`` where one is censored."""
    rows = _quartile_rows(found, term, group)
    middle, low, high = (_or_range(rows[name]) for name in _SPREAD[:3])
    alone = rows["median"]["n"] == 1 or (middle == low == high and rows["median"]["estimate"] is None)
    return middle if alone else f"{middle} ({low}–{high})"


def _or_range(row: Mapping[str, Any]) -> str:
    if row["estimate"] is not None:
        return amount(row["estimate"])
    sides = [side for side in ("above", "below") if str(row["warning"]).startswith(side)]
    return f"{sides[0]} range" if sides else NONE


def _relations(section: Section) -> Table | None:
    found = _found(section)
    marks = footnotes(rows_of(section, *_RANKS))
    lines = [
        Row(sentence_case(quantity_name(term)), _relation_cells(found, term, marks)) for term in _quantities(section)
    ]
    header = ("CRS grade against", "Patients", f"Spearman’s ρ ({section.confidence})", "p", "Jonckheere–Terpstra\np")
    note = "Unadjusted, and not corrected for several comparisons. ρ above 0: higher with graver CRS."
    return Table("CRS and what moves with it", header, tuple(lines), explain(marks, note)) if lines else None


def _relation_cells(found: _Found, term: str, marks: Mapping[str, str]) -> tuple[str, ...]:
    row, trend = found["spearman", term, None], found["jonckheere", term, None]
    value = NOT_ESTIMABLE if row["estimate"] is None else signed_interval(row, _two)
    return (
        count(row["n"]),
        value + mark(row, marks),
        p_value(row["p_value"]),
        p_value(trend["p_value"]) + mark(trend, marks),
    )


def _by_grade(section: Section) -> Table | None:
    """Return the medians of each grade of CRS, grades below each other: six of them side by side fit no page."""
    found = _found(section)
    lines = []
    for term in _quantities(section):
        lines.append(Row(sentence_case(quantity_name(term))))
        lines += [Row(f"Grade {grade}", _grade_cells(found, term, f"{_GRADE}{grade}"), 1) for grade in _grades(section)]
    return Table("By grade of CRS", ("CRS", "Patients", "Median (quartiles)"), tuple(lines)) if lines else None


def _grades(section: Section) -> list[str]:
    groups = {row["group"] for row in rows_of(section, "median") if str(row["group"]).startswith(_GRADE)}
    return sorted((group.removeprefix(_GRADE) for group in groups), key=float)


def _grade_cells(found: _Found, term: str, group: str) -> tuple[str, str]:
    row = found.get(("median", term, group))
    return (count(row["n"]), _spread(found, term, group)) if row else ("0", NONE)


def _tests(section: Section) -> Table | None:
    lines = [Row(_tested(row["term"]), (count(row["n"]), chi_squared(row["estimate"]), count(row["df"]),
                 p_value(row["p_value"]))) for row in rows_of(section, "kruskal_wallis")]  # fmt: skip
    caption = f"Kruskal–Wallis tests between groups of {column_label(section.by)}"
    return Table(caption, ("Compared", "Patients", "χ²", "df", "p"), tuple(lines)) if lines else None


def _tested(term: str) -> str:
    name, series = split_term(term)
    return f"{short_name(name)}, {series_name(series)}" if series else analyte_name(term)


def _drawings(section: Section) -> tuple[Drawing, ...]:
    return (*_expansion(section), *_cytokines(section), *_against(section))


def _expansion(section: Section) -> Iterable[Drawing]:
    shown = {str(term) for term in section.curves.rows["term"].unique()}
    shown |= set(_points(section, "sample")["term"].unique().to_list())
    for series in (each for each in _series(section) if each in shown):
        title = f"CAR T cells, {series_name(series)}: patients (thin) and geometric mean (thick)."
        what = " ".join(_sentences(section)[:1]) or title
        yield Drawing(f"expansion {series}", title, what, partial(draw_kinetics, section, series))


def _cytokines(section: Section) -> Iterable[Drawing]:
    terms = [term for term in _quantities(section) if term in _analytes(section)]
    if terms:
        names = listed(in_sentence(short_name(term)) for term in terms)
        title = f"Peaks of {names} by grade of CRS: patients, medians and quartiles."
        yield Drawing("cytokine peaks", title, title, partial(draw_peaks, section, tuple(terms)))


def _against(section: Section) -> Iterable[Drawing]:
    for term in (term for term in _quantities(section) if not _is_peak(section, term)):
        title = f"{sentence_case(quantity_name(term))} by grade of CRS: patients, medians and quartiles; unadjusted."
        what = _relation(_found(section), term) or title
        yield Drawing(f"crs against {term}", title, what, partial(draw_by_grade, section, term))


def _points(section: Section, figure: str) -> pl.DataFrame:
    empty = pl.DataFrame(schema={"figure": pl.String, "term": pl.String})
    return (section.patients if section.patients.width else empty).filter(pl.col("figure") == figure)


def _warnings(section: Section) -> tuple[str, ...]:
    """Say what is not beside its number in a table: few patients in a comparison."""
    small = [row for row in rows_of(section, "spearman") if row["n"] < 10]
    sizes = sorted({row["n"] for row in small})
    return (f"CRS is compared in only {listed(map(str, sizes))} patients: the limits are rough.",) if small else ()


KIND: Final = Kind(
    sentences=_sentences,
    drawings=_drawings,
    tables=lambda section: (_exposure(section), _peaks(section), _relations(section)),
    details=lambda section: (_by_grade(section), _tests(section)),
    warnings=_warnings,
)
