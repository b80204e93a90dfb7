"""The parts of a plan in words, made from the same objects that the engine checks patients with."""

from typing import Final

from dayzero.protocol.plan import Course, Criterion, Decision, Dose, Visit
from dayzero.protocol.words import listed, term_words

NOT_STATED: Final = "not stated"
_BOUNDS: Final = {"at_least": "at least", "above": "above", "below": "below", "at_most": "at most"}
_ASSIGNED: Final = {"observational": "chosen, not by lot", "randomised": "by lot", "rule": "by rule"}


def number_words(value: float) -> str:
    """Return a number as people write it: no exponent, which a terminal or a copy may lose.

    Examples
    --------
    >>> number_words(1e6), number_words(8e5), number_words(0.5)
    ('1,000,000', '800,000', '0.5')
    """
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"


def dose_words(dose: Dose | None) -> str:
    """Return a dose, with its range.

    Examples
    --------
    >>> dose_words(Dose(value=1e6, unit="cells/kg", lowest=8e5, highest=1.2e6))
    '1,000,000 cells/kg (800,000 to 1,200,000)'
    """
    if dose is None:
        return NOT_STATED
    ends = [number_words(dose.value if end is None else end) for end in (dose.lowest, dose.highest)]
    ranged = dose.lowest is not None or dose.highest is not None
    words = f"{number_words(dose.value)} {dose.unit}"
    return f"{words} ({ends[0]} to {ends[1]})" if ranged else words


def given_words(course: Course) -> str:
    """Return what is given: product, origin, targets.

    Examples
    --------
    >>> given_words(Course(name="a", event="infusion:1", origin="autologous", targets=("CD19", "CD22")))
    'autologous, against CD19 and CD22'
    """
    against = f"against {listed(course.targets)}" if course.targets else ""
    return ", ".join(filter(None, (course.product, course.origin, against))) or NOT_STATED


def when_words(course: Course) -> str:
    """Return when a course is due.

    Examples
    --------
    >>> when_words(Course(name="transplant", event="hsct", after="infusion:1", window=(42, 56)))
    'day 42 to 56 after first CAR-T infusion'
    """
    if not course.after:
        return "first"
    after = f"after {term_words(course.after)}"
    if not course.window:
        return f"{after}; no window is stated"
    first, last = course.window
    return f"day {first:g} {after}" if first == last else f"day {first:g} to {last:g} {after}"


def criterion_words(criterion: Criterion) -> str:
    """Return the predicate of a criterion; one in words alone cannot be checked.

    Examples
    --------
    >>> criterion_words(Criterion(criterion="young", column="age", at_least=18, below=70))
    'age at least 18 and below 70'
    >>> criterion_words(Criterion(criterion="first transplant", event="hsct", before="infusion:1", absent=True))
    'no transplantation before first CAR-T infusion'
    """
    if criterion.column and criterion.values:
        return f"{criterion.column} is {listed(criterion.values, 'or')}"
    if criterion.column:
        bounds = [f"{_BOUNDS[name]} {number_words(value)}" for name, value in criterion.bounds.items()]
        return f"{criterion.column} {listed(bounds)}"
    if not criterion.event:
        return "in words alone: unknown for every patient"
    before = f" before {term_words(criterion.before)}" if criterion.before else ""
    return f"{'no ' if criterion.absent else ''}{term_words(criterion.event)}{before}"


def decision_words(decision: Decision) -> str:
    """Return when a decision is taken, of whom, and how.

    Examples
    --------
    >>> decision_words(Decision(name="at relapse", at="relapse", options=("reinfusion", "none"), rule="as they chose"))
    'at relapse; chosen, not by lot: as they chose'
    """
    parts = [f"at {term_words(decision.at)}" if decision.at else f"at a time {NOT_STATED}"]
    parts += [f"with {listed([term_words(text) for text in decision.needs])}"] if decision.needs else []
    parts += [f"without {listed([term_words(text) for text in decision.excludes], 'or')}"] if decision.excludes else []
    assigned = _ASSIGNED[decision.assignment]
    return f"{', '.join(parts)}; {assigned}{f': {decision.rule}' if decision.rule else ''}"


def visit_words(visit: Visit) -> str:
    """Return the months of a series of visits, and from when they count.

    Examples
    --------
    >>> visit_words(Visit(name="MRD", after=("infusion:1", "hsct"), months=(1, 2), windows=((2, 7),)))
    'months 1 and 2 after first CAR-T infusion, and after transplantation; to month 2 within 7 days'
    """
    months = listed([f"{month:g}" for month in visit.months])
    after = listed([f"after {term_words(text)}" for text in visit.after], "and").replace(" and after", ", and after")
    windows = [f"to month {month:g} within {days:g} days" for month, days in visit.windows]
    return f"months {months} {after}; {', '.join(windows) or f'windows {NOT_STATED}'}"
