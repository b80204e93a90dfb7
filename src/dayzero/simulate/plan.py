"""The words of a simulation file, continued: MRD as it is measured, and strategies that are imposed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dayzero.errors import InputError
from dayzero.simulate.blood import Kinetics
from dayzero.simulate.hazards import Hazard
from dayzero.simulate.language import Header, Mark, State, Text, WayTable, require_source
from dayzero.simulate.people import Covariate

MOST_MONTHS = 1_200


@dataclass(frozen=True, kw_only=True)
class Level:
    """The true logarithm (base 10) of the share of leukaemic cells in a state: normal, cut off at the limits."""

    mean: float
    sd: float
    lowest: float | None = None
    highest: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        if self.sd <= 0 or (self.lowest is not None and self.highest is not None and self.lowest >= self.highest):
            raise InputError("no distribution", mend="Give sd > 0, lowest < highest.", column="sd")


@dataclass(frozen=True, kw_only=True)
class Mrd:
    """The ``[mrd]`` table: when it is measured, what is there, and what the assay sees of it.

    Attributes
    ----------
    method, specimen, lod
        Of the assay; below ``lod``, a fraction of cells, nothing is detected.
    after, months
        States whose entry begins a schedule, and its months of 30.4375 days; a schedule ends where the next begins.
    jitter
        Days by which a visit is early or late, at most.
    missed
        Share of visits without a sample.
    noise
        Standard deviation of the assay, base 10 logarithm.
    levels
        State to what is there; in other states no sample is taken.
    source
        The document with its words, or ``assumed``.
    """

    method: str
    lod: float
    after: tuple[str, ...]
    months: tuple[float, ...]
    levels: Mapping[str, Level]
    source: str
    specimen: str = "bm"
    jitter: float = 0.0
    missed: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an assay that cannot be."""
        require_source(self.source)
        if not 0 < self.lod < 1 or not 0 <= self.missed < 1 or not 0 <= self.noise <= 10 or not 0 <= self.jitter <= 366:
            mend = "Write 0 < lod < 1, 0 <= missed < 1, noise from 0 to 10, jitter from 0 to 366."
            raise InputError("no assay", mend=mend, column="lod")
        steps = all(a < b for a, b in zip(self.months, self.months[1:], strict=False))
        if not steps or not all(0 <= month <= MOST_MONTHS for month in self.months):
            mend = f"Write months that increase, from 0 to {MOST_MONTHS}."
            raise InputError("no schedule", mend=mend, column="months")


@dataclass(frozen=True, kw_only=True)
class LastSeen:
    """The ``[last_seen]`` table: the last assessment of the disease in who is followed to the end.

    Attributes
    ----------
    of
        States in which it finds what ``value`` says; in others nothing is written.
    within
        Days before the last contact in which it is made, evenly.
    event, value, attributes
        What is written.
    source
        The document with its words, or ``assumed``.
    """

    of: tuple[str, ...]
    within: float
    source: str
    event: str = "response"
    value: str = "CR"
    attributes: Mapping[str, Text] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a time below 0, and a table that does not say where it comes from."""
        require_source(self.source)
        if self.within < 0:
            raise InputError("a time below 0", mend="Write within = 90.", column="within")


@dataclass(frozen=True, kw_only=True)
class Imposed:
    """What a strategy makes of a decision: the share that takes it up, and the day by which they have done so.

    ``uptake = 0``: nobody; ``uptake = 1`` with ``by``: everybody who is eligible, at the time that is natural to them
    where it is earlier, else on the day ``by`` of the way's clock; ``uptake`` alone: a share at random, delays as
    they are.
    """

    uptake: float
    by: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no share, and a day for some only."""
        if not 0 <= self.uptake <= 1:
            raise InputError("no share", mend="Write uptake between 0 and 1.", column="uptake")
        if self.by is not None and (self.uptake != 1 or self.by < 0):
            raise InputError("a day by which only some go", mend="Write uptake = 1, and by from 0.", column="by")


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A ``[strategies.NAME]`` table: decision to what is imposed."""

    label: str
    decisions: Mapping[str, Imposed]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A ``[[targets]]`` table: a published figure beside which the cohort is held.

    Attributes
    ----------
    figure
        ``cr``, ``mrd_negative``, ``crs_severe``, ..., or an endpoint's name for its survival at ``day``.
    value, n
        As published; ``n`` is that of the figure, of which its 95 % interval is implied.
    group
        Among whom; empty: all.
    source
        Where it is printed.
    """

    figure: str
    value: float
    n: int
    source: str
    day: float | None = None
    group: str = ""

    def __post_init__(self) -> None:
        """Refuse a figure of nobody."""
        if self.n < 1:
            raise InputError("a figure of nobody", mend="Write n from 1.", column="n")


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way with its hazard."""

    table: WayTable
    hazard: Hazard


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """A simulation file, read and checked.

    Attributes
    ----------
    name
        Built-in name, or that of the file.
    header, covariates, states, ways, marks, mrd, last_seen, kinetics, strategies, targets
        Its tables; everybody begins in the first state.
    delays
        (marks,) hazard of the day of each; None: on the day of the state.
    study
        ``definitions``, ``endpoints`` and ``analysis`` as they go into the study file; the last beyond those that the
        protocol plans and those that describe.
    """

    name: str
    header: Header
    covariates: tuple[Covariate, ...]
    states: tuple[State, ...]
    ways: tuple[Way, ...]
    marks: tuple[Mark, ...] = ()
    delays: tuple[Hazard | None, ...] = ()
    mrd: Mrd | None = None
    last_seen: LastSeen | None = None
    kinetics: Kinetics | None = None
    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    study: Mapping[str, object] = field(default_factory=dict)
