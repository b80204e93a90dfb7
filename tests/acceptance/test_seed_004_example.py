"""The made-up cohort of 28 agrees with what the paper prints, and shows why its two survivals cross."""

import runpy
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import dayzero as dz
from dayzero.study import Results

FOLDER = Path(__file__).parents[2] / "examples/seed-004"


@pytest.fixture(scope="module")
def study() -> dz.Study:
    return dz.read_study(FOLDER)


@pytest.fixture(scope="module")
def results(study: dz.Study) -> Results:
    return dz.run(study)


def groups(study: dz.Study) -> dict[str, str]:
    """Return the paper's groups, which were formed by what happened later."""
    history = study.history
    infused = history.named("infusion")["patient"].to_list()
    transplanted = set(history.named("hsct")["patient"])
    again = {patient for patient in infused if infused.count(patient) == 2}
    ids = history.patients["patient"].to_list()
    return {ids[i]: "hsct" if i in transplanted else "again" if i in again else "neither" for i in range(len(ids))}


def rates(study: dz.Study, endpoint: str, group: str) -> dict[str, float | None]:
    spells = dz.derive_spells(study.history, study.protocol.endpoint(endpoint))
    chosen = groups(study)
    own = spells.where(np.array([chosen[patient] == group for patient in spells.of("patient")]))
    rows = pl.concat([dz.aalen_johansen(own, times=[365.0, 1095.0]).rows, dz.median(own).rows])
    found: dict[str, float | None] = {"n": own.n}
    for row in rows.iter_rows(named=True):
        if row["statistic"] == "survival":
            found |= {f"{row['time']:g}": row["estimate"], f"{row['time']:g} lower": row["lower"]}
            found[f"{row['time']:g} upper"] = row["upper"]
        elif row["statistic"] == "median":
            found["median"] = row["estimate"]
    return found


def percent(value: float | None) -> float:
    assert value is not None
    return round(100 * value, 1)


def test_the_tables_are_those_that_the_script_writes(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "make.py", tmp_path)
    runpy.run_path(str(tmp_path / "make.py"), run_name="__main__")
    for name in ("patients.csv", "events.csv", "mrd.csv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_patients_are_those_of_the_paper(study: dz.Study) -> None:
    patients = study.history.patients
    assert patients["sex"].value_counts().sort("sex").rows() == [("female", 16), ("male", 12)]
    assert patients["age"].median() == 22
    assert sorted(groups(study).values()).count("hsct") == 10
    assert sorted(groups(study).values()).count("again") == 7
    first = study.history.named("infusion").group_by("patient").agg(pl.col("day").min().alias("zero"))
    waited = study.history.named("hsct").join(first, on="patient").select(pl.col("day") - pl.col("zero"))
    assert waited["day"].median() == 63


@pytest.mark.parametrize(
    ("group", "n", "one", "three"), [("hsct", 10, 70.0, 58.3), ("again", 7, 57.1, 0.0), ("neither", 11, 36.4, 0.0)]
)
def test_overall_survival_is_the_printed_one(study: dz.Study, group: str, n: int, one: float, three: float) -> None:
    found = rates(study, "os", group)
    assert (found["n"], percent(found["365"]), percent(found["1095"])) == (n, one, three)


def test_medians_and_follow_up_are_the_printed_ones(study: dz.Study) -> None:
    assert rates(study, "os", "again")["median"] == 482
    assert rates(study, "os", "neither")["median"] == 236
    assert rates(study, "lfs", "again")["median"] == 189
    spells = dz.derive_spells(study.history, study.protocol.endpoint("os"))
    follow_up = dz.follow_up(spells).rows.filter(pl.col("statistic") == "median_follow_up")
    assert follow_up["estimate"].to_list() == [1240]


def test_the_printed_leukaemia_free_survival_censors_deaths(study: dz.Study) -> None:
    """80.0 (40.9-94.6) and 28.6 (4.1-61.1) with log-log limits, as printed; as defined, 60.0 and 37.5."""
    printed, defined, alive = (rates(study, name, "hsct") for name in ("lfs_as_printed", "lfs", "os"))
    assert (percent(printed["365"]), percent(printed["1095"])) == (80.0, 66.7)
    assert (percent(printed["365 lower"]), percent(printed["365 upper"])) == (40.9, 94.6)
    again = rates(study, "lfs_as_printed", "again")
    assert [percent(again[key]) for key in ("365", "365 lower", "365 upper")] == [28.6, 4.1, 61.2]
    assert printed["365"] > alive["365"] > defined["365"]  # type: ignore[operator]
    assert (percent(defined["365"]), percent(defined["1095"])) == (60.0, 37.5)


def test_the_report_puts_the_papers_comparison_last_and_the_right_one_first(results: Results) -> None:
    rows = results.estimates.rows.filter((pl.col("kind") == "strategy") & (pl.col("statistic") == "hazard_ratio"))
    for endpoint in ("os", "lfs"):
        of = {row["method"]: row["estimate"] for row in rows.filter(pl.col("endpoint") == endpoint).to_dicts()}
        assert of["naive"] < of["time_dependent"]


def test_responses_have_their_denominators(results: Results) -> None:
    rows = results.estimates.rows.filter((pl.col("kind") == "response") & (pl.col("statistic") == "proportion"))
    first = rows.filter(pl.col("analysis") == 7)
    found = {(row["term"], row["group"]): (row["n_events"], row["n"]) for row in first.to_dicts()}
    assert (25, 27) in found.values()
    assert (25, 28) in found.values()
    assert (20, 25) in found.values()
    second = rows.filter(pl.col("analysis") == 8)
    assert (3, 7) in {(row["n_events"], row["n"]) for row in second.to_dicts()}


def test_the_cohort_is_stamped_and_the_guards_speak(results: Results) -> None:
    assert results.page.synthetic
    assert any("1 - KM" in finding.message for finding in results.findings)
