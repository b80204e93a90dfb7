"""The protocol: what was planned, what counts as remission, and which endpoints are looked at.

A protocol is a TOML file. The endpoints that every study knows stand in ``library.toml`` in the same form, so that a
study's own table of the same name replaces one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from dayzero.errors import InputError
from dayzero.protocol.builtin import builtin_names, protocol_file
from dayzero.protocol.endpoint import Endpoint, substitute
from dayzero.protocol.plan import (
    MONTH,
    Comparison,
    Course,
    Criterion,
    Decision,
    Dose,
    Status,
    Visit,
    Wording,
)
from dayzero.protocol.plan_file import Plan, read_plan
from dayzero.protocol.term import Condition, Term, parse_term
from dayzero.protocol.treatment import Treatment, as_treatment
from dayzero.protocol.words import course_words, definition, listed, ordinal, term_words, treatment_words
from dayzero.settings import Toml, parse_settings, read_toml

__all__ = [
    "MONTH",
    "Comparison",
    "Condition",
    "Course",
    "Criterion",
    "Decision",
    "Definitions",
    "Dose",
    "Endpoint",
    "Protocol",
    "Term",
    "Treatment",
    "Visit",
    "Wording",
    "as_treatment",
    "builtin_names",
    "course_words",
    "definition",
    "library",
    "listed",
    "ordinal",
    "parse_term",
    "protocol_file",
    "read_protocol",
    "term_words",
    "treatment_words",
    "with_tables",
]


@dataclass(frozen=True)
class Definitions:
    """The words of a protocol that its endpoints share.

    Attributes
    ----------
    day_zero
        The term of the study's day zero, ``{day_zero}`` in an endpoint.
    cr
        The term of a complete remission, ``{cr}`` in an endpoint.
    crs, icans, agvhd
        The scale by which each is graded from the tables of the study.
    response, relapse
        The edition of the criteria by which each is derived from assessments.
    counts_within
        Days between a marrow and the blood counts that belong to it, at most.
    mrd_threshold
        Fraction of cells from which MRD is positive.
    mrd_method
        The method by which MRD is measured, in words; empty where the protocol does not say.
    icaht
        What counts of a neutropenia: its ``longest_run``, or its ``cumulative`` days.
    b_cell_loss
        The edition of the definition of the loss of B-cell aplasia.
    """

    day_zero: str = "infusion:1"
    cr: str = "response=CR|CRh|CRi after {day_zero}"
    crs: str = "astct-2019"
    icans: str = "astct-2019"
    agvhd: str = "magic"
    response: str = "eln-2024"
    relapse: str = "eln-2024"
    counts_within: float = 7.0
    mrd_threshold: float = 1e-4
    mrd_method: str = ""
    icaht: Literal["longest_run", "cumulative"] = "longest_run"
    b_cell_loss: str = "nct04225676"

    def __post_init__(self) -> None:
        """Refuse what is not a term."""
        parse_term(self.day_zero)
        parse_term(self.cr)
        if not 0 < self.mrd_threshold < 1:
            raise InputError("no fraction of cells", mend="Write mrd_threshold = 1e-4.", column="mrd_threshold")
        if not 0 <= self.counts_within <= 60:
            raise InputError("no number of days", mend="Write counts_within = 7.", column="counts_within")


@dataclass(frozen=True)
class Protocol:
    """What was planned.

    Attributes
    ----------
    title
        Words for people; empty where the study names no protocol.
    definitions
        What its terms stand for.
    endpoints
        By name, with the definitions not yet filled in.
    name, seed, source, status
        The built-in name; which document it was written from, its citation, and what kind of document that is.
    disease, population
        Of whom it speaks.
    not_stated
        What the document does not say, in words.
    courses, decisions
        The planned treatments, in order, and the points at which patients go different ways.
    eligibility
        Criteria, as predicates where the document's words allow one.
    visits
        Planned series of assessments.
    comparisons
        Planned analyses.
    wordings
        The document's own definitions beside those used here.
    stated
        Keys of ``[definitions]`` that the protocol's or the study's file writes, a default among them.
    """

    title: str = ""
    definitions: Definitions = field(default_factory=Definitions)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    name: str = ""
    seed: str = ""
    source: str = ""
    status: Status = ""
    disease: str = ""
    population: str = ""
    not_stated: tuple[str, ...] = ()
    courses: tuple[Course, ...] = ()
    decisions: tuple[Decision, ...] = ()
    eligibility: tuple[Criterion, ...] = ()
    visits: tuple[Visit, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    wordings: tuple[Wording, ...] = ()
    stated: frozenset[str] = frozenset()

    def states(self, key: str) -> bool:
        """Return whether somebody named this definition: it is written in a file, or is not the default."""
        return key in self.stated or getattr(self.definitions, key) != getattr(Definitions(), key)

    def endpoint(self, name: str) -> Endpoint:
        """Return the endpoint of that name, its definitions filled in (KeyError where there is none)."""
        terms = {"cr": self.definitions.cr, "day_zero": self.definitions.day_zero}
        return substitute(self.endpoints[name], terms)


@lru_cache(maxsize=1)
def library() -> Protocol:
    """Return the protocol that every study starts from: the library endpoints."""
    place = resources.files("dayzero.protocol") / "library.toml"
    with resources.as_file(place) as path:
        return with_tables(Protocol(), read_toml(path))


_Tables = tuple[dict[str, object], ...]


@dataclass(frozen=True)
class _ProtocolFile:
    protocol: dict[str, object] = field(default_factory=dict)
    definitions: dict[str, object] = field(default_factory=dict)
    endpoints: dict[str, object] = field(default_factory=dict)
    courses: _Tables = ()
    decisions: _Tables = ()
    eligibility: _Tables = ()
    visits: _Tables = ()
    comparisons: _Tables = ()
    wordings: _Tables = ()
    published: _Tables = ()  # read by dayzero.record


def read_protocol(path: Path) -> Protocol:
    """Read a protocol file; docs/protocols.md describes its tables.

    The published figures that it may hold are read by ``dayzero.record.read_records``.

    Raises
    ------
    InputError
        Where the file cannot be read, has a key that a protocol does not know, or names a course, a decision, an
        event or an endpoint that there is not.
    """
    toml = read_toml(path)
    parse_settings(_ProtocolFile, toml.table, toml=toml, path=())
    protocol = with_tables(library(), toml)
    return _with_plan(protocol, read_plan(toml, list(protocol.endpoints)))


def _with_plan(protocol: Protocol, plan: Plan) -> Protocol:
    header = plan.header
    return replace(
        protocol,
        title=header.title,
        name=header.name,
        seed=header.seed,
        source=header.source,
        status=header.status,
        disease=header.disease,
        population=header.population,
        not_stated=header.not_stated,
        courses=plan.courses,
        decisions=plan.decisions,
        eligibility=plan.eligibility,
        visits=plan.visits,
        comparisons=plan.comparisons,
        wordings=plan.wordings,
    )


def with_tables(protocol: Protocol, toml: Toml) -> Protocol:
    """Return the protocol with the file's ``[definitions]`` and ``[endpoints.NAME]`` tables laid over it."""
    given = _mapping(toml.table.get("definitions", {}))
    merged = {**vars(protocol.definitions), **given}
    definitions = parse_settings(Definitions, merged, toml=toml, path=("definitions",))
    tables = _mapping(toml.table.get("endpoints", {}))
    own = {
        name: replace(parse_settings(Endpoint, table, toml=toml, path=("endpoints", name)), name=name)
        for name, table in tables.items()
    }
    endpoints = MappingProxyType({**protocol.endpoints, **own})
    return replace(protocol, definitions=definitions, endpoints=endpoints, stated=protocol.stated | set(given))


def _mapping(table: object) -> Mapping[str, object]:
    return table if isinstance(table, Mapping) else {}
