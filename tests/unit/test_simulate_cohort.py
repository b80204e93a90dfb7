"""Virtual cohorts: the same for the same seed, complete, and changed by a strategy only where it concerns a patient."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.simulate import built_in, read_simulation, simulate_cohort
from virtual_files import MODEL, NULL, simulation


@pytest.mark.parametrize("name", built_in())
def test_check_10_a_cohort_is_the_same_whatever_its_size_and_chunks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_simulation(name)
    many = simulate_cohort(read, 700, seed=7)
    few = simulate_cohort(read, 300, seed=7)
    monkeypatch.setattr("dayzero.simulate.paths.CHUNK", 77)
    chunks = simulate_cohort(read, 300, seed=7)
    first = few.patients["patient"].implode()
    for table in ("patients", "events", "mrd"):
        frame = getattr(many, table).filter(pl.col("patient").is_in(first))
        assert frame.equals(getattr(few, table), null_equal=True)
        assert frame.equals(getattr(chunks, table), null_equal=True)
    assert not few.events.equals(simulate_cohort(read, 300, seed=8).events)


@pytest.mark.parametrize("name", built_in())
def test_everybody_ends_and_nothing_comes_after(name: str) -> None:
    cohort = simulate_cohort(read_simulation(name), 2_000, seed=3)
    header = cohort.simulation.header
    ends = cohort.events.filter(pl.col("event").is_in(["death", "last_contact"]))
    assert ends["patient"].to_list() == cohort.patients["patient"].to_list()
    last = cohort.events.group_by("patient", maintain_order=True).last()
    assert last["event"].is_in(["death", "last_contact"]).all()
    assert (cohort.events.group_by("patient", maintain_order=True).agg(pl.max("date"))["date"] == last["date"]).all()
    assert header.cutoff is not None
    assert cohort.events["date"].max() <= header.cutoff
    seen = cohort.mrd.join(last.select("patient", end="date"), on="patient")
    assert (seen["date"] <= seen["end"]).all()
    entered = cohort.events.filter(pl.col("event").is_in(["enrolment", "apheresis"]))["date"]
    assert entered.min() >= header.start
    assert (entered.max() - header.start).days == pytest.approx(header.accrual, rel=0.02)
    deaths = ends.filter(pl.col("event") == "death")
    assert deaths["cause"].is_not_null().all()
    assert 0 < deaths.height < 2_000


def test_patients_whom_a_strategy_does_not_concern_have_the_same_history() -> None:
    read = read_simulation("hcart19s")
    natural = simulate_cohort(read, 4_000, seed=5)
    never = simulate_cohort(read, 4_000, seed=5, impose="nobody")
    everybody = simulate_cohort(read, 4_000, seed=5, impose="everybody_by_90")
    assert natural.patients.equals(never.patients)
    treated = natural.events.filter(pl.col("event") == "hsct")["patient"].implode()
    untreated = pl.col("patient").is_in(treated).not_()
    assert natural.events.filter(untreated).equals(never.events.filter(untreated), null_equal=True)
    assert natural.mrd.filter(untreated).equals(never.mrd.filter(untreated), null_equal=True)
    assert "hsct" not in never.events["event"]
    # who has the transplant within 90 days anyway keeps day and history; all others are transplanted on day 90
    paths = natural.paths
    place = [state.name for state in read.states].index("transplanted")
    remission = [state.name for state in read.states].index("cr_negative")
    early = (paths.state == remission) & (paths.to == place) & (paths.leave - paths.enter <= 90)
    soon = natural.patients["patient"].gather(paths.patient[early].tolist()).implode()
    kept = pl.col("patient").is_in(soon)
    assert early.sum() > 1_000
    assert natural.events.filter(kept).equals(everybody.events.filter(kept), null_equal=True)
    imposed = everybody.paths
    days = (imposed.leave - imposed.enter)[(imposed.state == remission) & (imposed.to == place)]
    assert days.max() == pytest.approx(90.0)
    assert (np.abs(days - 90) < 1e-9).sum() > 300
    # nobody is transplanted who is not eligible, whatever is imposed
    old = everybody.patients.filter(pl.col("age") >= 65)["patient"].implode()
    assert not everybody.events.filter(pl.col("patient").is_in(old) & (pl.col("event") == "hsct")).height


def test_a_strategy_may_concern_several_decisions() -> None:
    cohort = simulate_cohort(read_simulation("hcart19s"), 3_000, seed=5, impose="reinfusion_instead")
    names = [state.name for state in cohort.simulation.states]
    assert "hsct" not in cohort.events["event"]
    left = cohort.paths.state == names.index("relapsed")
    waited = (cohort.paths.leave - cohort.paths.enter)[left]
    assert waited.max() <= 30 + 1e-9
    assert np.mean(cohort.paths.to[left] == names.index("reinfused")) > 0.8


def test_the_truth_of_a_null_effect_is_null(tmp_path: Path) -> None:
    read = simulation(tmp_path, NULL)
    share = {}
    for strategy in ("all", "none", None):
        cohort = simulate_cohort(read, 50_000, seed=4, impose=strategy)
        relapsed = cohort.paths.leave[cohort.paths.to == 2]
        share[strategy] = float(np.mean(relapsed <= 365.0) * len(relapsed) / 50_000)
    truth = 1 - 2 ** (-365 / 180)
    for value in share.values():
        assert value == pytest.approx(truth, abs=4 * np.sqrt(truth * (1 - truth) / 50_000))


def test_covariates_have_their_distributions() -> None:
    cohort = simulate_cohort(read_simulation("hcart19s"), 40_000, seed=9)
    age, burden = cohort.patients["age"], cohort.patients["burden"]
    assert age.dtype == pl.Int64
    assert age.min() >= 3
    assert age.max() <= 69
    assert age.median() == pytest.approx(22, abs=1)
    assert burden.min() >= 0.1
    assert burden.max() <= 98
    assert "frailty" not in cohort.patients.columns
    assert (cohort.patients["sex"] == "female").mean() == pytest.approx(16 / 28, abs=0.01)


def test_a_frailty_that_is_hidden_confounds() -> None:
    """Those who take up the transplant would have relapsed later without it: what observational uptake means."""
    read = read_simulation("hcart19s")
    natural = simulate_cohort(read, 20_000, seed=6)
    never = simulate_cohort(read, 20_000, seed=6, impose="nobody")
    names = [state.name for state in read.states]
    takers = np.unique(natural.paths.patient[natural.paths.to == names.index("transplanted")])
    stayed = never.paths.state == names.index("cr_negative")
    time = (never.paths.leave - never.paths.enter)[stayed]
    long = time > 45  # all of them could have been transplanted
    taker = np.isin(never.paths.patient[stayed], takers)
    assert np.median(time[long & taker]) > np.median(time[long & ~taker])


def test_a_death_of_crs_has_its_grade_5() -> None:
    cohort = simulate_cohort(read_simulation("hcart19s"), 4_000, seed=3)
    died = cohort.events.filter(pl.col("cause") == "crs")
    grade = cohort.events.filter((pl.col("event") == "crs") & (pl.col("value") == "5"))
    assert 0 < died.height == grade.height
    assert died.select("patient", "date").equals(grade.select("patient", "date"))


def test_mrd_is_detected_above_the_limit_only() -> None:
    mrd = simulate_cohort(read_simulation("hcart19s"), 2_000, seed=3).mrd
    assert (mrd["value"].is_not_null() == (mrd["detected"] == "true")).all()
    assert mrd["value"].min() >= 1e-4
    assert mrd["value"].max() <= 1
    assert 0.05 < (mrd["detected"] == "true").mean() < 0.5


def test_the_history_of_a_cohort_is_that_which_is_read(tmp_path: Path) -> None:
    from dayzero.simulate import write_cohort
    from dayzero.study import read_study

    cohort = simulate_cohort(simulation(tmp_path, MODEL), 200, seed=2)
    write_cohort(cohort, tmp_path / "out")
    read = read_study(tmp_path / "out").history
    own = cohort.history
    assert np.array_equal(read.end, own.end)
    columns = ["patient", "event", "day", "value", "number", "row"]
    assert read.events.select(columns).equals(own.events.select(columns), null_equal=True)
    assert read.patients.equals(own.patients)


def test_without_accrual_cutoff_and_dropout_everybody_is_followed_to_the_horizon(tmp_path: Path) -> None:
    cohort = simulate_cohort(simulation(tmp_path, NULL), 500, seed=2)
    ends = cohort.events.filter(pl.col("event") == "last_contact")
    assert set(ends["date"]) == {date(2018, 5, 25)}
    assert ends.height == 500
    assert cohort.mrd is None


@pytest.mark.parametrize(
    ("n", "impose", "fault"), [(0, None, "without patients"), (5, "everybody", "no strategy 'everybody'")]
)
def test_what_cannot_be_simulated_is_refused(tmp_path: Path, n: int, impose: str | None, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        simulate_cohort(simulation(tmp_path, NULL), n, seed=1, impose=impose)


def test_a_share_that_is_imposed(tmp_path: Path) -> None:
    from dayzero.simulate.plan import Imposed, Strategy

    read = simulation(tmp_path, NULL)
    half = Strategy(label="a third", decisions={"transplant": Imposed(uptake=1 / 3)})
    cohort = simulate_cohort(replace(read, strategies={"third": half}), 60_000, seed=1, impose="third")
    # two exponential times race: log 2 / 63 against log 2 / 180
    share = np.mean(np.isin(np.arange(60_000), cohort.paths.patient[cohort.paths.to == 1]))
    assert share == pytest.approx(180 / (180 + 63) / 3, abs=0.01)


def test_levels_decide_who_is_eligible_and_a_mark_may_have_a_planned_day(tmp_path: Path) -> None:
    """A donor or none (categorical), fit or not (1 or 0); a sample on day 7, MRD without noise."""
    more = """
[[covariates]]
name = "donor"
distribution = "categorical"
shares = { none = 1, related = 1, unrelated = 1 }
source = "assumed"
[[covariates]]
name = "fit"
distribution = "bernoulli"
probability = 0.8
source = "assumed"
[[marks]]
event = "agvhd"
of = "transplanted"
probability = { constant = -1, effects = { fit = 0.5 } }
day = { kind = "fixed", day = 7 }
shares = { 1 = 1, 2 = 1 }
source = "assumed"
[mrd]
method = "mfc"
lod = 1e-4
after = ["remission"]
months = [1]
source = "assumed"
levels = { remission = { mean = -3, sd = 0.1 } }
[strategies.all]"""
    rule = (
        'eligible = [{ covariate = "donor", values = ["related", "unrelated"] }, { covariate = "fit", at_least = 1 }]'
    )
    text = NULL.replace("[strategies.all]", more).replace("uptake = { probability", f"{rule}\nuptake = {{ probability")
    cohort = simulate_cohort(simulation(tmp_path, text), 4_000, seed=1, impose="all")
    assert (cohort.patients["fit"].mean(), cohort.patients["fit"].dtype) == (pytest.approx(0.8, abs=0.03), pl.Int64)
    events = cohort.events.join(cohort.patients, on="patient")
    transplants = events.filter(pl.col("event") == "hsct")
    assert set(transplants["donor"]) == {"related", "unrelated"}
    assert set(transplants["fit"]) == {1}
    assert transplants.height > 1_000
    gvhd = events.filter(pl.col("event") == "agvhd").join(transplants, on="patient", suffix="_hsct")
    assert ((gvhd["date"] - gvhd["date_hsct"]).dt.total_days() == 7).all()
    assert gvhd.height / transplants.height == pytest.approx(1 / (1 + np.exp(0.5)), abs=0.06)  # some relapse before
    assert (cohort.mrd["value"].log10() + 3).abs().max() < 0.5
    assert cohort.mrd["value"].log10().std() == pytest.approx(0.1, abs=0.01)
