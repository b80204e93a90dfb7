"""Fine and Gray's regression of a subdistribution hazard: a Cox model of patients who stay at risk, with weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import CoxFit, fit_cox
from dayzero.estimators.cox.likelihood import Ties
from dayzero.estimators.cox.rows import ratio_rows, wald_statistic, whole_rows
from dayzero.estimators.fine_gray.censoring import (
    Staying,
    censoring_influence,
    score_derivative,
    sum_by_patient,
)
from dayzero.estimators.fine_gray.hazards import Hazards, sum_hazards
from dayzero.estimators.fine_gray.weights import WeightName, count_exposure, stay_at_risk
from dayzero.estimators.terms.covariates import code_covariates, code_levels, complete
from dayzero.spells import Bools, Floats, Spells

PER_FIT: Final = ("coefficients", "covariance", "log_likelihood", "score", "iterations", "converged", "df")


@dataclass(frozen=True)
class FineGrayModel:
    """A model of the subdistribution hazard of one event.

    Attributes
    ----------
    terms, reference
        As for :class:`dayzero.estimators.cox.design.CoxModel`.
    ties
        ``efron``, or ``breslow``, the only one of ``crr``.
    strata
        Names of columns; each combination of their values has its own baseline hazard and its own G.
    censoring
        Further columns; each combination of their values has its own G, the baseline being common.
    cluster
        A column whose values name groups of dependent patients; by default each patient is a group.
    event
        Name of the state of interest; by default the table's second.
    weights
        ``finegray``: G as in R's ``survival::finegray``, standard errors by the sandwich clustered on the patient,
        as those of ``coxph(weights = fgwt, cluster = id)`` (convention 10). ``crr``: G, standard errors, which count
        the estimation of G, and patients with a missing term, who do not count in G, as in R's ``cmprsk::crr``.
    """

    terms: tuple[str, ...]
    ties: Ties = "efron"
    strata: tuple[str, ...] = ()
    censoring: tuple[str, ...] = ()
    cluster: str | None = None
    reference: Mapping[str, str] = field(default_factory=dict)
    event: str | None = None
    weights: WeightName = "finegray"

    def __post_init__(self) -> None:
        """Refuse ties for which there are no weights."""
        if self.weights == "crr" and self.ties != "breslow":
            raise InputError("crr knows Breslow's ties only", mend='Use ties = "breslow".', column="ties")
        if self.ties == "exact":
            raise InputError("exact ties take no weights", mend='Use ties = "efron".', column="ties")

    @property
    def cox(self) -> CoxModel:
        """The Cox model of the weighted table."""
        return CoxModel(self.terms, self.ties, self.strata, self.cluster, self.reference, self.event, robust=True)

    @property
    def method(self) -> str:
        """The name to print beside the numbers."""
        return f"{self.ties}, {self.weights} weights"


@dataclass(frozen=True, eq=False)
class FineGrayFit:
    """A fitted model; with weights (rows, B) only ``cox`` has numbers, with a first axis of length B.

    Attributes
    ----------
    model
        What was fitted.
    cox
        The Cox model of the patients who stay at risk; its own standard errors are those of ``finegray``.
    staying
        The table, with its weights as used, and what G is made of.
    """

    model: FineGrayModel
    cox: CoxFit
    staying: Staying

    @property
    def names(self) -> tuple[str, ...]:
        """(p,) names of the coefficients."""
        return self.cox.names

    @property
    def coefficients(self) -> Floats:
        """(p,) logarithms of the subdistribution hazard ratios; NaN where a term has none."""
        return self.cox.coefficients

    @property
    def log_likelihood(self) -> Floats:
        """(2,) log partial likelihood at 0 and at the coefficients."""
        return self.cox.log_likelihood

    @property
    def spells(self) -> Spells:
        """The table as given, with its weights as used."""
        return self.staying.spells

    @cached_property
    def hazards(self) -> Hazards:
        """The baseline hazard and the sums over risk sets that it is made of."""
        return sum_hazards(self.cox)

    @cached_property
    def influence(self) -> Floats:
        """(patients, p) the approximate change of the coefficients by each patient."""
        if self.model.weights == "finegray":
            return self.cox.influence
        score = score_derivative(self.hazards)
        through_g = censoring_influence(self.cox, self.hazards, score, staying=self.staying)
        moved: Floats = (through_g.T * self.cox.design.scale) @ np.nan_to_num(self.cox.covariance)
        return self.cox.influence + moved

    @cached_property
    def covariance(self) -> Floats:
        """(p, p) sandwich: the sum over clusters, or patients, of the outer products of their influence."""
        by_cluster = self.by_cluster(self.influence.T)
        return np.where(np.isnan(self.cox.covariance), np.nan, by_cluster @ by_cluster.T)

    @property
    def std_error(self) -> Floats:
        """(p,) standard errors."""
        return np.asarray(np.sqrt(np.diagonal(self.covariance)))

    def by_cluster(self, influence: Floats) -> Floats:
        """Sum the (m, patients) influences of each cluster: (m, clusters)."""
        if self.model.cluster is None:
            return influence
        codes, levels = code_levels(self.spells, self.model.cluster)
        cluster = np.full(influence.shape[1], len(levels))
        cluster[self.spells.patient] = np.where(codes < 0, len(levels), codes)
        return sum_by_patient(cluster, influence, len(levels) + 1)

    def estimate(self) -> Estimate:
        """Return the subdistribution hazard ratios with 95 % Wald limits, the Wald test, and the log likelihood."""
        found = self.cox.estimate()
        warnings = found.where(statistic="log_hazard_ratio").rows["warning"].to_list()
        whole = found.where(statistic="wald").rows["warning"][0]
        df = int(self.cox.df)
        wald = wald_statistic(self.coefficients, self.covariance) if df else np.nan
        rows = [
            ratio_rows(self.names, self.coefficients, self.std_error, warnings),
            whole_rows({"wald": wald}, df, whole),
            make_estimate("log_likelihood", estimate=float(self.log_likelihood[1]), warning=whole),
        ]
        label = {"kind": "fine_gray", "endpoint": self.spells.name or None, "method": self.model.method}
        return concat(rows).label(**label, n=self.cox.n, n_events=self.cox.n_events)


def fit_fine_gray(
    spells: Spells, model: FineGrayModel | Sequence[str], weights: npt.ArrayLike | None = None
) -> FineGrayFit:
    """Fit Fine and Gray's model (1999, JASA 94:496) by Newton's method, in time linear in the rows.

    Parameters
    ----------
    spells
        A table of competing risks; see :func:`dayzero.estimators.fine_gray.weights.subdistribution`.
    model
        The model, or the names of its terms.
    weights
        (rows,) or (rows, B), multiplied with the table's own. They count in G too: with B columns G is estimated, and
        the model fitted, B times (the bootstrap).

    Raises
    ------
    InputError
        As by :func:`subdistribution` and :func:`dayzero.estimators.cox.fit.fit_cox`.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 0, 1, 2, 1, 1, 0], age=[4, 2, 5, 3, 2, 2, 4, 1])
    >>> fit = fit_fine_gray(spells, ["age"])
    >>> fit.coefficients.round(4).tolist(), fit.std_error.round(4).tolist()
    ([0.6597], [0.2835])
    """
    model = model if isinstance(model, FineGrayModel) else FineGrayModel(tuple(model))
    given = None if weights is None else np.asarray(weights, float)
    if given is not None and given.ndim == 2:
        return _fit_batch(spells, model, given)
    if given is not None:
        spells = replace(spells, weight=spells.weight * given)
    counted = _without_missing(spells, model) if model.weights == "crr" else None
    exposure = count_exposure(spells, (*model.strata, *model.censoring), weights=model.weights, counted=counted)
    table = stay_at_risk(spells, model.event, exposure)
    return FineGrayFit(model, fit_cox(table, model.cox), Staying(spells, table, exposure))


def fine_gray(spells: Spells, model: FineGrayModel | Sequence[str]) -> Estimate:
    """Fit the model and return its rows: log hazard ratios and hazard ratios; see :func:`fit_fine_gray`."""
    return fit_fine_gray(spells, model).estimate()


def _without_missing(spells: Spells, model: FineGrayModel) -> Bools:
    """Return (rows,) which rows belong to patients without a missing term, stratum or cluster."""
    missing = ~code_covariates(spells, model.terms, model.reference).keep
    for column in (*model.strata, *model.censoring, *([model.cluster] if model.cluster else [])):
        missing |= code_levels(spells, column)[0] < 0
    return complete(spells, missing)[0]


def _fit_batch(spells: Spells, model: FineGrayModel, weights: Floats) -> FineGrayFit:
    fits = [fit_fine_gray(spells, model, column) for column in weights.T]
    stacked: dict[str, Any] = {name: np.stack([getattr(fit.cox, name) for fit in fits]) for name in PER_FIT}
    return replace(fits[0], cox=replace(fits[0].cox, **stacked))
