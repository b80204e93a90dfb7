"""Checks of a treatment given after day zero: whether it is one treatment, and whether its days are known."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from dayzero.checks.evidence import Bools, Floats, counted
from dayzero.endpoints import derive_spells, exclusions, first_day
from dayzero.endpoints.tracks import follow_term
from dayzero.errors import Finding
from dayzero.history import History
from dayzero.protocol import Endpoint, Treatment, as_treatment, listed, parse_term
from dayzero.spells import CENSORED, Spells

SHARE: Final = 0.05
LEAST: Final = 2
"""Treatments are mixed where each kind has at least this share of them, and so many patients."""
RETURNS: Final = ("relapse", "progression")
REMISSION: Final = r"^\s*[Cc][Rr]"


def treatment_mixes_states(history: History, endpoint: Endpoint, treatment: str | Treatment) -> tuple[Finding, ...]:
    """Find a plain treatment that is several: given with and without a remission before, or also after relapse.

    Parameters
    ----------
    history, endpoint
        Whose patients, from which day zero; treatments after the end of their risk are not looked at.
    treatment
        As in the analysis; one with a state is left alone.

    Returns
    -------
    tuple of Finding
        ``treatment-mixes-states``, or nothing. A remission counts from the last relapse before day zero on, a relapse
        from day zero on; both up to the treatment's day.
    """
    treatment = as_treatment(treatment)
    if not treatment.is_plain:
        return ()
    included, origin = _population(history, endpoint)
    day = np.full(len(history), np.inf)
    day[included] = _days_at_risk(history, endpoint, treatment.event) + origin[included]
    treated = np.isfinite(day)
    kinds = {
        "had no complete remission before": treated & ~_in_remission(history, origin, day),
        "followed a relapse or progression": treated & (_first(history, RETURNS, origin) <= day),
    }
    mixed = {words: kind for words, kind in kinds.items() if _is_mixed(kind, treated)}
    if not mixed:
        return ()
    parts = [f"{int(kind.sum())} {words}" for words, kind in mixed.items()]
    first, *more = parts
    told = listed([first.replace(" ", f" of {int(treated.sum())} {treatment.event} ", 1), *more])
    patients = np.flatnonzero(np.any(list(mixed.values()), axis=0))
    return (
        Finding(
            "warning",
            "treatment-mixes-states",
            f"{told}: these are other treatments, which the analysis of any {treatment.event} mixes.",
            mend=f"Write treatment = {_stated(history, treatment, list(mixed))}.",
            patient_rows=tuple(sorted(history.patient_rows[patients].tolist())),
        ),
    )


def _is_mixed(kind: Bools, treated: Bools) -> bool:
    n, total = int(kind.sum()), int(treated.sum())
    return min(n, total - n) >= max(LEAST, SHARE * total)


def _stated(history: History, treatment: Treatment, mixed: Sequence[str]) -> str:
    """Return what to write in the study file instead."""
    keys = [f'event = "{treatment.event}"']
    if any("remission" in words for words in mixed):
        keys.append('while = "response=CR|CRi"')
    if any("relapse" in words for words in mixed):
        found = set(history.events["event"].unique().cast(pl.String))
        names = ", ".join(f'"{name}"' for name in RETURNS if name in found)
        keys.append(f"before = [{names}]")
    return "{ " + ", ".join(keys) + " }"


def _population(history: History, endpoint: Endpoint) -> tuple[Bools, Floats]:
    included = ~np.any([each.patients for each in exclusions(history, endpoint)], axis=0)
    return included, first_day(history, parse_term(endpoint.origin))


def _days_at_risk(history: History, endpoint: Endpoint, event: str) -> Floats:
    """Return (population,) the treatment's day from the origin; +inf where none, undated, or not at risk any more."""
    spells = derive_spells(history, endpoint, treatments=(event,))
    day = spells.treatments[event]
    with np.errstate(invalid="ignore"):
        seen = (day < spells.stop) | ((day == spells.stop) & (spells.to == CENSORED))
    return np.where(seen, day, np.inf)


def _first(history: History, names: Sequence[str], origin: Floats) -> Floats:
    """Return (patients,) the first dated event of these names on or after the origin; +inf where there is none."""
    days = [first_day(history, parse_term(name), origin) for name in names]
    return np.asarray(np.minimum.reduce([np.nan_to_num(day, nan=np.inf, posinf=np.inf) for day in days]))


def _in_remission(history: History, origin: Floats, day: Floats) -> Bools:
    """Return (patients,) whether a complete remission lies between the last relapse before day zero and a day."""
    since = np.full(len(history), -np.inf)
    for name in RETURNS:
        rows = history.named(name, ()).drop_nulls("day")
        patient, days = rows["patient"].to_numpy(), rows["day"].to_numpy()
        former = days < origin[patient]
        np.maximum.at(since, patient[former], days[former])
    rows = history.named("response", ("value",)).drop_nulls("day")
    rows = rows.filter(rows["value"].str.contains(REMISSION).fill_null(value=False))
    patient, days = rows["patient"].to_numpy(), rows["day"].to_numpy()
    counts = (days >= since[patient]) & (days <= day[patient])
    found = np.zeros(len(history), bool)
    found[patient[counts]] = True
    return found


def treatment_undated(spells: Spells, treatment: str) -> tuple[Finding, ...]:
    """Find patients whose treatment, or whose state at it, is undated: the comparison leaves them out.

    Parameters
    ----------
    spells
        The table; their rows may have gone already.
    treatment
        A key of ``Spells.treatments``.
    """
    n = int(np.count_nonzero(np.isnan(spells.treatments[treatment])))
    if not n:
        return ()
    message = f"{counted(n, 'patient')} left out: the day of {treatment}, or their state on it, is not known."
    return (Finding("warning", "treatment-undated", message, mend="Look the dates up."),)


def time_varying_undated(history: History, endpoint: Endpoint, terms: Sequence[str]) -> tuple[Finding, ...]:
    """Find time-varying columns with undated events: their patients stay, the events are passed over."""
    included, _ = _population(history, endpoint)
    undated = {text: follow_term(history, parse_term(text)).undated & included for text in terms}
    return tuple(
        Finding(
            "warning",
            "time-varying-undated",
            f"{counted(int(patients.sum()), 'patient')} with an undated event of {text}: it is passed over, and the "
            "value before it stays.",
            mend="Look the dates up.",
            patient_rows=tuple(sorted(history.patient_rows[patients].tolist())),
        )
        for text, patients in undated.items()
        if patients.any()
    )
