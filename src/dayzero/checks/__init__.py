"""Checks of the data: (history, protocol, endpoints) in, named findings out. One file a family, one line a check.

The checks of a treatment that is given after day zero are called by the analyses that compare it.
``docs/findings.md`` explains every code: what it means, why it matters, what the analysis does, how to mend it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dayzero.checks import (
    at_risk,
    baseline,
    columns,
    dates,
    endpoint_facts,
    endpoint_names,
    follow_up,
    intervals,
    known_later,
    order,
    repeats,
    scales,
    twice,
)
from dayzero.checks.curves import few_at_risk, not_competing
from dayzero.checks.cut_points import cut_points
from dayzero.checks.evidence import Evidence, Fault
from dayzero.checks.known_later import columns_known_later
from dayzero.checks.published import find_published, longest_possible
from dayzero.checks.support import landmark_few_treated, positivity
from dayzero.checks.table import findings_table
from dayzero.checks.treatments import time_varying_undated, treatment_mixes_states, treatment_undated
from dayzero.errors import Finding, Level
from dayzero.history import History
from dayzero.protocol import Endpoint, Protocol

__all__ = [
    "CHECKS",
    "Check",
    "check_history",
    "columns_known_later",
    "cut_points",
    "few_at_risk",
    "find_published",
    "findings_table",
    "landmark_few_treated",
    "longest_possible",
    "not_competing",
    "positivity",
    "time_varying_undated",
    "treatment_mixes_states",
    "treatment_undated",
]


@dataclass(frozen=True)
class Check:
    """One check: the level and name of its findings, the function that looks, and how to mend what it finds."""

    level: Level
    code: str
    find: Callable[[Evidence], Iterable[Fault]]
    mend: str = ""


_DATES: Final = "Correct the dates."
_YEAR: Final = "Check the year; where several dates of one patient are named, that of day zero, too."
_LOOK: Final = "Check the dates."
_REMISSION: Final = "Add the remission, or name the event progression."
_MISSING: Final = "If these texts mean missing, list them in [data] missing; otherwise correct the cells."
_LATER: Final = (
    "Name the event in the analysis instead; the engine makes it a function of time. If the column was known on day "
    "zero, rename it (prior_...), or declare known_at in the endpoint."
)
_RESPONDERS: Final = "Name it relapse-free survival or duration of response, or begin it at day zero."
_NON_RESPONSE: Final = 'Write non_response = "day0" or "assessment"; better show both.'
_DEATH: Final = "Add death to its events, or name it after what it counts."
_SCALE: Final = (
    "Add a column scale to the events, for example astct-2019; or name the one scale of all in [definitions]: "
    'crs = "astct-2019", icans = "astct-2019", agvhd = "magic".'
)
_DONORS: Final = 'Restrict day zero to donors\' cells, origin = "hsct[kind=allo]", with the word that your column has.'
_AIMED: Final = 'Restrict day zero, origin = "infusion:1[targets=CD19|CD22]", or the population.'
_FIRST: Final = (
    "Where it must not count, restrict the population, or count from the event before it with "
    'censor_at = ["new_therapy"].'
)
_TWIN: Final = "Add the endpoint without censor_at (treatment policy); where it is planned, a model of states, too."

CHECKS: Final = (
    Check("error", "no-follow-up", follow_up.no_follow_up, "Add the date of death or of the last contact."),
    Check("error", "event-after-death", follow_up.event_after_death, _DATES),
    Check("error", "event-after-last-contact", follow_up.event_after_last_contact, _DATES),
    Check("note", "event-after-cutoff", follow_up.event_after_cutoff),
    Check("note", "follow-up-beyond-cutoff", follow_up.follow_up_beyond_cutoff),
    Check("error", "potential-follow-up", follow_up.potential_follow_up, "Correct the dates, or remove the column."),
    Check("error", "repeated-death", repeats.repeated_death, "Keep the right one."),
    Check("warning", "duplicate-event", repeats.duplicate_event, "Keep one row of each."),
    Check("warning", "repeated-event", twice.repeated_event, "Keep the right one."),
    Check("warning", "duplicate-differs", twice.duplicate_differs, "Keep the right one, or tell them apart."),
    Check("warning", "patient-without-events", twice.patient_without_events, "Add the events, or remove the patient."),
    Check("error", "number-out-of-order", repeats.number_out_of_order, "Correct the numbers, or leave them empty."),
    Check("error", "lymphodepletion-after-infusion", order.lymphodepletion_after_infusion, _DATES),
    Check("warning", "lymphodepletion-window", order.lymphodepletion_window, _LOOK),
    Check("warning", "apheresis-after-infusion", order.apheresis_after_infusion, _LOOK),
    Check(
        "warning",
        "relapse-without-remission",
        order.relapse_without_remission,
        _REMISSION,
    ),
    Check("error", "engraftment-before-transplant", order.engraftment_before_transplant, "Add the transplant."),
    Check("warning", "gvhd-without-transplant", order.gvhd_without_transplant, "Add the transplant."),
    Check("warning", "scale-not-stated", scales.scale_not_stated, _SCALE),
    Check("warning", "event-before-diagnosis", order.event_before_diagnosis, _LOOK),
    Check("warning", "engraftment-window", intervals.engraftment_window, _LOOK),
    Check("warning", "crs-window", intervals.crs_window, _LOOK),
    Check("warning", "transplant-years-later", intervals.transplant_years_later, _LOOK),
    Check("warning", "year-slip", intervals.year_slip, _YEAR),
    Check("error", "default-date", dates.default_date, "Look the dates up; remove the row where there was no event."),
    Check("warning", "shared-date", dates.shared_date, "Look the dates up."),
    Check("warning", "dates-filled-in", dates.dates_filled_in, "Write what is known: 2021-03, or 2021."),
    Check("warning", "date-beyond-others", dates.date_beyond_others, "Check the year of the date."),
    Check("error", "birth-after-event", baseline.birth_after_event, _DATES),
    Check("warning", "age-against-birth", baseline.age_against_birth, "Check the age, and the date of birth."),
    Check("warning", "value-implausible", baseline.value_implausible, "Check the value, and its unit."),
    Check("error", "column-known-later", known_later.column_known_later, _LATER),
    Check("warning", "column-almost-numeric", columns.column_almost_numeric, _MISSING),
    Check("warning", "os-event-missed", endpoint_facts.os_event_missed, "Compare the definitions."),
    Check("warning", "censoring-gap", endpoint_facts.censoring_gap, "Report both censorings."),
    Check("error", "efs-of-responders", endpoint_names.efs_of_responders, _RESPONDERS),
    Check("warning", "efs-without-non-response", endpoint_names.efs_without_non_response, _NON_RESPONSE),
    Check("warning", "survival-without-death", endpoint_names.survival_without_death, _DEATH),
    Check("note", "gvhd-of-autologous", at_risk.gvhd_of_autologous, _DONORS),
    Check("note", "b-cells-not-targeted", at_risk.b_cells_not_targeted, _AIMED),
    Check("note", "response-after-other-therapy", at_risk.response_after_other_therapy, _FIRST),
    Check("note", "hsct-censored-alone", endpoint_names.hsct_censored_alone, _TWIN),
)
"""Every check of a history, in the order of its findings; reading has findings of its own (``dayzero.io.tables``)."""


def check_history(
    history: History,
    protocol: Protocol,
    endpoints: Sequence[Endpoint],
    *,
    files: tuple[str, str] = ("patients.csv", "events.csv"),
) -> tuple[Finding, ...]:
    """Check what happened against what can have happened.

    Parameters
    ----------
    history, protocol
        The data, and what was planned.
    endpoints
        The endpoints analysed, their definitions filled in.
    files
        Names of the patients and the events file in findings.

    Returns
    -------
    tuple of Finding
        In the order of ``CHECKS``; empty where nothing was found. No message carries a patient's value.

    Notes
    -----
    Pure. Events without a date are passed over: reading has named them. 8 million events take about a second.
    """
    evidence = Evidence(history, protocol, tuple(endpoints))
    with np.errstate(invalid="ignore", over="ignore"):  # never minus never, and days beyond all bounds
        return tuple(_finding(evidence, check, fault, files) for check in CHECKS for fault in check.find(evidence))


def _finding(evidence: Evidence, check: Check, fault: Fault, files: tuple[str, str]) -> Finding:
    patients = tuple(sorted(evidence.history.patient_rows[fault.patients].tolist()))
    rows = tuple(sorted(evidence.events["row"].gather(fault.events).to_list()))
    table = files[1] if rows else files[0] if patients or fault.header else ""
    rows = rows or ((1,) if fault.header else patients)
    return Finding(check.level, check.code, fault.message, check.mend, table, rows, patients, fault.column)
