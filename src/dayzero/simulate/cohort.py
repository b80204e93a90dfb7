"""Virtual cohorts: patients, dated events and MRD, as a hospital would export them; the same for the same seed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from dayzero.errors import InputError
from dayzero.history import EVENT_COLUMNS, History
from dayzero.simulate.blood import blood_samples, draw_blood, measured
from dayzero.simulate.build import model_of, strategy_of
from dayzero.simulate.covariates import Columns, acting_values, draw_covariates
from dayzero.simulate.last_seen import last_assessments
from dayzero.simulate.ledger import Scene, visits_of, written_events
from dayzero.simulate.paths import Paths, simulate_paths
from dayzero.simulate.people import Covariate
from dayzero.simulate.plan import Simulation
from dayzero.simulate.random import Floats, Ints, Keys, exponentials, patient_keys, uniforms
from dayzero.simulate.samples import mrd_samples

ENTRY_DRAW, DROPOUT_DRAW = 1_000, 1_001
YEAR = 365.25


@dataclass(frozen=True)
class Cohort:
    """A virtual cohort.

    Attributes
    ----------
    simulation, seed, impose
        What it was drawn from.
    patients
        ``patient`` (text), then the covariates that are not hidden.
    events
        ``patient`` (text), ``event``, ``date``, and value, number and attributes as text, null where empty; by patient
        and date. Everybody ends with a death or a last contact; nothing lies after it.
    mrd
        ``patient``, ``date``, ``method``, ``specimen``, ``value`` (a fraction, null where nothing was detected),
        ``detected``, ``lod`` and their units; None where the file has no ``[mrd]``.
    paths
        What truly happened, to the horizon: without entry, dropout and cutoff.
    kinetics
        The table ``kinetics``; None where the file has no ``[kinetics]``.
    """

    simulation: Simulation
    seed: int
    impose: str | None
    patients: pl.DataFrame
    events: pl.DataFrame
    mrd: pl.DataFrame | None
    paths: Paths
    kinetics: pl.DataFrame | None = None

    @cached_property
    def history(self) -> History:
        """The cohort as a History, without writing and reading it; MRD is not graded here."""
        index = self.patients.select("patient", pl.int_range(pl.len(), dtype=pl.Int64).alias("index"))
        joined = self.events.join(index, on="patient", how="left", maintain_order="left")
        attributes = [name for name in self.events.columns if name not in (*EVENT_COLUMNS, "date")]
        optional = [name if name in joined.columns else pl.lit(None, pl.String).alias(name) for name in ("value",)]
        number = pl.col("number").cast(pl.Int64) if "number" in joined.columns else pl.lit(None, pl.Int64)
        events = joined.select(
            pl.col("index").alias("patient"),
            "event",
            pl.col("date").cast(pl.Int32).cast(pl.Float64).alias("day"),
            *optional,
            number.alias("number"),
            pl.lit("reported").alias("source"),
            (pl.int_range(pl.len(), dtype=pl.Int64) + 2).alias("row"),
            *attributes,
        )
        last = events.filter(pl.col("event").is_in(["death", "last_contact"])).group_by("patient").agg(pl.max("day"))
        end = last.sort("patient")["day"].to_numpy()
        return History(self.patients, np.arange(self.patients.height) + 2, events, end)


def simulate_cohort(simulation: Simulation, n: int, *, seed: int, impose: str | None = None) -> Cohort:
    """Simulate a cohort.

    Parameters
    ----------
    simulation
        As :func:`dayzero.simulate.read_simulation` returns it.
    n
        Number of patients.
    seed
        The same seed gives the same cohort; its first patients are the same whatever ``n``.
    impose
        Name of a strategy of the file; None: the natural course. All draws of a patient stay as they are, so that
        whom the strategy does not concern has the same history.

    Raises
    ------
    InputError
        Where ``n`` is not above 0, or the file has no such strategy.
    """
    if n < 1:
        raise InputError("a cohort without patients", mend="Write --patients 100.")
    model = model_of(simulation, strategy_of(simulation, impose))
    keys = patient_keys(seed, np.arange(n))
    columns = draw_covariates(simulation, keys)
    acting = acting_values(simulation, columns)
    kinetics = simulation.kinetics
    blood = draw_blood(kinetics, acting[kinetics.burden], keys) if kinetics else None
    acting |= blood.values if blood else {}
    try:
        paths = simulate_paths(model, n, seed=seed, horizon=simulation.header.horizon, covariates=acting)
    except InputError as error:
        raise InputError(error.fault, mend=error.mend, file=simulation.name, column="ways") from None
    scene = Scene(simulation, visits_of(paths, len(model.states)), keys, acting)
    entry, end = _follow_up(simulation, keys)
    labels = _labels(n)
    events = _events(scene, entry, end, labels)
    return Cohort(
        simulation,
        seed,
        impose,
        _patients(simulation, columns, labels),
        events,
        _mrd(scene, entry, end, labels),
        paths,
        measured(kinetics, blood_samples(kinetics, blood, keys), events, labels) if kinetics and blood else None,
    )


def _follow_up(simulation: Simulation, keys: Keys) -> tuple[Ints, Ints]:
    """Return (n,) the date of entry, in days from 1970-01-01, and the last day that is seen, from entry."""
    header = simulation.header
    begin = int(np.datetime64(header.start).astype(np.int64))
    entry = begin + np.floor(uniforms(keys, ENTRY_DRAW) * header.accrual).astype(np.int64)
    end: Floats = np.full(len(keys), float(header.horizon))
    if header.dropout_per_year:
        end = np.minimum(end, exponentials(keys, DROPOUT_DRAW) * YEAR / header.dropout_per_year)
    if header.cutoff is not None:
        end = np.minimum(end, int(np.datetime64(header.cutoff).astype(np.int64)) - entry)
    return entry, np.floor(end).astype(np.int64)


def _labels(n: int) -> pl.Series:
    return pl.Series("patient", np.arange(1, n + 1)).cast(pl.String).str.zfill(6).str.replace("^", "V")


def _patients(simulation: Simulation, columns: Columns, labels: pl.Series) -> pl.DataFrame:
    shown = [spec for spec in simulation.covariates if not spec.hidden]
    return pl.DataFrame([labels, *(_column(spec, columns[spec.name]) for spec in shown)])


def _column(spec: Covariate, values: Floats | Ints) -> pl.Series:
    if spec.shares:
        return pl.Series(spec.name, list(spec.shares))[values].alias(spec.name)
    whole_number = spec.distribution == "bernoulli" or spec.decimals == 0
    return pl.Series(spec.name, values, pl.Float64).cast(pl.Int64 if whole_number else pl.Float64)


def _events(scene: Scene, entry: Ints, end: Ints, labels: pl.Series) -> pl.DataFrame:
    """Return the events that were seen, with a last contact for who did not die."""
    found = written_events(scene)
    who = pl.Series("patient", np.arange(len(end)))
    died = found.filter(pl.col("event") == "death").group_by("patient").agg(pl.min("day").alias("death"))
    known = pl.DataFrame([who, pl.Series("end", end), pl.Series("entry", entry)]).join(died, on="patient", how="left")
    known = known.with_columns(pl.min_horizontal("end", "death").alias("last"))
    alive = known.filter(pl.col("death").is_null() | (pl.col("death") > pl.col("end")))
    contact = alive.select("patient", pl.col("end").alias("day"), event=pl.lit("last_contact"), order=pl.lit(1 << 30))
    assessed = last_assessments(scene, end)
    parts = [found, contact] if assessed is None else [found, assessed, contact]
    seen = pl.concat(parts, how="diagonal_relaxed").join(known, on="patient", maintain_order="left")
    final = pl.col("event").is_in(["death", "last_contact"])
    seen = seen.filter(pl.col("day") <= pl.col("last")).sort("patient", "day", final, "order", maintain_order=True)
    date = (pl.col("entry") + pl.col("day")).cast(pl.Int32).cast(pl.Date).alias("date")
    inner = ("patient", "event", "day", "order", "death", "end", "entry", "last")
    rest = [name for name in seen.columns if name not in inner]
    first = [name for name in ("value", "number") if name in rest]
    rest = [*first, *(name for name in rest if name not in first)]
    patient = labels[seen["patient"].to_numpy()].alias("patient")
    return seen.select(patient, "event", date, *rest)


def _mrd(scene: Scene, entry: Ints, end: Ints, labels: pl.Series) -> pl.DataFrame | None:
    mrd = scene.simulation.mrd
    if mrd is None:
        return None
    found = mrd_samples(scene, mrd)
    who = found["patient"].to_numpy()
    found = found.with_columns(entry=pl.Series(entry[who]), last=pl.Series(end[who])).filter(
        pl.col("day") <= pl.col("last")
    )
    date = (pl.col("entry") + pl.col("day")).cast(pl.Int32).cast(pl.Date).alias("date")
    return found.select(
        labels[found["patient"].to_numpy()].alias("patient"),
        date,
        pl.lit(mrd.method).alias("method"),
        pl.lit(mrd.specimen).alias("specimen"),
        "value",
        pl.lit("fraction").alias("value_unit"),
        pl.when("detected").then(pl.lit("true")).otherwise(pl.lit("false")).alias("detected"),
        pl.lit(mrd.lod).alias("lod"),
        pl.lit("fraction").alias("lod_unit"),
    )
