"""The tables of a strategy: every method beside the others, the landmarks, the causes, the target trial."""

from collections.abc import Mapping
from typing import Any, Final

from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import (
    NONE,
    Number,
    count,
    days_as,
    interval,
    p_statement,
    percent,
    plain,
    ratio,
    sentence_case,
    signed_interval,
)
from dayzero.report.labels import event_label, in_sentence, split_group
from dayzero.report.page import Section
from dayzero.report.strategy_rows import (
    AVERAGED,
    BIASED,
    CAUSE,
    CLONES,
    MAIN,
    NAIVE,
    NO_TREAT,
    TREAT,
    UNADJUSTED,
    Record,
    Result,
    absent,
    arm_words,
    event_words,
    horizon_of,
    is_primary,
    only_naive,
    results_of,
    treatment_words,
)
from dayzero.report.tables import FEW_MARK, Row, Table, duration_unit

FEW_TREATED: Final = 10
PRESPECIFIED: Final = "pre-specified"
_CONTRASTS: Final = ("hazard_ratio", "risk_difference", "rmst_difference")


def methods(section: Section) -> Table | None:
    """Every method a line, the naive comparison last and marked; none where it would stand alone."""
    found = [result for result in results_of(section) if any(result.row(name) for name in _CONTRASTS)]
    if not found or (only_naive(section) and len(found) == 1):
        return None
    shown = [result for result in found if not (only_naive(section) and result.method == NAIVE)]
    marks = footnotes(row for result in shown for name in _CONTRASTS if (row := result.row(name)))
    lines = tuple(Row(_method_name(section, result), _method_cells(section, result, marks)) for result in shown)
    by = f"; differences at {horizon_of(section)}" if horizon_of(section) else ""
    header = ("Method", "Patients", "Treated", f"Hazard ratio\n({section.confidence})",
              f"Risk difference\npoints ({section.confidence})",
              f"RMST difference\n{duration_unit(section)} ({section.confidence})")  # fmt: skip
    caption = f"Every method, {in_sentence(section.label)}{by}"
    return Table(caption, header, lines, explain(marks, _read(section, shown)))


def _method_name(section: Section, result: Result) -> str:
    if result.method == NAIVE:
        return f"{result.name}\n{BIASED}"
    about = arm_words(section, CLONES)[TREAT] if result.method == CLONES else ""
    return "\n".join(filter(None, (result.name, PRESPECIFIED if is_primary(section, result) else about)))


def _method_cells(section: Section, result: Result, marks: Mapping[str, str]) -> tuple[str, ...]:
    ratios = result.row("hazard_ratio")
    whole = ratios or result.row("risk_difference") or {}
    treated: Mapping[str, Any] = _treated(result) or {}
    unit = duration_unit(section)
    return (
        _two(count(whole.get("n")), whole.get("n_events")),
        _two(count(treated.get("estimate")), treated.get("n_events")),
        ratio_cell(ratios, marks),
        _difference(result.row("risk_difference"), marks, percent),
        _difference(result.row("rmst_difference"), marks, lambda value: days_as(value, unit)),
    )


def _treated(result: Result) -> Record | None:
    """Return the row of the treated: of clones those who were treated within the grace period."""
    if result.method == CLONES:
        return next((row for row in result.rows if row["statistic"] == "treated_in_grace"), None)
    return result.row("arm_size", TREAT)


def _two(first: str, events: float | None) -> str:
    return first if events is None else f"{first}\n{count(events)} event{'' if events == 1 else 's'}"


def ratio_cell(row: Mapping[str, Any] | None, marks: Mapping[str, str]) -> str:
    """Return a hazard ratio with its limits, and its p value on a second line; clones have none."""
    if row is None:
        return NONE
    if row["estimate"] is None:
        return absent(row) + mark(row, marks)
    p = f"\n{p_statement(row['p_value'])}" if row["p_value"] is not None and row["method"] != CLONES else ""
    return f"{ratio(row['estimate'])} ({interval(row['lower'], row['upper'], ratio)}){mark(row, marks)}{p}"


def _free(section: Section) -> str:
    """Return what the mean time is free of: where events compete it ends with the first of them."""
    return "every event" if section.endpoint is not None and section.endpoint.competing else "it"


def _difference(row: Record | None, marks: Mapping[str, str], write: Any) -> str:
    if row is None:
        return NONE
    return (absent(row) if row["estimate"] is None else signed_interval(row, write)) + mark(row, marks)


def _read(section: Section, shown: list[Result]) -> str:
    below = f"A hazard ratio below 1: {event_words(section)} comes later with the treatment."
    said = [f"Treated less untreated. {below} RMST: restricted mean time free of {_free(section)}."]
    if any(result.method == CLONES for result in shown):
        limits = " Limits are those of a bootstrap, which has no p value." if section.settings.get("bootstrap") else ""
        said.append(f"Clones: each patient is counted once; treated are those within the grace period.{limits}")
    if any(result.method == NAIVE for result in shown):
        said.append("Naive: groups named by what came later. It is printed to show its bias and answers no question.")
    return "\n".join(said)


def adjustments(section: Section) -> Table | None:
    """Hazard ratios with and without adjustment."""
    found = [result for result in results_of(section) if result.row("hazard_ratio", kind=UNADJUSTED)]
    if not found or only_naive(section):
        return None
    marks = footnotes(row for result in found for row in result.each("hazard_ratio", kind=UNADJUSTED))
    cells = [tuple(ratio_cell(result.row("hazard_ratio", kind=kind), marks) for kind in (MAIN, UNADJUSTED))
             for result in found]  # fmt: skip
    lines = [Row(result.label, pair) for result, pair in zip(found, cells, strict=True)]
    header = ("Method", f"Adjusted HR ({section.confidence})", f"Unadjusted HR ({section.confidence})")
    return Table("With and without adjustment", header, tuple(lines), explain(marks))


def landmarks(section: Section) -> Table | None:
    """Each landmark a line: who is compared, and who was gone before."""
    found = [result for result in results_of(section) if result.method == "landmark"]
    if not found:
        return None
    marks = footnotes(row for result in found for name in _CONTRASTS[:2] if (row := result.row(name)))
    lines = tuple(Row(_landmark_name(section, result), _landmark_cells(result, marks)) for result in found)
    header = ("Landmark", "Treated by then", "Not by then", "Lost before",
              f"Hazard ratio\n({section.confidence})", f"Risk difference\npoints ({section.confidence})")  # fmt: skip
    text = " ".join(cell for line in lines for cell in line.cells)
    few = f"{FEW_MARK} Fewer than {FEW_TREATED} treated." if FEW_MARK in text else ""
    gone = "Lost before: their event, or the end of their follow-up, came no later than the landmark."
    return Table("Landmarks", header, lines, explain(marks, gone, *_late(found), few))


def _late(found: list[Result]) -> tuple[str, ...]:
    counts = [(result, row["n"]) for result in found for row in result.rows if row["statistic"] == "entered_after"]
    return tuple(f"{count(n)} came under observation after day {plain(result.landmark)}." for result, n in counts)


def _landmark_name(section: Section, result: Result) -> str:
    return f"Day {plain(result.landmark)}" + (f"\n{PRESPECIFIED}" if is_primary(section, result) else "")


def _landmark_cells(result: Result, marks: Mapping[str, str]) -> tuple[str, ...]:
    sizes = [result.row("arm_size", arm) for arm in (TREAT, NO_TREAT)]
    lost = next((row for row in result.rows if row["statistic"] == "lost_before"), None)
    cells = [_two(count(row["estimate"]), row["n_events"]) if row else NONE for row in (*sizes, lost)]
    treated = sizes[0]["estimate"] if sizes[0] else None
    if treated is not None and treated < FEW_TREATED:
        cells[0] = cells[0].replace("\n", f"{FEW_MARK}\n") if "\n" in cells[0] else f"{cells[0]}{FEW_MARK}"
    gap = _difference(result.row("risk_difference"), marks, percent)
    return (*cells, ratio_cell(result.row("hazard_ratio"), marks), gap)


def contrast(section: Section, result: Result) -> Table | None:
    """One method: risks and mean times of both arms and their difference; the hazard ratio last; none if held back."""
    if result.suppressed and not result.has_contrast:
        return None
    by = f" by {horizon_of(section)}" if horizon_of(section) else ""
    unit, since = duration_unit(section), " from the landmark" if result.method == "landmark" else ""
    pairs = [("risk", f"Risk of {event_words(section)}{by}, %", percent),
             ("rmst", f"Mean time free of {_free(section)}{since}{by}, {unit}", _time_of(section))]  # fmt: skip
    marks = footnotes(row for row in result.rows if row["statistic"] in _SHOWN)
    lines = [Row(name, _arm_cells(result, statistic, marks, write)) for statistic, name, write in pairs
             if result.row(f"{statistic}_difference") or result.row(statistic, TREAT)]  # fmt: skip
    sizes = [result.row("arm_size", arm) for arm in (TREAT, NO_TREAT)]
    if result.method != CLONES and all(sizes):
        counted = (_two(count(row["estimate"]), row["n_events"]) for row in sizes if row)
        lines.insert(0, Row("Patients", (*counted, NONE)))
    ratios = result.row("hazard_ratio")
    if ratios:
        averaged = f"\n{AVERAGED}" if result.method == CLONES else ""
        lines.append(Row(f"Hazard ratio{averaged}", (NONE, NONE, ratio_cell(ratios, marks))))
    arms = [sentence_case(words) for words in arm_words(section, result.method, result.landmark).values()]
    header = ("", *arms, f"Difference, or ratio\n({section.confidence})")
    return Table(f"{result.name}: the contrast", header, tuple(lines), explain(marks)) if lines else None


_SHOWN: Final = ("risk", "risk_difference", "rmst", "rmst_difference", "hazard_ratio")


def _time_of(section: Section) -> Any:
    unit = duration_unit(section)

    def write(value: Number) -> str:
        return days_as(value, unit)

    return write


def _arm_cells(result: Result, statistic: str, marks: Mapping[str, str], write: Any) -> tuple[str, ...]:
    arms = [_level_cell(result.row(statistic, arm), marks, write) for arm in (TREAT, NO_TREAT)]
    return (*arms, _difference(result.row(f"{statistic}_difference"), marks, write))


def _level_cell(row: Record | None, marks: Mapping[str, str], write: Any) -> str:
    if row is None:
        return NONE
    if row["estimate"] is None:
        return absent(row) + mark(row, marks)
    limits = interval(row["lower"], row["upper"], write)
    return f"{write(row['estimate'])} ({limits}){mark(row, marks)}" if limits != NONE else write(row["estimate"])


def cause_ratios(section: Section) -> Table | None:
    """Hazard ratios cause by cause: of the endpoint's own event, and of each that competes with it."""
    found = [result for result in results_of(section) if any(kind["kind"] == CAUSE for kind in result.rows)]
    found = [] if only_naive(section) else found
    groups = list(dict.fromkeys(row["group"] for result in found for row in result.rows if row["kind"] == CAUSE))
    if not groups:
        return None
    rows = [[result.row("hazard_ratio"), *(result.row("hazard_ratio", group, CAUSE) for group in groups)]
            for result in found]  # fmt: skip
    marks = footnotes(row for line in rows for row in line if row)
    lines = tuple(Row(result.label, tuple(ratio_cell(row, marks) for row in line))
                  for result, line in zip(found, rows, strict=True))  # fmt: skip
    causes = [event_words(section), *(event_label(split_group(group)[1], section.endpoint) for group in groups)]
    header = ("Method", *(f"{sentence_case(cause)}\nHR ({section.confidence})" for cause in causes))
    note = "Cause-specific: the hazard of each event among those free of all."
    return Table("Hazard ratio of each cause", header, lines, explain(marks, note))


def cause_risks(section: Section) -> Table | None:
    """Probabilities of each cause by the horizon under each strategy, method by method, without the naive one."""
    lines: list[Row] = []
    marks: dict[str, str] = {}
    for result in results_of(section):
        states = list(dict.fromkeys(row["term"] for row in result.rows if row["statistic"] == "cumulative_incidence"))
        if not states or result.method == NAIVE:
            continue
        lines.append(Row(result.name))
        for arm, words in arm_words(section, result.method, result.landmark).items():
            competing = {row["term"]: row for row in result.each("cumulative_incidence", group=arm)}
            cells = [result.row("risk", arm), *(competing.get(state) for state in states)]
            lines.append(Row(words, tuple(_level_cell(row, marks, percent) for row in cells), 1))
        causes = [event_words(section), *(event_label(state, section.endpoint) for state in states)]
    if not lines:
        return None
    header = ("Strategy", *(f"{sentence_case(cause)}\n% ({section.confidence})" for cause in causes))
    return Table(f"Probability of each cause by {horizon_of(section)}", header, tuple(lines))


def unmeasured(section: Section) -> Table | None:
    """Table of the E-values of every method but the naive one."""
    rows = [(result, result.row("e_value")) for result in results_of(section) if result.method != NAIVE]
    lines = tuple(Row(result.name, (ratio(row["estimate"]), ratio(row["lower"])))
                  for result, row in rows if row and row["estimate"] is not None)  # fmt: skip
    note = (f"The least risk ratio by which an unmeasured confounder would have to be associated with both "
            f"{treatment_words(section)} and {event_words(section)} to explain the hazard ratio away; 1.00: nothing is "
            "needed (VanderWeele and Ding 2017).")  # fmt: skip
    header = ("Method", "E-value of the estimate", "of the limit nearer to none")
    return Table("Unmeasured confounding", header, lines, note) if lines else None


def target_trial(section: Section) -> Table | None:
    """Table of the target trial beside its emulation."""
    lines = tuple(Row(item, (trial, emulated)) for item, trial, emulated in section.design)
    header = ("Item", "Target trial", "Emulation in these data")
    return Table("The target trial, and how these data emulate it", header, lines, prose=True) if lines else None
