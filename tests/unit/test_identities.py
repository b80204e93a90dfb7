import pytest

from dayzero.errors import InputError
from dayzero.estimate import concat, make_estimate
from dayzero.identities import check_denominators, check_identities
from dayzero.protocol import Endpoint
from dayzero.selftest import Figure, run_selftest, selftest_page
from dayzero.spells import make_spells

OS = Endpoint(name="os", label="OS", origin="hsct", events=("death",))
RFS = Endpoint(name="rfs", label="RFS", origin="hsct", events=("relapse", "death"))
CIR = Endpoint(name="cir", label="CIR", origin="hsct", events=("relapse",), competing=("death",))


def test_a_coherent_cohort_breaks_no_law() -> None:
    os = make_spells([5, 8, 9, 12], [1, 1, 0, 0])
    rfs = make_spells([3, 8, 9, 12], [1, 1, 0, 0])
    cir = make_spells([3, 8, 9, 12], [1, 2, 0, 0])
    assert check_identities([(OS, os), (RFS, rfs), (CIR, cir)]) == ()


def test_relapse_free_survival_longer_than_survival_is_an_error() -> None:
    """The slip of a published paper: a leukaemia-free survival above its overall survival."""
    os = make_spells([5, 8, 9, 12], [1, 1, 0, 0])
    rfs = make_spells([7, 8, 9, 12], [1, 1, 0, 0])
    codes = [(f.code, f.level) for f in check_identities([(OS, os), (RFS, rfs)])]
    assert codes == [("identity-event-order", "error"), ("identity-curve-order", "error")]


def test_crossing_curves_are_a_warning_where_somebody_is_censored_before() -> None:
    """A relapses on day 1 and dies on day 10, all others are censored on day 5: OS(10) = 0, RFS(10) = 0.9."""
    os = make_spells([10, *[5] * 9], [1, *[0] * 9])
    rfs = make_spells([1, *[5] * 9], [1, *[0] * 9])
    findings = check_identities([(OS, os), (RFS, rfs)])
    assert [(f.code, f.level) for f in findings] == [("identity-curve-order", "warning")]


def test_groups_must_add_up_to_the_patients_compared() -> None:
    curves = make_estimate("survival", endpoint="os", group=["a=x", "a=y"], time=[1.0, 1.0], n=[3, 4])
    right = make_estimate("logrank", endpoint="os", n=7)
    assert check_denominators(concat([curves, right])) == ()
    wrong = make_estimate("logrank", endpoint="os", n=8)
    assert [f.code for f in check_denominators(concat([curves, wrong]))] == ["identity-denominators"]


def test_endpoints_of_other_origins_are_not_compared() -> None:
    other = Endpoint(name="x", origin="infusion", events=("relapse", "death"))
    assert check_identities([(OS, make_spells([5.0], [1])), (other, make_spells([9.0], [1]))]) == ()


def test_the_selftest_passes_on_this_installation() -> None:
    figures = run_selftest()
    assert len(figures) >= 140
    assert [figure.name for figure in figures if not figure.holds] == []
    assert "PASSED" in selftest_page(figures)


def test_the_selftest_says_what_differs() -> None:
    figures = (Figure("a", 1.0, 1.0 + 1e-6), Figure("b", 0.0, 0.0), Figure("c", 1.0, float("nan")))
    assert [figure.holds for figure in figures] == [False, True, False]
    page = selftest_page(figures)
    assert "FAILED: 2 figures differ (1 of 3)" in page
    assert page.count("DIFFERS") == 2


def test_input_errors_are_one_line() -> None:
    error = InputError("bad\nthing", mend="Mend\nit.", file="f.csv", row=2, column="c")
    assert str(error) == "f.csv, row 2, column c: bad thing. Mend it."


@pytest.mark.parametrize("column", ["a", None])
def test_input_errors_without_a_place(column: str | None) -> None:
    assert str(InputError("x", mend="Y.", column=column)) == ("column a: x. Y." if column else "x. Y.")
