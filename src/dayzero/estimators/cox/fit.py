"""Cox regression (Cox 1972, JRSS B 34:187): one routine for start-stop rows, weights, strata, clusters and batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Final

import numpy as np
import numpy.typing as npt

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.cox.design import CoxDesign, CoxModel, as_model, design_cox
from dayzero.estimators.cox.exact import evaluate_exact
from dayzero.estimators.cox.likelihood import Evaluation, evaluate, join, only
from dayzero.estimators.cox.newton import STEPS, Optimum, invert, maximise
from dayzero.estimators.cox.residuals import BaselineHazard, cumulative_hazard, score_residuals
from dayzero.estimators.cox.rows import ratio_rows, wald_statistic, whole_rows
from dayzero.estimators.terms.language import columns_of, main_terms
from dayzero.spells import Bools, Floats, Ints, Spells

IN_CACHE: Final = 20_000  # rows times fits evaluated at a time, so that the sums stay in the processor's cache
WHOLE: Final = ""  # under this name stand the warnings about the whole model


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A fitted Cox model; with weights (rows, B) the numbers have a first axis of length B.

    Attributes
    ----------
    model, design
        What was fitted, and the sorted arrays that it was fitted to.
    coefficients
        (p,) log hazard ratios; NaN where a term has none (constant, collinear, no events).
    covariance
        (p, p) model-based: the inverse of the information.
    log_likelihood
        (2,) log partial likelihood at 0 and at the coefficients.
    score
        The score test's chi-squared: g' I^-1 g at 0.
    iterations, converged
        Newton steps taken, and whether the last one moved no log hazard by more than 1e-9 (convention 17).
    df
        Number of coefficients that were estimated.
    notes
        Warnings, under the coefficient that each concerns or under "" for the whole model.
    """

    model: CoxModel
    design: CoxDesign
    coefficients: Floats
    covariance: Floats
    log_likelihood: Floats
    score: Floats
    iterations: Ints
    converged: Bools
    df: Ints
    notes: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """(p,) names of the coefficients."""
        return self.design.names

    @property
    def ties(self) -> str:
        """How ties were handled."""
        return self.model.ties

    @property
    def n(self) -> int:
        """Number of patients in the model."""
        return self.design.n

    @property
    def n_events(self) -> int:
        """Number of events, unweighted."""
        return self.design.n_events

    @property
    def centre(self) -> Floats:
        """(p,) covariate values to which ``baseline`` belongs: the means over the rows at risk."""
        return self.design.centre

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings, those about the whole model first."""
        return tuple(text for texts in self.notes.values() for text in texts)

    @property
    def is_robust(self) -> bool:
        """Whether standard errors are robust: a cluster is named, weights are not all 1, or the model asks."""
        return self.model.robust or self.model.cluster is not None or self.design.weighted

    @cached_property
    def row_influence(self) -> Floats:
        """(n, p) dfbeta of the rows in the order of ``design``: weighted score residuals times the covariance."""
        beta = self._scaled_coefficients()
        design = self.design
        residuals = score_residuals(design.sets, design.x, design.weighting, beta)
        return (residuals * design.scale) @ np.nan_to_num(self.covariance)

    @cached_property
    def influence(self) -> Floats:
        """(patients, p) dfbeta: the approximate change of the coefficients by each patient; 0 for those not used."""
        return _sum_by(self.design.patient, self.row_influence, self.design.patients)

    @cached_property
    def robust(self) -> Floats:
        """(p, p) sandwich covariance, clustered on ``model.cluster`` or on the patient (Lin and Wei 1989)."""
        clusters = int(self.design.cluster.max(initial=-1)) + 1
        by_cluster = _sum_by(self.design.cluster, self.row_influence, clusters)
        return np.where(np.isnan(self.covariance), np.nan, by_cluster.T @ by_cluster)

    @cached_property
    def baseline(self) -> BaselineHazard:
        """Cumulative baseline hazard of each stratum, at covariates ``centre``; exact ties take Breslow's."""
        design = self.design
        hazard = cumulative_hazard(design.sets, design.x, design.weighting, self._scaled_coefficients())
        names = tuple(design.strata[code] for code in design.sets.stratum)
        return BaselineHazard(design.sets.time, names, hazard)

    @property
    def std_error(self) -> Floats:
        """(p,) standard errors: robust or model-based, see ``is_robust``."""
        with np.errstate(invalid="ignore"):  # rounding may leave a monotone likelihood without a variance: NaN
            return np.sqrt(np.diagonal(self._inference_covariance(), axis1=-2, axis2=-1))

    def estimate(self) -> Estimate:
        """Return the hazard ratios with 95 % Wald limits, and the three tests of the whole model.

        Likelihood-ratio and score tests are model-based; the Wald test uses the covariance of the standard errors.
        """
        covariance, df = self._inference_covariance(), int(self.df)
        chi_squared = {
            "likelihood_ratio": 2.0 * float(self.log_likelihood[1] - self.log_likelihood[0]),
            "score": float(self.score),
            "wald": wald_statistic(self.coefficients, covariance) if df else np.nan,
        }
        warnings = [self._warning(name) for name in self.names]
        ratios = ratio_rows(self.names, self.coefficients, self.std_error, warnings)
        rows = concat([ratios, whole_rows(chi_squared, df, self._warning())])
        return rows.label(endpoint=self.design.endpoint, kind="cox", method=self.ties, n=self.n, n_events=self.n_events)

    def _warning(self, name: str = WHOLE) -> str | None:
        texts = (*self.notes.get(WHOLE, ()), *(self.notes.get(name, ()) if name != WHOLE else ()))
        return "; ".join(texts) or None

    def _inference_covariance(self) -> Floats:
        return self.robust if self.is_robust and self.coefficients.ndim == 1 else self.covariance

    def _scaled_coefficients(self) -> Floats:
        if self.coefficients.ndim > 1:
            raise ValueError("a batch of weightings has no residuals: fit one weighting")
        if self.ties == "exact" and len(self.design.sets.events) > self.design.sets.times:
            raise InputError("exact ties have no residuals", mend='Use ties = "efron".')
        return (np.nan_to_num(self.coefficients) * self.design.scale)[None, :]


def fit_cox(spells: Spells, model: CoxModel | Sequence[str], weights: npt.ArrayLike | None = None) -> CoxFit:
    """Fit a Cox model by Newton's method.

    Parameters
    ----------
    spells
        The table; every row is at risk of the model's event in (start, stop].
    model
        The model, or the names of its terms.
    weights
        (rows,) or (rows, B), multiplied with the table's own weights. B columns are B fits in one pass: the bootstrap.
        A weighted event counts as one tied event of that weight, as in R's ``coxph``: with Breslow's ties a weight of
        2 is a row twice; with Efron's only nearly so.

    Returns
    -------
    CoxFit

    Raises
    ------
    InputError
        An unknown column, level or event, or weights that cannot be used.

    Examples
    --------
    Remission times of Freireich (1963), first ten pairs:

    >>> from dayzero.spells import make_spells
    >>> weeks = [10, 7, 32, 23, 22, 6, 16, 34, 32, 25, 1, 22, 3, 12, 8, 17, 2, 11, 8, 12]
    >>> relapse = [1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    >>> spells = make_spells(weeks, relapse, arm=["6-MP"] * 10 + ["placebo"] * 10)
    >>> fit = fit_cox(spells, ["arm"])
    >>> fit.names, fit.coefficients.round(4).tolist(), fit.n_events
    (('arm=placebo',), [1.413], 16)
    """
    model = as_model(model)
    given = None if weights is None else np.asarray(weights, float)
    design = design_cox(spells, model, given)
    best = maximise(partial(_evaluate, design, model.ties), design.weighting.dying.sum(axis=-1), design.reach)
    coefficients = np.where(best.free, best.beta / design.scale, np.nan)
    covariance = invert(best.top.information, best.free) / np.multiply.outer(design.scale, design.scale)
    covariance[~(best.free[:, :, None] & best.free[:, None, :])] = np.nan
    score = _quadratic(invert(best.null.information, best.free), best.null.score)
    likelihoods = np.stack([best.null.log_likelihood, best.top.log_likelihood], axis=-1)
    first = (0,) if given is None or given.ndim == 1 else (slice(None),)
    return CoxFit(
        model=model,
        design=design,
        coefficients=coefficients[first],
        covariance=covariance[first],
        log_likelihood=likelihoods[first],
        score=np.asarray(score[first]),
        iterations=np.asarray(best.iterations[first]),
        converged=np.asarray(best.converged[first]),
        df=np.asarray(best.free.sum(axis=-1)[first]),
        notes=_notes(design, best),
    )


def cox(spells: Spells, model: CoxModel | Sequence[str]) -> Estimate:
    """Fit the model and return its rows: log hazard ratios, hazard ratios, and three tests; see :func:`fit_cox`."""
    return fit_cox(spells, model).estimate()


def cox_univariable(spells: Spells, model: CoxModel | Sequence[str]) -> Estimate:
    """Fit one model for each term alone; rows of kind ``cox_univariable``, the tests under their term's name.

    Products have no row: their factors have.
    """
    model = as_model(model)
    found = []
    known = {*spells.columns, *spells.patients.columns}
    for term in main_terms(model.terms, known):
        reference = {name: model.reference[name] for name in columns_of([term], known) if name in model.reference}
        rows = cox(spells, replace(model, terms=(term,), reference=reference))
        tests = rows.where(term=None).label(term=term)
        found += [Estimate(rows.rows.filter(rows.rows["term"].is_not_null())), tests]
    return concat(found).label(kind="cox_univariable")


def _evaluate(design: CoxDesign, ties: str, beta: Floats, batches: Ints) -> Evaluation:
    size = max(1, IN_CACHE // max(design.x.shape[1], 1))
    if len(batches) > size:
        parts = [slice(first, first + size) for first in range(0, len(batches), size)]
        return join([_evaluate(design, ties, beta[part], batches[part]) for part in parts])
    weighting = only(design.weighting, batches)
    if ties == "exact":
        return evaluate_exact(design.sets, design.x, weighting, beta)
    return evaluate(design.sets, design.x, weighting, beta)


def _sum_by(codes: Ints, values: Floats, groups: int) -> Floats:
    """Sum (n, p) values by group: (groups, p)."""
    sums = np.empty((groups, values.shape[1]))
    for j, column in enumerate(values.T):
        sums[:, j] = np.bincount(codes, weights=column, minlength=groups)
    return sums


def _quadratic(matrix: Floats, vector: Floats) -> Floats:
    return np.asarray(np.einsum("...p,...pq,...q->...", vector, matrix, vector), float)


def _notes(design: CoxDesign, best: Optimum) -> dict[str, tuple[str, ...]]:
    """Name what went wrong; in a batch, what went wrong in all of it."""
    whole = []
    if design.dropped:
        whole.append(f"dropped_missing: {design.dropped} patients")
    if not design.n_events:
        return {WHOLE: ("no_events: no coefficient can be estimated", *whole)}
    if not bool(np.all(best.converged | best.runaway.any(axis=-1))):
        whole.append(f"non_convergence: after {STEPS} steps; use Firth's penalty")
    whole += [f"constant_term: {term} has one value only" for term in design.constant]
    notes = {WHOLE: tuple(whole)}
    for j, name in enumerate(design.names):
        if design.reach[j] == 0.0:
            notes[name] = (f"constant_term: {name} has one value only",)
        elif not bool(best.free[:, j].any()):
            notes[name] = (f"collinear: {name} is a combination of the terms before it",)
        elif bool(best.runaway[:, j].any()):
            notes[name] = (f"separation: the coefficient of {name} runs to infinity; use Firth's penalty",)
    return notes
