"""Comparisons of strategies from the study file to report.json, against published numbers and against R.

"Row" is a row of section 5 of the statistics rule book, whose digits are held as printed; the other numbers are made by
``tests/reference/strategies_report/make.R`` and held to relative 1e-8.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from strategy_studies import BMT, HEART, one, rows, run, strategy, write_bmt, write_heart

R: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "reference/strategies_report/expected.json").read_text(encoding="utf-8")
)
METHODS = 'methods = ["landmark", "time_dependent", "naive"]'
IMPOSSIBLE = 1  # exit code: the source has a chronic GVHD on day 200 of a patient who died on day 168


@pytest.fixture(scope="module")
def bmt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bmt(tmp_path_factory.mktemp("bmt"))


@pytest.fixture(scope="module")
def cgvhd(bmt: Path) -> dict[str, Any]:
    plain = strategy("dfs", 'treatment = "cgvhd"', METHODS, "landmarks = [100, 180]", "horizon = 730")
    adjusted = strategy(
        "dfs", 'treatment = "cgvhd"', METHODS, "landmarks = [100, 180]", "horizon = 730", 'adjust = ["group"]'
    )
    return run(bmt, BMT + plain + adjusted, code=IMPOSSIBLE)


@pytest.fixture(scope="module")
def heart(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    adjusted = 'adjust = ["age", "surgery"]'
    study = strategy("os", 'treatment = "transplant"', METHODS, "landmarks = [30, 60]", "horizon = 365", adjusted)
    return run(write_heart(tmp_path_factory.mktemp("heart")), HEART + study)


def ratio(report: dict[str, Any], method: str, **match: object) -> tuple[float, float, float]:
    row = one(report, "hazard_ratio", method=method, **match)
    return row["estimate"], row["lower"], row["upper"]


def same(row: dict[str, Any], expected: dict[str, float]) -> None:
    """Hold a log hazard ratio and its standard error to 1e-8 of R's; 1e-10 where the ratio is near none."""
    assert row["estimate"] == pytest.approx(expected["estimate"], rel=1e-8, abs=1e-10)
    assert row["std_error"] == pytest.approx(expected["se"], rel=1e-8)


# --- published numbers, as printed --------------------------------------------------------------------------------


def test_chronic_gvhd_seems_to_protect_only_where_the_future_names_the_groups(cgvhd: dict[str, Any]) -> None:
    assert ratio(cgvhd, "naive", analysis=0) == pytest.approx((0.422, 0.268, 0.664), abs=5e-4)
    assert ratio(cgvhd, "time_dependent", analysis=0) == pytest.approx((1.021, 0.593, 1.760), abs=1e-3)
    assert ratio(cgvhd, "landmark", analysis=0, time=100) == pytest.approx((1.76, 0.86, 3.60), abs=5e-3)
    treated, untreated = (one(cgvhd, "arm_size", analysis=0, method="landmark", time=100, group=f"arm={arm}")
                          for arm in ("treat", "no_treat"))  # fmt: skip
    assert (treated["estimate"], untreated["estimate"]) == (13, 100)
    lost = one(cgvhd, "lost_before", analysis=0, method="landmark", time=100)
    assert (lost["estimate"], lost["n_events"]) == (24, 24)


def test_the_naive_comparison_counts_treatments_anywhere_in_the_record(cgvhd: dict[str, Any]) -> None:
    ever = one(cgvhd, "arm_size", analysis=0, method="naive", group="arm=treat")["estimate"]
    seen = one(cgvhd, "arm_size", analysis=0, method="time_dependent", group="arm=treat")["estimate"]
    assert (ever, seen) == (61, 59)  # one after the death, one after the relapse


def test_the_impossible_date_is_said_and_the_report_written(bmt: Path, cgvhd: dict[str, Any]) -> None:
    assert [finding["code"] for finding in cgvhd["findings"] if finding["level"] == "error"] == ["event-after-death"]
    assert (bmt / "report" / "report.html").is_file()


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        ("at", {"agvhd": 0.3184, "cgvhd": -0.1948, "platelet_engraftment": -1.1299}),
        ("after", {"agvhd": 0.3213, "cgvhd": -0.1846, "platelet_engraftment": -1.1194}),
    ],
)
def test_rows_18_and_19(bmt: Path, switch: str, expected: dict[str, float]) -> None:
    keys = ('methods = ["time_dependent"]', 'ties = "breslow"', 'adjust = ["group"]', f'switch = "{switch}"')
    study = "".join(strategy("dfs", f'treatment = "{treatment}"', *keys) for treatment in expected)
    report = run(bmt, BMT + study, code=IMPOSSIBLE, out=f"rows-{switch}")
    for treatment, value in expected.items():
        row = one(report, "log_hazard_ratio", term=treatment, method="time_dependent")
        assert row["estimate"] == pytest.approx(value, abs=5e-5)
        same(row, R[switch][treatment])


def test_row_20_platelets(bmt: Path) -> None:
    keys = ('methods = ["naive", "landmark"]', "landmarks = [56]", 'adjust = ["group"]')
    study = strategy("dfs", 'treatment = "platelet_engraftment"', *keys)
    report = run(bmt, BMT + study, code=IMPOSSIBLE, out="row-20")
    naive = one(report, "log_hazard_ratio", method="naive", kind="strategy_unadjusted")
    landmark = one(report, "log_hazard_ratio", method="landmark", time=56)
    assert naive["estimate"] == pytest.approx(-1.6729, abs=5e-5)
    assert landmark["estimate"] == pytest.approx(-1.0980, abs=5e-5)
    same(naive, R["platelets"]["naive"])
    same(landmark, R["platelets"]["landmark"])


def test_row_5_heart_transplants_from_their_dates(heart: dict[str, Any]) -> None:
    """Row 5 adjusts for nothing: its numbers are the unadjusted ones of the report."""
    plain = {"kind": "strategy_unadjusted", "statistic": "log_hazard_ratio"}
    (naive,) = rows(heart, method="naive", **plain)
    (landmark,) = rows(heart, method="landmark", time=30, **plain)
    (timed,) = rows(heart, method="time_dependent", **plain)
    found = [row["estimate"] for row in (naive, landmark, timed)]
    assert found == pytest.approx([-1.3234, -0.0888, 0.0387], abs=5e-5)


# --- R, to 1e-8 ---------------------------------------------------------------------------------------------------


def studies(bmt: dict[str, Any], heart: dict[str, Any]) -> tuple[tuple[dict[str, Any], dict[str, Any], int], ...]:
    return (bmt, R["bmt_dfs"], 1), (heart, R["heart"], 0)


def test_hazard_ratios_are_those_of_r(cgvhd: dict[str, Any], heart: dict[str, Any]) -> None:
    for report, expected, analysis in studies(cgvhd, heart):
        match = {"analysis": rows(report)[0]["analysis"] + analysis, "statistic": "log_hazard_ratio"}
        for kind, model in (("strategy", "adjusted"), ("strategy_unadjusted", "plain")):
            for method in ("naive", "time_dependent"):
                (row,) = rows(report, kind=kind, method=method, **match)
                same(row, expected[method][model])
            for day, at in expected["landmarks"].items():
                (row,) = rows(report, kind=kind, method="landmark", time=float(day), **match)
                same(row, at[model])


def test_arms_and_risks_are_those_of_r(cgvhd: dict[str, Any], heart: dict[str, Any]) -> None:
    for report, expected, _ in studies(cgvhd, heart):
        match = {"analysis": rows(report)[0]["analysis"]}
        places: list[tuple[dict[str, object], dict[str, Any]]] = [({"method": "naive"}, expected["naive"])]
        places += [({"method": "landmark", "time": float(day)}, at) for day, at in expected["landmarks"].items()]
        for place, at in places:
            for arm, numbers in at["arms"].items():
                where = {"group": f"arm={arm}", **place, **match}
                size = one(report, "arm_size", **where)
                assert (size["estimate"], size["n_events"]) == (numbers["n"], numbers["events"])
                for statistic in ("risk", "rmst"):
                    row = one(report, statistic, **where)
                    assert row["estimate"] == pytest.approx(numbers[statistic], rel=1e-8)
                    assert row["std_error"] == pytest.approx(numbers[f"{statistic}_se"], rel=1e-8)


def test_mantel_byar_and_the_immortal_time_are_those_of_r(cgvhd: dict[str, Any], heart: dict[str, Any]) -> None:
    for report, expected, _ in studies(cgvhd, heart):
        match = {"analysis": rows(report)[0]["analysis"]}
        test = one(report, "mantel_byar", **match)
        assert test["estimate"] == pytest.approx(expected["time_dependent"]["mantel_byar"], rel=1e-8)
        assert test["df"] == 1
        immortal = expected["immortal"]
        days = one(report, "immortal_time", method="naive", **match)
        assert (days["estimate"], days["n"]) == (immortal["days"], immortal["n"])
        rate = one(report, "untreated_rate", method="naive", **match)
        assert (rate["n_events"], rate["estimate"]) == (immortal["events"], pytest.approx(immortal["rate"], rel=1e-12))
        deaths = one(report, "expected_events", method="naive", **match)
        assert deaths["estimate"] == pytest.approx(immortal["expected"], rel=1e-12)


def test_what_the_naive_ratio_is_off_is_taken_apart(cgvhd: dict[str, Any], heart: dict[str, Any]) -> None:
    for report, expected, analysis in studies(cgvhd, heart):
        match = {"analysis": rows(report)[0]["analysis"] + analysis, "method": "naive"}
        naive, timed = expected["naive"], expected["time_dependent"]
        immortal = naive["plain"]["estimate"] - timed["plain"]["estimate"]
        timing = timed["plain"]["estimate"] - timed["adjusted"]["estimate"]  # nothing is primary: time-dependent
        assert one(report, "bias_immortal", **match)["estimate"] == pytest.approx(immortal, rel=1e-8)
        assert one(report, "bias_timing", **match)["estimate"] == pytest.approx(timing, rel=1e-8)
