"""Resamples of patients as matrices of weights: how often each patient is drawn, in every row of the patient.

Replicate r has a random generator of its own, seeded with (seed, r), so it is the same draw in whatever chunk, process
or order it is made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.estimators.groups import group_rows
from dayzero.spells import Floats, Ints, Spells

LARGEST: Final = 4_000_000  # elements of a matrix of weights that is made at a time: 32 MB
FASTEST: Final = 250  # columns of weights at a time: more do not stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Units:
    """What is drawn: patients, or clusters of them.

    Attributes
    ----------
    of_row
        (rows,) code of the unit that each row belongs to.
    order
        (units,) the units, stratum after stratum.
    first, size
        (units,) in that order: where the unit's stratum starts, and how many units it has.
    """

    of_row: Ints
    order: Ints
    first: Ints
    size: Ints

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.order)


def find_units(spells: Spells, cluster: str | None = None, strata: Sequence[str] = ()) -> Units:
    """Return the units that are drawn with replacement: patients with rows, or clusters.

    Parameters
    ----------
    spells
        The table.
    cluster
        A column: its levels are drawn as wholes, in place of patients.
    strata
        Columns; each combination of their values keeps its number of units in every resample. Missing values are a
        level of their own.

    Raises
    ------
    InputError
        A patient has no cluster or two, or a unit lies in two strata.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> units = find_units(make_spells([1, 2, 3, 4], [1, 0, 1, 0], arm=["b", "a", "b", "a"]), strata=["arm"])
    >>> units.order.tolist(), units.size.tolist()
    ([1, 3, 0, 2], [2, 2, 2, 2])
    """
    codes = spells.patient
    if cluster is not None:
        codes = group_rows(spells, cluster).codes
        if bool(np.any(codes < 0)):
            raise InputError("a patient without a cluster", mend="Fill the column in.", column=cluster)
        _one_each(codes, spells.patient, "a patient is in two clusters", cluster)
    _, of_row = np.unique(codes, return_inverse=True)
    stratum = np.zeros(len(spells), np.int64)
    for column in strata:
        found = group_rows(spells, column)
        _one_each(found.codes, of_row, "what is resampled lies in two strata", column)
        stratum = stratum * (len(found.levels) + 1) + found.codes + 1
    of_unit = np.zeros(int(of_row.max(initial=-1)) + 1, np.int64)
    of_unit[of_row] = stratum
    order = np.argsort(of_unit, kind="stable")
    _, first, place, size = np.unique(of_unit[order], return_index=True, return_inverse=True, return_counts=True)
    return Units(of_row.astype(np.int64), order, first[place], size[place])


def draw_counts(units: Units, replicates: Sequence[int], seed: int) -> Floats:
    """Return (replicates, units) how often each unit is drawn in each of the numbered replicates."""
    counts = np.empty((len(replicates), len(units)))
    for place, replicate in enumerate(replicates):
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(replicate,)))
        drawn = units.first + (generator.random(len(units)) * units.size).astype(np.int64)
        counts[place] = np.bincount(units.order[drawn], minlength=len(units))
    return counts


def bootstrap_weights(
    spells: Spells, n: int, seed: int, *, cluster: str | None = None, strata: Sequence[str] = ()
) -> Floats:
    """Return (rows, n) how often each row's patient is drawn in each of n resamples with replacement (Efron 1979).

    Parameters
    ----------
    spells
        The table.
    n, seed
        Number of resamples, and the seed. The first resamples of a longer run are those of a shorter one.
    cluster, strata
        As in :func:`find_units`.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> weights = bootstrap_weights(make_spells([1, 2, 3], [1, 0, 1]), 5, seed=1)
    >>> weights.shape, weights.sum(axis=0).tolist()
    ((3, 5), [3.0, 3.0, 3.0, 3.0, 3.0])
    """
    units = find_units(spells, cluster, strata)
    return draw_counts(units, range(n), seed)[:, units.of_row].T


def jackknife_counts(units: Units, left_out: Sequence[int]) -> Floats:
    """Return (len(left_out), units) 1, and 0 for the unit left out."""
    counts = np.ones((len(left_out), len(units)))
    counts[np.arange(len(left_out)), np.asarray(left_out, np.int64)] = 0.0
    return counts


def chunks(total: int, rows: int, size: int | None = None) -> Iterator[range]:
    """Cut the numbers of the replicates into runs whose weights fit into memory, or into runs of a given size."""
    width = size or max(1, min(FASTEST, LARGEST // max(rows, 1)))
    return (range(start, min(start + width, total)) for start in range(0, total, width))


def resample(spells: Spells, units: Units, counts: npt.NDArray[np.float64]) -> Spells:
    """Return the table in which each unit stands as often as it was drawn, every copy being patients of their own.

    Parameters
    ----------
    spells
        The table.
    units, counts
        What was drawn, and how often each, (units,).

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3], [1, 0, 1])
    >>> drawn = resample(spells, find_units(spells), np.array([2.0, 0.0, 1.0]))
    >>> drawn.stop.tolist(), drawn.n
    ([1.0, 1.0, 3.0], 3)
    """
    times = counts.astype(np.int64)[units.of_row]
    index = np.repeat(np.arange(len(spells)), times)
    copy = np.arange(len(index)) - np.repeat(np.cumsum(times) - times, times)
    height = max(spells.patients.height, 1)
    keys, patient = np.unique(copy * height + spells.patient[index], return_inverse=True)
    original = keys % height
    names = pl.Series("patient", np.arange(len(keys)).astype(str), dtype=pl.String)
    return replace(
        spells.where(index),  # type: ignore[arg-type]
        patient=patient.astype(np.int64),
        patients=spells.patients[original].with_columns(names),
        treatments={name: days[original] for name, days in spells.treatments.items()},
    )


def _one_each(codes: Ints, of: Ints, fault: str, column: str) -> None:
    """Raise InputError where something has rows with different codes."""
    first = np.zeros(int(of.max(initial=-1)) + 1, np.int64)
    first[of] = codes
    if bool(np.any(first[of] != codes)):
        raise InputError(fault, mend="Choose a column with one value for each.", column=column)
