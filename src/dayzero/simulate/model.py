"""A semi-Markov model: states, clocks, and the ways out of each state."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dayzero.errors import InputError
from dayzero.simulate.hazards import Hazard
from dayzero.simulate.random import Floats, Ints

Covariates = Mapping[str, Floats]


@dataclass(frozen=True)
class Linear:
    """A linear predictor: a constant, and what each covariate adds.

    Attributes
    ----------
    constant
        Its value where every covariate is 0.
    effects
        Covariate to coefficient.
    """

    constant: float = 0.0
    effects: Mapping[str, float] = field(default_factory=dict)

    @property
    def trivial(self) -> bool:
        """Whether it is 0 for everybody."""
        return self.constant == 0 and not self.effects

    def of(self, covariates: Covariates, rows: Ints) -> Floats | float:
        """Return its value for rows of the cohort."""
        value: Floats | float = self.constant
        for name, coefficient in self.effects.items():
            value = value + coefficient * covariates[name][rows]
        return value


@dataclass(frozen=True)
class Way:
    """A way out of a state.

    Attributes
    ----------
    targets
        Where it leads: one state, or several among which ``shares`` decide.
    hazard
        Of its time, on its clock; what is drawn is the time given that nothing happened so far on that clock.
    clock
        Index of the clock; -1 is the time since the state was entered.
    log_ratio
        Logarithm of the hazard ratio.
    shares
        (targets,) logits of where it leads, the multinomial logit model.
    uptake
        Logit of the probability that it is open to a patient at all (a treatment that is offered and taken), drawn
        once a visit of the state; None: open to everybody.
    eligible
        Name of a covariate: the way is closed to those who have 0 there, whatever is imposed; empty: nobody is.
    by
        A strategy that is imposed: who has not gone this way until this day on its clock, and still could, goes then,
        even who would never have taken it up. None: nothing is imposed.
    """

    targets: tuple[int, ...]
    hazard: Hazard
    clock: int = -1
    log_ratio: Linear = field(default_factory=Linear)
    shares: tuple[Linear, ...] = ()
    uptake: Linear | None = None
    eligible: str = ""
    by: float | None = None

    def __post_init__(self) -> None:
        """Refuse targets without shares."""
        if len(self.targets) > 1 and len(self.shares) != len(self.targets):
            raise InputError("several targets without a share for each", mend="Give a share for every target.")


@dataclass(frozen=True)
class Model:
    """States, clocks, and ways.

    Attributes
    ----------
    states
        Names; everybody begins in the first on day 0.
    ways
        (states,) the ways out of each; a state without any is final.
    clocks
        Names.
    starts
        (states,) the clocks that are set when a state is entered. All run from day 0 until they are set.
    """

    states: tuple[str, ...]
    ways: tuple[tuple[Way, ...], ...]
    clocks: tuple[str, ...] = ()
    starts: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a model whose parts do not fit."""
        sizes = len(self.ways) == len(self.states) and len(self.starts) in (0, len(self.states))
        targets = all(0 <= t < len(self.states) for ways in self.ways for way in ways for t in way.targets)
        clocks = all(-1 <= way.clock < len(self.clocks) for ways in self.ways for way in ways)
        if not (sizes and targets and clocks):
            raise InputError("a model whose ways do not fit its states and clocks", mend="Name states and clocks.")
