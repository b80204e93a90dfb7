"""Simulated cohorts through the reader and the estimators of real data (simulation rule book 0.1: checks 5 and 9)."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dayzero import CoxModel, fit_cox, landmark, naive, time_dependent
from dayzero.endpoints import derive_spells
from dayzero.estimators.comparisons.logrank import logrank
from dayzero.protocol import Endpoint
from dayzero.simulate import simulate_cohort, write_cohort
from dayzero.spells import Spells, make_spells
from dayzero.strategies.strategy import Strategy
from dayzero.study import read_study
from virtual_files import MODEL, NULL, simulation

COHORTS, PATIENTS = 200, 120
COX = {"burden": 0.5, "risk=high": 0.7}
RATES = {(0, 200): 0.6 / 365.25, (200, 1500): 0.25 / 365.25}


@pytest.fixture(scope="module")
def round_trips(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, tuple[float, float]]]:
    """Cohorts simulated, written, read back and fitted: limits by parameter."""
    folder = tmp_path_factory.mktemp("cohorts")
    read = simulation(folder, MODEL)
    found = []
    for seed in range(COHORTS):
        out = folder / str(seed)
        write_cohort(simulate_cohort(read, PATIENTS, seed=seed), out)
        study = read_study(out)
        spells = derive_spells(study.history, study.protocol.endpoint("os"))
        found.append({**_cox(spells), **_pieces(spells)})
    return found


def _cox(spells: Spells) -> dict[str, tuple[float, float]]:
    fit = fit_cox(spells, CoxModel(("burden", "risk"), reference={"risk": "standard"}))
    rows = fit.estimate().rows.filter(pl.col("statistic") == "log_hazard_ratio")
    return {row["term"]: (row["lower"], row["upper"]) for row in rows.iter_rows(named=True)}


def _pieces(spells: Spells) -> dict[str, tuple[float, float]]:
    """Rates of each piece by Poisson regression on the true effects: events over weighted person-time, exact scale."""
    data = spells.patients
    high = (data["risk"] == "high").to_numpy()
    ratio = np.exp(0.5 * data["burden"].to_numpy() + 0.7 * high)[spells.patient]
    limits = {}
    for start, stop in RATES:
        time = np.clip(spells.stop, start, stop) - start
        events = (spells.event() & (spells.stop > start) & (spells.stop <= stop)).sum()
        log, error = np.log(events / (ratio * time).sum()), 1.96 / np.sqrt(events)
        limits[f"rate from {start}"] = float(log - error), float(log + error)
    return limits


@pytest.mark.parametrize("term", [*COX, *(f"rate from {start}" for start, _ in RATES)])
def test_check_9_refitted_limits_cover_the_truth(round_trips: list[dict[str, tuple[float, float]]], term: str) -> None:
    truth = COX.get(term) or next(np.log(rate) for (start, _), rate in RATES.items() if term.endswith(f" {start}"))
    covered = np.mean([low <= truth <= high for low, high in (found[term] for found in round_trips)])
    assert covered == pytest.approx(0.95, abs=3.5 * np.sqrt(0.95 * 0.05 / COHORTS))
    middle = np.mean([(low + high) / 2 for low, high in (found[term] for found in round_trips)])
    width = np.mean([(high - low) / 3.92 for low, high in (found[term] for found in round_trips)])
    assert middle == pytest.approx(truth, abs=4 * width / np.sqrt(COHORTS) + 0.02)


# statistics rule book 5: two-sided type I error of the naive comparison, the landmark at 90 days, and Mantel-Byar.
PUBLISHED = {25: (0.241, 0.067, 0.062), 100: (0.631, 0.056, 0.053)}


@pytest.mark.parametrize(("n", "studies"), [(25, 800), (100, 600)])
def test_check_5_the_table_of_immortal_time(tmp_path: Path, n: int, studies: int) -> None:
    """A transplant that does nothing, for 60 % of those in remission when it comes, at a median of 63 days."""
    cohort = simulate_cohort(simulation(tmp_path, NULL), n * studies, seed=20)
    time, event, day = _times(cohort.history.events, n * studies)
    significant = np.zeros((studies, 3))
    for study in range(studies):
        rows = slice(study * n, (study + 1) * n)
        spells = make_spells(time[rows], event[rows])
        significant[study] = _tests(spells, day[rows])
    error = np.sqrt(np.array(PUBLISHED[n]) * (1 - np.array(PUBLISHED[n])) / studies)
    assert np.all(np.abs(significant.mean(axis=0) - PUBLISHED[n]) < 3.5 * error)
    assert significant.mean(axis=0)[0] > 3 * significant.mean(axis=0)[1]


def _lfs() -> Endpoint:
    return Endpoint(name="lfs", label="LFS", origin="response=CR", events=("relapse", "death"))


def _times(events: pl.DataFrame, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days from remission to relapse or last contact, whether it relapsed, and to the transplant."""

    def first(name: str) -> np.ndarray:
        found = np.full(n, np.inf)
        rows = events.filter(pl.col("event") == name)
        found[rows["patient"].to_numpy()] = rows["day"].to_numpy()
        return found

    start = first("response")
    relapse, contact = first("relapse") - start, first("last_contact") - start
    return np.minimum(relapse, contact), relapse < np.inf, first("hsct") - start


def _tests(spells: Spells, day: np.ndarray) -> list[bool]:
    from dataclasses import replace

    treated = replace(spells, treatments={"hsct": np.where(day < spells.stop, day, np.inf)})
    tables = naive(treated, "hsct"), landmark(treated, "hsct", 90), time_dependent(treated, "hsct")
    values = [logrank(table, "hsct").rows["p_value"][0] for table in tables]
    return [value is not None and value < 0.05 for value in values]


def test_a_strategy_that_is_imposed_is_the_truth_of_clone_censor_weight(tmp_path: Path) -> None:
    """A transplant that halves the hazard, taken up at random: the weighted risks are those of the imposed cohorts."""
    effect = '{ kind = "weibull", shape = 1, median_days = 360 }\nsource = "assumed"'
    ways = f'[[ways]]\nfrom = "transplanted"\nto = "relapsed"\nhazard = {effect}\n[strategies.all]'
    text = NULL.replace('["remission", "transplanted"]', '"remission"').replace("[strategies.all]", ways)
    read = simulation(tmp_path, text)
    found = Strategy("clone_censor_weight", treatment="hsct", grace=60.0, horizon=365.0, truncate=1.0)(
        derive_spells(simulate_cohort(read, 4_000, seed=3).history, _lfs(), treatments=["hsct"])
    ).rows.filter(pl.col("statistic") == "risk")
    estimated = dict(zip(found["group"], found["estimate"], strict=True))
    for group, imposed in (("arm=treat", "all"), ("arm=no_treat", "none")):
        paths = simulate_cohort(read, 50_000, seed=4, impose=imposed).paths
        truth = np.sum((paths.to == 2) & (paths.leave <= 365)) / 50_000
        assert estimated[group] == pytest.approx(truth, abs=0.04)
    assert abs(np.subtract(*estimated.values())) > 0.1
