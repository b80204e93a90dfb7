"""Adherence: what happened, held against what was planned. Pure functions of a history and a protocol.

``deviations``, ``eligibility``, ``per_protocol`` and ``flow`` return frames; ``hold_against`` returns everything that
they are made of, for a report. Nothing unknown counts as kept, and nothing unknown as a deviation.
"""

from dataclasses import dataclass

import polars as pl

from dayzero.adherence.completers import Completers, completers_table, find_completers
from dayzero.adherence.courses import Followed, backbone, follow_courses
from dayzero.adherence.criteria import Checked, check_criteria, eligibility_table, eligible
from dayzero.adherence.decisions import judge_decisions, judge_not_planned
from dayzero.adherence.judged import Judged, listing
from dayzero.adherence.products import judge_products
from dayzero.adherence.steps import Step, find_steps, flow_table
from dayzero.adherence.timing import judge_timing
from dayzero.adherence.visits import judge_visits, visits
from dayzero.history import History
from dayzero.protocol import Protocol

__all__ = [
    "Adherence",
    "Checked",
    "Completers",
    "Followed",
    "Judged",
    "Step",
    "backbone",
    "deviations",
    "eligibility",
    "eligible",
    "flow",
    "hold_against",
    "per_protocol",
]


@dataclass(frozen=True)
class Adherence:
    """A history held against a protocol.

    Attributes
    ----------
    courses
        The planned courses in every patient.
    judged
        Every rule, in every patient.
    visits
        Every planned visit, a row each.
    criteria
        Every criterion of eligibility, in every patient.
    completers
        The per-protocol set.
    steps
        The flow of patients.
    """

    courses: tuple[Followed, ...]
    judged: tuple[Judged, ...]
    visits: pl.DataFrame
    criteria: tuple[Checked, ...]
    completers: Completers
    steps: tuple[Step, ...]


def hold_against(history: History, protocol: Protocol) -> Adherence:
    """Hold a history against a protocol.

    Raises
    ------
    InputError
        Where the protocol plans no course for everybody, or a dose is not a number.
    """
    courses = follow_courses(history, protocol)
    planned = visits(history, protocol, courses)
    judged = (
        *judge_timing(history, courses),
        *judge_products(history, courses),
        *judge_decisions(history, protocol, courses),
        *judge_not_planned(history, courses),
        *judge_visits(history, protocol, planned),
    )
    criteria = check_criteria(history, protocol)
    completers = find_completers(history, courses, judged)
    return Adherence(courses, judged, planned, criteria, completers, find_steps(history, protocol, courses))


def deviations(history: History, protocol: Protocol) -> pl.DataFrame:
    """Return every deviation from the protocol.

    Returns
    -------
    DataFrame
        By patient: ``patient`` (index), ``course``, ``rule`` (window, order, missing, dose, product, lymphodepletion,
        decision, not_planned, visit), ``day`` of what happened (null where nothing did), ``planned`` and ``observed``
        in words, ``row`` in the events file.
    """
    return listing(hold_against(history, protocol).judged)


def eligibility(history: History, protocol: Protocol) -> pl.DataFrame:
    """Return a row a patient and criterion: ``patient, criterion, kind, status, eligible``.

    ``status`` is ``met``, ``not met`` or ``unknown``: for an exclusion criterion ``met`` speaks against the patient.
    ``eligible``, the same in all rows of a patient, is ``yes``, ``no`` or ``unknown``.
    """
    return eligibility_table(check_criteria(history, protocol), len(history))


def per_protocol(history: History, protocol: Protocol) -> pl.DataFrame:
    """Return who had every planned course in its window, a row a patient who had the first.

    ``patient, completed, day, immortal_days, why``. ``day`` is that of the last course: a
    completer is one from that day on. Completers cannot have died before it, so the column ``completed`` must never
    group patients from the first course on.
    """
    return completers_table(hold_against(history, protocol).completers)


def flow(history: History, protocol: Protocol) -> pl.DataFrame:
    """Return the patient flow: ``step, of, depth, reason, n``; rows with a ``reason`` count who did not reach it."""
    return flow_table(hold_against(history, protocol).steps)
