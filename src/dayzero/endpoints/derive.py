"""Endpoints: from a History to Spells, by the definition of an Endpoint and nothing else.

Order on one day (clinical rule book 0.2): relapse and the like before death, the endpoint's events before competing
ones, both before a censoring at treatment, and that before the end of follow-up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.endpoints.events import first_day
from dayzero.endpoints.time_varying import find_tracks, split_at_changes
from dayzero.endpoints.treatments import treatment_days
from dayzero.errors import Finding, InputError
from dayzero.history import History
from dayzero.protocol import Endpoint, Treatment, as_treatment, parse_term
from dayzero.spells import CENSORED, Spells, snap

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ASSESSMENTS: Final = ("response", "mrd", "relapse", "progression")


@dataclass(frozen=True)
class Exclusion:
    """Why patients of a history are not in the population of an endpoint.

    Attributes
    ----------
    code
        Name of the reason.
    words
        The reason as a sentence would say it.
    patients
        (patients,) whether the reason holds; a patient has at most one.
    """

    code: str
    words: str
    patients: Bools

    @property
    def n(self) -> int:
        """Number of patients left out."""
        return int(np.count_nonzero(self.patients))


@dataclass(frozen=True)
class _Clock:
    """Days of what bounds an endpoint, one a patient: +inf where it never happened, NaN where it is undated."""

    origin: Floats
    end: Floats
    last: Floats  # where those without an event leave: the end of follow-up, or the last assessment
    cut: Floats
    entry: Floats
    days: tuple[Floats, ...]  # of each event and competing term, in the order that settles ties
    codes: tuple[int, ...]  # its state


def derive_spells(
    history: History,
    endpoint: Endpoint,
    *,
    treatments: Sequence[str | Treatment] = (),
    time_varying: Sequence[str] = (),
) -> Spells:
    """Derive who was at risk of the endpoint, from when to when.

    Parameters
    ----------
    history
        What happened.
    endpoint
        What is counted, from which day zero, in whom.
    treatments
        Terms, or terms with the state in which they count; the first of each on or after day zero goes to
        ``Spells.treatments`` under its term: +inf where there is none, NaN where it cannot be known for want of a date.
    time_varying
        Terms, each a time-varying column of its own name. With conditions: 1.0 while the last event of the name meets
        them, 0.0 else. Without, a response, an MRD result, or an event beyond the core vocabulary that carries values:
        the last value, before the first NaN (where all are numbers) or "not measured". Any other event: 1.0 once it
        has happened. A change counts from after its day; what is known on day zero or before holds from the start.
        Undated events are passed over.

    Returns
    -------
    Spells
        One row a patient, split where a time-varying column changes; states ``endpoint.states``, time in days from the
        origin.

    Raises
    ------
    InputError
        Where a term names no event, asks for a column that the events do not have, or a number of what is not one; or
        where two columns or treatments have one name.
    """
    named = tuple(as_treatment(treatment).event for treatment in treatments)
    if len(set(named)) < len(named):
        mend = "Derive one table for each."
        raise InputError("two treatments of one event", mend=mend, column="treatment")
    tracks = find_tracks(history, time_varying, named)
    clock = _clock(history, endpoint)
    included = ~np.any([e.patients for e in _exclusions(history, endpoint, clock)], axis=0)
    stop, to = _first(clock)
    stop, to = _with_non_response(history, endpoint, clock, stop=stop, to=to)
    origin, entry = clock.origin[included], clock.entry[included]
    start = np.where(entry > origin, entry - origin, -np.inf)
    days = [treatment_days(history, treatment, clock.origin)[included] - origin for treatment in treatments]
    tracks = {name: track.among(included, clock.origin) for name, track in tracks.items()}
    start, stop, *days = snap(start, stop[included] - origin, *days, *(track.day for track in tracks.values()))
    patients = history.patients.filter(pl.Series(included))
    spells = Spells(
        patient=np.arange(patients.height),
        start=start,
        stop=stop,
        state=np.zeros(patients.height, np.int64),
        to=to[included],
        weight=np.ones(patients.height),
        states=endpoint.states,
        patients=patients,
        treatments=dict(zip(named, days, strict=False)),
        name=endpoint.name,
    )
    changed = zip(tracks.items(), days[len(named) :], strict=True)
    return split_at_changes(spells, {name: replace(track, day=day) for (name, track), day in changed})


def exclusions(history: History, endpoint: Endpoint) -> tuple[Exclusion, ...]:
    """Return who is not in the population of an endpoint and why, in the order of asking; empty reasons included."""
    return _exclusions(history, endpoint, _clock(history, endpoint))


def _clock(history: History, endpoint: Endpoint) -> _Clock:
    origin = first_day(history, parse_term(endpoint.origin))
    events = [(term, 1) for term in endpoint.terms("events")]
    competing = [(term, code) for code, term in enumerate(endpoint.terms("competing"), start=2)]
    death_last = sorted(events + competing, key=lambda pair: pair[0].name == "death")
    never = np.full(len(history), np.inf)
    cuts = [first_day(history, term, origin) for term in endpoint.terms("censor_at")]
    assessed = endpoint.censor == "last_assessment"
    return _Clock(
        origin=origin,
        end=history.end,
        last=_last_assessment(history, origin) if assessed else history.end,
        cut=np.minimum.reduce([never, *cuts]),
        entry=first_day(history, parse_term(endpoint.entry)) if endpoint.entry else -never,
        days=tuple(first_day(history, term, origin) for term, _ in death_last),
        codes=tuple(code for _, code in death_last),
    )


def _last_assessment(history: History, origin: Floats) -> Floats:
    """Return the last day, not after the end of follow-up, on which the disease was assessed; at least the origin."""
    rows = pl.concat([history.named(event, ()) for event in ASSESSMENTS]).drop_nulls("day")
    patient, day = rows["patient"].to_numpy(), rows["day"].to_numpy()
    last = np.full(len(history), -np.inf)
    within = day <= history.end[patient]
    np.maximum.at(last, patient[within], day[within])
    return np.where(np.isnan(history.end), np.nan, np.fmax(last, np.minimum(origin, history.end)))


def _exclusions(history: History, endpoint: Endpoint, clock: _Clock) -> tuple[Exclusion, ...]:
    undated = np.any(np.isnan([clock.cut, clock.entry, *clock.days]), axis=0)
    with np.errstate(invalid="ignore"):
        reasons = (
            ("no_follow_up", "without a last contact or a dated death", np.isnan(history.end)),
            ("undated_origin", "whose day zero is undated", np.isnan(clock.origin)),
            ("no_origin", "without the event that is day zero", np.isinf(clock.origin)),
            ("origin_after_end", "whose day zero lies after the end of follow-up", clock.origin > history.end),
            ("not_in_population", "outside the population", ~_in_population(history, endpoint, clock.origin)),
            ("undated_event", "with an undated event that the endpoint asks for", undated),
            ("never_at_risk", "whose follow-up ended before they entered", _never_at_risk(endpoint, clock)),
        )
    taken = np.zeros(len(history), bool)
    found = []
    for code, words, holds in reasons:
        found.append(Exclusion(code, words, holds & ~taken))
        taken |= holds
    return tuple(found)


def _never_at_risk(endpoint: Endpoint, clock: _Clock) -> Bools:
    if not endpoint.entry:
        return np.zeros(len(clock.origin), bool)
    stop, _ = _first(clock)
    return np.asarray((clock.entry > clock.origin) & (clock.entry >= stop))


def _in_population(history: History, endpoint: Endpoint, origin: Floats) -> Bools:
    if not endpoint.population:
        return np.ones(len(history), bool)
    term = parse_term(endpoint.population)
    if term.name in history.patients.columns:
        column = history.patients[term.name]
        values = column.cast(pl.String) if column.dtype == pl.String else column
        wanted = [value for condition in term.conditions for value in condition.values]
        number = column.dtype == pl.Float64
        return values.is_in([float(v) for v in wanted] if number else wanted).fill_null(value=False).to_numpy()
    with np.errstate(invalid="ignore"):
        return np.asarray(first_day(history, term) <= origin)


def _first(clock: _Clock) -> tuple[Floats, Ints]:
    """Return the day on which each patient leaves, and the state entered then (-1: censored)."""
    stop = np.fmin(clock.end, clock.cut)
    to = np.full(len(stop), CENSORED, np.int64)
    for day, code in zip(clock.days, clock.codes, strict=True):
        with np.errstate(invalid="ignore"):
            sooner = (day < stop) | ((day == stop) & (to == CENSORED))
        stop, to = np.where(sooner, day, stop), np.where(sooner, code, to)
    return np.where(to == CENSORED, np.fmin(stop, clock.last), stop), to


def _with_non_response(
    history: History, endpoint: Endpoint, clock: _Clock, *, stop: Floats, to: Ints
) -> tuple[Floats, Ints]:
    """Make non-response an event, by the endpoint's convention (clinical rule book 5.3)."""
    if not endpoint.non_response:
        return stop, to
    window = clock.origin + endpoint.assessed_by
    with np.errstate(invalid="ignore"):
        failed = ~(first_day(history, parse_term(endpoint.response), clock.origin) <= window)
        last = _last_response_assessment(history, endpoint, clock.origin, window)
        closed = (stop >= window) | (to == 1)
        early = failed & (to == 1) & (stop <= window)
        assessed = failed & np.isfinite(last) & closed
        if endpoint.non_response == "day0":
            event, day = early | assessed, clock.origin
        elif endpoint.non_response == "assessment":
            event, day = assessed & (last < stop), last
        else:
            event, day = failed & (stop > window), window
        unassessed = failed & ~np.isfinite(last) & ~early & (endpoint.non_response == "day0")
    to = np.where(event, 1, np.where(unassessed, CENSORED, to))
    return np.where(event, day, np.where(unassessed, clock.origin, stop)), to


def _last_response_assessment(history: History, endpoint: Endpoint, origin: Floats, window: Floats) -> Floats:
    rows = history.named(parse_term(endpoint.response).name, ()).drop_nulls("day")
    patient, day = rows["patient"].to_numpy(), rows["day"].to_numpy()
    within = (day >= origin[patient]) & (day <= window[patient])
    last = np.full(len(history), -np.inf)
    np.maximum.at(last, patient[within], day[within])
    return last


def find_endpoint_facts(history: History, endpoint: Endpoint) -> tuple[Finding, ...]:
    """Return what a reader of the endpoint must know about its population."""
    return tuple(
        Finding("note", f"endpoint-{e.code.replace('_', '-')}", f"{endpoint.title}: {e.n} patients {e.words}.")
        for e in exclusions(history, endpoint)
        if e.n and e.code not in {"no_origin", "not_in_population"}
    )
