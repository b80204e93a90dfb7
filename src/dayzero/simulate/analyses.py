"""What the study of a virtual cohort analyses: what its protocol plans, what describes it, and what the file adds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from dayzero.protocol import Protocol, library, read_protocol
from dayzero.protocol.builtin import protocol_file
from dayzero.simulate.cohort import Cohort
from dayzero.simulate.toml_text import toml_table

TOXICITIES: Final = ("crs", "icans", "neurotoxicity", "agvhd", "cgvhd", "infection")
PLANNED: Final = "# Planned in the protocol: "
DESCRIBED: Final = "# What the data describe, beyond what was planned.\n"
ADDED: Final = "# Beyond the protocol.\n"


def protocol_of(cohort: Cohort) -> Protocol:
    """Return the protocol that a cohort follows; without one the library."""
    name = cohort.simulation.header.protocol
    return read_protocol(protocol_file(name)) if name else library()


def analysis_tables(cohort: Cohort) -> Iterator[str]:
    """Yield the ``[[analysis]]`` tables: the planned comparisons, each under its question, the others after them."""
    protocol = protocol_of(cohort)
    for planned in protocol.comparisons:
        table = toml_table("[[analysis]]", {"kind": planned.kind, **planned.settings})
        yield f"{PLANNED}{' '.join(planned.question.split())}\n{table}"
    covered = {planned.kind for planned in protocol.comparisons}
    yield from _tables(
        DESCRIBED, [{"kind": kind} for kind in descriptive_kinds(cohort, protocol) if kind not in covered]
    )
    added = cohort.simulation.study.get("analysis")
    yield from _tables(ADDED, added if isinstance(added, Sequence) else [])


def _tables(comment: str, tables: Sequence[Mapping[str, object]]) -> Iterator[str]:
    for place, table in enumerate(tables):
        yield ("" if place else comment) + toml_table("[[analysis]]", table)


def descriptive_kinds(cohort: Cohort, protocol: Protocol) -> Iterator[str]:
    """Yield the kinds that describe what the data hold; without an infusion or a protocol's plan there are none."""
    names = set(cohort.events["event"].unique())
    if "infusion" in names:
        yield from ("response",) if "response" in names else ()
        yield from ("toxicity",) if names & set(TOXICITIES) else ()
        yield from ("mrd",) if _measured(cohort) else ()
        yield "courses"
    if protocol.courses:
        yield "adherence"


def _measured(cohort: Cohort) -> bool:
    return cohort.mrd is not None and not cohort.mrd.filter(pl.col("date").is_not_null()).is_empty()
