"""The words of a simulation file: its header, states, ways, marks. Each says where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from dayzero.errors import InputError

Text = str | float | int
LONGEST = 36_525  # days
RESERVED = {"", "patient", "event", "date", "day", "value", "number"}
ROUNDED = 0.0051  # that printed probabilities may miss 1 by


def require_source(source: str) -> None:
    """Refuse a table that does not say where its numbers come from."""
    if not source.strip():
        mend = 'Write the document with its words, or "assumed".'
        raise InputError("a parameter without a source", mend=mend, column="source")


def _require_names(attributes: Mapping[str, Text]) -> None:
    """Refuse an attribute whose column holds something else."""
    if RESERVED & set(attributes):
        mend = "Name it, for example product; value and number stand beside attributes."
        raise InputError("an attribute that is a column of every event", mend=mend, column="attributes")


@dataclass(frozen=True, kw_only=True)
class Header:
    """The ``[simulation]`` table.

    Attributes
    ----------
    title
        Of the study that is written.
    protocol
        Built-in name or path of the protocol that the study names; empty: none.
    horizon
        Days after which nobody is followed.
    start, accrual, cutoff
        First day of entry, days over which patients enter uniformly, and the day after which nothing is known.
    dropout_per_year
        Rate at which patients are lost to follow-up.
    source
        Where these come from.
    note
        What a reader must know before quoting anything.
    """

    title: str
    source: str
    horizon: float
    start: date
    protocol: str = ""
    accrual: float = 0.0
    cutoff: date | None = None
    dropout_per_year: float = 0.0
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse times that leave nobody any follow-up."""
        require_source(self.source)
        if self.accrual > LONGEST:
            raise InputError("more than a century of accrual", mend="Write days, for example 1461.", column="accrual")
        if self.horizon <= 0 or self.accrual < 0 or self.dropout_per_year < 0:
            raise InputError("a time below 0", mend="Write days and rates from 0.", column="horizon")
        if self.cutoff is not None and (self.cutoff - self.start).days <= self.accrual:
            fault = "patients enter on the day of the cutoff, or after it"
            raise InputError(fault, mend="Shorten accrual, or set the cutoff later.", column="cutoff")


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """A covariate that decides who is eligible: a number within limits, or one of some levels."""

    covariate: str
    at_least: float | None = None
    below: float | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Written:
    """What entering a state writes: one row of the events.

    Attributes
    ----------
    event, value, number
        As in the events table.
    offset
        Days after the entry; below 0 before it, but never before the state before was entered.
    attributes
        Further columns: product, dose, target, cause.
    when
        Covariates of the patients in whom it is written; empty: in all.
    """

    event: str
    value: str = ""
    number: int | None = None
    offset: float = 0.0
    attributes: Mapping[str, Text] = field(default_factory=dict)
    when: tuple[Criterion, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a row that no table of events holds."""
        if not self.event.strip():
            raise InputError("an event without a name", mend="Name it, for example infusion.", column="event")
        if self.number is not None and self.number < 1:
            raise InputError("not a whole number from 1", mend="Write number = 1.", column="number")
        _require_names(self.attributes)


@dataclass(frozen=True, kw_only=True)
class State:
    """A ``[[states]]`` table: its name, the clocks that entering it starts, and what entering it writes."""

    name: str
    starts: tuple[str, ...] = ()
    events: tuple[Written, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Share:
    """A probability: itself, or a logit with effects. Of several targets all add up to 1, or weigh beside logits."""

    probability: float | None = None
    constant: float | None = None
    effects: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse both, neither, and what is no probability."""
        if (self.probability is None) == (self.constant is None):
            raise InputError("a share needs one of probability and constant", mend="Write one of them.")
        if self.probability is not None and not 0 < self.probability <= 1:
            raise InputError("no probability", mend="Write a number above 0, at most 1.", column="probability")


@dataclass(frozen=True, kw_only=True)
class WayTable:
    """A ``[[ways]]`` table.

    Attributes
    ----------
    from_, to
        States; several targets need ``shares``.
    hazard
        As :func:`dayzero.simulate.delays.read_hazard` reads it.
    clock
        Since when it counts; empty: since the state was entered.
    log_ratio
        Covariate, or ``column=level``, to its logarithm of the hazard ratio.
    decision, option
        Name of the decision, and of the course that this way is: those of the protocol, or the course alone where all
        are planned to have it. Then ``uptake`` says who takes it up, ``eligible`` to whom it is open, and
        ``assignment`` how it comes about: ``observational`` (uptake may depend on covariates, hidden ones too),
        ``randomised`` (a probability, the same for all), ``rule`` (all who are eligible).
    source
        The document with its words, or ``assumed``.
    """

    from_: str | tuple[str, ...]
    to: str | tuple[str, ...]
    hazard: Mapping[str, object]
    source: str
    clock: str = ""
    log_ratio: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, Share] = field(default_factory=dict)
    decision: str = ""
    option: str = ""
    assignment: Literal["observational", "randomised", "rule"] | None = None
    uptake: Share | None = None
    eligible: tuple[Criterion, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a decision that nobody takes as it is said to be taken."""
        require_source(self.source)
        if bool(self.decision) != (self.assignment is not None):
            mend = "A decision has a name and an assignment; another way has neither."
            raise InputError("a decision without its name or its assignment", mend=mend, column="decision")
        if not self.decision and (self.uptake or self.eligible or self.option):
            raise InputError("uptake of no decision", mend="Name the decision.", column="decision")
        if self.assignment == "rule" and self.uptake is not None:
            raise InputError("a rule has no uptake", mend="Write who is eligible.", column="uptake")
        if self.assignment == "randomised" and (self.uptake is None or self.uptake.effects):
            raise InputError("randomised, but not with a fixed probability", mend="Write it.", column="uptake")
        if len(self.targets) > 1 and set(self.shares) != set(self.targets):
            raise InputError("shares that are not those of the targets", mend="Give one a target.", column="shares")
        plain = [share.probability for share in self.shares.values() if share.probability and not share.effects]
        if len(plain) == len(self.shares) > 0 and abs(sum(plain) - 1) > ROUNDED:
            raise InputError("probabilities that do not add up to 1", mend="Let them add up to 1.", column="shares")

    @property
    def origins(self) -> tuple[str, ...]:
        """States that it leads out of."""
        return (self.from_,) if isinstance(self.from_, str) else self.from_

    @property
    def targets(self) -> tuple[str, ...]:
        """States that it leads to."""
        return (self.to,) if isinstance(self.to, str) else self.to


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A ``[[marks]]`` table: an event that a state brings with it, or an attribute of one that it writes.

    Attributes
    ----------
    event
        Name of the event.
    of
        States, from whose entry it counts.
    source
        The document with its words, or ``assumed``.
    attribute
        The column that is drawn for the event that the state writes; empty: the event itself is drawn.
    probability
        Who has it.
    day, latest
        Its delay, as a hazard is written, and the day by which it has come.
    levels, cutpoints, effects
        An ordinal value: the logit of a value above level k is the effects minus cutpoint k.
    shares
        A categorical value: level to weight.
    omit
        Levels that write no event.
    attributes
        Further columns of the event.
    when
        Covariates of the patients who may have it; empty: all.
    """

    event: str
    of: str | tuple[str, ...]
    source: str
    attribute: str = ""
    probability: Share | None = None
    day: Mapping[str, object] = field(default_factory=dict)
    latest: float | None = None
    levels: tuple[str, ...] = ()
    cutpoints: tuple[float, ...] = ()
    effects: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    omit: tuple[str, ...] = ()
    attributes: Mapping[str, Text] = field(default_factory=dict)
    when: tuple[Criterion, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values of two kinds, and cutpoints that are none."""
        require_source(self.source)
        if not self.event.strip() or (self.latest is not None and self.latest < 0):
            mend = "Name it, for example crs, and write latest from 0."
            raise InputError("an event without a name, or before its state", mend=mend, column="event")
        _require_names(self.attributes)
        steps = all(a < b for a, b in zip(self.cutpoints, self.cutpoints[1:], strict=False))
        if self.levels and (len(self.cutpoints) != len(self.levels) - 1 or not steps):
            raise InputError("cutpoints that do not part the levels", mend="Give one between each.", column="cutpoints")
        if self.levels and self.shares:
            raise InputError("levels and shares", mend="Keep one of them.", column="shares")
        if not all(weight > 0 for weight in self.shares.values()):
            raise InputError("a share that is not above 0", mend="Write weights above 0.", column="shares")

    @property
    def states(self) -> tuple[str, ...]:
        """States from whose entry it counts."""
        return (self.of,) if isinstance(self.of, str) else self.of
