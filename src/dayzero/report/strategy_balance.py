"""Weights on the page: how much they say, whether they balance the arms, and the figure of the balance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dayzero.report.canvas import SIZE, Canvas, new_canvas, width_of, wrap
from dayzero.report.cox_table import term_parts
from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import NONE, count, fixed, percent, plain, sentence_case
from dayzero.report.labels import in_sentence
from dayzero.report.page import Section
from dayzero.report.palette import FAINT, INK, SOFT, style_of
from dayzero.report.strategy_rows import CLONES, NO_TREAT, TREAT, Record, Result, absent, arm_words
from dayzero.report.tables import Row, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BALANCED: Final = 0.1  # a standardised difference that is small (Austin 2009)
_BEFORE: Final = "weighting=before"
_AFTER: Final = "weighting=after"
_ROW: Final = 0.27  # inches
_TOP: Final = 0.78
_BELOW: Final = 0.62
_ACROSS: Final = 4.2
_DIAGNOSTICS: Final = {
    "treated_in_grace": ("Treated within the grace period", count),
    "trial_entries": ("Entries into the trials", count),
    "artificially_censored": ("Censored artificially: left the strategy", count),
    "naturally_censored": ("Censored naturally: end of follow-up", count),
    "effective_sample_size": ("Effective sample size", lambda value: NONE if value is None else f"{value:.1f}"),
    "mean_weight": ("Mean weight", lambda value: NONE if value is None else f"{value:.2f}"),
    "largest_weight": ("Largest weight", lambda value: NONE if value is None else f"{value:.2f}"),
    "share_of_three_heaviest": (
        "Share of the three heaviest patients",
        lambda value: NONE if value is None else f"{percent(value)}\u00a0%",
    ),
}


@dataclass(frozen=True)
class Balance:
    """The standardised difference of one covariate between the arms, None where it is not known."""

    name: str
    before: float | None
    after: float | None


def weights(section: Section, result: Result) -> Table | None:
    """How many patients the weighted arms are worth, a line a diagnostic, a column an arm."""
    cells = {(row["statistic"], row["group"]): row for row in result.rows if row["statistic"] in _DIAGNOSTICS}
    if not cells:
        return None
    marks = footnotes(cells.values())
    lines = []
    for statistic, (name, _) in _DIAGNOSTICS.items():
        found = [cells.get((statistic, arm)) for arm in (TREAT, NO_TREAT)]
        shared = cells.get((statistic, None))
        found = [shared, None] if shared else found
        if any(found):
            lines.append(Row(name, tuple(_cell(row, marks) for row in found)))
    arms = tuple(sentence_case(words) for words in arm_words(section, result.method, result.landmark).values())
    what = "Clones and weights" if result.method == CLONES else "Weights"
    return Table(what, ("", *arms), tuple(lines), explain(marks, _failed(result)))


def _cell(row: Record | None, marks: dict[str, str]) -> str:
    if row is None:
        return NONE
    if row["estimate"] is None:
        return absent(row) + mark(row, marks)
    events = f"\n{count(row['n_events'])} events" if row["n_events"] is not None else ""
    return _DIAGNOSTICS[row["statistic"]][1](row["estimate"]) + mark(row, marks) + events


def _failed(result: Result) -> str:
    row = next((row for row in result.rows if row["statistic"] == "failed_resamples"), None)
    if row is None or row["estimate"] is None:
        return ""
    resamples = f" of {count(row['n'])}" if row["n"] is not None else ""
    return f"Failed resamples: {count(row['estimate'])}{resamples}."


def read_balance(result: Result) -> tuple[Balance, ...]:
    """Return the balance of each covariate, in the order of the rows."""
    known: dict[str, dict[str, float | None]] = {}
    for row in result.rows:
        if row["statistic"] == "standardised_difference":
            known.setdefault(str(row["term"]), {})[str(row["group"])] = row["estimate"]
    return tuple(Balance(_name(term), of.get(_BEFORE), of.get(_AFTER)) for term, of in known.items())


def _name(term: str) -> str:
    column, level = term_parts(term)
    return sentence_case(column) + (f": {level}" if level else "")


def balance_table(results: Sequence[Result]) -> Table | None:
    """Standardised differences of every method, before and, where there are weights, after weighting."""
    found = {result.name: {each.name: each for each in read_balance(result)} for result in results}
    found = {name: known for name, known in found.items() if known}
    covariates = list(dict.fromkeys(covariate for known in found.values() for covariate in known))
    lines = tuple(Row(name, tuple(_change(known.get(name)) for known in found.values())) for name in covariates)
    arrow = " An arrow: before → after weighting." if any("→" in cell for line in lines for cell in line.cells) else ""
    note = f"Treated less untreated, in standard deviations; within ±{BALANCED:g} is commonly called balanced.{arrow}"
    return Table("Standardised differences between the arms", ("Covariate", *found), lines, note) if lines else None


def _change(each: Balance | None) -> str:
    if each is None:
        return NONE
    return _signed(each.before) if each.after is None else f"{_signed(each.before)} → {_signed(each.after)}"


def _signed(value: float | None) -> str:
    return NONE if value is None else fixed(value, 2).replace("-", "−")


def draw_balance(result: Result, *, synthetic: bool = False) -> "Figure":
    """Draw the standardised difference of each covariate before (hollow) and after weighting (filled).

    Parameters
    ----------
    result
        With ``standardised_difference`` rows.
    synthetic
        Stamp the figure as simulated.
    """
    found = read_balance(result)
    heading = f"Balance of the arms: {in_sentence(result.name)}"
    names = [wrap(each.name, 2.6, most=1)[0] for each in found]
    left = max(1.2, max(map(width_of, names), default=0.0) + 0.35)
    tall = _ROW * len(found)
    with new_canvas(_TOP + tall + _BELOW, heading, *names) as canvas:
        axes = canvas.axes(left, _BELOW, min(_ACROSS, canvas.width - left - 1.5), tall)
        _frame(axes, found)
        for k, (each, name) in enumerate(zip(found, names, strict=True)):
            height = len(found) - k - 0.5
            canvas.text(0.08, _BELOW + _ROW * height - 0.04, name)
            _dots(axes, each, height)
        _headings(canvas, heading, left)
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _frame(axes: "Axes", found: tuple[Balance, ...]) -> None:
    known = [abs(value) for each in found for value in (each.before, each.after) if value is not None]
    reach = max(0.3, 1.1 * max(known, default=0.0))
    step = next(step for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 1e9) if reach / step <= 4)
    ticks = [k * step for k in range(-4, 5) if abs(k * step) <= reach]
    axes.set_xlim(-reach, reach)
    axes.set_ylim(0, len(found))
    axes.set_yticks([])
    axes.set_xticks(ticks, [plain(tick).replace("-", "−") for tick in ticks])
    axes.spines["bottom"].set(visible=True, color=INK, linewidth=0.8)
    axes.tick_params(axis="x", length=3.5, width=0.8, color=INK)
    axes.vlines([-BALANCED, BALANCED], 0, len(found), color=SOFT, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)
    axes.vlines([0], 0, len(found), color=INK, linewidth=0.8, zorder=0)
    axes.hlines([k + 0.5 for k in range(len(found))], -reach, reach, color=FAINT, linewidth=0.6, zorder=0)


def _dots(axes: "Axes", each: Balance, height: float) -> None:
    for value, filled in ((each.before, False), (each.after, True)):
        if value is not None:
            colour = style_of(0).colour if filled else SOFT
            axes.plot([value], [height], marker="o", markersize=6, markeredgewidth=1.2, color=colour,
                      markerfacecolor=colour if filled else "none", linestyle="none", clip_on=False)  # fmt: skip


def _headings(canvas: Canvas, heading: str, left: float) -> None:
    canvas.text(0.08, canvas.height - 0.2, heading, fontweight="bold", fontsize=SIZE + 1)
    canvas.text(left, canvas.height - _TOP + 0.2, "○ before weighting", color=SOFT)
    canvas.text(left + 1.6, canvas.height - _TOP + 0.2, "● after", color=style_of(0).colour)
    canvas.text(left, 0.14, "standardised difference, treated less untreated; dashed: ±0.1", color=SOFT)
