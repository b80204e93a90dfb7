"""Risks, restricted means and curves of two arms: from a table of arms to rows of the output contract."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.curves.aalen_johansen import aalen_johansen
from dayzero.estimators.curves.confidence import Curve, Variance
from dayzero.estimators.curves.number_at_risk import number_at_risk
from dayzero.estimators.curves.restricted_mean import Window
from dayzero.estimators.curves.risk_sets import is_last
from dayzero.estimators.curves.rmst import normal_p, rmst
from dayzero.spells import Spells
from dayzero.strategies.contrast import UNSURE, label
from dayzero.strategies.strategy import NO_TREAT, TREAT, Strategy

Z: Final = float(special.ndtri(0.975))
BEFORE: Final = "the horizon is not after the day from which the arms are followed,"
BEYOND: Final = "the horizon is after the arm's last observation"


def by_arm(spells: Spells, treatment: str) -> Spells:
    """Return the table with a column ``arm``: ``treat`` in rows where the treatment's is 1, ``no_treat`` in others."""
    treated = spells.of(treatment).to_numpy() == 1.0
    arm = np.where(treated, _level(TREAT), _level(NO_TREAT)).astype(object)
    return replace(spells, columns={**spells.columns, "arm": arm})


def is_weighted(spells: Spells) -> bool:
    """Return whether some row's weight is not 1."""
    return spells.power is not None or bool(np.any(spells.weight != 1.0))


def risks(spells: Spells, strategy: Strategy, *, start: float = 0.0) -> Estimate:
    """Estimate risks and restricted means by arm at the strategy's horizon, and their differences.

    Parameters
    ----------
    spells
        The table of arms: the treatment's column is 1.0 or 0.0.
    strategy
        Its horizon and treatment count here.
    start
        Day from which the arms are followed; the restricted mean is taken from it on.

    Returns
    -------
    Estimate
        ``risk`` and ``rmst`` by arm; ``risk_difference`` and ``rmst_difference``, the treated less the untreated;
        where events compete ``cumulative_incidence`` by arm, a term each. ``time`` is the horizon; no rows without one.
        The risk is one minus Kaplan-Meier's survival, or Aalen and Johansen's cumulative incidence. Standard errors
        are Greenwood's; robust by patient where weights are not all 1 (the weights being taken as known); none where
        the arms share patients, for that takes a bootstrap. Null, with a warning, where an arm is empty or its
        follow-up ends before the horizon.
    """
    if strategy.horizon is None:
        return concat(())
    arms = by_arm(spells, strategy.treatment_of(spells))
    shared = _share_patients(arms)
    if strategy.horizon <= start:
        parts = [_no_arm(arms, f"{BEFORE} {start:.10g}").label(group=arm) for arm in (TREAT, NO_TREAT)]
    else:
        robust = is_weighted(arms)  # weights that change with time have no other variance
        window = Window(strategy.horizon, start, variance="robust" if robust else "greenwood")
        parts = [_arm(arms.where(_groups(arms) == arm), window).label(group=arm) for arm in (TREAT, NO_TREAT)]
    events = len(np.unique(arms.patient[arms.event() & (arms.stop <= strategy.horizon)]))
    gaps = [_difference(parts, name).label(n=arms.n, n_events=events) for name in ("risk", "rmst")]
    found = concat([*parts, *gaps])
    found = found.label(**UNSURE) if shared else found
    named = label(found, spells, strategy).label(time=strategy.horizon)
    return Estimate(named.rows.with_columns(found.rows["term"].fill_null(strategy.treatment_of(spells))))


def arm_curves(spells: Spells, treatment: str, *, start_day: float | None = None) -> Estimate:
    """Estimate the curves of two arms, with the numbers at risk along them and the heights where somebody is censored.

    Parameters
    ----------
    spells
        The table of arms.
    treatment
        Its column.
    start_day
        Where given, the curves are conditional on being at risk after this day.

    Returns
    -------
    Estimate
        By group ``arm=treat`` and ``arm=no_treat``: ``survival``, or ``cumulative_incidence`` a term each where events
        compete; ``n_at_risk``, patients whatever they weigh; and ``censored``. Who goes over to the other arm, or is
        censored because the arm's strategy was left, is no longer at risk but not marked as censored.
    """
    arms = by_arm(spells, treatment)
    options = Curve(variance=_variance(arms), start_day=start_day)
    curves = aalen_johansen(arms, "arm", options=options)
    days = np.unique(curves.rows["time"].drop_nulls().to_numpy()).tolist()
    at_risk = numbers_at_risk(spells, treatment, times=days).where(statistic="n_at_risk")
    ended = (arms.to < 0) & is_last(arms) & (arms.stop >= (start_day or -np.inf))
    marks = pl.DataFrame({"group": _groups(arms)[ended], "time": arms.stop[ended]}).unique()
    heights = curves.rows.join(marks, on=["group", "time"], how="semi", maintain_order="left")
    return concat([curves, at_risk, Estimate(heights).label(statistic="censored")])


def numbers_at_risk(spells: Spells, treatment: str, *, times: Sequence[float]) -> Estimate:
    """Count the patients at risk in each arm on the given days, and those with an event in it by then."""
    rows = number_at_risk(by_arm(spells, treatment), "arm", times=times).rows
    return Estimate(rows.filter(pl.col("statistic") != "n_censored"))


def _arm(spells: Spells, window: Window) -> Estimate:
    """Return the rows of one arm: the risk, other events' cumulative incidences, the restricted mean."""
    if not len(spells):
        return _no_arm(spells, "nobody is at risk in this arm")
    others = spells.states[2:]
    curves = aalen_johansen(spells, times=[window.horizon], options=Curve(variance=window.variance))
    first = curves.where(term=spells.states[1]) if others else _complement(curves)
    incidences = [curves.where(term=state) for state in others]
    return concat([first.label(statistic="risk", term=None), *incidences, _mean(spells, window)])


def _no_arm(spells: Spells, warning: str) -> Estimate:
    """Return the rows of an arm of which nothing can be known."""
    names = {"risk": [None], "cumulative_incidence": spells.states[2:], "rmst": [None]}
    rows = [make_estimate(name, term=term) for name, terms in names.items() for term in terms]
    return concat(rows).label(warning=warning)


def _mean(spells: Spells, window: Window) -> Estimate:
    last = float(spells.stop.max())
    if last < window.horizon:
        return make_estimate("rmst", n=spells.n, warning=f"{BEYOND} (day {last:.10g})")
    return rmst(spells, window=window).where(statistic="rmst")


def _complement(survival: Estimate) -> Estimate:
    """Return one minus the rows of a survival curve."""
    one = pl.lit(1.0)
    columns = {"estimate": one - pl.col("estimate"), "lower": one - pl.col("upper"), "upper": one - pl.col("lower")}
    return Estimate(survival.rows.with_columns(**columns))


def _difference(arms: Sequence[Estimate], statistic: str) -> Estimate:
    """Return the treated less the untreated, of two independent estimates."""
    treated, untreated = (part.where(statistic=statistic).rows.to_dicts()[0] for part in arms)
    gap = _number(treated["estimate"]) - _number(untreated["estimate"])
    error = float(np.hypot(_number(treated["std_error"]), _number(untreated["std_error"])))
    warnings = dict.fromkeys(row["warning"] for row in (treated, untreated) if row["warning"])
    return make_estimate(
        f"{statistic}_difference", estimate=gap, std_error=error, lower=gap - Z * error, upper=gap + Z * error,
        p_value=normal_p(gap, error), warning="; ".join(warnings) or None,
    )  # fmt: skip


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _share_patients(arms: Spells) -> bool:
    treated = arms.of("arm").to_numpy() == _level(TREAT)
    return bool(np.intersect1d(arms.patient[treated], arms.patient[~treated]).size)


def _groups(arms: Spells) -> npt.NDArray[np.str_]:
    return np.where(arms.of("arm").to_numpy() == _level(TREAT), TREAT, NO_TREAT)


def _level(group: str) -> str:
    return group.partition("=")[2]


def _variance(spells: Spells) -> Variance:
    return "robust" if is_weighted(spells) else "greenwood"
