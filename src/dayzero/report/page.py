"""What a page is made of: the study fills these, the report prints them.

A page prints estimates and never makes one, so all that it shows, counts at the ticks of a figure included, arrives
here as rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from dayzero.errors import Finding
from dayzero.estimate import Estimate, concat
from dayzero.protocol import Endpoint, listed, term_words


def _nothing() -> Estimate:
    return concat(())


@dataclass(frozen=True)
class Section:
    """One analysis, ready to print.

    Attributes
    ----------
    kind
        The analysis kind: a key of :data:`dayzero.report.kinds.KINDS`.
    title
        Heading of the section.
    endpoint
        The endpoint, or None where the analysis has none.
    estimates
        The rows of ``report.json``: rates at fixed times, number at risk, medians, tests, hazard ratios.
    curves
        Whole curves: ``survival`` or ``cumulative_incidence`` (``term`` is the event), a row a time from day 0 on;
        ``censored``, a row where somebody is censored, ``estimate`` being the curve's height; and optionally
        ``n_at_risk`` at the curve's times, from which the figure knows where fewer than five patients are left.
    at_risk
        At the ticks of the figure (:func:`dayzero.report.axis.time_axis` of the last time in ``curves``), by group:
        ``n_at_risk``; ``n_events`` by ``term`` and ``n_censored``, both cumulative.
    definition
        What the endpoint is, in one sentence.
    notes
        Sentences printed below the results.
    findings
        What the analysis itself found wrong, or remarkable: they stand with those of the data.
    patients
        Rows about single patients (``patient`` is their label), for figures that could identify them: text and
        numbers only.
    design
        Rows of words for a table: what, how it would be in the target trial, how it is emulated here.
    settings
        The settings as used; read here are ``by`` (the grouping column), ``level`` (of the limits, default 0.95) and
        ``reference`` (the reference level of each Cox term); all are printed.
    """

    kind: str
    title: str
    endpoint: Endpoint | None = None
    estimates: Estimate = field(default_factory=_nothing)
    curves: Estimate = field(default_factory=_nothing)
    at_risk: Estimate = field(default_factory=_nothing)
    patients: pl.DataFrame = field(default_factory=pl.DataFrame)
    definition: str = ""
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    design: tuple[tuple[str, str, str], ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The endpoint's label, or else the title."""
        return self.endpoint.title if self.endpoint is not None else self.title

    @property
    def name(self) -> str:
        """The endpoint's name, for file names."""
        return self.endpoint.name if self.endpoint is not None else ""

    @property
    def hypothetical(self) -> str:
        """Why the numbers answer a hypothetical question, empty where they do not.

        Censoring at a later treatment asks what would have been seen had nobody been treated so (ICH E9(R1), the
        hypothetical strategy), and treats those who were as exchangeable with those who were not.
        """
        terms = self.endpoint.censor_at if self.endpoint is not None else ()
        return f"hypothetical: censored at {listed([term_words(term) for term in terms], 'or')}" if terms else ""

    @property
    def heading(self) -> str:
        """The title, marked where the analysis is hypothetical."""
        return f"{self.title} ({self.hypothetical})" if self.hypothetical else self.title

    @property
    def by(self) -> str:
        """The grouping column, empty where everybody is one group."""
        return str(self.settings.get("by") or "")

    @property
    def confidence(self) -> str:
        """The name of the limits, for example ``95 % CI``."""
        level = self.settings.get("level")
        return f"{100 * (level if isinstance(level, float) else 0.95):g}\u00a0% CI"


@dataclass(frozen=True)
class FlowStep:
    """One box of the patient flow: the first is everybody, each other one branches off from it.

    Attributes
    ----------
    label
        Who they are, for example ``analysed for overall survival``.
    n
        Number of patients.
    reasons
        Lines such as ``2 without an infusion``: those of the first box who are not in this one.
    """

    label: str
    n: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes
    ----------
    title
        The study's title.
    facts
        Label to text, for the title block: files, patients, cutoff, protocol.
    synthetic
        True for simulated, made-up and reconstructed data: the page and every figure are stamped.
    findings
        What is wrong, or remarkable, in the data.
    flow
        The patient flow: everybody first, then the populations of the analyses, which are parts of it side by side.
    table_one
        Baseline characteristics, as rows of :func:`dayzero.estimators.descriptive.describe`.
    sections
        The analyses in the order of the study file.
    provenance
        How it was computed: heading to (name to text), for example ``{"Versions": {"dayzero": "0.1.0"}}``.
    """

    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False
    findings: tuple[Finding, ...] = ()
    flow: tuple[FlowStep, ...] = ()
    table_one: Estimate = field(default_factory=_nothing)
    sections: tuple[Section, ...] = ()
    provenance: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
