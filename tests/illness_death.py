"""Illness-death paths with confounding: patients in remission, their MRD, a transplant, and what ends the remission.

Every hazard is written down, so the truth of any contrast is found by imposing it on many patients.

Each patient has a measured risk x, standard normal, and an MRD that is positive or negative on day zero and changes
while no transplant has been given (afterwards it is frozen, by default). Transplant comes at a rate that depends on x
and on the MRD of that day: confounding by indication, baseline and time-varying, nothing hidden. Each cause that ends
the remission has a Weibull hazard times exp(x's effect + MRD's effect + transplant's effect), from the transplant on.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from dayzero.spells import CENSORED, Bools, Floats, Ints, Spells, make_spells

Imposed = Literal["never"] | tuple[Literal["by", "after"], float] | None
TREATMENT = "hsct"


@dataclass(frozen=True)
class Cause:
    """One way to leave the remission: its median in days where x = 0, MRD is negative and no transplant was given,
    if it were the only one; its Weibull shape; and the logarithms of its hazard ratios."""

    name: str
    median: float
    shape: float = 1.0
    x: float = 0.0
    mrd: float = 0.0
    treatment: float = 0.0

    def log_hazard(self, x: Floats, mrd: Bools, treated: Bools) -> Floats:
        return self.x * x + self.mrd * mrd + self.treatment * treated

    def next(self, now: Floats, draw: Floats) -> Floats:
        """The day after ``now`` by which the cumulative hazard has grown by ``draw``."""
        scale = self.median / np.log(2.0) ** (1.0 / self.shape)
        return np.asarray(scale * ((now / scale) ** self.shape + draw) ** (1.0 / self.shape))


@dataclass(frozen=True)
class Scenario:
    """The hazards. Rates are per day; ``later`` multiplies the rate of transplant after the day ``until``."""

    causes: tuple[Cause, ...]
    rate: float = 0.006
    until: float = 90.0
    later: float = 0.05
    rate_x: float = 0.0
    rate_mrd: float = 0.0
    mrd_share: float = 0.4
    mrd_x: float = 0.0
    clears: float = 0.0
    returns: float = 0.0
    frozen: bool = True
    follow_up: tuple[float, float] = (500.0, 1500.0)  # censored uniformly between these days

    def with_effects(self, *log_hazard_ratios: float) -> "Scenario":
        """The same with other effects of the transplant, one a cause."""
        pairs = zip(self.causes, log_hazard_ratios, strict=True)
        return replace(self, causes=tuple(replace(cause, treatment=effect) for cause, effect in pairs))


@dataclass(frozen=True)
class Population:
    """Where patients stand: (n,) days, risks, MRD, whether transplanted and on which day, and when follow-up ends."""

    now: Floats
    x: Floats
    mrd: Bools
    treated: Bools
    day: Floats
    last: Floats


def simulate(n: int, seed: int, scenario: Scenario, impose: Imposed = None, *, whole_days: bool = False) -> Spells:
    """n patients from day zero on, rows split where MRD changes; baseline column ``x``, time-varying ``mrd``.

    Parameters
    ----------
    impose
        None: the natural course. ``"never"``: nobody is transplanted. ``("by", g)``: natural days up to g, and who is
        then in remission without a transplant gets it on day g. ``("after", g)``: nobody before day g, the natural
        course afterwards.
    whole_days
        Every day is rounded up, so that days tie.
    """
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    odds = scenario.mrd_share / (1.0 - scenario.mrd_share) * np.exp(scenario.mrd_x * x)
    mrd, last = random.random(n) < odds / (1.0 + odds), random.uniform(*scenario.follow_up, n)
    start = Population(np.zeros(n), x, mrd, np.zeros(n, bool), np.full(n, np.inf), last)
    return _table(_walk(start, random, scenario, impose), start, scenario, whole_days=whole_days)


def stand(spells: Spells, day: float) -> Population:
    """Where those stand who are at risk on a day, after its events; in the order of their patient index."""
    at = (spells.start <= day) & (spells.stop > day)
    who = spells.patient[at]
    last = np.zeros(spells.patients.height)
    np.maximum.at(last, spells.patient, spells.stop)
    treatment = spells.treatments[TREATMENT][who]
    return Population(
        np.full(len(who), day), spells.patients["x"].to_numpy()[who], spells.columns["mrd"][at] > 0,
        treatment <= day, np.where(treatment <= day, treatment, np.inf), last[who],
    )  # fmt: skip


def resume(population: Population, seed: int, scenario: Scenario, impose: Imposed = None, *, treated: bool) -> Spells:
    """All of them go on from where they stand, all with a transplant that day at the latest, or all without one."""
    random = np.random.default_rng(seed)
    n = len(population.x)
    low, high = scenario.follow_up
    start = replace(
        population,
        treated=np.full(n, treated),
        day=np.minimum(population.day, population.now) if treated else np.full(n, np.inf),
        last=random.uniform(np.maximum(low, population.now), high),
    )
    spells = _table(_walk(start, random, scenario, impose), start, scenario)
    first = np.isneginf(spells.start)
    return replace(spells, start=np.where(first, population.now[spells.patient], spells.start))


@dataclass(frozen=True)
class _Rows:
    """Rows as they end: patient, day, what ended it (0 a change of MRD), the MRD until then; and transplants' days."""

    patient: Ints
    stop: Floats
    to: Ints
    mrd: Bools
    day: Floats


def _walk(start: Population, random: np.random.Generator, scenario: Scenario, impose: Imposed) -> _Rows:
    """From change to change, all patients at once: hazards are constant or Weibull between changes."""
    now, mrd, treated, day = start.now.copy(), start.mrd.copy(), start.treated.copy(), start.day.copy()
    left, rows = np.arange(len(now)), []
    while len(left):
        at, state = now[left], (start.x[left], mrd[left], treated[left])
        ends = [c.next(at, random.exponential(size=len(left)) / np.exp(c.log_hazard(*state))) for c in scenario.causes]
        turns, starts = _turns(at, state, random, scenario), _starts(at, state, random, scenario, impose)
        changes = (start.last[left], *ends, turns, *starts)
        what = np.argmin(changes, axis=0)
        now[left] = np.min(changes, axis=0)
        turned, started = what == len(ends) + 1, what == len(ends) + 2
        over = what <= len(ends)
        ended = left[over | turned]
        code = np.where(what == 0, CENSORED, np.where(over, what, 0))[over | turned]
        rows.append((ended, now[ended], code, mrd[ended]))
        mrd[left[turned]] ^= True
        treated[left[started]] = True
        day[left[started]] = now[left[started]]
        left = left[~over]
    patient, stop, to, was = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return _Rows(patient, stop, to.astype(np.int64), was, day)


def _turns(now: Floats, state: tuple[Floats, Bools, Bools], random: np.random.Generator, scenario: Scenario) -> Floats:
    _, mrd, treated = state
    rate = np.where(mrd, scenario.clears, scenario.returns) * np.where(treated & scenario.frozen, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(now + random.exponential(size=len(now)) / rate)


def _starts(
    now: Floats, state: tuple[Floats, Bools, Bools], random: np.random.Generator, scenario: Scenario, impose: Imposed
) -> tuple[Floats, Floats]:
    """The next transplant, and the day on which its rate changes without anything happening."""
    x, mrd, treated = state
    draw = random.exponential(size=len(now))
    never = np.full(len(now), np.inf)
    if impose == "never":
        return never, never
    early = now < scenario.until
    rate = scenario.rate * np.where(early, 1.0, scenario.later) * np.exp(scenario.rate_x * x + scenario.rate_mrd * mrd)
    with np.errstate(divide="ignore"):
        start = np.where(treated, np.inf, now + draw / rate)
    edge = np.where(treated | ~early, np.inf, scenario.until)
    if impose is None:
        return start, edge
    what, day = impose
    if what == "by":
        return np.where(treated, np.inf, np.minimum(start, np.maximum(day, now))), edge
    waiting = now < day
    return np.where(waiting, np.inf, start), np.where(waiting, day, edge)


def _table(rows: _Rows, start: Population, scenario: Scenario, *, whole_days: bool = False) -> Spells:
    order = np.lexsort((rows.stop, rows.patient))
    patient, stop, to, mrd = rows.patient[order], rows.stop[order], rows.to[order], rows.mrd[order]
    day = rows.day
    final = to[np.append(patient[1:] != patient[:-1], True)]
    if whole_days:
        stop, day = np.ceil(stop), np.ceil(day)
    begin = np.where(np.append(True, patient[1:] != patient[:-1]), -np.inf, np.append(-np.inf, stop[:-1]))
    kept = begin < stop
    patient, stop, begin, mrd = patient[kept], stop[kept], begin[kept], mrd[kept]
    last = np.append(patient[1:] != patient[:-1], True)
    n = len(start.x)
    return Spells(
        patient=patient,
        start=begin,
        stop=stop,
        state=np.zeros(len(patient), np.int64),
        to=np.where(last, final[patient], CENSORED),
        weight=np.ones(len(patient)),
        states=("remission", *(cause.name for cause in scenario.causes)),
        patients=pl.DataFrame({"patient": pl.arange(n, eager=True).cast(pl.String), "x": start.x}),
        columns={"mrd": mrd.astype(float)},
        treatments={TREATMENT: day},
    )


EVENT = Cause("event", median=600.0, shape=0.9, x=0.5, mrd=1.1, treatment=float(np.log(0.5)))
RELAPSE = Cause("relapse", median=800.0, shape=0.9, x=0.5, mrd=1.2, treatment=float(np.log(0.4)))
DEATH = Cause("nrm", median=2500.0, shape=0.7, x=0.3, mrd=0.0, treatment=float(np.log(1.8)))

# Transplant for the fit in deep remission: confounding that flatters it. MRD comes and goes until the transplant.
FITNESS = Scenario((EVENT,), rate=0.009, rate_x=-0.25, rate_mrd=-0.7, mrd_x=0.5, clears=0.004, returns=0.003)
# Transplant for those in danger: confounding that hides its effect.
INDICATION = replace(FITNESS, rate=0.006, rate_x=0.25, rate_mrd=0.7)
# Nothing it does: MRD stays as it is on day zero, since a transplant that freezes MRD does something.
NULL = replace(FITNESS, clears=0.0, returns=0.0).with_effects(0.0)
# Less relapse, more death without it.
CAUSES = replace(FITNESS, causes=(RELAPSE, DEATH))
# Transplant at random.
RANDOM = replace(FITNESS, rate_x=0.0, rate_mrd=0.0)
SCENARIOS = {"fitness": FITNESS, "indication": INDICATION, "null": NULL, "causes": CAUSES, "random": RANDOM}


def null_study(n: int, seed: int) -> Spells:
    """A small study of a transplant that does nothing: remissions end at a median of 180 days; 60 % are transplanted if
    still in remission, at a median of 63 days; all are followed for 1,240 days. Whole days; nothing is confounded."""
    random = np.random.default_rng(seed)
    end = np.ceil(random.exponential(180.0 / np.log(2.0), n))
    planned = np.ceil(random.exponential(63.0 / np.log(2.0), n))
    day = np.where((random.random(n) < 0.6) & (planned < np.minimum(end, 1240.0)), planned, np.inf)
    spells = make_spells(np.minimum(end, 1240.0), end <= 1240.0, name="lfs")
    return replace(spells, treatments={TREATMENT: day})
