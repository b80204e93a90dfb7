"""The analysis kind ``persistence``: B-cell aplasia and its loss, and T- and NK-cell aplasia after CD7 products."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.denominators import share, spread, tally
from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.grading.editions import scale_words
from dayzero.grading.results import DISCLAIMER
from dayzero.protocol import course_words
from dayzero.report.page import Section
from dayzero.spells import Bools

EARLY: Final = 182.0
"""Days within which a recovery of B cells is early (about six months)."""
VISIT: Final = 28.0
"""The day whose window (days 21 to 35) the grader looks at."""
_LINES: Final = ("t", "nk")
_OF_B_CELLS: Final = (
    "B-cell aplasia tells of the product until relapse, a further course, or another treatment against B cells. It is "
    "lost between two samples: a patient whose bracket spans a day is unknown on that day, and no loss."
)
_KNOWN: Final = (
    "A loss is known as soon as it is seen, aplasia on a day only from a sample on that day or later: where many are "
    "not known, shares of the known, early recovery among them, overstate the loss."
)
_CURVE: Final = (
    "The cumulative incidence of the loss, with what competes, is the analysis curve of endpoint b_cell_recovery."
)


@dataclass(frozen=True)
class PersistenceSettings:
    """Settings of a page on persistence.

    Attributes
    ----------
    infusion
        Number of the infusion.
    days
        Days from it at which aplasia is counted.
    level
        Of the exact limits.
    """

    infusion: int = 1
    days: tuple[float, ...] = (28.0, 90.0, 180.0)
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse numbers that are none."""
        if self.infusion < 1:
            raise InputError("no number of an infusion", mend="Write infusion = 1.", column="infusion")
        if not self.days or any(not 0 < day < 36525 for day in self.days):
            raise InputError("no days after the infusion", mend="Write days = [28, 90, 180].", column="days")
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")


def run_persistence(settings: PersistenceSettings, context: Context) -> Section:
    """Count who was in aplasia when, who had lost it, who recovered early; T and NK cells after CD7 products."""
    graded = context.history.graded
    if not {"b_cell_aplasia", "t_nk_aplasia"} & set(graded):
        mend = "Add a table labs with b_cells, and the attribute targets to the infusions."
        raise InputError("the study has no B-cell, T-cell or NK-cell counts", mend=mend, column="kind")
    b_cells, t_nk = (_of(graded.get(name), settings.infusion) for name in ("b_cell_aplasia", "t_nk_aplasia"))
    if not (b_cells.height or t_nk.height):
        mend = "Correct the number, or give the infusions the attribute targets, as CD19 or CD7."
        raise InputError("nobody had such an infusion against B cells or CD7", mend=mend, column="infusion")
    parts = [_b_cells(b_cells, settings)] if b_cells.height else []
    parts += [_t_nk(t_nk, settings.level)] if t_nk.height else []
    found = (("b_cell_loss", b_cells), ("t_nk_aplasia", t_nk))
    scales = {name: scale_words(name, str(rows["scale"][0])) for name, rows in found if rows.height}
    return Section(
        kind="persistence",
        title=f"Persistence after the {course_words('infusion', settings.infusion)}",
        estimates=concat(parts),
        definition=_definition(b_cells.height > 0, t_nk.height > 0),
        notes=(*((_KNOWN, _CURVE) if b_cells.height else ()), DISCLAIMER),
        settings={"infusion": settings.infusion, "days": settings.days, "level": settings.level, "definitions": scales},
    )


def _of(rows: pl.DataFrame | None, number: int) -> pl.DataFrame:
    empty = pl.DataFrame(schema={"course": pl.Int64, "course_kind": pl.String})
    found = empty if rows is None else rows
    return found.filter((pl.col("course_kind") == "infusion") & (pl.col("course") == number))


def _definition(b_cells: bool, t_nk: bool) -> str:
    said = [_OF_B_CELLS] if b_cells else []
    said += ["T- and NK-cell aplasia after products against CD7: any count below the limit."] if t_nk else []
    return " ".join(said)


def _b_cells(rows: pl.DataFrame, settings: PersistenceSettings) -> Estimate:
    """Return who can be judged, who is in aplasia and has lost it by each day, and who recovered early."""
    told = rows.filter("evaluable")
    since = {name: pl.col(name) - pl.col("course_day") for name in ("loss_day", "last_aplastic_day", "competing_day")}
    dated = told.with_columns(**since)
    n = told.height
    sampled = (told["samples"] > 0).sum()
    early, known = _flags(dated, "recovered_by_182")
    lost = dated.filter(pl.col("loss_day").is_not_null())
    return concat([
        tally(n, "b_cells: evaluable", of=rows.height),
        tally(rows.height - n, "b_cells: targets unknown", of=rows.height),
        tally(int(sampled), "b_cells: sampled", of=n),
        *(_at(dated, day, settings.level) for day in settings.days),
        share(early, known, level=settings.level, term="b_cells: recovered early", time=EARLY),
        tally(lost.height, "b_cells: lost", of=n),
        spread(lost["loss_day"].to_numpy(), "b_cells: first shown lost"),
        spread(lost["last_aplastic_day"].fill_null(0.0).to_numpy(), "b_cells: last in aplasia before"),
    ])  # fmt: skip


def _flags(rows: pl.DataFrame, column: str) -> tuple[Bools, Bools]:
    """Return (patients,) who is True, and of whom it is known."""
    return rows[column].fill_null(value=False).to_numpy(), rows[column].is_not_null().to_numpy()


def _at(rows: pl.DataFrame, day: float, level: float) -> Estimate:
    """Return aplasia on a day among those of whom it is known, the loss by then among all, and the others."""
    lost = (pl.col("loss_day") <= day).fill_null(value=False)
    aplastic = (pl.col("last_aplastic_day") >= day).fill_null(value=False)
    if day == VISIT:
        aplastic |= pl.col("in_aplasia_28").fill_null(value=False)
        lost |= ~pl.col("in_aplasia_28").fill_null(value=True)
    ended = (pl.col("competing_day") <= day).fill_null(value=False)
    told = rows.select(
        (lost & ~aplastic).alias("lost"), aplastic.alias("aplastic"), (~lost & ~aplastic & ended).alias("ended")
    )
    gone, left, out = (told[name].to_numpy() for name in ("lost", "aplastic", "ended"))
    where, n = f"[day={day:g}]", rows.height
    return concat([
        share(left, left | gone, level=level, term=f"b_cells: in aplasia{where}", time=day),
        tally(int(gone.sum()), f"b_cells: lost by{where}", of=n, time=day),
        tally(int(out.sum()), f"b_cells: ended before{where}", of=n, time=day),
        tally(n - int((left | gone | out).sum()), f"b_cells: not known{where}", of=n, time=day),
    ])  # fmt: skip


def _t_nk(rows: pl.DataFrame, level: float) -> Estimate:
    """Return aplasia, recovery and its days for T and NK cells; CD7-negative recovery, cytopenia, chimerism."""
    parts = [tally(rows.height, "t_nk: evaluable", of=rows.height)]
    for line in _LINES:
        aplastic, known = _flags(rows, f"{line}_aplasia")
        recovered = rows[f"{line}_recovery_day"].is_not_null().to_numpy()
        days = (rows[f"{line}_recovery_day"] - rows["course_day"]).drop_nulls().to_numpy()
        parts += [
            share(aplastic, known, level=level, term=f"{line}: aplasia"),
            share(recovered, aplastic, level=level, term=f"{line}: recovered"),
            spread(days, f"{line}: recovery"),
        ]
    for name in ("cd7_negative_recovery", "prolonged_cytopenia"):
        yes, known = _flags(rows, name)
        parts.append(share(yes, known, level=level, term=f"t_nk: {name}"))
    parts.append(spread(rows["chimerism"].drop_nulls().to_numpy(), "t_nk: chimerism"))
    return concat(parts)
