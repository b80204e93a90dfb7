"""Strategies: who belongs to which arm when, and what is said where nothing can be."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimate import Estimate
from dayzero.spells import Spells, make_spells
from dayzero.strategies.contrast import UNPENALISED, VANISHING, hazard_ratios
from dayzero.strategies.landmark import landmark, super_landmark
from dayzero.strategies.methods import METHODS
from dayzero.strategies.naive import naive
from dayzero.strategies.risks import risks
from dayzero.strategies.strategy import NO_TREAT, TREAT, Strategy
from dayzero.strategies.time_dependent import simon_makuch, time_dependent

MINE: tuple[Any, ...] = ("naive", "landmark", "landmark_super", "time_dependent")
NEVER = np.inf


def cohort(stop: Sequence[float], event: Sequence[int], day: Sequence[float], **columns: Any) -> Spells:
    """Build a table with the treatment ``hsct`` on the given day of each patient."""
    return replace(make_spells(stop, event, **columns), treatments={"hsct": np.array(day, float)})


def registry(n: int = 200, seed: int = 1, **columns: Any) -> Spells:
    """Draw a cohort with two causes of failure, and a covariate that makes treatment and event likelier."""
    draw = np.random.default_rng(seed)
    risk = draw.normal(size=n)
    stop = np.ceil(draw.exponential(300.0, n) * np.exp(-0.5 * risk)) + 1.0
    wait = np.ceil(draw.exponential(120.0, n) * np.exp(-0.5 * risk))
    event = draw.integers(0, 3, n)
    columns.setdefault("centre", draw.integers(0, 4, n).astype(str))
    return cohort(stop, event, np.where(wait < 400, wait, NEVER), score=risk, **columns)


def one(found: Estimate, **columns: Any) -> dict[str, Any]:
    """Return the only row of what is named."""
    rows = found.where(**columns).rows
    assert rows.height == 1
    return rows.row(0, named=True)


def log(found: Estimate, kind: str = "strategy", **columns: Any) -> dict[str, Any]:
    return one(found, kind=kind, statistic="log_hazard_ratio", **columns)


def test_an_event_on_the_landmark_lies_before_it_and_a_treatment_on_it_counts() -> None:
    spells = cohort([60, 61, 90, 90], [1, 1, 0, 0], [NEVER, 60, 61, 59])
    arms = landmark(spells, "hsct", 60)
    assert arms.patient.tolist() == [1, 2, 3]
    assert arms.columns["hsct"].tolist() == [1.0, 0.0, 1.0]
    assert set(arms.start.tolist()) == {60.0}, "days still count from the origin"


def test_who_enters_after_the_landmark_is_not_in_it() -> None:
    spells = cohort([100, 100, 100], [1, 0, 1], [NEVER, 20, 70], start=[-np.inf, 60, 61])
    assert landmark(spells, "hsct", 60).patient.tolist() == [0, 1]
    found = Strategy("landmark", landmarks=[60])(spells)
    assert one(found, statistic="entered_after")["estimate"] == 1.0
    assert one(found, statistic="lost_before")["estimate"] == 0.0


def test_what_is_measured_after_a_landmark_does_not_count() -> None:
    rows: dict[str, Any] = {"patient": [0, 0, 0, 1], "start": [-np.inf, 30, 80, -np.inf], "mrd": [1.0, 2.0, 3.0, 9.0]}
    spells = cohort([30, 80, 200, 90], [0, 0, 1, 0], [40, NEVER], **rows)
    arms = landmark(spells, "hsct", 50)
    assert arms.columns["mrd"].tolist() == [2.0, 2.0, 9.0]


def test_what_is_measured_after_the_treatment_does_not_count() -> None:
    """The covariate changes only after treatment: adjusting for it then is adjusting for a constant."""
    plain = registry()
    day = plain.treatments["hsct"]
    late = time_dependent(plain, "hsct")
    changed = replace(late, columns={"effect": np.where(late.columns["hsct"] == 1.0, np.arange(len(late)) % 7, 0.0)})
    found = Strategy("time_dependent", adjust=["effect"])(replace(changed, treatments={"hsct": day}))
    assert log(found)["estimate"] == pytest.approx(log(Strategy("time_dependent")(plain))["estimate"], rel=1e-9)


def test_naive_names_its_groups_by_the_whole_record() -> None:
    spells = cohort([50, 50, 50], [1, 1, 0], [80, NEVER, 50])
    assert naive(spells, "hsct").columns["hsct"].tolist() == [1.0, 0.0, 1.0]


def test_the_order_on_the_day_of_treatment() -> None:
    spells = cohort([50, 50], [1, 0], [50, 20])
    assert time_dependent(spells, "hsct").columns["hsct"].tolist() == [0.0, 0.0, 1.0]
    assert time_dependent(spells, "hsct", "at").columns["hsct"].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_arms_count_patients_and_their_own_events() -> None:
    spells = cohort([50, 60, 70, 80], [1, 1, 1, 0], [20, 60, NEVER, 10])
    found = Strategy("time_dependent")(spells)
    sizes = {arm: one(found, statistic="arm_size", group=arm) for arm in (TREAT, NO_TREAT)}
    assert [(sizes[arm]["estimate"], sizes[arm]["n_events"]) for arm in (TREAT, NO_TREAT)] == [(2.0, 1), (4.0, 2)]


def test_a_patient_at_several_landmarks_is_one_patient() -> None:
    spells = registry()
    stacked = super_landmark(spells, "hsct", [90, 30, 30])
    assert sorted(set(stacked.columns["landmark"].tolist())) == [30.0, 90.0]
    found = Strategy("landmark_super", landmarks=[30, 90])(spells)
    row = log(found)
    event = stacked.patient[stacked.event()]
    assert (row["n"], row["n_events"]) == (stacked.n, len(np.unique(event)))
    assert len(stacked) > stacked.n
    assert len(event) > len(np.unique(event))


def test_one_landmark_alone_is_the_super_landmark_with_robust_errors() -> None:
    spells = registry()
    alone, both = (Strategy(name, landmarks=[60])(spells) for name in ("landmark", "landmark_super"))
    assert log(alone)["estimate"] == pytest.approx(log(both)["estimate"], rel=1e-9)
    assert log(alone)["std_error"] != pytest.approx(log(both)["std_error"], rel=1e-6)


def test_a_super_landmark_ends_at_its_horizon() -> None:
    stacked = super_landmark(registry(), "hsct", [30, 90], 200)
    assert stacked.stop.max() == 200


def test_every_competing_event_has_its_ratio_and_its_incidence() -> None:
    spells = registry(states=("cr", "relapse", "death"))
    found = Strategy("landmark", landmarks=[60], horizon=365)(spells)
    assert log(found, "strategy_cause")["group"] == "event=death"
    for arm in (TREAT, NO_TREAT):
        other = one(found, statistic="cumulative_incidence", group=arm)
        risk = one(found, statistic="risk", group=arm)
        mean = one(found, statistic="rmst", group=arm)
        assert (other["term"], risk["term"]) == ("death", "hsct")
        assert risk["estimate"] + other["estimate"] < 1.0
        assert 0.0 < mean["estimate"] < 305.0
        assert {row["time"] for row in (other, risk, mean)} == {60.0}, "landmark rows carry their landmark"


def test_unadjusted_ratios_stand_beside_adjusted_ones() -> None:
    found = Strategy("naive", adjust=["score", "centre"], reference={"centre": "2"})(registry())
    crude = Strategy("naive")(registry())
    assert log(found, "strategy_unadjusted")["estimate"] == log(crude)["estimate"]
    assert log(found)["estimate"] != log(crude)["estimate"]
    assert crude.where(kind="strategy_unadjusted").rows.is_empty()


def test_risks_beside_an_outcome_model_say_that_they_are_crude() -> None:
    found = Strategy("naive", adjust=["score"], horizon=200)(registry())
    crude = Strategy("naive", horizon=200)(registry())
    for name in ("risk_difference", "rmst_difference"):
        row = one(found, statistic=name)
        assert row["warning"].startswith("crude: not adjusted for score")
        assert row["estimate"] == one(crude, statistic=name)["estimate"]


def test_weights_balance_the_arms() -> None:
    weighing = Strategy("naive", adjust=["score"], adjustment="weights", truncate=1.0, horizon=200)
    found = weighing(registry(2000))
    before, after = (one(found, statistic="standardised_difference", group=f"weighting={when}")["estimate"]
                     for when in ("before", "after"))  # fmt: skip
    assert abs(before) > 0.2
    assert abs(after) < 0.05
    assert one(found, statistic="risk_difference")["std_error"] > 0.0
    for arm in (TREAT, NO_TREAT):
        worth = one(found, statistic="effective_sample_size", group=arm)
        assert 0.0 < worth["estimate"] < worth["n"]


def test_stabilised_weights_and_truncation() -> None:
    settings: dict[str, Any] = {"adjust": ["score"], "adjustment": "weights"}
    plain, stable, capped = (
        Strategy("naive", **settings, **more)(registry())
        for more in ({"truncate": 1.0}, {"truncate": 1.0, "stabilised": True}, {"truncate": 0.8})
    )
    heaviest = [one(each, statistic="largest_weight", group=TREAT)["estimate"] for each in (plain, stable, capped)]
    treated = one(plain, statistic="arm_size", group=TREAT)["estimate"] / 200
    assert heaviest[1] == pytest.approx(heaviest[0] * treated, rel=1e-9)
    assert heaviest[2] < heaviest[0]
    assert log(stable)["estimate"] != log(capped)["estimate"]


def test_weights_where_a_covariate_decides_the_arm() -> None:
    spells = cohort([10, 30, 60, 20, 40, 50], [1, 0, 1, 1, 0, 1], [5, 5, 5, *[NEVER] * 3], kind=list("aaabbb"))
    row = log(Strategy("naive", adjust=["kind"], adjustment="weights")(spells))
    assert "separation: some patients' arm is certain" in row["warning"]
    assert np.isfinite(row["estimate"])


def test_patients_without_a_covariate_are_counted() -> None:
    spells = registry()
    score = spells.columns["score"].copy()
    score[:7] = np.nan
    spells = replace(spells, columns={**spells.columns, "score": score})
    for adjustment in ("outcome", "weights"):
        found = Strategy("naive", adjust=["score"], adjustment=adjustment, horizon=200)(spells)
        assert "dropped_missing: 7 patients" in log(found)["warning"]
        assert log(found)["n"] == 193
    assert one(found, statistic="risk_difference")["n"] == 193


def test_an_arm_without_covariates_leaves_nobody_to_weigh() -> None:
    spells = cohort([10, 20, 30, 40], [1, 0, 1, 1], [5, 5, NEVER, NEVER], age=[np.nan, np.nan, 50.0, 60.0])
    found = Strategy("naive", adjust=["age"], adjustment="weights", horizon=10)(spells)
    assert log(found)["estimate"] is None
    assert log(found)["warning"].endswith("dropped_missing: 2 patients")
    assert one(found, statistic="risk_difference")["estimate"] is None


def test_a_treatment_as_a_function_of_time_takes_no_weights() -> None:
    settings: dict[str, Any] = {"adjust": ["score"]}
    outcome, weights = (
        log(Strategy("time_dependent", **settings, adjustment=way)(registry())) for way in ("outcome", "weights")
    )
    assert weights["estimate"] == outcome["estimate"]
    assert weights["warning"].startswith("outcome_model")


def test_no_row_without_a_horizon() -> None:
    found = Strategy("naive")(registry())
    assert not {"risk", "rmst"} & set(found.rows["statistic"])


@pytest.mark.parametrize(("horizon", "text"), [(50, "not after the day"), (60, "not after the day")])
def test_a_horizon_before_the_landmark(horizon: float, text: str) -> None:
    row = one(Strategy("landmark", landmarks=[60], horizon=horizon)(registry()), statistic="risk_difference")
    assert row["estimate"] is None
    assert text in row["warning"]


def test_a_horizon_behind_the_follow_up_of_an_arm() -> None:
    spells = cohort([100, 300, 100, 90], [0, 0, 1, 0], [5, NEVER, 5, NEVER])
    found = Strategy("naive", horizon=200)(spells)
    treated, untreated = (one(found, statistic="risk", group=arm) for arm in (TREAT, NO_TREAT))
    assert treated["estimate"] is None
    assert "beyond the last observation (day 100)" in treated["warning"]
    assert untreated["estimate"] == 0.0
    for name in ("risk_difference", "rmst_difference"):
        assert one(found, statistic=name)["estimate"] is None
        assert "100" in one(found, statistic=name)["warning"]


def test_arms_that_share_patients_have_no_errors_without_a_bootstrap() -> None:
    spells = registry(50)
    rows = [replace(spells, columns={"hsct": np.full(50, value)}) for value in (1.0, 0.0)]
    both = spells.where(np.tile(np.arange(50), 2))  # type: ignore[arg-type]
    both = replace(both, columns={"hsct": np.concatenate([each.columns["hsct"] for each in rows])})
    found = risks(both, Strategy("clone_censor_weight", horizon=100))
    assert found.rows["estimate"].null_count() == 0
    assert found.rows["std_error"].null_count() == len(found)
    assert one(found, statistic="risk_difference")["estimate"] == 0.0
    assert one(found, statistic="risk_difference")["n"] == 50


def arms_of(treated: Sequence[float], event: Sequence[int]) -> Spells:
    spells = make_spells(np.arange(1, len(event) + 1), event, hsct=treated)
    return replace(spells, treatments={"hsct": np.where(np.array(treated) == 1.0, 0.0, np.inf)})


@pytest.mark.parametrize(
    ("treated", "event", "text"),
    [
        ([0.0, 0.0, 0.0], [1, 1, 0], "nobody_treated"),
        ([1.0, 1.0], [1, 1], "nobody_untreated"),
        ([1.0, 0.0, 1.0], [0, 0, 0], "no_events"),
        ([1.0, 0.0, 0.0, 1.0], [0, 1, 1, 0], "no_events_in_arm: nobody has the event after hsct"),
        ([1.0, 0.0, 0.0, 1.0], [1, 0, 0, 1], "no_events_in_arm: nobody has the event without hsct"),
        ([1.0], [1], "nobody_untreated"),
        ([0.0], [0], "nobody_treated"),
    ],
)
def test_no_ratio_and_why(treated: list[float], event: list[int], text: str) -> None:
    for row in hazard_ratios(arms_of(treated, event), Strategy("naive"), adjust=()).records():
        assert row["estimate"] is row["lower"] is row["p_value"] is None
        assert row["warning"].startswith(text)
        assert row["n"] == len(event)
        assert (row["method"], row["term"], row["kind"]) == ("naive", "hsct", "strategy")


def test_a_ratio_that_runs_to_infinity_is_null() -> None:
    """Both arms have events, but never when the other arm could have had them."""
    arms = arms_of([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], [1, 1, 1, 1, 1, 1])
    row = log(hazard_ratios(arms, Strategy("naive"), adjust=()))
    assert row["estimate"] is None
    assert "separation" in row["warning"]


def test_firth_is_finite_where_an_arm_has_no_events() -> None:
    arms = arms_of([1.0, 0.0, 0.0, 1.0, 0.0], [0, 1, 1, 0, 0])
    row = log(hazard_ratios(arms, Strategy("naive", penalty="firth"), adjust=()))
    assert row["estimate"] < 0.0
    assert row["upper"] is not None
    assert row["upper"] - row["estimate"] != pytest.approx(row["estimate"] - (row["lower"] or -np.inf))


def test_a_robust_error_that_vanishes_is_none() -> None:
    """All events fall on one day, and all residuals are 0: nothing is as sure as that."""
    arms = replace(arms_of([0.0, 0.0, 0.0, 1.0, 1.0], [1] * 5), stop=np.full(5, 5.0))
    plain = log(hazard_ratios(arms, Strategy("naive"), adjust=()))
    robust = log(hazard_ratios(arms, Strategy("naive"), adjust=(), robust=True))
    assert robust["estimate"] == plain["estimate"] == pytest.approx(0.0, abs=1e-12)
    assert plain["std_error"] > 0.5
    assert robust["std_error"] is robust["lower"] is robust["p_value"] is None
    assert robust["warning"] == VANISHING


def test_firth_takes_no_robust_errors_and_says_so() -> None:
    spells = registry()
    plain = Strategy("landmark_super", landmarks=[30, 90])(spells)
    penalised = Strategy("landmark_super", landmarks=[30, 90], penalty="firth")(spells)
    assert log(penalised)["warning"] == UNPENALISED
    assert log(penalised)["std_error"] == log(plain)["std_error"]


@pytest.mark.parametrize("method", MINE)
def test_nobody_is_ever_treated(method: Any) -> None:
    found = Strategy(method, landmarks=[60], horizon=100)(cohort([100, 200, 300], [1, 0, 1], [NEVER] * 3))
    assert log(found)["warning"].startswith("nobody_treated")
    assert one(found, statistic="arm_size", group=TREAT)["estimate"] == 0.0


@pytest.mark.parametrize("method", MINE)
def test_everybody_treated_on_day_zero_is_refused(method: Any) -> None:
    """As in a registry that patients enter at their transplant."""
    on_zero = cohort([100, 200, 300], [1, 0, 1], [0.0] * 3)
    at_entry = cohort([100, 200], [1, 0], [20.0, 30.0], start=[20.0, 30.0])
    for spells in (on_zero, at_entry):
        with pytest.raises(InputError, match="nobody untreated can be observed") as refused:
            Strategy(method, landmarks=[60])(spells)
        assert refused.value.column == "treatment"


@pytest.mark.parametrize("method", MINE)
def test_nobody_at_all_is_refused(method: Any) -> None:
    spells = cohort([100], [1], [NEVER])
    with pytest.raises(InputError, match="nobody is at risk"):
        Strategy(method, landmarks=[60])(spells.where(np.zeros(1, bool)))


@pytest.mark.parametrize("method", MINE)
def test_an_undated_treatment_is_a_fault_of_the_caller(method: Any) -> None:
    with pytest.raises(ValueError, match="undated"):
        Strategy(method, landmarks=[60])(cohort([100, 90], [1, 1], [np.nan, 5]))


@pytest.mark.parametrize("method", MINE)
def test_nobody_left_at_the_landmark_is_a_null(method: Any) -> None:
    found = Strategy(method, landmarks=[500], horizon=900)(cohort([100, 200, 300], [1, 1, 1], [20, NEVER, 30]))
    if method.startswith("landmark"):
        assert log(found)["estimate"] is None
        assert log(found)["warning"].startswith("nobody_treated")


@pytest.mark.parametrize("method", MINE)
@pytest.mark.parametrize("treated", [NEVER, 20.0])
def test_one_patient(method: Any, treated: float) -> None:
    found = Strategy(method, landmarks=[30], horizon=60, adjust=["age"])(cohort([100], [1], [treated], age=[50]))
    assert log(found)["estimate"] is None
    assert log(found)["warning"]


def test_the_registry_is_of_functions_of_a_table_and_a_strategy() -> None:
    assert set(MINE) <= set(METHODS)
    spells = registry()
    for name in MINE:
        rows = METHODS[name](spells, Strategy(name, landmarks=[60])).rows
        assert set(rows["method"]) == {name}
        assert set(rows["kind"]) == {"strategy", "strategy_cause"}


def test_mantel_byar_in_strata() -> None:
    plain, stratified = (Strategy("time_dependent", strata=strata)(registry()) for strata in ((), ("centre",)))
    rows = [one(each, statistic="mantel_byar") for each in (plain, stratified)]
    assert rows[0]["estimate"] != rows[1]["estimate"]
    assert [row["df"] for row in rows] == [1.0, 1.0]


def heights(found: Estimate, arm: str, statistic: str) -> tuple[list[float], list[float]]:
    rows = found.where(group=arm, statistic=statistic).rows
    return rows["time"].to_list(), rows["estimate"].to_list()


def test_who_is_treated_goes_over_and_is_not_marked_as_censored() -> None:
    spells = cohort([40, 50, 60, 70], [1, 0, 1, 0], [NEVER, NEVER, 20, 30])
    found = simon_makuch(spells, "hsct")
    assert heights(found, NO_TREAT, "censored") == ([50.0], [0.5])
    assert heights(found, TREAT, "censored") == ([70.0], [0.5])
    time, at_risk = heights(found, NO_TREAT, "n_at_risk")
    assert dict(zip(time, at_risk, strict=True)) == {
        0.0: 4.0, 20.0: 4.0, 30.0: 3.0, 40.0: 2.0, 50.0: 1.0, 60.0: 0.0, 70.0: 0.0,
    }  # fmt: skip
    assert heights(found, TREAT, "n_at_risk")[1] == [0.0, 0.0, 1.0, 2.0, 2.0, 2.0, 1.0]


def test_a_curve_of_few_early_treated_says_that_it_was_emptied() -> None:
    spells = cohort([10, 50, 60, 70], [1, 0, 1, 0], [5, NEVER, 20, 30])
    found = simon_makuch(spells, "hsct").where(group=TREAT, statistic="survival")
    assert found.rows["estimate"][-1] == 0.0
    assert "the risk set was emptied on day 10" in found.rows["warning"][-1]
    later = simon_makuch(spells, "hsct", start_day=15).where(group=TREAT, statistic="survival")
    assert later.rows["estimate"][-1] == 0.5


def test_curves_of_competing_events() -> None:
    found = simon_makuch(registry(states=("cr", "relapse", "death")), "hsct")
    assert set(found.where(statistic="cumulative_incidence", group=TREAT).rows["term"]) == {"relapse", "death"}


def test_days_of_treatments_in_other_columns_stay() -> None:
    """Two treatments: the other one is no reason to leave anybody out."""
    spells = registry()
    two = replace(spells, treatments={**spells.treatments, "boost": np.full(200, np.nan)})
    with pytest.raises(InputError, match="no treatment is named"):
        Strategy("naive")(two)
    assert log(Strategy("naive", treatment="hsct")(two)) == log(Strategy("naive")(spells))


def test_a_treatment_whose_name_is_an_event_term() -> None:
    spells = registry()
    renamed = replace(spells, treatments={"infusion:2": spells.treatments["hsct"]})
    row, same = (log(Strategy("time_dependent", adjust=["score"])(each)) for each in (renamed, spells))
    assert row["term"] == "infusion:2"
    assert row["estimate"] == same["estimate"]


def test_weights_of_the_table_stay() -> None:
    """A weight of 2 is a patient twice, but for the ties and the errors: Breslow's ratio is the same."""
    spells = registry(60)
    double = np.where(np.arange(60) % 3 == 0, 2.0, 1.0)
    twice = spells.where(np.repeat(np.arange(60), double.astype(int)))  # type: ignore[arg-type]
    for method in ("naive", "time_dependent"):
        weighted = Strategy(method, ties="breslow")(replace(spells, weight=double))
        repeated = Strategy(method, ties="breslow")(twice)
        assert log(weighted)["estimate"] == pytest.approx(log(repeated)["estimate"], rel=1e-8)
        assert log(weighted)["n"] == 60
