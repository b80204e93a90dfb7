"""CAR-T cells, tumour and IL-6 of virtual patients, and what a laboratory measures of them. Exploratory.

The kinetics feed the model as covariates: how high the cells rise, how low the tumour falls, how high IL-6 rises. Each
link is an assumption: in public courses of single patients burden and peak went together weakly (Spearman .22 in 32).
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl

from dayzero.errors import InputError
from dayzero.simulate.expansion import Expansion, virtual_expansions
from dayzero.simulate.random import Floats, Keys, uniforms
from dayzero.simulate.tumour import BLOOD_UL, Rates, extinct, integrate

FIRST_DRAW: Final = 910
_IL6_DRAW: Final = 916
_EXTINCTION_DRAW: Final = 917
_RATES_DRAW: Final = 920
_NOISE_DRAW: Final = 940
MOST_DAYS: Final = 50
NAMES: Final = ("log_cmax", "log_il6")
NADIR_NAMES: Final = ("log_nadir", "extinct")
_VARYING: Final = ("tumour_growth", "kill", "kill_half", "expand", "expand_half", "contract", "activate")
_WATCHED: Final = np.arange(1.0, 61.0)
_CELLS_AT_FULL_MARROW: Final = 1e4
"""Tumour cells per uL that a marrow of 100 % blasts stands for (our convention)."""


@dataclass(frozen=True, kw_only=True)
class Kinetics:
    """The ``[kinetics]`` table.

    Attributes
    ----------
    burden
        Covariate that is the share of blasts in the marrow, percent.
    dose_per_kg
        CAR-T cells per kg.
    days
        Days after the infusion on which the cells are measured.
    lloq
        Copies per ug below which nothing is quantified.
    noise
        Standard deviation of the natural logarithm of a measurement.
    spread
        Whether the variability printed by the source is a standard deviation or a variance.
    il6_median, il6_slope, il6_sd
        Peak of IL-6, pg/mL, at the typical peak of the cells; how its logarithm rises with theirs; its spread.
    tumour
        Whether the tumour is integrated too (slow: for cohorts of thousands, not of millions).
    variation
        Standard deviation of the logarithm of each rate of the tumour's model between patients.
    source
        The document with its words, or ``assumed``.
    """

    burden: str
    source: str
    dose_per_kg: float = 1e6
    days: tuple[float, ...] = (1, 4, 7, 10, 14, 21, 28)
    lloq: float = 50.0
    noise: float = 0.56
    spread: Literal["sd", "variance"] = "sd"
    il6_median: float = 300.0
    il6_slope: float = 0.8
    il6_sd: float = 1.0
    tumour: bool = False
    variation: float = 0.3

    def __post_init__(self) -> None:
        """Refuse kinetics that cannot be."""
        if not self.source.strip():
            raise InputError("a parameter without a source", mend='Write it, or "assumed".', column="source")
        low = min(self.dose_per_kg, self.lloq, self.il6_median)
        if low <= 0 or min(self.noise, self.il6_sd, self.variation) < 0:
            raise InputError("no kinetics", mend="Write a dose, a limit and spreads above 0.", column="dose_per_kg")
        if not 0 < len(self.days) <= MOST_DAYS or not all(0 <= day <= 36_525 for day in self.days):
            raise InputError("no days of samples", mend=f"Write 1 to {MOST_DAYS} days within a century.", column="days")


@dataclass(frozen=True)
class Blood:
    """The kinetics of a cohort.

    Attributes
    ----------
    expansion
        Of the cells, arrays of (n,).
    values
        (n,) by name: ``log_cmax`` (natural logarithm of the peak over that of the typical patient), ``log_il6`` (over
        the median), and with the tumour ``log_nadir`` (of cells in the blood, base 10) and ``extinct``.
    """

    expansion: Expansion
    values: dict[str, Floats]


def names_of(kinetics: Kinetics) -> tuple[str, ...]:
    """Return the names that effects may use."""
    return (*NAMES, *(NADIR_NAMES if kinetics.tumour else ()))


def draw_blood(kinetics: Kinetics, burden: Floats, keys: Keys) -> Blood:
    """Draw the kinetics of a cohort.

    Parameters
    ----------
    kinetics
        The settings.
    burden
        (n,) percent of blasts in the marrow.
    keys
        (n,) as :func:`dayzero.simulate.random.patient_keys` returns them.
    """
    from scipy.special import ndtri

    dose = np.full(len(keys), kinetics.dose_per_kg)
    share = np.clip(burden / 100, 1e-6, 1.0)
    expansion = virtual_expansions(keys, burden=share, dose_per_kg=dose, spread=kinetics.spread, first_draw=FIRST_DRAW)
    cmax = np.log(np.asarray(expansion.c_max) / Expansion().c_max)
    il6 = kinetics.il6_slope * cmax + kinetics.il6_sd * ndtri(uniforms(keys, _IL6_DRAW))
    values = {"log_cmax": cmax, "log_il6": il6}
    if kinetics.tumour:
        values |= _nadir(kinetics, share, keys)
    return Blood(expansion, values)


def _nadir(kinetics: Kinetics, share: Floats, keys: Keys) -> dict[str, Floats]:
    """Return how low the tumour falls within 60 days, and who is rid of it by the extinction rule."""
    from scipy.special import ndtri

    typical = vars(Rates())
    drawn = {
        name: typical[name] * np.exp(kinetics.variation * ndtri(uniforms(keys, _RATES_DRAW + place)))
        for place, name in enumerate(_VARYING)
    }
    rates = Rates(**{**typical, **drawn, "capacity": 2 * _CELLS_AT_FULL_MARROW})
    naive = np.full(len(keys), 16.46 * kinetics.dose_per_kg / 1e6)
    start = np.stack([share * _CELLS_AT_FULL_MARROW, np.zeros(len(keys)), naive, np.full(len(keys), 1e-300)])
    lowest = integrate(start, _WATCHED, rates)[:, 0].min(axis=0)
    birth = float(typical["tumour_growth"])
    gone = extinct(lowest, uniforms(keys, _EXTINCTION_DRAW), birth=birth, death=birth / 2)
    return {"log_nadir": (lowest + np.log(BLOOD_UL)) / np.log(10), "extinct": gone.astype(float)}


def blood_samples(kinetics: Kinetics, blood: Blood, keys: Keys) -> pl.DataFrame:
    """Return the samples of the cells: ``patient`` (index), ``day``, ``value`` (null below the limit), by patient."""
    from scipy.special import ndtri

    parts = []
    for place, day in enumerate(kinetics.days):
        error = kinetics.noise * ndtri(uniforms(keys, _NOISE_DRAW + place))
        value = blood.expansion.at(day) * np.exp(error)
        known = pl.Series("value", np.round(value, 1)).set(pl.Series(value < kinetics.lloq), None)
        parts.append(pl.DataFrame([pl.Series("patient", np.arange(len(keys))), known]).with_columns(day=pl.lit(day)))
    return pl.concat(parts).select("patient", "day", "value").sort("patient", "day", maintain_order=True)


def measured(kinetics: Kinetics, samples: pl.DataFrame, events: pl.DataFrame, labels: pl.Series) -> pl.DataFrame:
    """Return the table ``kinetics``: samples from the first infusion on, while the patient was followed and untreated.

    Parameters
    ----------
    kinetics, samples
        The settings, and what :func:`blood_samples` returns.
    events
        ``patient`` (text), ``event`` and ``date`` of the cohort.
    labels
        (n,) the text of each patient.
    """
    course = pl.col("event").is_in(["infusion", "hsct", "lymphodepletion"])
    first = events.filter(pl.col("event") == "infusion").group_by("patient").agg(pl.col("date").min().alias("start"))
    last = events.group_by("patient").agg(pl.col("date").max().alias("last"))
    after = events.filter(course).join(first, on="patient").filter(pl.col("date") > pl.col("start"))
    ended = after.group_by("patient").agg(pl.col("date").min().alias("next"))
    named = samples.with_columns(labels[samples["patient"].to_numpy()].alias("patient"))
    placed = named.join(first, on="patient").join(last, on="patient").join(ended, on="patient", how="left")
    date = (pl.col("start") + pl.duration(days=pl.col("day").cast(pl.Int64))).alias("date")
    text = pl.col("value").cast(pl.String).fill_null(f"<{kinetics.lloq:g}").alias("value")
    seen = (pl.col("date") <= pl.col("last")) & (pl.col("next").is_null() | (pl.col("date") < pl.col("next")))
    rows = placed.with_columns(date).filter(seen).sort("patient", "date")
    fixed = (pl.lit("copies_per_ug").alias("assay"), pl.lit("pb").alias("specimen"))
    return rows.select("patient", "date", *fixed, text, pl.lit(kinetics.lloq).alias("lloq"))
