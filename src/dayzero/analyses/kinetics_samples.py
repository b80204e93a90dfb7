"""Who had an infusion, and what was measured after it: rows of the graded tables and of their samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.analyses.kinetics_estimates import Groups
from dayzero.errors import InputError
from dayzero.grading.courses import courses
from dayzero.grading.editions import edition
from dayzero.grading.kinetics.cytokines import SCHEMA as CYTOKINES
from dayzero.grading.kinetics.exposure import SCHEMA as EXPOSURE
from dayzero.grading.kinetics.samples import KINDS, sampled
from dayzero.history import Floats, History
from dayzero.spells import Bools

POINTS: Final = pl.Schema(
    {
        "patient": pl.String,
        "figure": pl.String,
        "term": pl.String,
        "group": pl.String,
        "time": pl.Float64,
        "value": pl.Float64,
        "bound": pl.String,
        "grade": pl.Float64,
    }
)
"""Columns of ``Section.patients``: ``figure`` is ``sample``, ``peak`` or ``severity``."""
_SAMPLES: Final = pl.Schema({
    "patient": pl.Int64, "assay": pl.String, "specimen": pl.String, "time": pl.Float64, "value": pl.Float64,
    "bound": pl.String,
})  # fmt: skip


@dataclass(frozen=True)
class Followed:
    """The patients with an infusion of one number: ``patient``, ``course``, ``day`` and the infusion's attributes."""

    patients: pl.DataFrame

    def mask(self, size: int) -> Bools:
        """Return (patients,) who they are."""
        inside = np.zeros(size, np.bool_)
        inside[self.patients["patient"].to_numpy()] = True
        return inside


def followed(history: History, infusion: int) -> Followed:
    """Return the patients with an infusion of that number."""
    opened = courses(history, KINDS).filter(pl.col("kind") == "infusion", pl.col("course") == infusion)
    return Followed(opened.unique("patient", keep="first", maintain_order=True))


def exposures(history: History, population: Followed, assay: str) -> pl.DataFrame:
    """Return the rows of ``graded["kinetics"]`` of the infusion, of one assay or of all."""
    frame = history.graded.get("kinetics", pl.DataFrame(schema=EXPOSURE))
    known = frame["assay"].unique().sort().to_list()
    if assay and assay not in known:
        there = f"There are {', '.join(known)}." if known else "The study has no table kinetics."
        raise InputError(f"no assay {assay!r}", mend=there, column="assay")
    rows = _of_infusion(frame, population)
    return rows.filter(pl.col("assay") == assay) if assay else rows


def peaks(history: History, population: Followed, wanted: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows of ``graded["cytokines"]`` of the infusion, in the order wanted."""
    frame = history.graded.get("cytokines", pl.DataFrame(schema=CYTOKINES))
    known = frame["analyte"].unique().sort().to_list()
    for analyte in wanted:
        if analyte not in known:
            there = f"There are {', '.join(known)}." if known else "The study has no table labs with cytokines."
            raise InputError(f"no analyte {analyte!r}", mend=there, column="cytokines")
    order = wanted or (*edition("cytokines").table["peak"], *edition("cytokines").table["nadir"])
    rows = _of_infusion(frame, population).filter(pl.col("analyte").is_in(order))
    place = pl.col("analyte").replace_strict({name: k for k, name in enumerate(order)}, return_dtype=pl.Int64)
    return rows.sort(place, "patient")


def samples(history: History, population: Followed, assay: str) -> pl.DataFrame:
    """Return the samples after the infusion, of one assay or of all."""
    if "kinetics" not in history.tables:
        return pl.DataFrame(schema=_SAMPLES)
    rows = _of_infusion(sampled(history), population)
    return (rows.filter(pl.col("assay") == assay) if assay else rows).select(list(_SAMPLES))


def _of_infusion(frame: pl.DataFrame, population: Followed) -> pl.DataFrame:
    return frame.join(population.patients.select("patient", "course"), on=["patient", "course"], how="semi")


def drawn_points(  # noqa: PLR0913, PLR0917 - one for each thing that a figure shows
    history: History,
    shown: pl.DataFrame,
    found: pl.DataFrame,
    measured: Mapping[str, Floats],
    grades: Floats | None,
    groups: Groups,
) -> pl.DataFrame:
    """Return what the figures show of single patients, with the columns of :data:`POINTS`.

    Parameters
    ----------
    history
        For the labels of the patients.
    shown, found, measured
        Samples, peaks, and by column what CRS is compared with.
    grades
        (patients,) of CRS; None where there are none.
    groups
        The group of every patient.
    """
    everybody = pl.DataFrame({
        "patient": range(len(history)),
        "label": history.patients["patient"].cast(pl.String),
        "group": groups.labels(),
        "grade": pl.Series(np.full(len(history), np.nan) if grades is None else grades).fill_nan(None),
    }, schema_overrides={"patient": pl.Int64, "grade": pl.Float64})  # fmt: skip
    series = pl.concat_str(pl.col("assay"), pl.lit(","), pl.col("specimen"))
    parts = [
        shown.select("patient", pl.lit("sample").alias("figure"), series.alias("term"), "time", "value", "bound"),
        found.select("patient", pl.lit("peak").alias("figure"), pl.col("analyte").alias("term"),
                     pl.col("peak_day").alias("time"), pl.col("peak").alias("value"),
                     pl.col("peak_bound").alias("bound")),
        *(_severity(name, values) for name, values in measured.items()),
    ]  # fmt: skip
    rows = pl.concat(parts).join(everybody, on="patient", how="left", maintain_order="left")
    return rows.drop("patient").rename({"label": "patient"}).select(list(POINTS)).cast(POINTS)


def _severity(name: str, values: Floats) -> pl.DataFrame:
    known = np.flatnonzero(~np.isnan(values))
    rows = pl.DataFrame({"patient": known, "value": values[known]}, schema={"patient": pl.Int64, "value": pl.Float64})
    nothing = [pl.lit(None, pl.Float64).alias("time"), pl.col("value"), pl.lit("").alias("bound")]
    return rows.select("patient", pl.lit("severity").alias("figure"), pl.lit(name).alias("term"), *nothing)
