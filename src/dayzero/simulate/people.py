"""The words of a simulation file, continued: covariates, and how one depends on another."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from dayzero.errors import InputError
from dayzero.simulate.language import require_source

MOST_DECIMALS = 9
LARGEST = 1e15


@dataclass(frozen=True, kw_only=True)
class Otherwise:
    """What differs in a covariate's distribution where another has some level; None: as in all."""

    mean: float | None = None
    median: float | None = None
    sd: float | None = None
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, kw_only=True)
class Covariate:
    """A ``[[covariates]]`` table: a column of the patients, or a hidden frailty.

    Attributes
    ----------
    name, distribution, source
        ``normal`` (``mean``, ``sd``), ``lognormal`` (``median``, ``sd`` of the logarithm), ``uniform`` (``lowest``,
        ``highest``), ``bernoulli`` (``probability``: 1 or 0), ``categorical`` (``shares``: level to weight).
    lowest, highest
        A number is drawn from the distribution cut off there.
    decimals
        To which it is rounded; the rounded number acts and is written.
    hidden
        It acts, but is not written: a frailty.
    where
        ``column=level`` of a covariate above it, to what differs there: no patient with MRD only has 80 % of blasts.
    """

    name: str
    distribution: Literal["normal", "lognormal", "uniform", "bernoulli", "categorical"]
    source: str
    mean: float = 0.0
    median: float = 1.0
    sd: float = 1.0
    lowest: float | None = None
    highest: float | None = None
    probability: float = 0.5
    shares: Mapping[str, float] = field(default_factory=dict)
    decimals: int | None = None
    hidden: bool = False
    where: Mapping[str, Otherwise] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        require_source(self.source)
        if not self.name.strip() or self.name == "patient":
            raise InputError("no name of a covariate", mend="Name it, for example age.", column="name")
        if self.decimals is not None and not 0 <= self.decimals <= MOST_DECIMALS:
            mend = f"Write decimals from 0 to {MOST_DECIMALS}."
            raise InputError("no number of decimals", mend=mend, column="decimals")
        numbers = self.sd > 0 and self.median > 0 and 0 <= self.probability <= 1
        limits = self.lowest is None or self.highest is None or self.lowest < self.highest
        if not (numbers and limits):
            raise InputError("no distribution", mend="Give sd > 0, lowest < highest, 0 <= probability <= 1.")
        if self._largest() > LARGEST:
            raise InputError(f"numbers above {LARGEST:g}", mend="Write a smaller sd, or limits.", column="sd")
        low, high = self.lowest, self.highest
        if self.distribution == "lognormal" and not ((low is None or low > 0) and (high is None or high > 0)):
            raise InputError("a limit that is not above 0", mend="Leave it out, or write one above 0.", column="lowest")
        if self.distribution == "uniform" and (self.lowest is None or self.highest is None):
            raise InputError("a uniform covariate without limits", mend="Give lowest and highest.", column="lowest")
        if bool(self.shares) != (self.distribution == "categorical") or not all(w > 0 for w in self.shares.values()):
            fault = "shares, which are the levels of a categorical covariate, and above 0"
            raise InputError(fault, mend="Give them where the covariate has levels.", column="shares")
        for other in self.where:
            self.as_in(other)

    def _largest(self) -> float:
        """Return the size of the largest number that can be drawn: normal quantiles of floats lie within 8.3 sd."""
        if self.distribution == "lognormal":
            return self.highest or math.exp(min(math.log(self.median) + 8.3 * self.sd, 700.0))
        return max(abs(self.mean) + 8.3 * self.sd, abs(self.lowest or 0.0), abs(self.highest or 0.0))

    def as_in(self, level: str) -> Self:
        """Return the distribution where another covariate has a level; what is no distribution there is refused."""
        given = {key: value for key, value in vars(self.where[level]).items() if value is not None}
        return replace(self, **given, where={})
