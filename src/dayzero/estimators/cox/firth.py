"""Cox regression with Firth's penalty: finite hazard ratios where events are few, or none in a group.

Half the logarithm of the determinant of the information takes away the bias of order 1/n, and with it the infinite
estimates of a monotone likelihood (Heinze and Schemper 2001, Biometrics 57:114). Limits and p-values come from the
profile of the penalised likelihood: those of Wald mislead here. Start-stop rows, strata and weights as in
:func:`dayzero.estimators.cox.fit.fit_cox`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.cox.design import CoxDesign, CoxModel, design_cox
from dayzero.estimators.cox.firth_likelihood import Problem, climb, form_problem
from dayzero.estimators.cox.firth_profile import Top, profile_limits, profile_tests
from dayzero.estimators.cox.fit import WHOLE, CoxFit
from dayzero.estimators.cox.newton import STEPS
from dayzero.estimators.cox.rows import Z, whole_rows, with_ratios
from dayzero.estimators.terms.language import columns_of, main_terms
from dayzero.spells import Bools, Floats, Spells


@dataclass(frozen=True, eq=False)
class FirthCoxFit:
    """A penalised Cox model.

    Attributes
    ----------
    cox
        The penalised coefficients and the inverse of their information, as a Cox model: for its concordance,
        residuals and predictions. Its ``log_likelihood`` is the penalised one, at 0 and at the coefficients, with the
        covariates in their own units.
    lower, upper
        (p,) profile limits of the log hazard ratios at 95 %.
    chi_squared
        (p,) penalised likelihood ratio against a coefficient of 0.
    """

    cox: CoxFit
    lower: Floats
    upper: Floats
    chi_squared: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """(p,) names of the coefficients."""
        return self.cox.names

    @property
    def coefficients(self) -> Floats:
        """(p,) log hazard ratios; NaN where a term has none (constant, collinear)."""
        return self.cox.coefficients

    @property
    def std_error(self) -> Floats:
        """(p,) roots of the inverse information's diagonal."""
        return np.sqrt(np.diagonal(self.cox.covariance))

    @property
    def p_value(self) -> Floats:
        """(p,) of the penalised likelihood ratio tests."""
        return np.asarray(chdtrc(1, self.chi_squared))

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings, those about the whole model first."""
        return self.cox.warnings

    @property
    def method(self) -> str:
        """``firth``, with the name of the ties where they are not Breslow's."""
        return "firth" if self.cox.ties == "breslow" else f"firth, {self.cox.ties}"

    def estimate(self) -> Estimate:
        """Return the hazard ratios with profile limits, and the likelihood ratio test of the whole model."""
        whole, df = self.cox.log_likelihood, int(self.cox.df)
        notes = self.cox.notes
        warnings = ["; ".join((*notes.get(WHOLE, ()), *notes.get(name, ()))) or None for name in self.names]
        logs = make_estimate(
            "log_hazard_ratio", term=list(self.names), estimate=self.coefficients, std_error=self.std_error,
            lower=self.lower, upper=self.upper, p_value=self.p_value, warning=warnings,
        )  # fmt: skip
        test = {"likelihood_ratio": 2.0 * float(whole[1] - whole[0])}
        rows = concat([with_ratios(logs), whole_rows(test, df, "; ".join(notes.get(WHOLE, ())) or None)])
        labels = {"kind": "cox", "endpoint": self.cox.design.endpoint, "method": self.method}
        return rows.label(**labels, n=self.cox.n, n_events=self.cox.n_events)


def fit_firth_cox(spells: Spells, model: CoxModel | Sequence[str], weights: npt.ArrayLike | None = None) -> FirthCoxFit:
    """Fit a Cox model with Firth's penalty.

    Parameters
    ----------
    spells
        The table; every row is at risk of the model's event in (start, stop].
    model
        The model; a list of terms stands for one with Breslow's ties, those of R's ``coxphf``. Efron's are taken
        where the model names them.
    weights
        (rows,), multiplied with the table's own.

    Raises
    ------
    InputError
        An unknown column or level, exact ties, or robust standard errors, which a penalised likelihood has not.

    Examples
    --------
    All who have the event are treated: the hazard ratio is infinite, and Firth's is not.

    >>> from dayzero.spells import make_spells
    >>> spells = make_spells(range(1, 9), [1, 1, 1, 1, 0, 0, 0, 0], tx=[1, 1, 1, 1, 0, 0, 0, 0])
    >>> fit = fit_firth_cox(spells, ["tx"])
    >>> print(f"{fit.coefficients[0]:.5f} ({fit.lower[0]:.5f} to {fit.upper[0]:.5f})")
    2.94820 (0.62494 to 7.85657)
    """
    model = as_firth_model(model)
    given = None if weights is None else np.asarray(weights, float)
    if given is not None and given.ndim > 1:
        raise InputError("several weightings at once", mend="Fit one weighting at a time.")
    design = design_cox(spells, model, given)
    problem = form_problem(design) if design.n_events else None
    if problem is None or not problem.free.any():
        return _nothing(model, design)
    return _fitted(model, design, problem)


def firth_cox(spells: Spells, model: CoxModel | Sequence[str]) -> Estimate:
    """Fit the model and return its rows; see :func:`fit_firth_cox`."""
    return fit_firth_cox(spells, model).estimate()


def firth_cox_univariable(spells: Spells, model: CoxModel | Sequence[str]) -> Estimate:
    """Fit one penalised model for each term alone; rows of kind ``cox_univariable``, tests under their term's name."""
    model = as_firth_model(model)
    known = {*spells.columns, *spells.patients.columns}
    found = []
    for term in main_terms(model.terms, known):
        reference = {name: model.reference[name] for name in columns_of([term], known) if name in model.reference}
        rows = firth_cox(spells, replace(model, terms=(term,), reference=reference))
        ratios = Estimate(rows.rows.filter(rows.rows["term"].is_not_null()))
        found += [ratios, rows.where(term=None).label(term=term)]
    return concat(found).label(kind="cox_univariable")


def as_firth_model(model: CoxModel | Sequence[str]) -> CoxModel:
    """Return the model itself, or that of the named terms with Breslow's ties; refuse what Firth's penalty has not."""
    if not isinstance(model, CoxModel):
        return CoxModel((model,) if isinstance(model, str) else tuple(model), ties="breslow")
    if model.ties == "exact":
        raise InputError("exact ties have no penalised likelihood", mend='Use ties = "breslow".', column="ties")
    if model.cluster is not None or model.robust:
        mend = "Leave the cluster out, or the penalty."
        raise InputError("a penalised model has no robust standard errors", mend=mend, column="cluster")
    return model


def _fitted(model: CoxModel, design: CoxDesign, problem: Problem) -> FirthCoxFit:
    q = len(problem.x)
    best = climb(problem, np.zeros((1, q)), np.zeros((1, q), bool))
    top = Top(best.beta[0], np.linalg.inv(best.reached.information[0]), float(best.reached.log_likelihood[0]))
    limits, found = profile_limits(problem, top, Z)
    falls, tested = profile_tests(problem, top, np.concatenate([np.eye(q, dtype=bool), np.ones((1, q), bool)]))
    converged = bool(best.converged[0] and tested.all())
    scale, free = design.scale[problem.free], problem.free
    covariance = np.full((len(free), len(free)), np.nan)
    covariance[np.ix_(free, free)] = top.covariance / np.multiply.outer(scale, scale)
    cox = CoxFit(
        model=model,
        design=design,
        coefficients=_spread(top.beta / scale, free),
        covariance=covariance,
        log_likelihood=np.array([top.likelihood - falls[-1] / 2.0, top.likelihood]),
        score=np.asarray(np.nan),
        iterations=best.iterations[0],
        converged=np.asarray(converged),
        df=np.asarray(q),
        notes=_notes(design, free, limited=_spread(found.all(axis=0).astype(float), free), converged=converged),
    )
    lower, upper = (_spread(values / scale, free) for values in limits)
    return FirthCoxFit(cox, lower, upper, _spread(falls[:-1], free))


def _nothing(model: CoxModel, design: CoxDesign) -> FirthCoxFit:
    """Return the fit where nothing can be estimated: no events, or only constant terms."""
    p, nan = len(design.names), np.full(len(design.names), np.nan)
    free = np.zeros(p, bool)
    notes = _notes(design, free, limited=nan, converged=True)
    if not design.n_events:
        notes = {WHOLE: ("no_events: no coefficient can be estimated", *notes[WHOLE])}
    unknown = np.asarray(np.nan)
    cox = CoxFit(
        model, design, coefficients=nan, covariance=np.full((p, p), np.nan), log_likelihood=np.full(2, np.nan),
        score=unknown, iterations=np.asarray(0), converged=np.asarray(True), df=np.asarray(0), notes=notes,
    )  # fmt: skip
    return FirthCoxFit(cox, nan, nan, nan)


def _spread(values: Floats, free: Bools) -> Floats:
    """Return the values of the free coefficients among all of them, NaN elsewhere."""
    spread = np.full(len(free), np.nan)
    spread[free] = values
    return spread


def _notes(design: CoxDesign, free: Bools, *, limited: Floats, converged: bool) -> dict[str, tuple[str, ...]]:
    whole = [f"dropped_missing: {design.dropped} patients"] if design.dropped else []
    if not converged:
        whole.append(f"non_convergence: after {STEPS} steps")
    whole += [f"constant_term: {term} has one value only" for term in design.constant]
    notes = {WHOLE: tuple(whole)}
    for j, name in enumerate(design.names):
        if design.reach[j] == 0.0:
            notes[name] = (f"constant_term: {name} has one value only",)
        elif not free[j]:
            notes[name] = (f"collinear: {name} is a combination of the terms before it",)
        elif not limited[j]:
            notes[name] = (f"no_limit: the profile of {name} does not come down far enough on one side",)
    return notes
