"""Printed figures as intervals: what a Wald interval prints agrees, what it cannot print does not."""

import math
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special

from dayzero.checks.printed import (
    READINGS,
    Printed,
    Ratio,
    Reading,
    check_ratio,
    check_width,
    follow_up_possible,
    printed,
)
from dayzero.checks.published import find_published
from dayzero.errors import InputError
from dayzero.settings import read_toml

Z = float(special.ndtri(0.975))


def ratio(figure: str, lower: str, upper: str, p: str = "") -> Ratio:
    return Ratio(printed(figure), printed(lower), printed(upper), printed(p) if p else None)


# --- printed numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "digits", "sign"),
    [
        ("6.055", "6.055", "="),
        (" .036", ".036", "="),
        ("<0.001", "0.001", "<"),
        ("≤ .05", ".05", "<"),
        ("> 300", "300", ">"),
        ("1,770", "1770", "="),
        ("48.1 %", "48.1", "="),
        ("0·25", "0.25", "="),
        ("−1.5", "-1.5", "="),
    ],
)
def test_a_printed_number_is_read(text: str, digits: str, sign: str) -> None:
    assert printed(text) == Printed(digits, sign)


@pytest.mark.parametrize("text", ["", "not reached", "1.016-61.505", "61.505-0.977", "1.2.3", "%", "-"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no printed number"):
        printed(text)


@pytest.mark.parametrize(
    ("text", "reading", "low", "high"),
    [
        ("0.250", "nearest", 0.2495, 0.2505),
        ("0.25", "nearest", 0.245, 0.255),
        ("0.25", "truncated", 0.25, 0.26),
        ("0.25", "one_unit", 0.24, 0.26),
        ("70", "nearest", 69.5, 70.5),
        ("<.001", "nearest", 0.0, 0.001),
        (">.05", "one_unit", 0.05, math.inf),
    ],
)
def test_a_printed_number_is_an_interval(text: str, reading: Reading, low: float, high: float) -> None:
    assert printed(text).interval(reading) == (low, high)


# --- ratio, limits, p -------------------------------------------------------------------------------------------------

SEED = {
    ("6.055", "1.624", "18.933", ".004"): "none",
    ("0.250", "0.068", "0.915", "0.036"): "nearest",
    ("0.139", "0.031", "0.619", "0.010"): "nearest",
    ("7.905", "1.016", "61.505", "0.048"): "nearest",
}


@pytest.mark.parametrize(("figures", "verdict"), SEED.items())
def test_the_hazard_ratios_of_seed_004(figures: tuple[str, str, str, str], verdict: str) -> None:
    assert check_ratio(ratio(*figures)).worst == verdict


def test_what_is_wrong_with_the_first_of_them() -> None:
    figures = ratio("6.055", "1.624", "18.933", ".004")
    found = check_ratio(figures)
    assert figures.centre == pytest.approx(5.545, abs=5e-4)
    assert found.limits == "none"
    assert found.ordered
    se = math.log(18.933 / 1.624) / (2 * Z)  # of the limits alone
    p = 2 * float(special.ndtr(-math.log(5.545015) / se))
    assert found.p_range[0] < p < found.p_range[1]
    assert found.p_range[1] - found.p_range[0] < 1e-4


def test_hazard_ratio_and_p_imply_other_limits() -> None:
    """From HR 6.055 and p .004: 1.78 to 20.64 (evidence rule book 3)."""
    assert check_ratio(ratio("6.055", "1.78", "20.64", ".004")).worst == "nearest"


@given(
    beta=st.floats(-2.5, 2.5),
    se=st.floats(0.05, 1.5),
    decimals=st.integers(2, 4),
    p_decimals=st.integers(2, 4),
)
def test_what_a_wald_interval_prints_agrees(beta: float, se: float, decimals: int, p_decimals: int) -> None:
    texts = [f"{math.exp(beta + factor * se):.{decimals}f}" for factor in (0.0, -Z, Z)]
    assume(float(texts[1]) > 0)
    p = 2 * float(special.ndtr(-abs(beta) / se))
    found = check_ratio(ratio(*texts, f"{p:.{p_decimals}f}"))  # type: ignore[arg-type]
    assert (found.ordered, found.limits, found.p_value) == (True, "nearest", "nearest")
    assert found.p_range[0] - 1e-9 <= p <= found.p_range[1] + 1e-9


@given(beta=st.floats(-1.5, 1.5), se=st.floats(0.1, 0.8), decimals=st.integers(2, 4))
def test_digits_cut_off_are_seen_at_worst_as_such(beta: float, se: float, decimals: int) -> None:
    unit = 10**decimals
    texts = [f"{math.floor(math.exp(beta + f * se) * unit) / unit:.{decimals}f}" for f in (0.0, -Z, Z)]
    assume(float(texts[1]) > 0)
    assert check_ratio(ratio(*texts)).limits in ("nearest", "truncated")  # type: ignore[arg-type]


@given(beta=st.floats(-1.0, 1.0), se=st.floats(0.2, 0.6), slip=st.floats(1.05, 1.5))
def test_a_limit_that_slipped_is_seen(beta: float, se: float, slip: float) -> None:
    figures = [math.exp(beta), math.exp(beta - Z * se), slip * math.exp(beta + Z * se)]
    assert check_ratio(ratio(*(f"{each:.3f}" for each in figures))).limits == "none"  # type: ignore[arg-type]


def test_a_p_that_slipped_is_seen_though_the_limits_agree() -> None:
    found = check_ratio(ratio("0.250", "0.068", "0.915", "0.36"))
    assert (found.limits, found.p_value, found.worst) == ("nearest", "none", "none")


def test_a_p_that_is_a_bound() -> None:
    assert check_ratio(ratio("0.50", "0.38", "0.66", "<0.001")).worst == "nearest"
    assert check_ratio(ratio("0.250", "0.068", "0.915", "<0.001")).worst == "none"
    assert check_ratio(ratio("1.10", "0.80", "1.51", ">0.05")).worst == "nearest"


def test_a_ratio_outside_its_limits() -> None:
    assert not check_ratio(ratio("0.60", "0.61", "0.90")).ordered


def test_a_lower_limit_printed_as_zero_is_read_as_far_as_it_goes() -> None:
    assert check_ratio(ratio("0.15", "0.02", "1.12", "0.06")).worst == "nearest"
    assert check_ratio(ratio("0.03", "0.00", "0.40", "0.008")).worst == "nearest"


def test_readings_widen() -> None:
    text = printed("0.25")
    nearest, truncated, unit = (text.interval(reading) for reading in READINGS)
    assert unit[0] <= min(nearest[0], truncated[0])
    assert unit[1] >= max(nearest[1], truncated[1])


# --- limits too narrow for n ------------------------------------------------------------------------------------------

ZHAO = (("48.1", "46.1", "50.1", 27), ("25.6", "25.2", "26.0", 78))  # Zhao 2021: aGVHD after CAR-T, after chemotherapy


@pytest.mark.parametrize(("figure", "lower", "upper", "n"), ZHAO)
def test_a_variance_in_place_of_a_standard_error(figure: str, lower: str, upper: str, n: int) -> None:
    width = check_width(printed(figure), printed(lower), printed(upper), n=n)
    assert width.too_narrow
    assert width.like_variance


SOUND = (  # limits that are exact, or log-log: rule book 9
    ("85.7", "71.5", "94.6", 42),
    ("99.1", "97.5", "99.8", 343),
    ("100", "66.4", "100", 9),
    ("80.0", "40.9", "94.6", 10),
    ("58.3", "33.0", "90.2", 10),
    ("33.3", "4.6", "67.6", 6),
    ("30", "6.7", "65.2", 10),
)


@pytest.mark.parametrize(("figure", "lower", "upper", "n"), SOUND)
def test_limits_that_are_as_wide_as_they_must_be(figure: str, lower: str, upper: str, n: int) -> None:
    assert not check_width(printed(figure), printed(lower), printed(upper), n=n).too_narrow


def test_how_narrow_is_too_narrow() -> None:
    """Half of the least: of 50 of 100 that is 9.7 points."""
    seven, four = (check_width(printed("50.0"), printed(a), printed(b), n=100) for a, b in (("43", "57"), ("46", "54")))
    assert (seven.too_narrow, four.too_narrow, four.like_variance) == (False, True, False)


def exact(k: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's limits."""
    lower = float(special.betaincinv(k, n - k + 1, 0.025)) if k else 0.0
    return lower, float(special.betaincinv(k + 1, n - k, 0.975)) if k < n else 1.0


def jeffreys(k: int, n: int) -> tuple[float, float]:
    lower, upper = (float(special.betaincinv(k + 0.5, n - k + 0.5, tail)) for tail in (0.025, 0.975))
    return lower, upper


def wald(k: int, n: int) -> tuple[float, float]:
    p = k / n
    half = Z * math.sqrt(p * (1 - p) / n)
    return max(p - half, 0.0), min(p + half, 1.0)


@pytest.mark.parametrize("limits", [exact, jeffreys, wald])
@given(data=st.data())
def test_usual_limits_are_never_too_narrow(limits: object, data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 2000))
    k = data.draw(st.integers(1, n - 1) if limits is wald else st.integers(0, n))
    texts = [f"{100 * each:.1f}" for each in (k / n, *limits(k, n))]  # type: ignore[operator]
    assert not check_width(*map(printed, texts), n=n).too_narrow


@given(n=st.integers(40, 500), share=st.floats(0.1, 0.9))
def test_variances_are_always_seen_in_cohorts_of_some_size(n: int, share: float) -> None:
    half = Z * share * (1 - share) / n
    texts = [f"{100 * each:.1f}" for each in (share, share - half, share + half)]
    assert check_width(*map(printed, texts), n=n).too_narrow


@pytest.mark.parametrize(("text", "days_per", "possible"), [
    ("1,770", 1.0, False), ("1,706", 1.0, True), ("1,707", 1.0, True), ("1,708", 1.0, False),
    ("56.1", 30.4375, True), ("58.2", 30.4375, False), ("4.7", 365.25, True), ("5", 365.25, True),
])  # fmt: skip
def test_follow_up_within_the_calendar(text: str, days_per: float, *, possible: bool) -> None:
    """From 1 May 2016 to 1 January 2021 are 1,706 days; one unit of the last place is allowed."""
    assert follow_up_possible(printed(text), days_per=days_per, possible=1706.0) is possible


# --- records ----------------------------------------------------------------------------------------------------------


def found(folder: Path, *, possible: float | None = None, **cells: object) -> list[tuple[str, str]]:
    table = {"id": "x", "quote": "as printed", **cells}
    lines = [f"{key} = {value if isinstance(value, int) else repr(value)}" for key, value in table.items()]
    (folder / "study.toml").write_text("[[published]]\n" + "\n".join(lines) + "\n")
    findings = find_published(read_toml(folder / "study.toml"), possible=possible)
    assert all(finding.table == "study.toml" and finding.rows == (1,) for finding in findings)
    return [(finding.level, finding.code) for finding in findings]


HR = {"kind": "ratio", "figure": "6.055", "lower": "1.624", "upper": "18.933", "interval": "confidence", "p": ".004"}
RATE = {"kind": "proportion", "figure": "48.1", "lower": "46.1", "upper": "50.1", "interval": "confidence",
        "unit": "%", "n": 27, "n_basis": "printed"}  # fmt: skip
TIME = {"kind": "followup", "figure": "1,240", "lower": "709", "upper": "1,770", "interval": "range", "unit": "days"}


def test_records_that_contradict_themselves(tmp_path: Path) -> None:
    assert found(tmp_path, **HR) == [("warning", "printed-ratio-incoherent")]
    assert found(tmp_path, **RATE) == [("warning", "printed-interval-narrow")]
    assert found(tmp_path, possible=1706.0, **TIME) == [("warning", "printed-follow-up-impossible")]


@pytest.mark.parametrize(
    "cells",
    [
        {**HR, "role": "design"},
        {**HR, "upper": "18.933-0.977"},
        {**HR, "p": "n.s."},
        {**HR, "figure": "5.545", "p": ".0063"},
        {**HR, "figure": "not reached"},
        {**HR, "lower": "<1.624"},
        {**RATE, "interval": "range"},
        {**RATE, "unit": "days"},
        {**RATE, "figure": "seven"},
        {**TIME, "unit": "courses"},
        {**TIME, "upper": "1,700"},
        {"kind": "p", "figure": "<0.001"},
        {"kind": "count", "figure": "seven"},
    ],
)
def test_records_of_which_nothing_can_be_said(tmp_path: Path, cells: dict[str, object]) -> None:
    assert found(tmp_path, possible=1706.0, **cells) == []


def test_follow_up_without_a_cutoff(tmp_path: Path) -> None:
    assert found(tmp_path, possible=None, **TIME) == []


def test_a_slip_of_rounding_is_a_note(tmp_path: Path) -> None:
    cells = {**HR, "figure": "0.250", "lower": "0.068", "upper": "0.905", "p": ""}
    assert found(tmp_path, **cells) == [("note", "printed-ratio-incoherent")]


def test_the_words_say_under_which_assumption_and_never_wrong(tmp_path: Path) -> None:
    for cells in (HR, RATE, TIME):
        found(tmp_path, possible=1706.0, **cells)
        (finding,) = find_published(read_toml(tmp_path / "study.toml"), possible=1706.0)
        assert "not reproducible" in finding.message
        assert "wrong" not in finding.message
