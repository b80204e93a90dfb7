"""Settings of the analysis kind ``strategy``: what is compared, how, and which number may be quoted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from dayzero.errors import InputError
from dayzero.protocol import Treatment, parse_term
from dayzero.strategies.strategy import Method, Strategy, Ties

OF_EXPOSURES: Final = ("landmark", "landmark_super")  # an exposure that comes and goes is looked at on fixed days


@dataclass(frozen=True)
class StrategySettings:
    """Settings of the effect of a treatment given after day zero.

    Attributes
    ----------
    endpoint
        Name of the endpoint.
    treatment
        An event term, or ``{ event, while, before }``: a treatment given in one state is not that given in another.
    exposure
        In place of a treatment: a state that is looked at on the landmarks, such as ``mrd=negative``.
    primary
        The method whose number may be quoted; empty: none was specified beforehand.
    methods
        The methods, in any order; by default landmarks where there are some, ``time_dependent``,
        ``clone_censor_weight`` and ``naive``.
    landmarks, grace, comparator, every, horizon
        Days; see :class:`dayzero.strategies.strategy.Strategy`. ``primary`` is the first landmark where there are
        several.
    graces
        Further grace periods under which clone-censor-weight is repeated, to see what hangs on the choice; by default
        60, 90 and 120 days in registries, and none in small cohorts.
    adjust
        Baseline columns.
    time_varying
        Event terms whose last value, or whose having happened, is a covariate that changes with time.
    adjustment, truncate, stabilised
        How confounding is taken up; see there.
    bootstrap, seed
        Number of resamples for methods with weights, 0 for none, and the seed.
    ties, switch, reference, strata, cluster
        Of the Cox models.
    penalty
        ``auto``: Firth's penalised likelihood where an arm has fewer than 10 patients or 5 events.
    """

    endpoint: str
    treatment: str | Treatment = ""
    exposure: str = ""
    primary: str = ""
    methods: tuple[Method, ...] = ()
    landmarks: tuple[float, ...] = ()
    grace: float = 90.0
    graces: tuple[float, ...] | None = None
    comparator: Literal["never", "within_grace"] = "never"
    every: float = 7.0
    horizon: float | None = None
    adjust: tuple[str, ...] = ()
    time_varying: tuple[str, ...] = ()
    adjustment: Literal["outcome", "weights"] = "outcome"
    truncate: float = 0.995
    stabilised: bool = False
    bootstrap: int = 500
    seed: int = 1
    ties: Ties = "efron"
    switch: Literal["after", "at"] = "after"
    reference: Mapping[str, str] = field(default_factory=dict)
    strata: tuple[str, ...] = ()
    cluster: str = ""
    penalty: Literal["auto", "none", "firth"] = "auto"

    def __post_init__(self) -> None:
        """Refuse a comparison of nothing, or of a thing that its methods cannot see."""
        self._check_treatment()
        if len(set(self.methods)) < len(self.methods):
            raise InputError("a method twice", mend="Name each method once.", column="methods")
        if self.primary and self.primary not in self.chosen:
            raise InputError("primary is none of the methods", mend="Name one of the methods.", column="primary")
        if self.primary == "naive":
            fault = "the naive comparison cannot be quoted: its groups are named by the future"
            raise InputError(fault, mend="Name another method.", column="primary")
        if self.graces and "clone_censor_weight" not in self.chosen:
            mend = 'Add "clone_censor_weight" to the methods.'
            raise InputError("graces without clone-censor-weight", mend=mend, column="graces")
        if not all(days >= 0.0 for days in self.graces or ()):
            fault = "a grace period that ends before day zero"
            raise InputError(fault, mend="Write graces = [60, 120].", column="graces")
        if self.bootstrap < 0 or self.bootstrap == 1:
            raise InputError("a bootstrap of one resample", mend="Write bootstrap = 500, or 0.", column="bootstrap")
        for name in self.chosen:
            self.strategy(name)

    def _check_treatment(self) -> None:
        """Refuse what is no treatment and no exposure, and methods that an exposure has not."""
        if bool(self.treatment) == bool(self.exposure):
            fault = "both a treatment and an exposure" if self.treatment else "neither a treatment nor an exposure"
            mend = 'Write treatment = "hsct", or exposure = "mrd=negative".'
            raise InputError(fault, mend=mend, column="treatment")
        for key, text in (("treatment", self.treatment), ("exposure", self.exposure)):
            if isinstance(text, str) and text:
                _check_term(text, key)
        wrong = [name for name in self.methods if self.exposure and name not in OF_EXPOSURES]
        if wrong:
            fault = f"the method {wrong[0]!r} asks when a treatment starts, and an exposure is a state"
            raise InputError(fault, mend=f"Use {' or '.join(OF_EXPOSURES)}.", column="methods")

    @property
    def term(self) -> str:
        """The event term of the treatment, or the exposure's."""
        treatment = self.treatment
        return self.exposure or (treatment if isinstance(treatment, str) else treatment.event)

    @property
    def chosen(self) -> tuple[Method, ...]:
        """The methods as asked for, or the usual ones."""
        if self.methods:
            return self.methods
        landmarks: tuple[Method, ...] = ("landmark",) if self.landmarks or self.exposure else ()
        return landmarks if self.exposure else (*landmarks, "time_dependent", "clone_censor_weight", "naive")

    def strategy(self, method: Method, *, firth: bool = False) -> Strategy:
        """Return one of the methods, ready to be called with a table."""
        return Strategy(
            method,
            treatment=self.term,
            adjust=(*self.adjust, *self.time_varying),
            horizon=self.horizon,
            landmarks=self.landmarks,
            grace=self.grace,
            comparator=self.comparator,
            every=self.every,
            adjustment=self.adjustment,
            truncate=self.truncate,
            stabilised=self.stabilised,
            ties="breslow" if firth and self.ties == "efron" else self.ties,
            switch=self.switch,
            reference=self.reference,
            strata=self.strata,
            cluster=self.cluster or None,
            penalty="firth" if firth or self.penalty == "firth" else "none",
        )


def _check_term(text: str, key: str) -> None:
    try:
        parse_term(text)
    except InputError as error:
        raise InputError(error.fault, mend=error.mend, column=key) from None
