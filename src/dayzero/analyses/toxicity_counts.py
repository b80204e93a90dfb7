"""Numbers of a table of toxicities: grades of each group with exact limits, uncertain ones apart, days, medication."""

from typing import Final

import numpy as np
import polars as pl

from dayzero.analyses.denominators import share, spread, tally
from dayzero.analyses.toxicity_grades import Toxicity
from dayzero.estimate import Estimate, concat
from dayzero.grading.courses import courses, in_courses
from dayzero.history import History
from dayzero.spells import Bools, Ints

SEVERE: Final = 3
MEDICATION_DAYS: Final = 30
NOTHING_KNOWN: Final = 4
"""Bounds from no toxicity to a grade as high as this say nothing: the patient is not evaluable."""
_MEDICATION: Final = ("tocilizumab", "siltuximab", "anakinra", "steroid")
_ORDER: Final = ("infusion", "hsct", "dli", "boost")


def main_scale(toxicity: Toxicity) -> str | None:
    """Return the scale of the table: that of most grades of 1 or higher; None where nobody states one."""
    stated = toxicity.rows.filter(pl.col("lower") > 0)["scale"].drop_nulls()
    stated = stated if len(stated) else toxicity.rows["scale"].drop_nulls()
    counts = stated.value_counts().sort("count", stated.name, descending=[True, False])
    return str(counts[stated.name][0]) if counts.height else None


def count_grades(toxicity: Toxicity, *, by_number: bool, level: float) -> Estimate:
    """Return the rows of one toxicity; a group is a kind of course with its number, or with ``any``."""
    rows, scale = toxicity.rows, main_scale(toxicity)
    if not by_number:
        rows = _highest_of_all(rows)
    keys = sorted(set(rows.select("kind", "course").iter_rows()), key=lambda key: (_ORDER.index(key[0]), key[1]))
    found = []
    for kind, course in keys:
        part = rows.filter((pl.col("kind") == kind) & (pl.col("course") == course))
        found.append(_group(toxicity, part, scale=scale, level=level).label(group=f"{kind}={course or 'any'}"))
    return concat(found)


def _highest_of_all(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a row a patient and kind of course: the highest grade, with the days of the first course that has it."""
    ordered = rows.sort("lower", "upper", descending=True, maintain_order=True)
    first = pl.exclude("upper").first()
    merged = ordered.group_by("patient", "kind", maintain_order=True).agg(first, pl.col("upper").max())
    return merged.with_columns(pl.lit(0, pl.Int64).alias("course"))


def _group(toxicity: Toxicity, rows: pl.DataFrame, *, scale: str | None, level: float) -> Estimate:
    name, n = toxicity.name, rows.height
    lower, upper = rows["lower"].to_numpy(), rows["upper"].to_numpy()
    other = ((rows["scale"].fill_null("") != (scale or "")) & (rows["lower"] > 0)).to_numpy()
    lower, upper = np.where(other, 1, lower), np.where(other, toxicity.highest, upper)
    found = [_at_least(name, lower, upper, floor=floor, level=level) for floor in (1, SEVERE)]
    for grade in range(1, toxicity.highest + 1):
        exact = (lower == grade) & (upper == grade)
        found.append(share(exact, np.ones(n, bool), level=level, term=f"{name}={grade}"))
    if other.any():
        found.append(tally(int(other.sum()), f"{name} under another or no stated scale", of=n))
    found += _uncertain(toxicity, lower, upper, apart=other)
    found += [spread(rows[key].to_numpy().astype(float), f"{name} {key}") for key in ("onset", "duration")]
    lasting = int((rows["unresolved"] & rows["duration"].is_not_null()).sum())
    return concat([*found, *([tally(lasting, f"{name} unresolved", of=n)] if lasting else [])])


def _at_least(name: str, lower: Ints, upper: Ints, *, floor: int, level: float) -> Estimate:
    """Return the share of those who certainly reach a grade; the warning says of how many nobody knows."""
    unknown = int(np.sum((lower < floor) & (upper >= floor)))
    warning = f"uncertain: of {unknown} more it is not known" if unknown else None
    term = name if floor == 1 else f"{name}>={floor}"
    return share(lower >= floor, np.ones(len(lower), bool), level=level, term=term, warning=warning)


def _uncertain(toxicity: Toxicity, lower: Ints, upper: Ints, *, apart: Bools) -> list[Estimate]:
    """Count uncertain grades by their bounds; those whose bounds say nothing are not evaluable."""
    name, n = toxicity.name, len(lower)
    nothing = (lower == 0) & (upper >= min(NOTHING_KNOWN, toxicity.highest))
    between = (lower < upper) & ~nothing & ~apart
    bounds, sizes = np.unique(np.column_stack([lower, upper])[between], axis=0, return_counts=True)
    found = [
        tally(size, f"{name} between {low} and {high}", of=n)
        for (low, high), size in zip(bounds.tolist(), sizes.tolist(), strict=True)
    ]
    return [*found, *([tally(int(nothing.sum()), f"{name} not evaluable", of=n)] if nothing.any() else [])]


def count_scales(history: History, wanted: tuple[str, ...], *, level: float) -> Estimate:
    """Return the same patients under each scale of CRS, and how many certainly differ between two of them."""
    frame = history.graded.get("crs_scales")
    if frame is None or not frame.height:
        return concat(())
    frame = frame.filter(pl.col("scale").is_in(list(wanted))) if wanted else frame
    frame = frame.filter(pl.col("course_kind") == "infusion") if "course_kind" in frame.columns else frame
    found = []
    for course in sorted(frame["course"].unique().to_list()):
        here = frame.filter(pl.col("course") == course)
        rows = [_one_scale(here, scale, level) for scale in here["scale"].unique(maintain_order=True).to_list()]
        ends = here.group_by("patient").agg(pl.col("lower").max().alias("most"), pl.col("upper").min().alias("least"))
        differ = int((ends["most"] > ends["least"]).sum())
        rows.append(tally(differ, "crs differs between scales", of=ends.height))
        found.append(concat(rows).label(group=f"infusion={course}"))
    return concat(found)


def _one_scale(here: pl.DataFrame, scale: str, level: float) -> Estimate:
    rows = here.filter(pl.col("scale") == scale)
    lower, upper = rows["lower"].to_numpy(), rows["upper"].to_numpy()
    shares = concat(_at_least("crs", lower, upper, floor=floor, level=level) for floor in (1, SEVERE))
    term = pl.col("term") + f"[scale={scale}]"
    return Estimate(shares.rows.with_columns(term))


def count_medication(history: History, *, by_number: bool, level: float) -> Estimate:
    """Return the shares of patients who had tocilizumab, steroids, ... within 30 days of an infusion."""
    support = history.tables.get("support")
    if support is None:
        return concat(())
    opened = courses(history)
    given = support.filter(pl.col("kind").is_in(_MEDICATION)).select("patient", "day", pl.col("kind").alias("given"))
    placed = in_courses(given, opened, kinds=("infusion",)).filter(pl.col("since") <= MEDICATION_DAYS)
    infused = opened.filter(pl.col("kind") == "infusion")
    numbers = sorted(infused["course"].unique().to_list()) if by_number else [None]
    kinds = [kind for kind in _MEDICATION if kind in set(given["given"].to_list())]
    return concat(
        _medication(history, infused if k is None else infused.filter(pl.col("course") == k),
                    placed if k is None else placed.filter(pl.col("course") == k), kind=kind, level=level)
        .label(group=f"infusion={'any' if k is None else k}")
        for k in numbers for kind in kinds
    )  # fmt: skip


def _medication(history: History, infused: pl.DataFrame, placed: pl.DataFrame, *, kind: str, level: float) -> Estimate:
    among, had = np.zeros(len(history), bool), np.zeros(len(history), bool)
    among[infused["patient"].to_numpy()] = True
    had[placed.filter(pl.col("given") == kind)["patient"].to_numpy()] = True
    return share(had, among, level=level, term=kind)
