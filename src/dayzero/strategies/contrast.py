"""The contrast of two arms: from a table with the treatment's column to rows of the output contract.

Every strategy ends here. Its table of arms is a :class:`Spells` whose column named as the treatment is 1.0 in rows that
count for it and 0.0 in the others; a patient may have rows in both.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.firth import fit_firth_cox
from dayzero.estimators.cox.fit import CoxFit, fit_cox
from dayzero.estimators.groups import join_warnings
from dayzero.estimators.terms.language import columns_of
from dayzero.spells import Bools, Floats, Spells
from dayzero.strategies.strategy import NO_TREAT, TREAT, Strategy

ARMS: Final = ((TREAT, 1.0), (NO_TREAT, 0.0))
RATIOS: Final = ("log_hazard_ratio", "hazard_ratio")
UNSURE: Final = dict.fromkeys(("std_error", "lower", "upper", "p_value"))
SMALLEST: Final = 1e-3  # of a model-based standard error: a robust one below this share of it is rounding
VANISHING: Final = "no_error: the robust standard error vanishes in so few events"
UNPENALISED: Final = "unpenalised: Firth's penalty has no robust standard errors"


def hazard_ratios(
    spells: Spells, strategy: Strategy, *, adjust: Sequence[str], strata: Sequence[str] = (), robust: bool = False
) -> Estimate:
    """Estimate the hazard ratio of the treatment, for the endpoint's event and for each event that competes with it.

    Parameters
    ----------
    spells
        The table of arms.
    strategy
        Its treatment, ties, reference levels, strata, cluster and penalty count here.
    adjust
        Further columns of the outcome model, without rows of their own.
    strata
        Strata beside the strategy's: landmarks, trials.
    robust
        Ask for standard errors that are robust by patient; weights other than 1 and a cluster bring them by themselves.

    Returns
    -------
    Estimate
        ``log_hazard_ratio`` and ``hazard_ratio`` of the treatment, without a time: of kind ``strategy``; of kind
        ``strategy_cause``, group ``event=state``, for each competing event; and where there is ``adjust`` of kind
        ``strategy_unadjusted``. ``n`` and ``n_events`` count patients. Where an arm is empty or has no event
        (penalty apart) or the ratio is not finite, it is null and its warning says why.
    """
    treatment = strategy.treatment_of(spells)
    model = CoxModel(
        terms=(treatment, *adjust),
        ties=strategy.ties,
        strata=(*strategy.strata, *strata),
        cluster=strategy.cluster,
        reference=references(spells, strategy) if adjust else {},
        robust=robust,
    )
    rows = [_ratio(spells, strategy, model)]
    for state in spells.states[2:]:
        cause = _ratio(spells, strategy, replace(model, event=state))
        rows.append(cause.label(kind="strategy_cause", group=f"event={state}"))
    if adjust:
        crude = _ratio(spells, strategy, replace(model, terms=(treatment,), reference={}))
        rows.append(crude.label(kind="strategy_unadjusted"))
    return concat(rows)


def arm_sizes(spells: Spells, strategy: Strategy) -> Estimate:
    """Count the patients in each arm, and those of them with the endpoint's event in it: ``arm_size`` rows.

    A patient with rows in both arms counts in both.
    """
    code = spells.of(strategy.treatment_of(spells)).to_numpy()
    rows = []
    for arm, value in ARMS:
        inside = code == value
        n, events = _patients(spells, inside), _patients(spells, inside & spells.event())
        rows.append(make_estimate("arm_size", group=arm, estimate=float(n), n=n, n_events=events))
    return label(concat(rows), spells, strategy)


def with_warning(rows: Estimate, text: str | None) -> Estimate:
    """Return the rows with a warning added to each one's own."""
    return replace(rows, rows=join_warnings(rows.rows, text))


def label(rows: Estimate, spells: Spells, strategy: Strategy) -> Estimate:
    """Return the rows as those of a strategy: its kind, method and treatment, and the table's endpoint."""
    about = {"kind": "strategy", "method": strategy.method, "term": strategy.treatment_of(spells)}
    return rows.label(**about, endpoint=spells.name or None)


def require_untreated(spells: Spells, treatment: str) -> None:
    """Raise InputError where nobody untreated is ever at risk after day zero; ValueError for an undated treatment."""
    day = treatment_days(spells, treatment)
    if not len(spells):
        raise InputError("nobody is at risk", mend="Correct the endpoint's origin, or the events.", column="treatment")
    if not bool(np.any(np.maximum(spells.start, 0.0) < np.minimum(spells.stop, day))):
        fault = "nobody untreated can be observed after day zero"
        mend = "Let day zero be earlier: with patients entered at the treatment there is no comparison."
        raise InputError(fault, mend=mend, column="treatment")


def references(spells: Spells, strategy: Strategy) -> dict[str, str]:
    """Return the reference levels of the columns that a strategy adjusts for."""
    known = {*spells.columns, *spells.patients.columns}
    named = columns_of(strategy.adjust, known)
    return {name: level for name, level in strategy.reference.items() if name in named}


def treatment_days(spells: Spells, treatment: str) -> Floats:
    """Return (rows,) the day of the treatment of each row's patient; ValueError where a row's is undated."""
    day = np.asarray(spells.treatments[treatment], float)[spells.patient]
    if bool(np.isnan(day).any()):
        raise ValueError("a patient's treatment is undated: leave its rows out first")
    return day


def _ratio(spells: Spells, strategy: Strategy, model: CoxModel) -> Estimate:
    """Return the two rows of one model."""
    treatment = model.terms[0]
    event = spells.to == (1 if model.event is None else spells.states.index(model.event))
    robust = bool(model.robust or model.cluster or spells.power is not None or np.any(spells.weight != 1.0))
    firth = strategy.penalty == "firth" and not robust
    fault = _fault(spells, treatment, event, finite=firth)
    if fault:
        return _null(spells, strategy, event, fault)
    fit = fit_firth_cox(spells, model) if firth else fit_cox(spells, model)
    cox = fit if isinstance(fit, CoxFit) else fit.cox
    found = fit.estimate().rows.filter(pl.col("term") == treatment, pl.col("statistic").is_in(RATIOS))
    rows = label(Estimate(found).label(n_events=_patients(spells, cox.design.kept & event)), spells, strategy)
    if strategy.penalty == "firth" and robust:
        rows = with_warning(rows, UNPENALISED)
    if any(note.startswith("separation") for note in cox.notes.get(treatment, ())):
        return rows.label(estimate=None, **UNSURE)
    return with_warning(rows.label(**UNSURE), VANISHING) if robust and _vanishes(cox) else rows


def _vanishes(fit: CoxFit) -> bool:
    """Return whether the robust error of the treatment's coefficient is none: so few events are fitted exactly."""
    own = np.sqrt(fit.covariance[0, 0])
    return bool(fit.std_error[0] < SMALLEST * own)


def _fault(spells: Spells, treatment: str, event: Bools, *, finite: bool) -> str | None:
    """Return why there is no hazard ratio, or None."""
    treated = spells.of(treatment).to_numpy() == 1.0
    weighing = spells.weight > 0.0
    with_it, without = treated & weighing, ~treated & weighing
    if not bool(with_it.any()):
        return f"nobody_treated: nobody is at risk after {treatment}"
    if not bool(without.any()):
        return f"nobody_untreated: nobody is at risk without {treatment}"
    if not bool(np.any(event & weighing)):
        return "no_events: nobody has the event"
    if not finite and not bool(np.any(event & with_it)):
        return f"no_events_in_arm: nobody has the event after {treatment}; use Firth's penalty"
    if not finite and not bool(np.any(event & without)):
        return f"no_events_in_arm: nobody has the event without {treatment}; use Firth's penalty"
    return None


def _null(spells: Spells, strategy: Strategy, event: Bools, fault: str) -> Estimate:
    about = {"n": spells.n, "n_events": _patients(spells, event), "warning": fault}
    return label(concat(make_estimate(name, **about) for name in RATIOS), spells, strategy)


def _patients(spells: Spells, rows: Bools) -> int:
    return len(np.unique(spells.patient[rows]))
