"""Bootstrap and jackknife by patient, for every estimator: one layer.

A statistic is a :class:`Batched` one, which finds many weightings in one pass, or any function of a table that returns
an Estimate (or an array), which is run on resampled tables; where it has a method ``refit``, that finds the estimates
of a resampled table without their errors. All see the same draws.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Final, get_args

import numpy as np
import polars as pl
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, make_estimate
from dayzero.estimators.groups import level_codes
from dayzero.estimators.resampling.intervals import Interval, Limits, Sample, interval_limits
from dayzero.estimators.resampling.statistics import Batched
from dayzero.estimators.resampling.weights import Units, chunks, draw_counts, find_units, jackknife_counts, resample
from dayzero.spells import Floats, Spells

Statistic = Batched | Callable[[Spells], "Estimate | Floats"]
Progress = Callable[[int, int], None]
Counts = Callable[[Sequence[int]], Floats]

KEY: Final = ("kind", "statistic", "group", "term", "time", "method")  # what makes a row the same in another resample
NO_VARIATION: Final = "no limits: the statistic does not change when a patient is left out"


@dataclass(frozen=True)
class Resampling:
    """How resamples are made and run; none of it but ``cluster`` and ``strata`` changes a number.

    Attributes
    ----------
    cluster, strata
        Draw the levels of a column in place of patients; draw within the levels of columns.
    jobs
        Processes (joblib's ``n_jobs``) for statistics that are not batched.
    chunk
        Resamples at a time; by default what fits into the processor's cache and the memory.
    progress
        Called with the number of resamples done, and of all.
    """

    cluster: str | None = None
    strata: tuple[str, ...] = ()
    jobs: int = 1
    chunk: int | None = None
    progress: Progress | None = None


DEFAULT: Final = Resampling()


@dataclass(frozen=True, eq=False)
class BootstrapFit:
    """A statistic in the data, and in resamples of it.

    Attributes
    ----------
    found
        The statistic's k rows in the data.
    replicates
        (B, k) their estimates in the resamples; NaN where one has none.
    statistic, spells, options
        What was resampled, and how.
    """

    found: Estimate
    replicates: Floats
    statistic: Statistic
    spells: Spells
    options: Resampling

    @property
    def failed(self) -> list[int]:
        """(k,) number of resamples without an estimate."""
        return [int(count) for count in np.isnan(self.replicates).sum(axis=0)]

    @cached_property
    def left_out(self) -> Floats:
        """(units, k) the estimates without each patient (or cluster)."""
        return leave_one_out(self.statistic, self.spells, options=replace(self.options, progress=None))

    def _left_out(self, k: int) -> Floats:
        return self.left_out[:, k]

    def estimate(self, interval: Interval = "percentile", level: float = 0.95) -> Estimate:
        """Return the rows with the standard deviation of the resamples and limits of the named kind; no p-values.

        Resamples without an estimate (a group that was not drawn, a model that did not converge) are left out of the
        row's limits, counted, and warned of.
        """
        if interval not in get_args(Interval):
            raise ValueError(f"interval is one of {', '.join(get_args(Interval))}")
        points = _points(self.found)
        spread, limits = np.full(len(points), np.nan), []
        for k, point in enumerate(points):
            known = np.sort(self.replicates[~np.isnan(self.replicates[:, k]), k])
            limits.append(interval_limits(Sample(float(point), known, partial(self._left_out, k)), interval, level))
            if len(known) > 1 and not np.isnan(limits[-1].lower):
                spread[k] = np.std(known, ddof=1)
        warnings = [_failures(count, len(self.replicates)) if not np.isnan(point) else None
                    for count, point in zip(self.failed, points, strict=True)]  # fmt: skip
        return _relabel(self.found, f"bootstrap, {'BCa' if interval == 'bca' else interval}", spread, limits, warnings)


def bootstrap(
    statistic: Statistic, spells: Spells, *, n: int, seed: int, options: Resampling = DEFAULT
) -> BootstrapFit:
    """Resample the patients with replacement, n times, and find the statistic each time (Efron 1979).

    Parameters
    ----------
    statistic
        A :class:`Batched` statistic, or a function of a table; a function that runs in several processes must be
        one that joblib can send there.
    spells
        The table. Its weights stay those of their patients.
    n, seed
        Number of resamples, and the seed of the draws.
    options
        Clusters, strata, processes, progress.

    Returns
    -------
    BootstrapFit
        The same for any chunk, number of processes and order of work. In a resample on which the statistic raises
        InputError it has no estimate.

    Examples
    --------
    >>> from dayzero.estimators.resampling.statistics import curve_statistic
    >>> from dayzero.spells import make_spells
    >>> fit = bootstrap(curve_statistic([2]), make_spells([1, 2, 3, 4], [1, 0, 1, 1]), n=200, seed=1)
    >>> rows = fit.estimate().rows
    >>> rows["estimate"].item(), rows["method"].item()
    (0.75, 'bootstrap, percentile')
    """
    if n < 2:
        raise InputError("fewer than two resamples", mend="Draw 1,000 or more.", column="bootstrap")
    units = find_units(spells, options.cluster, options.strata)
    found = _estimate(statistic, spells)
    values = _run(statistic, (spells, units, found), lambda which: draw_counts(units, which, seed), n, options)
    return BootstrapFit(found, values, statistic, spells, options)


def leave_one_out(statistic: Statistic, spells: Spells, *, options: Resampling = DEFAULT) -> Floats:
    """Return (units, k) the statistic without each patient, or without each cluster."""
    units = find_units(spells, options.cluster, options.strata)
    found = _estimate(statistic, spells)
    return _run(statistic, (spells, units, found), lambda which: jackknife_counts(units, which), len(units), options)


def jackknife(statistic: Statistic, spells: Spells, *, level: float = 0.95, options: Resampling = DEFAULT) -> Estimate:
    """Return the statistic with the jackknife's standard errors and normal limits.

    var = (n - 1) / n sum_i (t_(-i) - mean)^2, the n patients (or clusters) being left out one at a time (Tukey 1958).

    Examples
    --------
    Of a proportion without censoring it is p (1 - p) / (n - 1):

    >>> from dayzero.estimators.resampling.statistics import curve_statistic
    >>> from dayzero.spells import make_spells
    >>> rows = jackknife(curve_statistic([2]), make_spells([1, 2, 3, 4], [1, 1, 1, 1])).rows
    >>> print(f"{rows['std_error'].item() ** 2:.6f} {0.5 * 0.5 / 3:.6f}")
    0.083333 0.083333
    """
    left_out, found = leave_one_out(statistic, spells, options=options), _estimate(statistic, spells)
    known = ~np.isnan(left_out)
    count = known.sum(axis=0)
    mean = np.where(known, left_out, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, (left_out - mean) ** 2, 0.0).sum(axis=0)
    error = np.sqrt(squares * np.maximum(count - 1, 0) / np.maximum(count, 1))
    warnings = [_failures(int(lost), len(left_out)) for lost in (~known).sum(axis=0)]
    return _normal(found, "jackknife", error, level=level, warnings=warnings)


def infinitesimal_jackknife(
    found: Estimate, influence: Floats, *, level: float = 0.95, cluster: Sequence[object] | None = None
) -> Estimate:
    """Return rows with standard errors from the influence of the patients: var = sum_i U_i^2 (Jaeckel 1972).

    Parameters
    ----------
    found
        The k rows.
    influence
        (patients, k) as a Fit has it.
    level
        Coverage of the normal limits.
    cluster
        (patients,) labels; influences are summed within clusters before they are squared.
    """
    if cluster is not None:
        _, codes = level_codes(pl.Series(list(cluster)))
        sums = np.zeros((int(codes.max(initial=0)) + 1, influence.shape[1]))
        np.add.at(sums, codes, influence)
        influence = sums
    error = np.sqrt(np.sum(influence**2, axis=0))
    return _normal(found, "infinitesimal jackknife", error, level=level, warnings=[None] * len(found))


def _estimate(statistic: Statistic, spells: Spells) -> Estimate:
    found = statistic.estimate(spells) if isinstance(statistic, Batched) else statistic(spells)
    if isinstance(found, Estimate):
        return found
    values = np.atleast_1d(np.asarray(found, float))
    terms = [str(k + 1) for k in range(len(values))]
    return make_estimate("value", term=terms, estimate=values, n=spells.n, endpoint=spells.name or None)


def _run(
    statistic: Statistic, data: tuple[Spells, Units, Estimate], counts: Counts, total: int, options: Resampling
) -> Floats:
    """Return (total, k) the statistic under each of the numbered weightings."""
    spells, units, found = data
    values = np.full((total, len(found)), np.nan)
    if isinstance(statistic, Batched):
        results = _in_batches(statistic, spells, units, counts, list(chunks(total, len(spells), options.chunk)))
    else:
        size = options.chunk or max(1, total // (8 * max(abs(options.jobs), 1)))
        from joblib import Parallel, delayed  # type: ignore[import-untyped]

        work = (delayed(_on_tables)(statistic, data, counts, which) for which in chunks(total, 1, size))
        results = Parallel(n_jobs=options.jobs, return_as="generator")(work)
    for which, each in results:
        values[which.start : which.stop] = each
        if options.progress is not None:
            options.progress(which.stop, total)
    return values


def _in_batches(
    statistic: Batched, spells: Spells, units: Units, counts: Counts, runs: Sequence[range]
) -> Iterator[tuple[range, Floats]]:
    for which in runs:
        yield which, statistic.values(spells, counts(which)[:, units.of_row].T)


def _on_tables(
    statistic: Any, data: tuple[Spells, Units, Estimate], counts: Counts, which: range
) -> tuple[range, Floats]:
    """Return the statistic on each resampled table; NaN where it cannot be found."""
    spells, units, found = data
    values = np.full((len(which), len(found)), np.nan)
    keys = list(found.rows.select(KEY).iter_rows())
    refit = getattr(statistic, "refit", statistic)
    for place, drawn in enumerate(counts(which)):
        try:
            result = refit(resample(spells, units, drawn))
        except InputError:
            continue
        if isinstance(result, Estimate):
            known = dict(zip(result.rows.select(KEY).iter_rows(), _points(result), strict=True))
            values[place] = [known.get(key, np.nan) for key in keys]
        else:
            values[place] = result
    return which, values


def _points(found: Estimate) -> Floats:
    return found.rows["estimate"].fill_null(np.nan).to_numpy()


def _failures(count: int, total: int) -> str | None:
    return f"{count} of {total} resamples without an estimate left out" if count else None


def _normal(found: Estimate, method: str, error: Floats, *, level: float, warnings: Sequence[str | None]) -> Estimate:
    points, z = _points(found), float(special.ndtri(0.5 + level / 2.0))
    known = (error > 1e-14 * np.abs(points)) & ~np.isnan(points)
    reach = np.where(known, z * error, np.nan)
    none = [Limits(warning=None if np.isnan(point) else NO_VARIATION) for point in points]
    limits = [Limits(float(p - r), float(p + r)) if some else nothing
              for p, r, some, nothing in zip(points, reach, known, none, strict=True)]  # fmt: skip
    return _relabel(found, method, np.where(known, error, np.nan), limits, warnings)


def _relabel(
    found: Estimate, method: str, error: Floats, limits: Sequence[Limits], warnings: Sequence[str | None]
) -> Estimate:
    """Return the rows with another method's standard errors and limits, its warnings joined to their own."""
    own = found.rows["warning"].to_list()
    texts = ["; ".join(text for text in (mine, each.warning, more) if text) or None
             for mine, each, more in zip(own, limits, warnings, strict=True)]  # fmt: skip
    nothing = pl.lit(None, pl.Float64)
    columns: dict[str, Any] = {"std_error": error, "lower": [each.lower for each in limits]}
    columns["upper"] = [each.upper for each in limits]
    series = [pl.Series(name, values, pl.Float64).fill_nan(None) for name, values in columns.items()]
    rows = found.rows.with_columns(*series, pl.Series("warning", texts, pl.String), p_value=nothing, df=nothing)
    return Estimate(rows.select(found.rows.columns)).label(method=method)
