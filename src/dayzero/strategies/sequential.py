"""Sequential trials: whoever could start treatment on a day and does is compared with those who could and do not.

A cohort is a series of trials, one a day or a week, pooled (Hernan et al. 2008, Epidemiology 19:766; Gran et al. 2010,
Stat Med 29:2757; Danaei et al. 2013, Stat Methods Med Res 22:70). Nothing of the future names the arms. A patient is
untreated in many trials and treated in one, so errors are robust by patient.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import fit_cox
from dayzero.spells import CENSORED, Spells
from dayzero.strategies.balance import standardised_differences
from dayzero.strategies.clones import ARTIFICIAL
from dayzero.strategies.contrast import (
    ARMS,
    arm_sizes,
    hazard_ratios,
    label,
    references,
    require_untreated,
    with_warning,
)
from dayzero.strategies.records import from_records
from dayzero.strategies.strategy import Strategy
from dayzero.strategies.trial_risks import at_start, standardise_trials, trial_risks
from dayzero.strategies.trial_weights import WeighedTrials, weigh_trials
from dayzero.strategies.trials import TRIAL, first_of_pair, last_of_pair
from dayzero.strategies.truncation import weights_at_stop


def sequential_trials(
    spells: Spells,
    treatment: str,
    *,
    every: float,
    last: float | None = None,
    adjust: Sequence[str] = (),
    **options: Any,
) -> Spells:
    """Stack the trials that start on the days 0, every, 2 every, ... in whose intervals somebody starts treatment.

    Parameters
    ----------
    spells
        A table of one event or of competing ones; several rows a patient where columns change with time.
    treatment
        A key of its treatments; NaN in a patient with rows is a ValueError.
    every
        Days from one possible start to the next. Who starts treatment within the interval is untreated until then, and
        treated from then on: nobody is immortal, however long it is. But covariates are those at the trial's start, so
        prefer short ones; with 1, a day on which nobody is treated makes no trial.
    last
        Last day on which a trial may start; by default the last day on which somebody starts treatment.
    adjust
        Columns that decide on the treatment and foretell the event. Untreated patients who start treatment later are
        censored then, and the others weighted for it, by the hazard of starting treatment given these columns as they
        change. Without them that censoring is taken to be independent and all weights are 1.
    **options
        ``horizon`` (in days from a trial's start, and from the treatment for the treated), ``truncate``,
        ``stabilised``, ``ties``, ``reference`` of a
        :class:`~dayzero.strategies.strategy.Strategy`.

    Returns
    -------
    Spells
        The rows of the treated of all trials and then those of the untreated. Days are those from day zero still: late
        entry is left truncation, the column ``trial`` (its first day) a stratum. The treatment's column is 1.0 in rows
        of the treated, else 0.0; other time-varying columns keep the value from just before the trial's treatments;
        ``artificially_censored`` marks rows that end with a later treatment; ``odds_of_starting``, where there is
        ``adjust``, is the odds of being one of the treated.

    Raises
    ------
    InputError
        Where nobody starts treatment while at risk in a trial.

    Notes
    -----
    A trial has a row for each patient who is eligible, or several where their columns change: 2,000 patients with 90
    daily trials make 180,000 rows, 10,000 patients 900,000, which take 0.8 GiB to estimate. Where that is too much,
    let ``every`` be 7 or more: no time becomes immortal by it.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from dayzero.spells import make_spells
    >>> spells = replace(make_spells([9, 8, 3], [1, 1, 1]), treatments={"hsct": np.array([2.0, 5.0, np.inf])})
    >>> table = sequential_trials(spells, "hsct", every=1)
    >>> table.columns["trial"].tolist(), table.columns["hsct"].tolist()
    ([2.0, 5.0, 2.0, 2.0], [1.0, 1.0, 0.0, 0.0])
    >>> table.start.tolist(), table.stop.tolist(), table.to.tolist()
    ([2.0, 5.0, 2.0, 2.0], [9.0, 8.0, 5.0, 3.0], [1, 1, -1, 1])
    """
    strategy = Strategy("sequential", treatment=treatment, every=every, adjust=adjust, **options)
    return weigh_trials(spells, strategy, last).spells


def estimate_sequential(spells: Spells, strategy: Strategy) -> Estimate:
    """Estimate the contrast of starting treatment with not starting it, in those who start it.

    Trials start until the end of the grace period, so that the treated are those that a grace period would count.

    Returns
    -------
    Estimate
        Hazard ratios from a Cox model with the trial as stratum and the covariates at its start (or, where
        ``adjustment`` is ``weights``, the odds of being treated as weights of the untreated), robust by patient;
        ``trials`` and ``trial_entries``, their number and that of the patients in them, one counted as often as
        entered; arm sizes; risks and restricted means in the treated (:mod:`dayzero.strategies.trial_risks`);
        diagnostics of the weights; standardised differences at the trials' starts, before and after weighting by the
        odds of being treated.
    """
    require_untreated(spells, strategy.treatment_of(spells))
    trials = weigh_trials(spells, strategy, strategy.grace)
    warning = "; ".join(trials.notes) or None
    ratios = _ratios(trials, strategy).label(time=strategy.horizon)
    contrast = with_warning(concat([ratios, trial_risks(trials.spells, strategy)]), warning)
    return concat([contrast, *_described(trials, strategy)])


def sequential_points(spells: Spells, strategy: Strategy) -> Estimate:
    """Return the estimates of :func:`estimate_sequential` without standard errors: what a resample needs."""
    trials = weigh_trials(spells, strategy, strategy.grace)
    treatment = strategy.treatment_of(spells)
    about = {"kind": "strategy", "method": strategy.method, "endpoint": spells.name or None, "term": treatment}
    model, weighed = tuple(strategy.adjust), trials.spells
    if strategy.adjust and strategy.adjustment == "weights":
        model, weighed = (), standardise_trials(trials.spells, treatment)[0]
    records = [*_points(weighed, strategy, model)]
    if strategy.adjust:
        crude = _points(trials.plain, strategy, ())
        records += [{**row, "kind": "strategy_unadjusted"} for row in crude if "group" not in row]
    ratios = from_records([{**about, "time": strategy.horizon, **record} for record in records])
    return concat([ratios, trial_risks(trials.spells, strategy), *_described(trials, strategy)])


def _points(spells: Spells, strategy: Strategy, adjust: Sequence[str]) -> Iterator[dict[str, object]]:
    """Yield the hazard ratio of the endpoint's event, and of those that compete with it."""
    terms = (strategy.treatment_of(spells), *adjust)
    known = references(spells, strategy) if adjust else {}
    for state in spells.states[1:]:
        model = CoxModel(terms, strategy.ties, (*strategy.strata, TRIAL), reference=known, event=state)
        fit = fit_cox(spells, model)
        known_value = bool(fit.converged) and not any(fit.notes.get(terms[0], ()))
        value = float(fit.coefficients[0]) if known_value else np.nan
        about = {} if state == spells.states[1] else {"kind": "strategy_cause", "group": f"event={state}"}
        yield {**about, "statistic": "log_hazard_ratio", "estimate": value}
        yield {**about, "statistic": "hazard_ratio", "estimate": float(np.exp(value))}


def _ratios(trials: WeighedTrials, strategy: Strategy) -> Estimate:
    if not strategy.adjust:
        return hazard_ratios(trials.spells, strategy, adjust=(), strata=(TRIAL,), robust=True)
    crude = hazard_ratios(trials.plain, strategy, adjust=(), strata=(TRIAL,), robust=True)
    crude = crude.where(kind="strategy").label(kind="strategy_unadjusted")
    if strategy.adjustment == "weights":
        weighed, _ = standardise_trials(trials.spells, strategy.treatment_of(trials.spells))
        return concat([hazard_ratios(weighed, strategy, adjust=(), strata=(TRIAL,), robust=True), crude])
    found = hazard_ratios(trials.spells, strategy, adjust=strategy.adjust, strata=(TRIAL,), robust=True)
    return concat([found.where(kind="strategy"), found.where(kind="strategy_cause"), crude])


def _described(trials: WeighedTrials, strategy: Strategy) -> list[Estimate]:
    sizes = concat([arm_sizes(trials.plain, strategy), _entries(trials.plain, strategy)])
    return [sizes.label(time=strategy.horizon), *_diagnostics(trials, strategy)]


def _entries(plain: Spells, strategy: Strategy) -> Estimate:
    """Count the trials, and the patients that enter them in each arm."""
    treatment = strategy.treatment_of(plain)
    enters, treated = first_of_pair(plain, treatment), np.asarray(plain.columns[treatment])
    rows = [make_estimate("trials", estimate=float(len(np.unique(plain.columns[TRIAL]))), n=plain.n)]
    for arm, value in ARMS:
        inside = plain.where(treated == value)
        counts = {"n": inside.n, "n_events": int(np.count_nonzero(inside.event()))}
        entries = float(np.count_nonzero(enters & (treated == value)))
        rows.append(make_estimate("trial_entries", group=arm, estimate=entries, **counts))
    return label(concat(rows), plain, strategy)


def _diagnostics(trials: WeighedTrials, strategy: Strategy) -> list[Estimate]:
    if not strategy.adjust:
        return []
    treatment = strategy.treatment_of(trials.spells)
    after, _ = standardise_trials(trials.spells, treatment)
    start = at_start(after, treatment)
    differences = [standardised_differences(at_start(trials.plain, treatment), strategy),
                   standardised_differences(start, strategy, weights=start.weight)]  # fmt: skip
    return [_describe_weights(trials.spells, strategy).label(time=strategy.horizon), *differences]


def _describe_weights(spells: Spells, strategy: Strategy) -> Estimate:
    """Describe the weights by arm, as they are when patients leave their trials for another reason than a treatment.

    ``largest_weight``, and ``mean_weight`` over the patients of all trials; ``effective_sample_size`` (sum w)^2 /
    sum w^2 and ``share_of_three_heaviest``, w being the sum of a patient's weights in all trials; and how many times a
    patient is ``artificially_censored`` or ``naturally_censored``.
    """
    treatment = strategy.treatment_of(spells)
    treated, rows = np.asarray(spells.columns[treatment]), []
    weight, artificial = weights_at_stop(spells), np.asarray(spells.columns[ARTIFICIAL], bool)
    last = last_of_pair(spells, treatment)
    for arm, value in ARMS:
        mine = last & (treated == value)
        stays = mine & ~artificial
        sums = np.bincount(spells.patient[stays], weight[stays])
        values = {
            "effective_sample_size": float(sums.sum() ** 2 / (sums @ sums)) if stays.any() else np.nan,
            "largest_weight": float(weight[stays].max(initial=0.0)) if stays.any() else np.nan,
            "mean_weight": float(weight[stays].mean()) if stays.any() else np.nan,
            "share_of_three_heaviest": float(np.sort(sums)[-3:].sum() / sums.sum()) if stays.any() else np.nan,
            "artificially_censored": float(np.count_nonzero(mine & artificial)),
            "naturally_censored": float(np.count_nonzero(stays & (spells.to == CENSORED))),
        }
        n = spells.where(mine).n
        rows += [make_estimate(name, group=arm, estimate=value, n=n) for name, value in values.items()]
    return label(concat(rows), spells, strategy)
