"""The effect of a treatment that is given after day zero, on the page: what may be quoted first, the naive last.

Small cohorts show what everybody went through from day zero, one landmark and the time-dependent ratio, and keep
clones for an appendix; registries show the strategies' risks first. The naive comparison closes both, with how much of
it is immortal time.
"""

from collections.abc import Callable
from typing import Final

from dayzero.report.formats import count, plain, sentence_case
from dayzero.report.kinds import strategy_drawings as figures
from dayzero.report.kinds.kind import Kind, Part
from dayzero.report.page import Section
from dayzero.report.strategy_balance import balance_table, weights
from dayzero.report.strategy_curves import curve_start, method_numbers, rates_table, state_table, untreated_table
from dayzero.report.strategy_grace import grace_periods
from dayzero.report.strategy_rows import (
    CLONES,
    NAIVE,
    layout_of,
    result_of,
    results_of,
    treatment_words,
)
from dayzero.report.strategy_tables import (
    adjustments,
    cause_ratios,
    cause_risks,
    contrast,
    landmarks,
    methods,
    target_trial,
    unmeasured,
)
from dayzero.report.strategy_words import clones_told, immortal_time, mantel_byar, quotable, warned

_TRIALS: Final = "sequential"
_TIME: Final = "time_dependent"


def _parts(section: Section) -> tuple[Part, ...]:
    found = (view(section) for view in _VIEWS[layout_of(section)])
    return tuple(part for part in found if part.drawings or any(part.tables))


def _occupation(section: Section) -> Part:
    tables = (state_table(section), rates_table(section), untreated_table(section))
    return Part("Where everybody is, from day zero on", (), figures.states(section), tables)


def _landmark(section: Section) -> Part:
    day, treatment = curve_start(section, "landmark"), treatment_words(section)
    said = f"Groups are named by what was known at the landmark, {treatment} or not. What came later does not count."
    drawn = figures.curves(section, "landmark", title=f"Landmark curves from day {plain(day)}",
                           reading="Everybody in them is event-free at the landmark.")  # fmt: skip
    result = result_of(section, "landmark")
    own = (contrast(section, result),) if result else ()
    return Part(_heading(section, "landmark", "landmark"), (said,), drawn, (landmarks(section), *own))


def _time_dependent(section: Section) -> Part:
    result, treatment = result_of(section, _TIME), treatment_words(section)
    start = curve_start(section, _TIME)
    since = f"From day {plain(start)}, at which all are event-free. " if start > 0 else ""
    reading = f"{since}Patients leave the one curve for the other on the day of {treatment}: neither follows a patient."
    drawn = figures.curves(section, _TIME, title="Simon–Makuch curves", reading=reading)
    said = mantel_byar(section, result) if result else ""
    numbers = method_numbers(section, _TIME, title="Simon–Makuch")
    table = contrast(section, result) if result else None
    heading = _heading(section, _TIME, f"{treatment} counted from its day on")
    return Part(heading, tuple(filter(None, (said,))), drawn, (table,), (numbers,))


def _clones(section: Section) -> Part:
    result = result_of(section, CLONES)
    heading = _heading(section, CLONES, "clone-censor-weight")
    if result is None:
        return Part(heading)
    start = f"In the arm that treats, {treatment_words(section)} starts when it did, by the end of the grace period"
    drawn = figures.curves(section, CLONES, title="Weighted curves of the strategies",
                           reading=f"{start}. Weights stand for those who left their strategy.")  # fmt: skip
    drawn = drawn if result.has_contrast else ()
    tables = (contrast(section, result), weights(section, result), grace_periods(section))
    numbers = method_numbers(section, CLONES, title="weighted curves") if drawn else None
    return Part(heading, clones_told(section, result), drawn, tables, (numbers,))


def _trials(section: Section) -> Part:
    result = result_of(section, _TRIALS)
    if result is None:
        return Part("")
    every = section.settings.get("every")
    days = f"{plain(every)} days" if isinstance(every, float) and every > 1 else "day"
    said = f"Every {days} a trial begins, if somebody starts treatment in it; a patient can be in several of them."
    drawn = figures.curves(section, _TRIALS, title="Curves of the trials", reading="Time starts with each trial.")
    trials = next((row["estimate"] for row in result.rows if row["statistic"] == "trials"), None)
    said = f"{said} There are {count(trials)} trials." if trials else said
    tables = (contrast(section, result), weights(section, result))
    return Part(_heading(section, _TRIALS, "sequential trials"), (said,), drawn, tables)


def _balance(section: Section) -> Part:
    results = [result for result in results_of(section) if result.method != NAIVE]
    drawn = tuple(figure for result in results for figure in figures.balance(result))
    heading = f"{'Appendix: b' if layout_of(section) == 'small' else 'B'}alance of the arms"
    return Part(heading, (), drawn, (balance_table(results),))


def _causes(section: Section) -> Part:
    return Part("Each cause beside the others", (), (), (cause_risks(section), cause_ratios(section)))


def _target(section: Section) -> Part:
    return Part("The target trial", (), (), (target_trial(section),))


def _every_method(section: Section) -> Part:
    tables = (methods(section), adjustments(section), unmeasured(section))
    return Part("Every method on one scale", immortal_time(section), figures.forest(section), tables)


def _heading(section: Section, method: str, name: str) -> str:
    """Return a method's heading: whether it is what was planned, a check of it, or an appendix."""
    primary = section.settings.get("primary")
    if method == CLONES and layout_of(section) == "small":
        return f"Appendix: {name}"
    role = "Pre-specified" if primary == method else "Sensitivity" if primary else ""
    return f"{role}: {name}" if role else sentence_case(name)


_VIEWS: Final[dict[str, tuple[Callable[[Section], Part], ...]]] = {
    "small": (_occupation, _landmark, _time_dependent, _trials, _causes, _target, _clones, _balance, _every_method),
    "registry": (_clones, _balance, _trials, _time_dependent, _landmark, _occupation, _causes, _target, _every_method),
}

KIND: Final = Kind(
    sentences=quotable,
    drawings=lambda _: (),
    tables=lambda _: (),
    details=lambda _: (),
    parts=_parts,
    warnings=warned,
    box="What may be quoted",
)
