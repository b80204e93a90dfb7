"""Curves: what counts when, what is null, what is warned of, and laws that any curve obeys."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.estimators.curves import occupancy
from dayzero.estimators.curves.aalen_johansen import aalen_johansen, fit_aalen_johansen
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.number_at_risk import number_at_risk
from dayzero.estimators.curves.risk_sets import count_risk_sets
from dayzero.spells import Spells, follow_from, make_spells, split


def at(spells: Spells, times: list[float], column: str = "estimate", **options: Any) -> list[Any]:
    return aalen_johansen(spells, times=times, **options).rows[column].to_list()


def random_table(seed: int, n: int = 60, *, late: bool = False) -> Spells:
    """Illness and death, with ties; a third of the patients fall ill first."""
    rng = np.random.default_rng(seed)
    ill, end = rng.integers(1, 12, n).astype(float), rng.integers(2, 20, n).astype(float)
    first = ill < end
    entry = np.where(rng.random(n) < 0.4, -0.5, -np.inf) if late else np.full(n, -np.inf)
    dead = rng.integers(0, 2, n) * 2
    return make_spells(
        np.concatenate([np.minimum(ill, end), end[first]]),
        np.concatenate([np.where(first, 1, dead), dead[first]]),
        start=np.concatenate([entry, ill[first]]),
        state=np.concatenate([np.zeros(n), np.ones(first.sum())]),
        patient=np.concatenate([np.arange(n), np.arange(n)[first]]),
        states=("well", "ill", "dead"),
    )


def test_convention_1_times_that_differ_by_rounding_are_one_time() -> None:
    fit = fit_aalen_johansen(make_spells([0.1 + 0.2, 0.3, 0.5, 0.7], [1, 1, 1, 0]))
    assert len(fit.times) == 3
    assert fit.probability[:, 0].tolist() == pytest.approx([0.5, 0.25, 0.25])


def test_convention_2_event_then_censoring_then_entry() -> None:
    sets = count_risk_sets(make_spells([2, 2, 5], [1, 0, 1], start=[-np.inf, -np.inf, 2]))
    assert sets.times.tolist() == [2.0, 5.0]
    assert sets.at_risk[:, 0].tolist() == [2.0, 1.0]  # censored at 2: at risk then; entered at 2: not yet
    assert at(make_spells([2, 2, 5], [1, 0, 1], start=[-np.inf, -np.inf, 2]), [2]) == [0.5]


def test_convention_3_an_event_on_the_day_of_treatment_belongs_to_the_time_before() -> None:
    spells = make_spells([10, 20], [1, 0])
    treated = split(spells, np.array([10.0, 10.0]), name="treated")
    events = treated.columns["treated"][treated.event()]
    assert events.tolist() == [0.0]
    table = aalen_johansen(treated, "treated", [10]).rows
    assert table["group"].to_list() == ["treated=0", "treated=1"]
    assert table["n_events"].to_list() == [1, 0]


def test_convention_5_no_limits_where_the_curve_is_0_or_1() -> None:
    rows = aalen_johansen(make_spells([1, 2, 3], [1, 1, 1]), times=[0, 1, 3]).rows
    assert rows["estimate"].to_list() == pytest.approx([1.0, 2 / 3, 0.0])
    assert rows["lower"].is_null().to_list() == [True, False, True]
    assert rows["upper"].is_null().to_list() == [True, False, True]


@pytest.mark.parametrize("scale", ["log-log", "log", "plain", "logit", "arcsine"])
def test_limits_enclose_the_estimate_and_stay_inside_0_and_1(scale: Any) -> None:
    spells = make_spells(range(1, 31), [1, 1, 0] * 10)
    rows = aalen_johansen(spells, options=Curve(conf_type=scale)).rows.drop_nulls("lower")
    assert len(rows) > 20
    assert (rows["lower"] < rows["estimate"]).all()
    assert (rows["estimate"] < rows["upper"]).all()
    assert rows["lower"].min() >= 0
    assert rows["upper"].max() <= 1
    assert rows["method"].unique().to_list() == [f"greenwood, {scale}"]


def test_an_event_on_day_0_counts_at_time_0_without_delayed_entry() -> None:
    assert at(make_spells([0, 5, 5, 5], [1, 0, 0, 0]), [0]) == [0.75]


def test_a_whole_curve_has_day_0_and_every_day_of_an_event_or_censoring_once() -> None:
    assert aalen_johansen(make_spells([3, 1, 2, 2], [1, 1, 0, 1])).rows["time"].to_list() == [0, 1, 2, 3]
    assert aalen_johansen(make_spells([0, 1], [1, 0])).rows["time"].to_list() == [0, 1]


def test_asked_days_come_back_exactly_and_are_continuous_from_the_right() -> None:
    spells = make_spells([1, 2, 4], [1, 1, 0])
    rows = aalen_johansen(spells, times=[2, 0.5, 1.999]).rows
    assert rows["time"].to_list() == [2.0, 0.5, 1.999]
    assert rows["estimate"].to_list() == pytest.approx([1 / 3, 1.0, 2 / 3])
    assert rows["n_events"].to_list() == [2, 0, 1]


def test_beyond_the_last_observation_there_is_no_estimate() -> None:
    rows = aalen_johansen(make_spells([1, 4], [1, 0]), times=[4, 5]).rows
    assert rows["estimate"].to_list() == [0.5, None]
    assert rows["std_error"][1] is None
    assert rows["warning"].to_list() == [None, "beyond the last observation (day 4)"]


def test_a_curve_that_has_come_to_rest_goes_on() -> None:
    assert at(make_spells([1, 4], [1, 1]), [100]) == [0.0]
    assert at(make_spells([1, 4], [1, 2]), [100]) == pytest.approx([0.5, 0.5])


def test_groups_are_labelled_sorted_by_code_point_and_the_missing_are_counted() -> None:
    spells = make_spells([1, 2, 3, 4, 5], [1, 1, 1, 1, 0], arm=["b", "B", None, "a", "b"])
    rows = aalen_johansen(spells, "arm", [1]).rows
    assert rows["group"].to_list() == ["arm=B", "arm=a", "arm=b"]
    assert rows["n"].to_list() == [1, 1, 2]
    assert rows["warning"].to_list() == ["1 patient without arm left out"] * 3


def test_whole_numbers_label_groups_without_a_decimal_point() -> None:
    spells = make_spells([1, 2, 3], [1, 1, 1], stage=[2.0, 1.0, np.nan])
    assert aalen_johansen(spells, "stage", [0]).rows["group"].to_list() == ["stage=1", "stage=2"]


def test_fractions_label_groups_as_they_are() -> None:
    spells = make_spells([1, 2], [1, 1], dose=[0.5, 2.0])
    assert aalen_johansen(spells, "dose", [0]).rows["group"].to_list() == ["dose=0.5", "dose=2.0"]


def test_two_warnings_stand_in_one_cell() -> None:
    spells = make_spells([1, 2, 3], [0, 0, 1], arm=["a", "a", None])
    assert at(spells, [9], "warning", by="arm") == [
        "beyond the last observation (day 2); 1 patient without arm left out"
    ]


def test_an_unknown_column_is_an_input_error() -> None:
    with pytest.raises(InputError, match="there is no column sex"):
        aalen_johansen(make_spells([1], [1]), "sex")


def test_an_empty_table_gives_null_with_a_warning() -> None:
    rows = aalen_johansen(make_spells([], []), times=[1]).rows
    assert rows.select("estimate", "n", "warning").row(0) == (None, 0, "nobody is at risk")


def test_a_group_without_events_stays_at_1() -> None:
    spells = make_spells([1, 2, 3, 4], [1, 1, 0, 0], arm=["a", "a", "b", "b"])
    rows = aalen_johansen(spells, "arm", [3]).where(group="arm=b").rows
    assert rows.select("estimate", "std_error", "n_events").row(0) == (1.0, 0.0, 0)


def test_the_statistic_follows_the_states() -> None:
    def kind(spells: Spells) -> set[tuple[str, str | None]]:
        return set(aalen_johansen(spells, times=[1]).rows.select("statistic", "term").rows())

    assert kind(make_spells([1, 2], [1, 0])) == {("survival", None)}
    named = ("remission", "relapse", "death")
    assert kind(make_spells([1, 2], [1, 2], states=named)) == {
        ("cumulative_incidence", "relapse"),
        ("cumulative_incidence", "death"),
    }
    assert kind(random_table(0)) == {("state_probability", name) for name in ("well", "ill", "dead")}


def test_patients_are_counted_not_rows_and_a_cut_row_is_not_censored() -> None:
    spells = make_spells([10, 20, 30], [1, 0, 0], name="os")
    cut = split(spells, np.array([5.0, 10.0, 10.0]), name="treated")
    assert len(cut) == 6
    whole, pieces = (aalen_johansen(table).rows for table in (spells, cut))
    assert whole.equals(pieces)
    assert whole["n"].unique().to_list() == [3]
    assert whole["endpoint"].unique().to_list() == ["os"]
    assert fit_aalen_johansen(cut).n_censored[:, 0].tolist() == [0.0, 1.0, 1.0]


def test_weights_count_as_numbers_of_patients() -> None:
    spells = random_table(1)
    copies = 1 + np.arange(len(spells)) % 3
    weighted = fit_aalen_johansen(spells, copies.astype(float))
    index = np.repeat(np.arange(len(spells)), copies)
    repeated = fit_aalen_johansen(spells.where(index))  # type: ignore[arg-type]
    assert weighted.probability == pytest.approx(repeated.probability, rel=1e-12)
    assert weighted.std_error == pytest.approx(repeated.std_error, rel=1e-12)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("simple", [False, True])
def test_batched_weights_give_each_columns_curve(*, late: bool, simple: bool) -> None:
    spells = random_table(2, late=late)
    spells = spells.where(spells.state == 0) if simple else spells
    weights = np.random.default_rng(3).poisson(1.0, (len(spells), 4)).astype(float)
    batch = fit_aalen_johansen(spells, weights)
    assert batch.std_error is None
    days = np.arange(0.0, 20.0)
    assert np.isnan(batch.std_error_at(days)).all()
    for column in range(4):
        alone = fit_aalen_johansen(spells, weights[:, column])
        assert batch.at(days)[..., column] == pytest.approx(alone.at(days), abs=1e-14)


@pytest.mark.parametrize("late", [False, True])
def test_the_closed_form_is_the_recursion(*, late: bool) -> None:
    spells = random_table(4, late=late)
    spells = spells.where(spells.state == 0)
    sets = count_risk_sets(spells)
    initial = np.array([1.0, 0.0, 0.0])
    probability = occupancy.competing_probability(sets)
    assert probability == pytest.approx(occupancy.multi_state_probability(sets, initial), abs=1e-14)
    closed = occupancy.competing_std_error(sets, probability)
    assert closed == pytest.approx(occupancy.multi_state_std_error(sets, probability, initial), abs=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_state_probabilities_sum_to_one(seed: int) -> None:
    fit = fit_aalen_johansen(random_table(seed, late=seed % 2 == 0))
    assert fit.probability.sum(axis=1) == pytest.approx(np.ones(len(fit.times)))
    assert (fit.probability >= 0).all()


def test_without_censoring_the_probabilities_are_proportions() -> None:
    spells = make_spells([1, 2, 2, 3, 5], [1, 2, 1, 2, 1])
    fit = fit_aalen_johansen(spells)
    assert fit.at(np.array([2.0]))[0].tolist() == pytest.approx([0.4, 0.4, 0.2])
    assert fit.std_error_at(np.array([2.0]))[0] == pytest.approx(np.sqrt(np.array([0.24, 0.24, 0.16]) / 5))


def test_row_order_and_the_unit_of_time_do_not_matter() -> None:
    spells = random_table(5)
    mixed = spells.where(np.random.default_rng(6).permutation(len(spells)))  # type: ignore[arg-type]
    weeks = replace(spells, start=spells.start / 7.0, stop=spells.stop / 7.0)  # sorted, not counted as whole days
    expected = fit_aalen_johansen(spells)
    for other in (mixed, weeks):
        fit = fit_aalen_johansen(other)
        assert fit.probability == pytest.approx(expected.probability, abs=1e-14)
        assert fit.std_error == pytest.approx(expected.std_error, abs=1e-14)


def test_who_starts_in_a_later_state_starts_the_curve_there() -> None:
    spells = make_spells([1, 2, 3, 4], [2, 2, 2, 2], state=[0, 1, 1, 1], states=("well", "ill", "dead"))
    fit = fit_aalen_johansen(spells)
    assert fit.initial.tolist() == [0.25, 0.75, 0.0]
    assert fit.at(np.array([2.0]))[0].tolist() == pytest.approx([0.0, 0.5, 0.5])


def test_a_start_day_conditions_on_being_under_observation_after_it() -> None:
    spells = make_spells([1, 2, 3, 4], [1, 1, 1, 0])
    assert follow_from(spells, 2.0).stop.tolist() == [3.0, 4.0]
    assert at(spells, [2, 3], options=Curve(start_day=2.0)) == [1.0, 0.5]
    rows = aalen_johansen(spells, options=Curve(start_day=2.0)).rows
    assert rows.select("time", "n", "n_events").rows() == [(2.0, 2, 0), (3.0, 2, 1), (4.0, 2, 1)]
    batch = fit_aalen_johansen(spells, np.ones((4, 2)), options=Curve(start_day=2.0))
    assert batch.at(np.array([3.0]))[0, 0].tolist() == [0.5, 0.5]


def test_aalens_variance_is_for_one_kind_of_event() -> None:
    with pytest.raises(InputError, match="one kind of event"):
        aalen_johansen(make_spells([1, 2], [1, 2]), options=Curve(variance="aalen"))


@pytest.mark.parametrize("wrong", [{"conf_type": "probit"}, {"variance": "delta"}, {"level": 95.0}])
def test_options_that_do_not_exist_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Curve(**wrong)


def test_numbers_at_risk_are_of_patients() -> None:
    spells = make_spells(
        [5, 10, 4, 8],
        [0, 1, 0, 0],
        start=[-np.inf, 5, -np.inf, 0],
        patient=["a", "a", "b", "c"],
        states=("cr", "death"),
    )
    table = number_at_risk(spells, times=[0, 4, 5, 10])
    at_risk = table.where(statistic="n_at_risk").rows
    assert at_risk["estimate"].to_list() == [3, 3, 2, 1]
    assert at_risk["n_events"].to_list() == [0, 0, 0, 1]
    assert at_risk["n"].to_list() == [3, 3, 3, 3]
    assert table.where(statistic="n_events", term="death").rows["estimate"].to_list() == [0, 0, 0, 1]
    assert table.where(statistic="n_censored").rows["estimate"].to_list() == [0, 1, 1, 2]


def test_a_row_cut_on_day_0_is_one_patient_at_risk_on_day_0() -> None:
    cut = split(make_spells([5, 8], [1, 0]), np.array([0.0, 3.0]), name="treated")
    at_risk = number_at_risk(cut, times=[0, 3, 4]).where(statistic="n_at_risk").rows
    assert at_risk["estimate"].to_list() == [2, 2, 2]


def test_numbers_at_risk_by_group() -> None:
    patients = pl.DataFrame({"patient": ["1", "2", "3"], "risk": ["high", None, "low"]})
    spells = replace(make_spells([1, 2, 3], [1, 1, 2]), patients=patients)
    table = number_at_risk(spells, "risk", times=[0, 3])
    assert table.where(statistic="n_at_risk").rows["group"].unique(maintain_order=True).to_list() == [
        "risk=high",
        "risk=low",
    ]
    assert table.where(statistic="n_events", term="event 2", group="risk=low").rows["estimate"].to_list() == [0, 1]
    assert table.rows["warning"].unique().to_list() == ["1 patient without risk left out"]
