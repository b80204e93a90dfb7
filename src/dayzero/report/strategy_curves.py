"""The curves of one method with their arms in words, and the states with theirs, as the figures take them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from dayzero.estimate import Estimate, concat
from dayzero.report.formats import (
    NONE,
    NOT_ESTIMABLE,
    Number,
    interval,
    moment,
    percent,
    plural,
    printable,
    sentence_case,
)
from dayzero.report.labels import column_label, event_label
from dayzero.report.page import Section
from dayzero.report.strategy_rows import NO_TREAT, TREAT, Record, arm_words, event_words, treatment_words
from dayzero.report.tables import Row, Table, at_risk

STATES: Final = "multi_state"
_BY: Final = "strategy"
_AFTER: Final = " after "
_PER: Final = 36525.0  # days in 100 years


def curve_start(section: Section, method: str) -> float:
    """Return the day on which the curves of a method start."""
    first = section.curves.where(method=method).rows["time"].drop_nulls().min()
    return first if isinstance(first, float) else 0.0


def curves_of(section: Section, method: str) -> Section:
    """Return the section with the curves of one method alone, the treated first, groups named in words."""
    start = curve_start(section, method) or None
    words = {arm: f"{_BY}={name}" for arm, name in arm_words(section, method, start).items()}
    parts = [_renamed(estimate, method, words) for estimate in (section.curves, section.at_risk)]
    settings = {**section.settings, "by": _BY}
    return replace(section, estimates=concat(()), curves=parts[0], at_risk=parts[1], settings=settings)


def _renamed(estimate: Estimate, method: str, words: Mapping[str, str]) -> Estimate:
    mine = estimate.where(method=method)
    return concat(mine.where(group=arm).label(group=words[arm]) for arm in (TREAT, NO_TREAT))


def method_numbers(section: Section, method: str, *, title: str) -> Table | None:
    """Return the numbers below a method's figure as a table."""
    table = at_risk(curves_of(section, method))
    return replace(table, caption=f"Numbers below the figure, {title}") if table else None


def state_words(section: Section, state: str) -> str:
    """Name a state: free of the event before or after treatment, or the event before or after it."""
    treatment = treatment_words(section)
    free = {"untreated": f"event-free, no {treatment}", "treated": f"event-free after {treatment}"}
    if state in free:
        return free[state]
    known = section.endpoint.states if section.endpoint is not None else ()
    event = next((name for name in known if state == name or state.startswith(f"{name}{_AFTER}")), state)
    after = state != event
    own = section.endpoint is not None and event == section.endpoint.event_state
    words = event_words(section) if own else column_label(event)
    return printable(f"{words} after {treatment}" if after else f"{words}, no {treatment}")


def states_of(section: Section) -> Section:
    """Return the section with the states of everybody alone, named in words, those without an event first."""
    parts = [_named_states(section, estimate) for estimate in (section.curves, section.at_risk)]
    return replace(section, estimates=concat(()), curves=parts[0], at_risk=parts[1])


def _named_states(section: Section, estimate: Estimate) -> Estimate:
    mine = estimate.where(method=STATES)
    states = mine.rows["term"].drop_nulls().unique(maintain_order=True).to_list()
    return concat(mine.where(term=state).label(term=state_words(section, state)) for state in in_order(states))


def in_order(states: list[str]) -> list[str]:
    """Return the states, those without an event first.

    Examples
    --------
    >>> in_order(["untreated", "relapse", "treated", "relapse after hsct"])
    ['untreated', 'treated', 'relapse', 'relapse after hsct']
    """
    first = [state for state in ("untreated", "treated") if state in states]
    return [*first, *(state for state in states if state not in first)]


def state_table(section: Section) -> Table | None:
    """Return the probability of each state at the grace period's end and at the horizon."""
    rows = [row for row in section.estimates.records() if row["statistic"] == "state_probability"]
    rows = [row for row in rows if row["method"] == STATES and row["group"] is None]
    times = list(dict.fromkeys(row["time"] for row in rows))
    cells = {(row["term"], row["time"]): row for row in rows}
    states = in_order(list(dict.fromkeys(row["term"] for row in rows)))
    names = [sentence_case(state_words(section, state)) for state in states]
    found = [tuple(_cell(cells.get((state, time))) for time in times) for state in states]
    lines = tuple(Row(name, line) for name, line in zip(names, found, strict=True))
    header = ("State", *(f"{sentence_case(moment(time))}\n% ({section.confidence})" for time in times))
    note = "Everybody, from day zero: nobody is put into a group by what came later."
    return Table("Probability of each state", header, lines, note) if lines else None


def _cell(row: Record | None) -> str:
    if row is None or row["estimate"] is None:
        return NOT_ESTIMABLE
    return f"{percent(row['estimate'])} ({interval(row['lower'], row['upper'], percent)})"


def rates_table(section: Section) -> Table | None:
    """Return the events per time before and after the treatment."""
    rows = [row for row in section.estimates.records() if row["statistic"] == "event_rate"]
    cells = {(row["term"], row["group"]): row for row in rows}
    lines = []
    for term in dict.fromkeys(row["term"] for row in rows):
        competes = section.endpoint is not None and term in section.endpoint.competing
        name = event_label(term, section.endpoint) if competes else event_words(section)
        found = tuple(_rate(cells.get((term, arm))) for arm in (NO_TREAT, TREAT))
        lines.append(Row(sentence_case(name), found))
    arms = arm_words(section, STATES)
    header = ("Event", *(f"{sentence_case(arms[arm])}\n({section.confidence})" for arm in (NO_TREAT, TREAT)))
    note = ("Limits: exact, Poisson. The columns are of different times since day zero, and hazards change with time: "
            "they are no comparison.")  # fmt: skip
    return Table("Events per 100 patient-years", header, tuple(lines), note) if lines else None


def _rate(row: Record | None) -> str:
    if row is None or row["estimate"] is None:
        return NOT_ESTIMABLE
    rate, low, high = (None if row[key] is None else row[key] * _PER for key in ("estimate", "lower", "upper"))
    counts = [plural(row[key] or 0, noun) for key, noun in (("n_events", "event"), ("n", "patient"))]
    events = f"\n{', '.join(counts)}" if row["n_events"] is not None else ""
    return f"{_tenths(rate)} ({interval(low, high, _tenths)}){events}"


def _tenths(value: Number) -> str:
    return NONE if value is None else f"{value:.1f}"


def untreated_table(section: Section) -> Table | None:
    """Return the risk had nobody been treated, named as the hypothetical number that it is."""
    rows = [row for row in section.estimates.records() if row["statistic"] == "hypothetical_risk"]
    competing = section.endpoint.competing if section.endpoint is not None else ()
    lines = []
    for row in rows:
        own = row["term"] not in competing
        name = event_words(section) if own else event_label(row["term"], section.endpoint)
        lines.append(Row(f"{sentence_case(name)} by {moment(row['time'])}", (_cell(row),)))
    caption = f"Hypothetical: had nobody had {treatment_words(section)}"
    note = ("Censored at treatment, as if who is treated said nothing about the course without it. Read it beside the "
            "probabilities above.")  # fmt: skip
    return Table(caption, ("Risk", f"% ({section.confidence})"), tuple(lines), note) if lines else None
