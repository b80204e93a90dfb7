"""Multi-state models on the page."""

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from dayzero.report.cox_table import term_parts
from dayzero.report.formats import (
    chi_squared,
    count,
    interval,
    listed,
    moment,
    p_value,
    percent,
    plain,
    ratio,
    sentence_case,
)
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.labels import EVERYBODY, column_label, group_labels
from dayzero.report.page import Section
from dayzero.report.state_figures import ARROW, draw_states, draw_transitions
from dayzero.report.tables import Row, Table, rows_of

Record = dict[str, Any]
_MOST_FIGURES: Final = 4
_FROM: Final = "from "


def _sentences(section: Section) -> tuple[str, ...]:
    moves = [f"{count(row['estimate'])} {_arrow(row['term'])}" for row in rows_of(section, "n_transitions")]
    first = f"Transitions: {listed(moves)}." if moves else ""
    rows = [row for row in rows_of(section, "state_probability") if row["group"] is None and not _start(row)]
    last = max((row["time"] for row in rows), default=None)
    found = [
        f"{percent(row['estimate'])}\u00a0% for {_state(row['term'])} "
        f"({section.confidence} {interval(row['lower'], row['upper'], percent)})"
        for row in rows
        if row["time"] == last and row["estimate"] is not None
    ]
    second = f"At {moment(last)} the probability of each state was {listed(found)}." if found and last else ""
    return tuple(filter(None, (first, second)))


def _drawings(section: Section) -> tuple[Drawing, ...]:
    title = "States: patients who entered each and who were last seen in it; arrows: transitions."
    aloud = " ".join((*(_sentences(section)[:1] or (title,)), "The tables below have the numbers."))
    diagram = Drawing("states", title, aloud, partial(draw_transitions, section))
    groups = list(dict.fromkeys(row["group"] for row in section.curves.records()))[:_MOST_FIGURES]
    names = group_labels(groups, section.by)
    return (diagram, *(_stacked(section, group, names[group]) for group in groups))


def _stacked(section: Section, group: str | None, name: str) -> Drawing:
    who = "" if name == EVERYBODY else f", {name}"
    title = f"Probability of each state over time{who}. The height of a band is the probability of its state."
    aloud = " ".join((*_sentences(section), "The tables below have the numbers."))
    return Drawing(f"probabilities{who}", title, aloud, partial(draw_states, section, group))


def _counts(section: Section) -> Table | None:
    found = rows_of(section, "n_transitions")
    ever = {row["term"]: row["estimate"] for row in rows_of(section, "n_entered")}
    seen = {row["term"]: row["estimate"] for row in rows_of(section, "n_last_seen")}
    if not found:
        return None
    lines: list[Row] = []
    for state, entered in ever.items():
        lines.append(Row(sentence_case(_state(state)), (count(entered), "")))
        lines += [
            Row(f"to {_state(row['term'].split(ARROW, 1)[1])}", (count(row["estimate"]), _share(row)), 1)
            for row in found
            if row["term"].split(ARROW, 1)[0] == state
        ]
        lines.append(Row("last seen there", (count(seen[state]), ""), 1))
    return Table("Transitions", ("State", "Patients", "% of those who entered"), tuple(lines))


def _share(row: Record) -> str:
    return percent(row["estimate"] / row["n"]) if row["n"] else ""


def _probabilities(section: Section) -> Table | None:
    found = rows_of(section, "state_probability")
    if not found:
        return None
    names = group_labels((row["group"] for row in found), section.by)
    states = list(dict.fromkeys(row["term"] for row in found))
    cells = {(row["method"], row["group"], row["time"], row["term"]): _probability(row) for row in found}
    lines: list[Row] = []
    for method, group in dict.fromkeys((row["method"], row["group"]) for row in found):
        mine = [row for row in found if (row["method"], row["group"]) == (method, group)]
        lines.append(Row(_block(names[group], _start(mine[0]))))
        lines += [
            Row(moment(time), tuple(cells[method, group, time, state] for state in states), 1)
            for time in dict.fromkeys(row["time"] for row in mine)
        ]
    header = ("Time", *(f"{sentence_case(_state(state))}, % ({section.confidence})" for state in states))
    return Table("Probability of each state", header, tuple(lines), _methods(found))


def _probability(row: Record) -> str:
    limits = interval(row["lower"], row["upper"], percent)
    return f"{percent(row['estimate'])} ({limits})"


def _block(name: str, start: str) -> str:
    return f"{name}, {start}" if start else name


def _start(row: Record) -> str:
    """Return where a prediction starts, empty for the origin."""
    parts = [part for part in (row["method"] or "").split(", ") if _FROM in part or part.startswith("Cox")]
    return column_label(", ".join(parts))


def _methods(rows: Iterable[Record]) -> str:
    methods = dict.fromkeys((row["method"] or "").split(", ")[0] for row in rows)
    words = {"greenwood": "Greenwood’s", "aalen": "Aalen’s", "delta": "the delta method’s"}
    return f"Aalen–Johansen, variance: {listed([words.get(name, name) for name in methods])}."


def _stay(section: Section) -> Table | None:
    found = rows_of(section, "length_of_stay")
    if not found:
        return None
    names = group_labels((row["group"] for row in found), section.by)
    states = list(dict.fromkeys(row["term"] for row in found))
    lines = []
    for method, group in dict.fromkeys((row["method"], row["group"]) for row in found):
        mine = {row["term"]: row for row in found if (row["method"], row["group"]) == (method, group)}
        cells = tuple(_days(mine[state]) for state in states)
        lines.append(Row(_block(names[group], _start(next(iter(mine.values())))), cells))
    header = ("Patients", *(f"{sentence_case(_state(state))}, days ({section.confidence})" for state in states))
    return Table(f"Mean time in each state up to {moment(found[0]['time'])}", header, tuple(lines))


def _days(row: Record) -> str:
    return f"{plain(row['estimate'])} ({interval(row['lower'], row['upper'], plain)})"


def _ratios(section: Section) -> Table | None:
    found = rows_of(section, "hazard_ratio")
    if not found:
        return None
    lines: list[Row] = []
    for group in dict.fromkeys(row["group"] for row in found):
        mine = [row for row in found if row["group"] == group]
        size = f"{count(mine[0]['n'])} at risk, {count(mine[0]['n_events'])} events"
        lines.append(Row(f"{sentence_case(_arrow(group)) if group else 'All transitions'} ({size})"))
        lines += [Row(" ".join(filter(None, term_parts(row["term"]))), _ratio(row), 1) for row in mine]
    note = f"Ties: {found[0]['method']}. HR: hazard ratio of the transition; above 1 it comes sooner."
    return Table("Hazard ratios of the transitions", ("Term", f"HR ({section.confidence})", "p"), tuple(lines), note)


def _ratio(row: Record) -> tuple[str, str]:
    return f"{ratio(row['estimate'])} ({interval(row['lower'], row['upper'], ratio)})", p_value(row["p_value"])


def _markov(section: Section) -> Table | None:
    found = rows_of(section, "markov")
    if not found:
        return None
    lines = tuple(
        Row(
            sentence_case(_arrow(row["term"])),
            (_test(row), chi_squared(row["estimate"]), count(row["df"]), p_value(row["p_value"])),
        )
        for row in found
    )
    note = "A small p speaks against the Markov property: the past matters, and landmark probabilities should be used."
    return Table("Tests of the Markov property", ("Transition", "Test", "χ²", "df", "p"), lines, note)


def _test(row: Record) -> str:
    return f"state on day {plain(row['time'])}" if row["time"] is not None else "day of entry"


def _in_each_state(section: Section) -> Table | None:
    rows = section.at_risk.rows.to_dicts()
    if not rows:
        return None
    names = group_labels((row["group"] for row in rows), section.by)
    states = list(dict.fromkeys(row["term"] for row in rows))
    known = {(row["group"], row["time"], row["term"]): row["estimate"] for row in rows}
    lines: list[Row] = []
    for group, name in names.items():
        lines.append(Row(name))
        times = dict.fromkeys(time for of, time, _ in known if of == group)
        lines += [Row(plain(t), tuple(count(known.get((group, t, state))) for state in states), 1) for t in times]
    header = ("Day", *(sentence_case(_state(state)) for state in states))
    return Table("Patients in each state, below the figure", header, tuple(lines))


def _state(name: str) -> str:
    return column_label(name)


def _arrow(name: str) -> str:
    return " → ".join(_state(part) for part in name.split(ARROW, 1))


KIND: Final = Kind(
    sentences=_sentences,
    drawings=_drawings,
    tables=lambda section: (
        _counts(section),
        _probabilities(section),
        _stay(section),
        _ratios(section),
        _markov(section),
    ),
    details=lambda section: (_in_each_state(section),),
)
