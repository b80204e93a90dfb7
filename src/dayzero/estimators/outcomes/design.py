"""The design of a regression of odds: covariates centred and scaled, outcomes as codes of ordered levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from dayzero.errors import InputError
from dayzero.estimators.changing_weights import refuse_changing, total_weight
from dayzero.estimators.terms.covariates import code_covariates
from dayzero.spells import Floats, Ints, Spells


@dataclass(frozen=True)
class OddsModel:
    """What is regressed on what.

    Attributes
    ----------
    terms
        Names of columns.
    reference
        Reference level of a text column; by default its first.
    level
        Coverage of the limits, between 0 and 1.
    """

    terms: tuple[str, ...]
    reference: Mapping[str, str] = field(default_factory=dict)
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a model of nothing, or of one term twice, and levels that do not exist."""
        if not self.terms or len(set(self.terms)) < len(self.terms):
            raise InputError("no terms, or one twice", mend='Write terms = ["risk", "age"].', column="terms")
        if not 0 < self.level < 1:
            raise ValueError("level lies between 0 and 1")


@dataclass(frozen=True, eq=False)
class OddsDesign:
    """The arrays that a regression of odds is fitted to.

    Attributes
    ----------
    names
        (p,) names of the coefficients.
    term
        (p,) place among the model's terms of the term that each coefficient belongs to.
    x
        (n, p) covariates, centred and scaled to standard deviation 1.
    centre, scale
        (p,) what was taken off, and divided by.
    y
        (n,) code of the outcome among ``levels``.
    levels
        The K ordered levels that occur.
    weight
        (batches, n).
    n, dropped
        Patients in the model, and left out because a term was missing.
    n_events
        Patients above the lowest level.
    endpoint
        Name of the outcome.
    """

    names: tuple[str, ...]
    term: Ints
    x: Floats
    centre: Floats
    scale: Floats
    y: Ints
    levels: tuple[str, ...]
    weight: Floats
    n: int
    dropped: int
    n_events: int
    endpoint: str

    @cached_property
    def margins(self) -> Floats:
        """(batches, K - 1) logits of the outcome lying at or below each level but the highest; all covariates aside."""
        count = np.stack([np.bincount(self.y, weights=w, minlength=len(self.levels)) for w in self.weight])
        below = np.maximum(np.cumsum(np.maximum(count, 1e-9), axis=1), 1e-300)
        return np.asarray(np.log(below[:, :-1]) - np.log(below[:, -1:] - below[:, :-1]))

    def without(self, term: int) -> "OddsDesign":
        """Return the design without one term, of the same patients."""
        kept = self.term != term
        names = tuple(name for name, keep in zip(self.names, kept, strict=True) if keep)
        arrays = {"x": self.x[:, kept], "centre": self.centre[kept], "scale": self.scale[kept], "term": self.term[kept]}
        return replace(self, names=names, **arrays)


def as_model(model: OddsModel | Sequence[str]) -> OddsModel:
    """Return the model; a list of terms stands for one."""
    return model if isinstance(model, OddsModel) else OddsModel(tuple(model))


def design_odds(
    spells: Spells, model: OddsModel, codes: Ints, levels: Sequence[str], weights: Floats | None = None
) -> OddsDesign:
    """Code the covariates and the outcome of the patients without a missing term.

    Parameters
    ----------
    spells
        The table, one row a patient.
    model
        The terms.
    codes, levels
        (rows,) code of each outcome among the levels; levels that nobody has are left out.
    weights
        (rows,) or (rows, B), multiplied with the table's own.

    Raises
    ------
    InputError
        A term is unknown, or a patient has several rows.
    """
    refuse_changing(spells, "a regression of odds")
    if len(spells) != spells.n:
        raise InputError("a patient has several rows", mend="A regression of odds takes one outcome a patient.")
    coded = code_covariates(spells, model.terms, model.reference)
    rows = spells.where(coded.keep)
    width = [len(code_covariates(rows, [name], _part(model.reference, name)).names) for name in model.terms]
    weight = np.atleast_2d(total_weight(spells, weights).T)[:, coded.keep]
    present, y = np.unique(codes[coded.keep], return_inverse=True)
    centre = coded.matrix.mean(axis=0) if len(rows) else np.zeros(coded.matrix.shape[1])
    centred = coded.matrix - centre
    spread = np.sqrt(np.mean(centred**2, axis=0)) if len(rows) else np.zeros(coded.matrix.shape[1])
    scale = np.where(spread > 1e-12 * (1.0 + np.abs(centre)), spread, 1.0)
    return OddsDesign(
        names=coded.names,
        term=np.repeat(np.arange(len(width)), width),
        x=np.where(spread > 1e-12 * (1.0 + np.abs(centre)), centred / scale, 0.0),
        centre=centre,
        scale=scale,
        y=y.astype(np.int64),
        levels=tuple(levels[code] for code in present),
        weight=weight,
        n=rows.n,
        dropped=coded.dropped,
        n_events=int(np.count_nonzero(y)) if len(present) > 1 else int(np.count_nonzero(codes[coded.keep])),
        endpoint=spells.name,
    )


def _part(reference: Mapping[str, str], name: str) -> dict[str, str]:
    return {name: reference[name]} if name in reference else {}
