"""What the study of a virtual cohort analyses: what its protocol plans, what describes it, and what the file adds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from dayzero.protocol import Protocol, library, parse_term, read_protocol
from dayzero.protocol.builtin import protocol_file
from dayzero.protocol.plan import Comparison
from dayzero.protocol.term import Term
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
    yield from (_planned(comparison, protocol, cohort) for comparison in protocol.comparisons)
    yield from _tables(DESCRIBED, list(descriptions(cohort, protocol)))
    added = cohort.simulation.study.get("analysis")
    yield from _tables(ADDED, added if isinstance(added, Sequence) else [])


def _planned(comparison: Comparison, protocol: Protocol, cohort: Cohort) -> str:
    """Return a planned comparison under its question; where the data hold nothing of it, a remark in its place."""
    comment = f"{PLANNED}{' '.join(comparison.question.split())}\n"
    table = {"kind": comparison.kind, **comparison.settings}
    endpoint = table.get("endpoint")
    if isinstance(endpoint, str):
        origin = protocol.endpoint(endpoint).origin
        if not has_origin(cohort, parse_term(origin)):
            return f"{comment}# It cannot be run: nobody here has its day zero, {origin}, and a follow-up after it.\n"
    events = table.get("events")
    if comparison.kind == "toxicity" and isinstance(events, Sequence):
        recorded = set(cohort.events["event"].unique())
        nobody = [name for name in events if name not in recorded]
        table["events"] = [name for name in events if name in recorded]
        comment += f"# Nobody here had {', '.join(nobody)}, which is planned as well.\n" if nobody else ""
        if not table["events"]:
            return comment
    return comment + toml_table("[[analysis]]", table)


def has_origin(cohort: Cohort, origin: Term) -> bool:
    """Return whether anybody has the event of an origin, and is followed after it; MRD is graded later: it may be."""
    if "mrd" in origin.names:
        return True
    end = cohort.events.group_by("patient").agg(pl.max("date").alias("end"))
    return not _first(cohort.events, origin).join(end, on="patient").filter(pl.col("date") < pl.col("end")).is_empty()


def _first(events: pl.DataFrame, term: Term) -> pl.DataFrame:
    """Return patient and date of the first event that a term names; of conditions those on the value are asked."""
    found = events.filter(pl.col("event") == term.name)
    if term.number is not None:
        found = found.filter(pl.int_range(pl.len()).over("patient") == term.number - 1)
    for condition in term.conditions:
        if (condition.column, condition.operator) == ("value", "="):
            found = found.filter(pl.col("value").is_in(condition.values))
    if term.after is not None:
        before = _first(events, term.after).rename({"date": "after"})
        found = found.join(before, on="patient").filter(pl.col("date") >= pl.col("after"))
    return found.group_by("patient").agg(pl.min("date"))


def _tables(comment: str, tables: Sequence[Mapping[str, object]]) -> Iterator[str]:
    for place, table in enumerate(tables):
        yield ("" if place else comment) + toml_table("[[analysis]]", table)


def descriptions(cohort: Cohort, protocol: Protocol) -> Iterator[Mapping[str, object]]:
    """Yield the analyses that describe what the data hold and that are not planned already."""
    planned = {comparison.kind for comparison in protocol.comparisons}
    infused = "infusion" in cohort.events["event"]
    supported = {
        "response": infused and _responds(cohort),
        "mrd": infused and cohort.mrd is not None and not cohort.mrd.is_empty(),
        "kinetics": infused and cohort.kinetics is not None and not cohort.kinetics.is_empty(),
        "courses": infused,
        "adherence": bool(protocol.courses),
    }
    if infused:
        yield from _toxicities(cohort, protocol)
    yield from ({"kind": kind} for kind, has in supported.items() if has and kind not in planned)


def _toxicities(cohort: Cohort, protocol: Protocol) -> Iterator[Mapping[str, object]]:
    """Yield the toxicities on record of which no comparison is planned: GVHD, where CRS was asked for."""
    planned = [comparison.settings.get("events", TOXICITIES) for comparison in protocol.comparisons
               if comparison.kind == "toxicity"]  # fmt: skip
    asked = {name for events in planned if isinstance(events, Sequence) for name in events}
    recorded = set(cohort.events["event"].unique())
    left = [name for name in TOXICITIES if name in recorded - asked]
    if left:
        yield {"kind": "toxicity", "events": left} if asked else {"kind": "toxicity"}


def _responds(cohort: Cohort) -> bool:
    """Return whether anybody's first assessment comes after the infusion: whose remission came before has none."""
    first = {
        name: cohort.events.filter(pl.col("event") == name).group_by("patient").agg(pl.min("date").alias(name))
        for name in ("infusion", "response")
    }
    both = first["infusion"].join(first["response"], on="patient")
    return not both.filter(pl.col("response") > pl.col("infusion")).is_empty()
