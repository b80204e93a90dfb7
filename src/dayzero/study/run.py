"""Running a study: analyses, laws, patients, and how it was computed."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from typing import Final

import polars as pl

from dayzero.analyses import KINDS, Context
from dayzero.checks import check_history, columns_known_later, cut_points
from dayzero.endpoints import derive_spells, exclusions, find_endpoint_facts
from dayzero.errors import Finding, InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.descriptive import describe
from dayzero.estimators.terms.language import columns_of
from dayzero.history import History
from dayzero.identities import check_denominators, check_identities
from dayzero.io.mapping import in_source
from dayzero.protocol import Endpoint, listed
from dayzero.report.labels import in_sentence
from dayzero.report.page import FlowStep, Page, Section
from dayzero.study.model import Analysis, Results, Study, in_files, placed

LIBRARIES: Final = ("numpy", "scipy", "polars", "pydantic", "matplotlib", "jinja2")
Progress = Callable[[str], None]


def run(study: Study, *, progress: Progress | None = None) -> Results:
    """Run every analysis of a study.

    Parameters
    ----------
    study
        As read.
    progress
        Called with the words for each step as it begins.

    Returns
    -------
    Results
        The page and its estimates; ``write`` puts them into a folder.
    """
    tell = progress or (lambda _: None)
    endpoints = endpoints_of(study)
    refused = {e.name: columns_known_later(study.history, study.protocol, (e,)) for e in endpoints}
    context = Context(study.history, study.protocol, refused, tell)
    sections = []
    for analysis in study.analyses:
        tell(_step(analysis))
        sections.append(_section(study, analysis, context))
    tell("Patients and baseline characteristics")
    page = Page(
        title=study.header.title,
        facts=_facts(study),
        synthetic=study.header.synthetic,
        findings=(*check_study(study), *in_source(_found(study, endpoints, sections), study.mapped)),
        flow=_flow(study.history, endpoints),
        table_one=_table_one(study, sections),
        sections=tuple(sections),
        provenance=_provenance(study),
    )
    return Results(page, concat(section.estimates for section in sections), study)


def check_study(study: Study) -> tuple[Finding, ...]:
    """Return what was found while reading, and what the checks find in the data of the endpoints analysed."""
    found = check_history(study.history, study.protocol, endpoints_of(study), files=study.tables)
    cuts = cut_points(study.history, _compared(study), known=_known_cuts(study), file=study.tables[0])
    return (*study.findings, *in_source((*found, *cuts), study.mapped))


def _compared(study: Study) -> list[str]:
    """Return the columns that the analyses compare or model; the p values of others are not computed."""
    columns, found = study.history.patients.columns, []
    for settings in (analysis.settings for analysis in study.analyses):
        with suppress(InputError):  # terms that cannot be read are named by their analysis
            found += [getattr(settings, "by", ""), *columns_of(tuple(getattr(settings, "terms", ())), columns)]
    return found


def _known_cuts(study: Study) -> tuple[str, ...]:
    data = study.toml.table.get("data")
    return tuple(data.get("known_cuts", ())) if isinstance(data, Mapping) else ()


def _step(analysis: Analysis) -> str:
    return f"Analysis {analysis.position + 1}: {analysis.kind} of {getattr(analysis.settings, 'endpoint', 'the study')}"


def _section(study: Study, analysis: Analysis, context: Context) -> Section:
    try:
        section = KINDS[analysis.kind].run(analysis.settings, context)
    except InputError as error:
        raise placed(error, study.toml, ("analysis", analysis.position)) from error
    name = section.endpoint.name if section.endpoint is not None else None

    def labelled(rows: Estimate) -> Estimate:
        kind = pl.coalesce(pl.col("kind"), pl.lit(analysis.kind)).alias("kind")
        return Estimate(rows.label(analysis=analysis.position, endpoint=name).rows.with_columns(kind))

    estimates, curves, at_risk = labelled(section.estimates), labelled(section.curves), labelled(section.at_risk)
    return replace(section, estimates=estimates, curves=curves, at_risk=at_risk)


def endpoints_of(study: Study) -> list[Endpoint]:
    """Return the endpoints analysed, each once, in order; a name that is none is left to its analysis."""
    names = dict.fromkeys(getattr(analysis.settings, "endpoint", "") for analysis in study.analyses)
    return [study.protocol.endpoint(name) for name in names if name in study.protocol.endpoints]


def _found(study: Study, endpoints: list[Endpoint], sections: list[Section]) -> Iterator[Finding]:
    """Yield what endpoints and analyses have found."""
    yield from _facts_and_laws(study.history, endpoints)
    yield from in_files(dict.fromkeys(found for section in sections for found in section.findings), study.tables)
    for section in sections:
        yield from check_denominators(section.estimates)


def _facts_and_laws(history: History, endpoints: list[Endpoint]) -> tuple[Finding, ...]:
    facts = [finding for endpoint in endpoints for finding in find_endpoint_facts(history, endpoint)]
    return (*facts, *check_identities([(endpoint, derive_spells(history, endpoint)) for endpoint in endpoints]))


def _flow(history: History, endpoints: list[Endpoint]) -> tuple[FlowStep, ...]:
    """Return who is in the table, and who is analysed: endpoints that lose the same patients share a step."""
    analysed: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for endpoint in endpoints:
        left_out = exclusions(history, endpoint)
        n = len(history) - sum(exclusion.n for exclusion in left_out)
        reasons = tuple(f"{exclusion.n} {exclusion.words}" for exclusion in left_out if exclusion.n)
        analysed.setdefault((n, reasons), []).append(in_sentence(endpoint.title))
    steps = [FlowStep(f"analysed for {listed(titles)}", n, why) for (n, why), titles in analysed.items()]
    return (FlowStep("in the patients table", len(history)), *steps)


def _table_one(study: Study, sections: list[Section]) -> Estimate:
    """Describe the baseline columns of everybody, and by the first grouping column used."""
    patients = study.history.patients
    columns = [name for name in patients.columns if name != "patient" and _describable(patients[name])]
    groups = [section.by for section in sections if section.by]
    by = groups[0] if groups else None
    return describe(patients, [name for name in columns if name != by], by) if columns else concat(())


def _describable(column: pl.Series) -> bool:
    """Return whether a column has a summary: a number, or a text with few enough levels to list."""
    return column.dtype == pl.Float64 or column.n_unique() <= max(20, column.len() // 20)


def _facts(study: Study) -> dict[str, str]:
    history = study.history
    derived = int((history.events["source"] == "derived").sum())
    events = f"{history.events.height - derived:,}" + (f", and {derived:,} derived" if derived else "")
    facts = {"Patients": f"{len(history):,}", "Events": events}
    facts["Data"] = ", ".join(list(study.inputs)[1:])
    facts["Data cutoff"] = study.header.cutoff.isoformat() if study.header.cutoff else "none"
    if study.protocol.title:
        facts["Protocol"] = study.protocol.title
    return facts


def _provenance(study: Study) -> dict[str, dict[str, str]]:
    versions = {"dayzero": version("dayzero"), "Python": sys.version.split()[0]}
    versions |= {library: version(library) for library in LIBRARIES}
    return {
        "Versions": versions,
        "Inputs (sha256)": dict(study.inputs),
        "Units": {"time": "days; months are 30.4375 days, years 365.25 days"},
    }
