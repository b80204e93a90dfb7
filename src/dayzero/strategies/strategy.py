"""A strategy: which treatment is compared how, as data that can be sent to another process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from dayzero.errors import InputError
from dayzero.estimate import Estimate
from dayzero.spells import Spells

Method = Literal[
    "landmark", "landmark_super", "time_dependent", "clone_censor_weight", "sequential", "multi_state", "naive"
]
Ties = Literal["efron", "breslow"]

TREAT: Final = "arm=treat"  # the group of those who start the treatment, or start it within the grace period
NO_TREAT: Final = "arm=no_treat"


@dataclass(frozen=True)
class Strategy:
    """How a treatment that is given after day zero is compared with not giving it; call it with a table.

    Attributes
    ----------
    method
        The method's name.
    treatment
        A key of ``Spells.treatments``; by default the table's only one.
    adjust
        Columns that go into the outcome model, or into the models for the weights; time-varying ones are allowed
        where the method looks at the day itself.
    horizon
        Day from the endpoint's origin at which risks and restricted means are compared; none without it.
    landmarks
        Days of the landmarks.
    grace
        Days within which the strategy "treat" must start treatment.
    comparator
        The other strategy: ``never`` start, or not ``within_grace``.
    every
        Days between the starts of sequential trials.
    adjustment
        Baseline confounding is taken up by the ``outcome`` model, or by inverse-probability ``weights``.
    truncate
        Weights above this quantile of the weights with which clones leave, arm by arm, are set to it; 1: none are.
    stabilised
        Multiply weights by the probability without covariates.
    ties, switch, reference, strata, cluster
        As in the Cox model.
    penalty
        ``firth``: Firth's penalised likelihood with profile limits, for methods without weights.
    """

    method: Method
    treatment: str = field(default="", kw_only=True)
    adjust: Sequence[str] = field(default=(), kw_only=True)
    horizon: float | None = field(default=None, kw_only=True)
    landmarks: Sequence[float] = field(default=(), kw_only=True)
    grace: float = field(default=90.0, kw_only=True)
    comparator: Literal["never", "within_grace"] = field(default="never", kw_only=True)
    every: float = field(default=7.0, kw_only=True)
    adjustment: Literal["outcome", "weights"] = field(default="outcome", kw_only=True)
    truncate: float = field(default=0.995, kw_only=True)
    stabilised: bool = field(default=False, kw_only=True)
    ties: Ties = field(default="efron", kw_only=True)
    switch: Literal["after", "at"] = field(default="after", kw_only=True)
    reference: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    strata: Sequence[str] = field(default=(), kw_only=True)
    cluster: str | None = field(default=None, kw_only=True)
    penalty: Literal["none", "firth"] = field(default="none", kw_only=True)

    def __post_init__(self) -> None:
        """Refuse names and numbers that no method can use; lists become tuples."""
        for name in ("adjust", "landmarks", "strata"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.method not in get_args(Method):
            mend = f"The methods are {', '.join(get_args(Method))}."
            raise InputError(f"no strategy method {str(self.method)[:40]!r}", mend=mend, column="methods")
        if self.method in {"landmark", "landmark_super"} and not self.landmarks:
            raise InputError("no landmarks", mend="Write landmarks = [60, 90].", column="landmarks")
        if not all(0.0 <= day < float("inf") for day in self.landmarks):
            raise InputError("a landmark before day zero", mend="Write landmarks = [60, 90].", column="landmarks")
        if not self.grace >= 0.0:
            raise InputError("a grace period that ends before day zero", mend="Write grace = 90.", column="grace")
        if self.horizon is not None and not 0.0 < self.horizon < float("inf"):
            raise InputError("a horizon that is no day", mend="Write horizon = 730.", column="horizon")
        if not 0.5 < self.truncate <= 1.0:
            raise InputError("truncate is no upper quantile", mend="Write truncate = 0.99.", column="truncate")

    def treatment_of(self, spells: Spells) -> str:
        """Return the treatment's name; InputError where the table has none, or several and none is named."""
        known = tuple(spells.treatments)
        if self.treatment in known:
            return self.treatment
        if not self.treatment and len(known) == 1:
            return known[0]
        fault = f"no treatment {self.treatment!r}" if self.treatment else "no treatment is named"
        raise InputError(fault, mend=f"The table has {', '.join(known) or 'none'}.", column="treatment")

    def __call__(self, spells: Spells) -> Estimate:
        """Transform the table as the method asks, and estimate the contrast.

        Raises
        ------
        InputError
            Where the method cannot be used on this table: nobody untreated is at risk, nobody starts in time.
        """
        from dayzero.strategies.methods import METHODS

        return METHODS[self.method](spells, self)

    def refit(self, spells: Spells) -> Estimate:
        """Return the same estimates for a resample of a bootstrap: standard errors may be missing, for speed."""
        from dayzero.strategies.methods import METHODS, REFITS

        return REFITS.get(self.method, METHODS[self.method])(spells, self)
