"""What the kind ``cox`` estimates, penalised or not: the models, their assumptions, and predictions from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dayzero.estimate import Estimate, concat
from dayzero.estimators.cox.adjusted_survival import adjusted_survival
from dayzero.estimators.cox.concordance import concordance, uno_concordance
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.events_per_variable import events_per_variable, warn_of_few_events
from dayzero.estimators.cox.firth import FirthCoxFit, firth_cox_univariable, fit_firth_cox
from dayzero.estimators.cox.fit import CoxFit, cox_univariable, fit_cox
from dayzero.estimators.cox.prediction import predict_survival
from dayzero.estimators.cox.proportional_hazards import Transform, proportional_hazards
from dayzero.spells import Spells


@dataclass(frozen=True)
class Options:
    """What is estimated beside the hazard ratios; see :class:`dayzero.analyses.cox.CoxSettings`."""

    firth: bool
    transform: Transform | Literal["none"]
    tau: float | None
    predict: tuple[Mapping[str, str | float | bool], ...]
    adjusted: str
    times: tuple[float, ...]


def fit_model(spells: Spells, model: CoxModel, options: Options) -> CoxFit | FirthCoxFit:
    """Fit the multivariable model."""
    return fit_firth_cox(spells, model) if options.firth else fit_cox(spells, model)


def estimate_model(fit: CoxFit | FirthCoxFit, spells: Spells, plain: Spells, options: Options) -> Estimate:
    """Return the rows of the multivariable model, of each term alone, of the assumptions, and of the predictions.

    Parameters
    ----------
    fit
        The multivariable model.
    spells, plain
        The table that it was fitted to, and the same before it was split for effects that change with time.
    options
        What else is estimated.
    """
    cox = as_cox(fit)
    together = fit.estimate()
    one_by_one = firth_cox_univariable if options.firth else cox_univariable
    alone = [one_by_one(plain, cox.model)] if len(cox.design.terms) > 1 else []
    return concat(
        [
            warn_of_few_events(together),
            *alone,
            events_per_variable(concat([together, *alone])),
            *_assumptions(fit, options),
            *([predict_survival(cox, options.predict, options.times)] if options.predict else []),
            *([adjusted_survival(cox, spells, options.adjusted, options.times)] if options.adjusted else []),
        ]
    )


def adjusted_curves(fit: CoxFit | FirthCoxFit, spells: Spells, options: Options) -> Estimate:
    """Return the whole adjusted curves, no rows where none were asked for."""
    return adjusted_survival(as_cox(fit), spells, options.adjusted) if options.adjusted else concat(())


def as_cox(fit: CoxFit | FirthCoxFit) -> CoxFit:
    """Return the fit as a Cox model, with the penalised coefficients where there are such."""
    return fit.cox if isinstance(fit, FirthCoxFit) else fit


def _assumptions(fit: CoxFit | FirthCoxFit, options: Options) -> list[Estimate]:
    """Test proportional hazards, which a penalised and an exact likelihood cannot; and count concordant pairs."""
    cox = as_cox(fit)
    if not cox.n_events:
        return []
    transform, testable = options.transform, isinstance(fit, CoxFit) and cox.ties != "exact"
    tests = [proportional_hazards(cox, transform)] if testable and transform != "none" else []
    uno = [uno_concordance(cox, options.tau)] if options.tau is not None else []
    return [*tests, concordance(cox), *uno]
