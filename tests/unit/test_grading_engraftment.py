"""Engraftment: the examples of the CIBMTR manual (rule book 3.6), risk, transfusions, units, and a plain oracle."""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.grading.blood.engraftment import RECOVERIES, TextTable, derive_engraftment

NEUTROPHILS, PLATELETS, PLATELETS_50 = (rule.name for rule in RECOVERIES)
Values = Sequence[tuple[float, float | str]]


def labs(values: Values, analyte: str = "platelets", unit: str | None = "1e9/L", patient: str = "A") -> TextTable:
    """Return (day, value) of one patient as a table of text."""
    rows = [(patient, str(day), analyte, str(value), unit) for day, value in values]
    schema = dict.fromkeys(("patient", "day", "analyte", "value", "unit"), pl.String)
    return TextTable(pl.DataFrame(rows, schema=schema, orient="row"), "labs.csv")


def transfused(*days: float, patient: str = "A") -> TextTable:
    schema = {"patient": pl.String, "day": pl.String}
    return TextTable(pl.DataFrame([(patient, str(day)) for day in days], schema=schema, orient="row"), "support.csv")


def found(
    table: TextTable, given_: TextTable | None = None, *, rule: str = PLATELETS, as_of: float = 1e9
) -> tuple[str, float | None]:
    """Return outcome and day of the one patient."""
    result = derive_engraftment(table, given_, as_of=as_of).filter(pl.col("recovery") == rule)
    (row,) = result.select("outcome", "day").rows()
    return row


def daily(values: Sequence[float], first: int = 0) -> Values:
    return list(enumerate(values, start=first))


MANUAL_TWO = daily([10, 30, 25, 10, 15, 19, 23, 25, 40, 50, 56, 65, 72])
MANUAL_ONE = daily([10, 35, 30, 25, 10, 15, 19, 23, 25, 40, 50])


def test_manual_example_two_platelets_20_and_50() -> None:
    """Last transfusion on June 13, day 0: 20 on June 20 (day 7, not 6), 50 on June 22 (day 9)."""
    assert found(labs(MANUAL_TWO), transfused(0)) == ("recovered", 7)
    assert found(labs(MANUAL_TWO), transfused(0), rule=PLATELETS_50) == ("recovered", 9)


def test_manual_example_one_platelets_20() -> None:
    """The manual reports day 7; it prints no transfusion, and says that none lies in the seven days before."""
    assert found(labs(MANUAL_ONE), transfused(0)) == ("recovered", 7)
    assert found(labs(MANUAL_ONE), transfused(0), rule=PLATELETS_50)[0] == "not_recovered"


def test_a_transfusion_a_day_later_moves_recovery_by_a_day() -> None:
    assert found(labs(MANUAL_TWO), transfused(0, 1)) == ("recovered", 8)


def test_a_transfusion_after_the_first_value_breaks_the_run() -> None:
    values = daily([10, 10, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70])
    assert found(labs(values), transfused()) == ("recovered", 2)
    assert found(labs(values), transfused(3)) == ("not_recovered", None)  # 10 and 11 are two only
    assert found(labs([*values, (12, 75)]), transfused(3)) == ("recovered", 10)


def test_platelets_without_knowledge_of_transfusions_are_not_evaluable() -> None:
    assert found(labs(MANUAL_TWO)) == ("not_evaluable", None)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (daily([3, 1, 0.4, 0.1, 0.5, 0.6, 0.7]), ("recovered", 4)),  # a value at the threshold counts
        (daily([3, 1, 0.4, 0.1, 0.49, 0.6, 0.7]), ("not_recovered", None)),  # two values only
        (daily([0.1, 0.6, 0.4, 0.6, 0.7, 0.8]), ("recovered", 3)),  # interrupted
        ([(0, 0.2), (10, 0.6), (15, 0.7), (22, 0.9)], ("recovered", 10)),  # days need not follow each other
        ([(0, 0.2), (10, 0.6), (10, 0.7), (10, 0.8), (11, 0.9)], ("not_recovered", None)),  # but must differ
        ([(0, 0.2), (10, 0.6), (11, 0.4), (11, 0.9), (12, 1), (13, 1), (14, 1)], ("recovered", 12)),  # lowest of a day
        (daily([3, 2, 1]), ("not_evaluable", None)),  # nobody knows what came after
        ([(-3, 0.1), *daily([3] * 20)], ("never_below", None)),  # before the transplant does not count
        ([(20, 1), (21, 1), (22, 1)], ("not_evaluable", None)),  # first seen after the nadir
        ([(0, 1), (9, 1), (16, 1)], ("not_evaluable", None)),  # a gap in which it may have fallen
        ([(0, 1), (7, 1), (14, 1), (60, 1)], ("never_below", None)),
    ],
)
def test_neutrophils(values: Values, expected: tuple[str, float | None]) -> None:
    assert found(labs(values, "anc"), rule=NEUTROPHILS) == expected


def test_platelets_never_below_and_never_transfused_are_not_at_risk() -> None:
    high = daily([150, 90, 60, 40, 25, 22, 30, 45, 60, 80, 90, 90, 90, 90, 90])
    assert found(labs(high), transfused()) == ("never_below", None)
    assert found(labs(high), transfused(-3)) == ("never_below", None)  # before the transplant
    assert found(labs(high), transfused(2)) == ("recovered", 9)


def test_white_cells_are_not_neutrophils() -> None:
    values = daily([0.1, 1, 2, 3])
    both = pl.concat([labs(values, "wbc").frame, labs([(0, 0.1)], "anc").frame])
    assert found(TextTable(both, "labs.csv"), rule=NEUTROPHILS) == ("not_recovered", None)


@pytest.mark.parametrize(
    ("unit", "factor"), [("1e9/L", 1), ("10^9/L", 1), ("K/uL", 1), ("/uL", 1000), ("/mm3", 1000), ("cells/uL", 1000)]
)
def test_units_do_not_move_recovery(unit: str, factor: float) -> None:
    values = [(day, value * factor) for day, value in daily([0.3, 0.2, 0.499, 0.5, 0.6, 0.7])]
    assert found(labs(values, "anc", unit), rule=NEUTROPHILS) == ("recovered", 3)


def test_values_below_a_limit_count_as_below_where_that_is_certain() -> None:
    values: Values = [(0, 3), (1, "<0.1"), (2, "< 0.5"), (3, 0.6), (4, "<1"), (5, 0.7), (6, 0.8)]
    assert found(labs(values, "anc"), rule=NEUTROPHILS) == ("recovered", 3)


def test_a_value_below_the_threshold_itself_puts_at_risk() -> None:
    assert found(labs([(0, 3), (1, "<0.5"), (2, 0.6), (3, 0.7), (4, 0.8)], "anc"), rule=NEUTROPHILS) == ("recovered", 2)


def test_a_fall_after_recovery_is_shown() -> None:
    result = derive_engraftment(labs(daily([0.1, 0.6, 0.7, 0.8, 0.9, 0.3]), "anc"), None)
    row = result.filter(pl.col("recovery") == NEUTROPHILS)
    assert row.select("day", "below_again", "last_day").row(0) == (1, 5, 5)


def test_courses_are_apart() -> None:
    first, second = (labs(daily(v), "anc").frame for v in ([0.1, 0.6, 0.7, 0.8], [0.1, 0.2, 0.6, 0.7, 0.8]))
    both = pl.concat([first.with_columns(course=pl.lit("1")), second.with_columns(course=pl.lit("2"))])
    result = derive_engraftment(TextTable(both, "labs.csv"), None).filter(pl.col("recovery") == NEUTROPHILS)
    assert result.select("course", "day").rows() == [(1, 1.0), (2, 2.0)]


@pytest.mark.parametrize(
    ("row", "column", "fault"),
    [
        (("A", "1", "anc", "many", "1e9/L"), "value", "not a number"),
        (("A", "1", "anc", "0.5", "g/dL"), "unit", "not a word that is known"),
        (("A", "1", "anc", "0.5", None), "unit", "no unit"),
        (("A", None, "anc", "0.5", "1e9/L"), "day", "no day"),
    ],
)
def test_what_cannot_be_read_stops_with_its_row(row: tuple[str | None, ...], column: str, fault: str) -> None:
    good = labs([(0, 0.1), (1, 7)], "crp", None).frame  # other analytes are nobody's business here
    bad = pl.DataFrame([row], schema=good.schema, orient="row")
    with pytest.raises(InputError) as caught:
        derive_engraftment(TextTable(pl.concat([good, bad]), "labs.csv"), None)
    assert (caught.value.row, caught.value.column, caught.value.fault) == (4, column, fault)


def test_a_table_without_its_columns_is_refused() -> None:
    with pytest.raises(InputError, match="no column 'analyte'"):
        derive_engraftment(TextTable(labs([(0, 1)]).frame.drop("analyte"), "labs.csv"), None)


def oracle(values: Values, transfusions: Sequence[float], threshold: float) -> float | None:
    """Return the day of platelet recovery, day by day as the manual words it."""
    days = sorted({day for day, _ in values})
    lowest = {day: min(float(v) for d, v in values if d == day) for day in days}
    risk = [day for day in days if lowest[day] < threshold] + list(transfusions)
    if not risk:
        return None

    def good(day: float) -> bool:
        clean = all(not day - 7 < given_ <= day for given_ in transfusions)
        return lowest[day] >= threshold and clean and day >= min(risk)

    runs = [three for three in zip(days, days[1:], days[2:], strict=False) if all(map(good, three))]
    return runs[0][0] if runs else None


counts = st.lists(st.tuples(st.integers(0, 30), st.sampled_from([5, 19, 20, 21, 60])), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(values=counts, days=st.lists(st.integers(0, 25), max_size=3))
def test_platelets_agree_with_a_plain_oracle(values: Values, days: list[int]) -> None:
    assert found(labs(values), transfused(*days))[1] == oracle(values, days, 20)
    assert found(labs(values), transfused(*days), rule=PLATELETS_50)[1] == oracle(values, days, 50)


@settings(max_examples=80, deadline=None)
@given(values=counts, days=st.lists(st.integers(0, 25), max_size=3), as_of=st.integers(0, 30))
def test_a_last_day_never_looks_ahead(values: Values, days: list[int], as_of: int) -> None:
    early = [(day, value) for day, value in values if day <= as_of]
    if early:
        expected = found(labs(early), transfused(*(day for day in days if day <= as_of)))
        assert found(labs(values), transfused(*days), as_of=as_of) == expected


@settings(max_examples=80, deadline=None)
@given(values=counts, days=st.lists(st.integers(0, 25), max_size=3))
def test_more_transfusions_never_bring_recovery_forward_once_at_risk(values: Values, days: list[int]) -> None:
    low = [(0, 5), *values]
    recovered = [found(labs(low), transfused(*days[:n]))[1] for n in range(len(days) + 1)]
    order = [float("inf") if day is None else day for day in recovered]
    assert all(a <= b for a, b in pairwise(order))
