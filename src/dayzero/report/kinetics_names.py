"""Assays, analytes and figures of kinetics as people read them."""

from typing import Final

from dayzero.report.formats import Number, plain, sentence_case
from dayzero.report.labels import column_label

_ASSAYS: Final = {
    "copies_per_ug": "copies/µg DNA",
    "copies_per_ul": "copies/µL",
    "percent_of_cd3": "% of CD3+ cells",
    "cells_per_ul": "CAR+ cells/µL",
}
_SPECIMENS: Final = {"pb": "blood", "bm": "marrow", "csf": "CSF", "unstated": "specimen not stated"}
BEFORE: Final = "_before_tocilizumab"
_NAMES: Final = {
    "il6": ("IL-6", "pg/mL"),
    "il10": ("IL-10", "pg/mL"),
    "ifn_gamma": ("IFN-γ", "pg/mL"),
    "sil2ra": ("sIL-2Rα", "U/mL"),
    "ferritin": ("Ferritin", "ng/mL"),
    "crp": ("CRP", "mg/dL"),
    "d_dimer": ("D-dimer", "mg/L FEU"),
    "fibrinogen": ("Fibrinogen (lowest)", "mg/dL"),
    "cmax": ("Cmax", ""),
    "auc_0_28": ("AUC0–28", ""),
}


def amount(value: Number) -> str:
    """Write a number of cells, copies or picograms: three significant digits, thousands apart.

    Examples
    --------
    >>> amount(47416.2), amount(485527.0), amount(36.61), amount(8.2e9), amount(None)
    ('47,400', '486,000', '36.6', '8.2e9', '–')
    """
    if value is None or abs(value) < 1000:
        return plain(value)
    short = float(f"{value:.3g}")
    return f"{short:,.0f}" if abs(short) < 1e8 else f"{short:.3g}".replace("e+0", "e").replace("e+", "e")


def split_term(term: str) -> tuple[str, str]:
    """Return what is measured, and ``assay,specimen`` where the term has one.

    Examples
    --------
    >>> split_term("cmax[copies_per_ug,pb]"), split_term("il6")
    (('cmax', 'copies_per_ug,pb'), ('il6', ''))
    """
    name, _, series = term.partition("[")
    return name, series.removesuffix("]")


def series_name(series: str) -> str:
    """Name an assay and a specimen.

    Examples
    --------
    >>> series_name("copies_per_ug,pb")
    'copies/µg DNA (blood)'
    """
    assay, _, specimen = series.partition(",")
    return f"{_ASSAYS.get(assay, column_label(assay))} ({_SPECIMENS.get(specimen, column_label(specimen))})"


def short_name(term: str) -> str:
    """Name an analyte or a figure without its unit."""
    return _NAMES.get(term, (sentence_case(column_label(term)), ""))[0]


def analyte_name(term: str) -> str:
    """Name an analyte with its unit.

    Examples
    --------
    >>> analyte_name("il6")
    'IL-6, pg/mL'
    """
    return ", ".join(filter(None, _NAMES.get(term, (sentence_case(column_label(term)), ""))))


def quantity_name(term: str) -> str:
    """Name what CRS is compared with: an analyte with its unit, else a column.

    Examples
    --------
    >>> quantity_name("il6_before_tocilizumab"), quantity_name("blasts")
    ('IL-6 before tocilizumab, pg/mL', 'blasts')
    """
    analyte = term.removesuffix(BEFORE)
    if analyte not in _NAMES:
        return column_label(term)
    if analyte == term:
        return analyte_name(term)
    name, unit = _NAMES[analyte]
    return f"{name} before tocilizumab, {unit}"
