"""Logistic and proportional-odds regression by maximum likelihood, a batch of weightings at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.cox.newton import STEPS, Optimum, invert, maximise
from dayzero.estimators.outcomes.design import OddsDesign, OddsModel, as_model, design_odds
from dayzero.estimators.outcomes.likelihood import evaluate_odds
from dayzero.estimators.outcomes.rows import Odds, odds_rows, ratio_test
from dayzero.spells import Bools, Floats, Ints, Spells

WHOLE: Final = ""  # under this name stand the warnings about the whole model


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A fitted regression of odds; with weights (rows, B) the numbers have a first axis of length B.

    Attributes
    ----------
    model, design
        What was fitted, and the arrays that it was fitted to.
    method
        ``maximum likelihood``, or ``proportional odds`` where the outcome has several ordered levels.
    coefficients
        (p,) log odds ratios, of the event or of a higher level; NaN where a term has none (constant, collinear).
    covariance
        (p, p) the inverse of the observed information.
    thresholds
        (K - 1,) logits of lying at or below each level but the highest, all covariates 0; the intercept of a logistic
        regression is minus its one threshold.
    log_likelihood
        (2,) without covariates, and at the coefficients.
    df
        Number of coefficients that were estimated.
    converged
        Whether the last step moved no log odds by more than 1e-9 (convention 17).
    notes
        Warnings, under the coefficient that each concerns or under "" for the whole model.
    """

    model: OddsModel
    design: OddsDesign
    method: str
    coefficients: Floats
    covariance: Floats
    thresholds: Floats
    log_likelihood: Floats
    df: Ints
    converged: Bools
    notes: Mapping[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """(p,) names of the coefficients."""
        return self.design.names

    @property
    def std_error(self) -> Floats:
        """(p,) standard errors."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings, those about the whole model first."""
        return tuple(text for texts in self.notes.values() for text in texts)

    def estimate(self) -> Estimate:
        """Return the odds ratios with Wald limits, and likelihood ratio tests of the model and of each term."""
        z = float(special.ndtri(0.5 + self.model.level / 2.0))
        logs, errors = self.coefficients, self.std_error
        with np.errstate(invalid="ignore", divide="ignore"):
            p = special.erfc(np.abs(logs / errors) / np.sqrt(2.0))
        found = Odds(self.names, logs, errors, logs - z * errors, logs + z * errors, p)
        rows = [odds_rows(found, self.notes), *self._tests()]
        about = {"endpoint": self.design.endpoint or None, "method": self.method}
        return concat(rows).label(n=self.design.n, n_events=self.design.n_events, **about)

    def _tests(self) -> list[Estimate]:
        whole, terms = "; ".join(self.notes.get(WHOLE, ())) or None, self.model.terms
        top, df = float(self.log_likelihood[1]), int(self.df)
        tests = [ratio_test(None, 2.0 * (top - float(self.log_likelihood[0])), df, whole)]
        if len(terms) > 1 and len(self.design.levels) > 1:
            for place, term in enumerate(terms):
                best = _maximise(self.design.without(place))
                rest = int(best.free[0].sum()) - len(self.design.levels) + 1
                tests.append(ratio_test(term, 2.0 * (top - float(best.top.log_likelihood[0])), df - rest, whole))
        return tests


def fit_logistic(spells: Spells, model: OddsModel | Sequence[str], weights: npt.ArrayLike | None = None) -> LogisticFit:
    """Fit a logistic regression of the endpoint's event by maximum likelihood.

    Parameters
    ----------
    spells
        The table, one row a patient; the outcome is whether the row ends in the endpoint's event.
    model
        The model, or the names of its terms.
    weights
        (rows,), or (rows, B) for B fits in one pass, multiplied with the table's own; they count as numbers.

    Raises
    ------
    InputError
        An unknown column or level, or several rows a patient.

    Examples
    --------
    Two groups: the odds ratio is that of the table, (3 * 2) / (1 * 2).

    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([28] * 8, [1, 1, 1, 0, 1, 1, 0, 0], arm=["b"] * 4 + ["a"] * 4)
    >>> print(f"{np.exp(fit_logistic(spells, ['arm']).coefficients[0]):.6f}")
    3.000000
    """
    codes = spells.event().astype(np.int64)
    return _fit(spells, as_model(model), codes, ("no", "yes"), weights=weights)


def fit_ordinal(spells: Spells, model: OddsModel | Sequence[str], weights: npt.ArrayLike | None = None) -> LogisticFit:
    """Fit a proportional-odds regression of the state in which each row ends.

    Parameters
    ----------
    spells
        The table, one row a patient; its states after the first are the outcome's levels, lowest first, and every row
        ends in one of them.
    model, weights
        As in :func:`fit_logistic`.

    Returns
    -------
    LogisticFit
        A positive coefficient is one of higher levels, as in R's ``MASS::polr``.

    Raises
    ------
    InputError
        As there; or where a row ends in none of the levels.
    """
    if bool(np.any(spells.to < 1)):
        raise InputError("a patient without a level", mend="Leave out the patients who were not evaluable.")
    return _fit(spells, as_model(model), spells.to - 1, spells.states[1:], weights=weights)


def logistic(spells: Spells, model: OddsModel | Sequence[str]) -> Estimate:
    """Fit the model and return its rows: log odds ratios, odds ratios, tests; see :func:`fit_logistic`."""
    return fit_logistic(spells, model).estimate()


def ordinal(spells: Spells, model: OddsModel | Sequence[str]) -> Estimate:
    """Fit the model and return its rows: log odds ratios, odds ratios, tests; see :func:`fit_ordinal`."""
    return fit_ordinal(spells, model).estimate()


def _fit(
    spells: Spells, model: OddsModel, codes: Ints, levels: Sequence[str], *, weights: npt.ArrayLike | None
) -> LogisticFit:
    given = None if weights is None else np.asarray(weights, float)
    design = design_odds(spells, model, codes, levels, given)
    method = "maximum likelihood" if len(levels) == 2 else "proportional odds"
    first = (0,) if given is None or given.ndim == 1 else (slice(None),)
    if len(design.levels) < 2:
        return _nothing(model, design, method, first)
    best, cuts = _maximise(design), len(design.levels) - 1
    free, scale = best.free[:, cuts:], design.scale
    scaled = np.where(free, best.beta[:, cuts:], 0.0)
    covariance = invert(best.top.information, best.free)[:, cuts:, cuts:] / np.multiply.outer(scale, scale)
    covariance[~(free[:, :, None] & free[:, None, :])] = np.nan
    shift = scaled @ (design.centre / scale)
    return LogisticFit(
        model=model,
        design=design,
        method=method,
        coefficients=np.where(free, scaled / scale, np.nan)[first],
        covariance=covariance[first],
        thresholds=(design.margins + best.beta[:, :cuts] + shift[:, None])[first],
        log_likelihood=np.stack([best.null.log_likelihood, best.top.log_likelihood], axis=-1)[first],
        df=np.asarray(free.sum(axis=-1)[first]),
        converged=np.asarray(best.converged[first]),
        notes=_notes(design, best),
    )


def _maximise(design: OddsDesign) -> Optimum:
    reach = np.concatenate([np.ones(len(design.levels) - 1), np.ptp(design.x, axis=0)])
    return maximise(partial(evaluate_odds, design), design.weight.sum(axis=1), reach)


def _nothing(model: OddsModel, design: OddsDesign, method: str, first: tuple[int | slice]) -> LogisticFit:
    """Return the fit where everybody has the same outcome."""
    p, batches, nan = len(design.names), len(design.weight), np.nan
    none = np.asarray(np.zeros(batches, np.int64)[first])
    return LogisticFit(
        model, design, method, np.full((batches, p), nan)[first], np.full((batches, p, p), nan)[first],
        np.full((batches, 0), nan)[first], np.full((batches, 2), nan)[first], none, np.asarray(none > 0),
        {WHOLE: ("no_events: everybody has the same outcome", *_dropped(design))},
    )  # fmt: skip


def _dropped(design: OddsDesign) -> list[str]:
    return [f"dropped_missing: {design.dropped} patients"] if design.dropped else []


def _notes(design: OddsDesign, best: Optimum) -> dict[str, tuple[str, ...]]:
    """Name what went wrong; in a batch, what went wrong in all of it."""
    cuts = len(design.levels) - 1
    whole = _dropped(design)
    if not bool(np.all(best.converged | best.runaway.any(axis=-1))):
        whole.append(f"non_convergence: after {STEPS} steps; use Firth's penalty")
    notes = {WHOLE: tuple(whole)}
    for j, name in enumerate(design.names):
        if not design.x[:, j].any():
            notes[name] = (f"constant_term: {name} has one value only",)
        elif not bool(best.free[:, cuts + j].any()):
            notes[name] = (f"collinear: {name} is a combination of the terms before it",)
        elif bool(best.runaway[:, cuts + j].any()):
            notes[name] = (f"separation: the coefficient of {name} runs to infinity; use Firth's penalty",)
    return notes
