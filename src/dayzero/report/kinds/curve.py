"""Kaplan-Meier and cumulative incidence curves on the page."""

from functools import partial
from typing import Final

import numpy as np

from dayzero.report import tables, words
from dayzero.report.figures import MOST_BANDS, draw_cumulative_incidence, draw_survival
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.labels import event_label
from dayzero.report.page import Section
from dayzero.report.series import FEW, Series, read_incidence, read_survival, terms_of


def _sentences(section: Section) -> tuple[str, ...]:
    return (*words.describe_rates(section), *words.describe_medians(section), *words.describe_tests(section))


def _drawings(section: Section) -> tuple[Drawing, ...]:
    survival = read_survival(section)
    if survival:
        caption = _caption(section.label, survival)
        return (Drawing("survival", caption, _aloud(section), partial(draw_survival, section)),)
    terms = terms_of(section)
    grouped = any(curve.group is not None for curve in read_incidence(section))
    return tuple(_incidence_drawing(section, term) for term in (terms if grouped else (None,))) if terms else ()


def _incidence_drawing(section: Section, term: str | None) -> Drawing:
    what = f"Cumulative incidence of {event_label(term, section.endpoint) if term else 'each event'}"
    name = f"cumulative-incidence-{term}" if term else "cumulative-incidence"
    caption = _caption(what, read_incidence(section, term))
    return Drawing(name, caption, _aloud(section), partial(draw_cumulative_incidence, section, term))


def _caption(what: str, curves: tuple[Series, ...]) -> str:
    """Say what is drawn and how to read it."""
    said = [f"{what}."]
    if not any(np.isfinite(curve.lower).any() for curve in curves):
        said.append("There are no confidence limits.")
    elif len(curves) <= MOST_BANDS:
        said.append("Shaded: pointwise confidence bands.")
    else:
        said.append(f"Confidence bands are left out with more than {MOST_BANDS} curves; the tables have the limits.")
    if any(len(curve.censored) for curve in curves):
        said.append("Vertical marks: censored patients.")
    if any(curve.sparse_from < curve.last_day for curve in curves):
        said.append(f"Thin line: fewer than {FEW} patients at risk.")
    return " ".join(said)


def _aloud(section: Section) -> str:
    """Say what a reader sees in the figure, and where the numbers are for those who do not."""
    return " ".join((*_sentences(section), "The tables below have the numbers.")).strip()


KIND: Final = Kind(
    sentences=_sentences,
    drawings=_drawings,
    tables=lambda section: (tables.rates(section), tables.medians(section), tables.group_tests(section)),
    details=lambda section: (tables.at_risk(section),),
)
