"""Estimates of kinetics: geometric means, medians of peaks with censored values, and rank correlations with CRS."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.estimate import Estimate, make_estimate
from dayzero.estimators.groups import join_warnings
from dayzero.estimators.outcomes.ranks import jonckheere, kruskal_wallis, spearman
from dayzero.estimators.outcomes.summaries import geometric, quartiles
from dayzero.grading.editions import edition
from dayzero.history import Floats, Ints
from dayzero.spells import Bools

FEWEST: Final = 3  # patients of whom a geometric mean of one day is drawn
COUNTS: Final = ("never_quantifiable", "few_samples", "steroid_rescue")
"""Flags that are counted for each assay."""
CENSORED: Final = {"above": ">", "below": "<"}


@dataclass(frozen=True)
class Groups:
    """The group of every patient.

    Attributes
    ----------
    column
        Empty where everybody is one group.
    levels
        Its values.
    codes
        (patients,) place among the levels, -1 where there is none.
    """

    column: str
    levels: tuple[str, ...]
    codes: Ints

    def label(self, code: int) -> str | None:
        """Return ``column=value``, None for a patient without a group."""
        return f"{self.column}={self.levels[code]}" if code >= 0 else None

    def labels(self) -> pl.Series:
        """Return (patients,) the label of each patient's group."""
        names = {code: self.label(code) for code in range(-1, len(self.levels))}
        return pl.Series(self.codes).replace_strict(names, return_dtype=pl.String)

    def masks(self, patients: pl.Series) -> Iterator[tuple[str | None, Bools]]:
        """Yield everybody and each group that any of the patients is in, as masks of rows."""
        codes = self.codes[patients.to_numpy()]
        yield None, np.ones(len(codes), np.bool_)
        for code in range(len(self.levels)):
            if bool((codes == code).any()):
                yield self.label(code), codes == code


def exposure_rows(exposed: pl.DataFrame, groups: Groups, *, level: float) -> Iterator[Estimate]:
    """Yield the rows of each assay and specimen: ``cmax[assay,specimen]`` and so on.

    Geometric mean and variation of ``cmax`` and ``auc_0_28``; median, quartiles and range of ``tmax``; counts of
    patients never quantifiable (they have neither), with too few samples, and with steroids; and with groups the
    Kruskal-Wallis test of ``cmax`` and ``auc_0_28``, a patient never quantifiable ranking lowest in ``cmax``.
    """
    for (assay, specimen), rows in exposed.group_by("assay", "specimen", maintain_order=True):
        term = f"[{assay},{specimen}]"
        for group, mask in groups.masks(rows["patient"]):
            part = rows.filter(mask)
            yield from (one.label(group=group, term=name + term) for name, one in _exposure(part, level))
        yield from _compared(groups, rows["patient"], f"cmax{term}", _ranked(rows, "cmax", "cmax_bound"))
        yield from _compared(groups, rows["patient"], f"auc_0_28{term}", _floats(rows["auc_0_28"]))


def _exposure(rows: pl.DataFrame, level: float) -> Iterator[tuple[str, Estimate]]:
    seen = rows.filter(pl.col("cmax_bound") != "<")
    for name, bound in (("cmax", "cmax_bound"), ("auc_0_28", "auc_bound")):
        known = seen.filter(pl.col(name).is_not_null())
        above = int((known[bound] == ">").sum())
        warning = f"above_range: {above} of {known.height} patients count with a lower bound" if above else None
        found = geometric(_floats(known[name]), level=level)
        yield name, Estimate(join_warnings(found.rows, warning))
    yield "tmax", quartiles(_floats(seen["tmax"]))
    for flag in COUNTS:
        count = int(rows["flags"].list.contains(flag).sum())
        unknown = flag == "steroid_rescue" and bool(rows["flags"].list.contains("steroids_unknown").all())
        yield flag, make_estimate("count", estimate=None if unknown else float(count), n=rows.height)


def cytokine_rows(found: pl.DataFrame, groups: Groups) -> Iterator[Estimate]:
    """Yield the rows of each analyte: quartiles of its peaks, of those before tocilizumab, and what is censored.

    Terms: the analyte; ``ANALYTE_before_tocilizumab``; counts ``ANALYTE_above_range``, ``ANALYTE_below_range``,
    ``ANALYTE_after_tocilizumab``.
    """
    for (analyte,), rows in found.group_by("analyte", maintain_order=True):
        term = str(analyte)
        before = rows.filter(pl.col("peak_before_tocilizumab").is_not_null())
        for group, mask in groups.masks(rows["patient"]):
            yield quartiles(_ranked(rows.filter(mask), "peak", "peak_bound")).label(group=group, term=term)
            yield from (one.label(group=group) for one in _peak_counts(rows.filter(mask), term))
        for group, mask in groups.masks(before["patient"]):
            part = _ranked(before.filter(mask), "peak_before_tocilizumab", "peak_before_tocilizumab_bound")
            yield quartiles(part).label(group=group, term=f"{term}_before_tocilizumab")
        yield from _compared(groups, rows["patient"], term, _ranked(rows, "peak", "peak_bound"))


def _peak_counts(rows: pl.DataFrame, term: str) -> Iterator[Estimate]:
    for word, sign in CENSORED.items():
        count = float((rows["peak_bound"] == sign).sum())
        yield make_estimate("count", term=f"{term}_{word}_range", estimate=count, n=rows.height)
    after = rows["after_tocilizumab"]
    unknown = after.null_count() == len(after)
    given = None if unknown else float(after.sum())
    yield make_estimate("count", term=f"{term}_after_tocilizumab", estimate=given, n=rows.height)


def _compared(groups: Groups, patients: pl.Series, term: str, values: Floats) -> Iterator[Estimate]:
    """Yield the Kruskal-Wallis test between groups, where there are two with values."""
    codes = groups.codes[patients.to_numpy()].astype(float)
    known = (codes >= 0) & ~np.isnan(values)
    if len(np.unique(codes[known])) > 1:
        yield kruskal_wallis(codes[known], values[known]).label(term=term)


def relation_rows(
    grades: Floats | None, measured: Mapping[str, Floats], found: pl.DataFrame, *, level: float
) -> Iterator[Estimate]:
    """Yield how CRS and each quantity move together: Spearman's correlation, Jonckheere's trend, quartiles by grade.

    Parameters
    ----------
    grades
        (patients,) NaN where there is none; None: there are none at all.
    measured
        By column (patients,) numbers.
    found
        Peaks of cytokines.
    level
        Coverage of the limits.
    """
    if grades is None:
        return
    for name, values in {**measured, **_by_analyte(found, len(grades))}.items():
        both = ~np.isnan(grades) & ~np.isnan(values)
        if not bool(both.any()):
            continue
        yield spearman(grades[both], values[both], level=level).label(term=name)
        yield jonckheere(grades[both], values[both]).label(term=name)
        for grade in np.unique(grades[both]):
            yield quartiles(values[both & (grades == grade)]).label(term=name, group=f"crs={grade:g}")


def _by_analyte(found: pl.DataFrame, size: int) -> dict[str, Floats]:
    """Return by analyte (patients,) the peaks, infinite where they are out of range.

    Graver CRS is treated, and the treatment raises IL-6: of analytes that a drug disturbs, the peaks before it follow.
    """
    wide = {}
    disturbed = edition("cytokines").table["treated"]["disturbs"]
    for (analyte,), rows in found.group_by("analyte", maintain_order=True):
        wide[str(analyte)] = _spread(rows, size, "peak")
        if analyte in disturbed and bool(rows["after_tocilizumab"].any()):
            wide[f"{analyte}_before_tocilizumab"] = _spread(rows, size, "peak_before_tocilizumab")
    return wide


def _spread(rows: pl.DataFrame, size: int, name: str) -> Floats:
    values = np.full(size, np.nan)
    values[rows["patient"].to_numpy()] = _ranked(rows, name, f"{name}_bound")
    return values


def mean_curves(shown: pl.DataFrame, groups: Groups) -> Iterator[Estimate]:
    """Yield the geometric mean of each day on which three patients of a group or more were sampled.

    Below quantification a sample counts half the limit, so that patients who lost their cells still weigh; a 0 without
    a limit is left out.
    """
    value = pl.when(pl.col("bound") == "<").then(pl.col("value") / 2.0).otherwise(pl.col("value"))
    daily = shown.with_columns(pl.col("time").floor(), value).filter(pl.col("value") > 0)
    daily = daily.group_by("patient", "assay", "specimen", "time", maintain_order=True).agg(pl.col("value").max())
    for (assay, specimen), rows in daily.group_by("assay", "specimen", maintain_order=True):
        for group, mask in groups.masks(rows["patient"]):
            mean = pl.col("value").log().mean().exp()
            days = rows.filter(mask).group_by("time").agg(mean, pl.len().alias("n")).sort("time")
            kept = days.filter(pl.col("n") >= FEWEST)
            if kept.height:
                yield make_estimate("geometric_mean", term=f"{assay},{specimen}", group=group, time=kept["time"],
                                    estimate=kept["value"], n=kept["n"])  # fmt: skip


def _ranked(rows: pl.DataFrame, name: str, bound: str) -> Floats:
    """Return a column for ranks: infinite where its value is out of range."""
    values, out = _floats(rows[name]), rows[bound].fill_null("").to_numpy()
    return np.where(out == ">", np.inf, np.where(out == "<", -np.inf, values))


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
