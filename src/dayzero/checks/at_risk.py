"""Checks of who can have an endpoint's event at all, and of what came before the response that is day zero."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import polars as pl

from dayzero.checks.evidence import Evidence, Fault, Ints, counted
from dayzero.endpoints import first_day
from dayzero.grading.editions import edition
from dayzero.grading.gvhd.donors import given_cells
from dayzero.grading.persistence.targets import aims_at
from dayzero.protocol import Endpoint, listed, parse_term

GVHD: Final = frozenset({"agvhd", "cgvhd"})
B_CELLS: Final = frozenset({"b_cell_recovery"})


def gvhd_of_autologous(evidence: Evidence) -> Iterator[Fault]:
    """Find patients with autologous cells among those at risk of GVHD."""
    asked = _that_count(evidence, GVHD, "hsct")
    if asked:
        rows = _autologous(evidence)
        words = "In {names}: {n} with an autologous transplant, after which nobody is at risk of GVHD."
        yield from _faults(evidence, asked, lambda e: _begins(evidence, e, rows), words)


def b_cells_not_targeted(evidence: Evidence) -> Iterator[Fault]:
    """Find patients whose product is known to target no B cells among those at risk of losing B-cell aplasia."""
    asked = _that_count(evidence, B_CELLS, "infusion")
    if asked and "targets" in evidence.events.columns:
        rows = evidence.of("infusion")
        aimed = evidence.events[rows].select(aims_at(edition("b_cell_loss").table["targets"]))["targets"]
        other = rows[(~aimed).fill_null(value=False).to_numpy()]
        words = "In {names}: {n} with a product that targets no B cells, after which there is no aplasia to be lost."
        yield from _faults(evidence, asked, lambda e: _begins(evidence, e, other), words)


def response_after_other_therapy(evidence: Evidence) -> Iterator[Fault]:
    """Find another therapy between the event that a response must come after and the response that is day zero."""
    given = evidence.of("new_therapy")
    asked = [e for e in evidence.endpoints if (o := parse_term(e.origin)).name == "response" and o.after]
    words = "In {names}: {n} with another therapy (new_therapy) before the response that is day zero; it counts."
    if len(given):
        yield from _faults(evidence, asked, lambda e: _between(evidence, e, given), words)


def _that_count(evidence: Evidence, events: frozenset[str], origin: str) -> list[Endpoint]:
    """Return the endpoints that count one of some events from an event of the given name on."""
    return [
        e
        for e in evidence.endpoints
        if parse_term(e.origin).name == origin and events & {term.name for term in e.terms("events")}
    ]


def _autologous(evidence: Evidence) -> Ints:
    """Return the positions of the transplants whose kind, origin, donor or value says that they are autologous."""
    rows = evidence.of("hsct")
    own = given_cells(evidence.history).filter("autologous")
    placed = evidence.events[rows].select("patient", "day").with_columns(pl.Series("at", rows))
    return np.asarray(placed.join(own, on=["patient", "day"], how="semi")["at"].to_numpy())


def _begins(evidence: Evidence, endpoint: Endpoint, rows: Ints) -> Ints:
    """Return those of some events that are their patient's day zero."""
    begun = evidence.day_zeros[endpoint.origin][evidence.patient[rows]] == evidence.day[rows]
    return np.asarray(rows[begun])


def _between(evidence: Evidence, endpoint: Endpoint, rows: Ints) -> Ints:
    """Return those of some events that lie after what day zero must come after, and before day zero."""
    after = parse_term(endpoint.origin).after
    begun = first_day(evidence.history, after) if after else evidence.day_zeros[endpoint.origin]
    patient, day = evidence.patient[rows], evidence.day[rows]
    return rows[(begun[patient] < day) & (day < evidence.day_zeros[endpoint.origin][patient])]


def _faults(
    evidence: Evidence, endpoints: list[Endpoint], find: Callable[[Endpoint], Ints], words: str
) -> Iterator[Fault]:
    """Yield one fault for the endpoints in which the same events are found, of patients who are in them."""
    names: dict[tuple[int, ...], list[str]] = {}
    for endpoint in endpoints:
        rows = find(endpoint)
        if len(rows):
            rows = rows[~np.isnan(evidence.outcomes[endpoint.name][evidence.patient[rows]])]
            names.setdefault(tuple(rows.tolist()), []).append(endpoint.name)
    names.pop((), None)
    for found, those in names.items():
        rows = np.array(found)
        patients = np.unique(evidence.patient[rows])
        message = words.format(n=counted(len(patients), "patient"), names=listed(those))
        yield Fault(message, events=rows, patients=patients)
