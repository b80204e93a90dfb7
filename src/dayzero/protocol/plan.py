"""What was planned, as data: courses, decisions, eligibility, visits, comparisons, and the document's own words.

Nothing here computes. ``source`` says where an element comes from that the document does not state: empty for the
document itself, else a citation, or the word ``assumed``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dayzero.errors import InputError
from dayzero.protocol.term import parse_term

Assignment = Literal["observational", "randomised", "rule"]
Status = Literal["", "published cohort", "trial", "press report"]

MONTH = 30.4375
"""Days of a month of the visits, as of ``time_unit = "months"``."""


@dataclass(frozen=True, kw_only=True)
class Dose:
    """A planned dose.

    Attributes
    ----------
    value
        In ``unit``.
    unit
        As ``cells/kg``.
    lowest, highest
        The range that complies; None where none is planned.
    column
        The attribute column of the event in which the dose stands.
    range_source
        Where the range comes from if not from the document.
    """

    value: float
    unit: str
    lowest: float | None = None
    highest: float | None = None
    column: str = ""
    range_source: str = ""

    def __post_init__(self) -> None:
        """Refuse a range that does not hold the dose."""
        lowest = self.value if self.lowest is None else self.lowest
        highest = self.value if self.highest is None else self.highest
        if not 0 < lowest <= self.value <= highest:
            raise InputError("a dose outside its own range", mend="Order lowest, value, highest.", column="dose")


@dataclass(frozen=True, kw_only=True)
class Course:
    """One planned treatment.

    Attributes
    ----------
    name
        Words for people, unique.
    event
        The term of it: ``infusion:2``.
    product, targets, origin, dose, lymphodepletion, indication
        What is given, to whom; empty where not stated.
    after, window
        A term, and the first and last day after its first occurrence on which the course is due; ``after`` alone: any
        day after it.
    decision
        The decision of which it is an option; empty: planned for everybody.
    source, quote, note
        Where it comes from if not from the document; the document's words; what a reader must know.
    """

    name: str
    event: str
    product: str = ""
    targets: tuple[str, ...] = ()
    origin: str = ""
    dose: Dose | None = None
    lymphodepletion: str = ""
    indication: str = ""
    after: str = ""
    window: tuple[float, ...] = ()
    decision: str = ""
    source: str = ""
    quote: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no term, and a window that is no pair of days in order, or of nothing."""
        check_terms(event=(self.event,), after=(self.after,) if self.after else ())
        if self.window and (len(self.window) != 2 or self.window[0] > self.window[1]):
            raise InputError("no first and last day", mend="Write window = [42, 56].", column="window")
        if self.window and not self.after:
            raise InputError("a window after nothing", mend='Add after = "infusion:1".', column="window")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A point at which patients go different ways.

    Attributes
    ----------
    name
        Words for people, unique.
    at
        The term at which it is taken; empty where not stated.
    options
        Names of courses, or ``none``.
    assignment
        Whether the way is drawn by lot, set by a rule, or was chosen.
    rule
        The rule in words.
    needs, excludes
        Terms that must have happened by then, and terms that must not.
    source, quote
        Where it comes from if not from the document; the document's words.
    """

    name: str
    options: tuple[str, ...]
    at: str = ""
    assignment: Assignment = "observational"
    rule: str = ""
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    source: str = ""
    quote: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no term, and a decision without two ways."""
        check_terms(at=(self.at,) if self.at else (), needs=self.needs, excludes=self.excludes)
        if len(set(self.options)) < 2:
            raise InputError("a decision without two ways", mend='Write options = ["a", "none"].', column="options")


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One criterion of eligibility: of a baseline column, of an event, or in words alone.

    Attributes
    ----------
    criterion
        Words for people.
    kind
        A patient who meets an ``exclusion`` is not eligible.
    column
        The baseline column, with one or several of ``at_least, above, below, at_most``, or ``values``.
    event, before, absent
        The term that must have happened before (or on) the term ``before``; ``absent = true``: must not have.
    source, quote
        Where it comes from if not from the document; the document's words.
    """

    criterion: str
    kind: Literal["inclusion", "exclusion"] = "inclusion"
    column: str = ""
    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    at_most: float | None = None
    values: tuple[str, ...] = ()
    event: str = ""
    before: str = ""
    absent: bool = False
    source: str = ""
    quote: str = ""

    @property
    def bounds(self) -> Mapping[str, float]:
        """The comparisons of the column that are given, by name."""
        given = {name: getattr(self, name) for name in ("at_least", "above", "below", "at_most")}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def is_checkable(self) -> bool:
        """Whether it can be held against data; words alone are unknown for everybody."""
        return bool(self.column or self.event)

    def __post_init__(self) -> None:
        """Refuse two predicates in one, half of one, and what is no term."""
        check_terms(event=(self.event,) if self.event else (), before=(self.before,) if self.before else ())
        compared = bool(self.bounds or self.values)
        if compared != bool(self.column):
            fault = "a column without a comparison, or the reverse"
            raise InputError(fault, mend='Write column = "age" and below = 70.', column="column")
        if self.bounds and self.values:
            raise InputError("bounds and values at once", mend="Keep one of the two.", column="values")
        if self.column and self.event:
            raise InputError("a column and an event at once", mend="Write two criteria.", column="event")
        if (self.before or self.absent) and not self.event:
            raise InputError("an order without an event", mend="Add event, a term.", column="event")


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A planned series of assessments.

    Attributes
    ----------
    name, table
        Words for people; the table in which the assessments stand.
    after
        Terms from whose first occurrence the months count; each has its own series.
    months
        When, in months of 30.4375 days.
    windows
        ``[to month, +- days]``: up to that month a visit may lie so many days off.
    windows_source, source, quote
        Where the windows, or the series, come from if not from the document; the document's words.
    """

    name: str
    after: tuple[str, ...]
    months: tuple[float, ...]
    table: str = ""
    windows: tuple[tuple[float, float], ...] = ()
    windows_source: str = ""
    source: str = ""
    quote: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no term, months and windows out of order, and months that no window covers."""
        check_terms(after=self.after)
        if not self.months or list(self.months) != sorted(set(self.months)) or self.months[0] < 0:
            raise InputError("months out of order", mend="Write months = [1, 2, 3].", column="months")
        ends = [month for month, _ in self.windows]
        if ends != sorted(set(ends)) or any(days < 0 for _, days in self.windows):
            raise InputError("windows out of order", mend="Write windows = [[3, 7], [12, 14]].", column="windows")
        if ends and ends[-1] < self.months[-1]:
            raise InputError("months that no window covers", mend="End with the last month.", column="windows")

    def allowance(self, month: float) -> float | None:
        """Return how many days the visit of a month may lie off; None where no window is planned.

        Examples
        --------
        >>> Visit(name="MRD", after=("hsct",), months=(1, 6), windows=((3, 7), (12, 14))).allowance(6)
        14
        """
        return next((days for end, days in self.windows if month <= end), None)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A planned analysis.

    Attributes
    ----------
    question
        Words for people.
    kind
        The analysis kind.
    settings
        Its other keys, as in an ``[[analysis]]`` table of a study.
    source
        Where it comes from if not from the document.
    """

    question: str
    kind: str
    settings: Mapping[str, object] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What the document calls something, beside what the engine makes of it.

    Attributes
    ----------
    term
        What is defined: ``complete remission``.
    quote
        The document's words; empty where it does not say.
    here
        What it is here.
    source
        Where that comes from if not from the document.
    """

    term: str
    quote: str = ""
    here: str = ""
    source: str = ""


def check_terms(**texts: tuple[str, ...]) -> None:
    """Refuse what is not a term, naming its key."""
    for key, terms in texts.items():
        for text in terms:
            try:
                parse_term(text)
            except InputError as error:
                raise InputError(error.fault, mend=error.mend, column=key) from None
