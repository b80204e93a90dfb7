"""The weights of clones: what they are, and what comes of awkward tables."""

from dataclasses import replace

import numpy as np
import pytest

from clone_cohort import NEVER, cohort, strategy, table
from dayzero.errors import InputError
from dayzero.estimators.curves.aalen_johansen import fit_aalen_johansen
from dayzero.estimators.outcomes.firth import fit_firth_logistic
from dayzero.spells import Spells
from dayzero.strategies.clone_censor_weight import clone_censor_weight, estimate_clone_censor_weight, weigh_clones
from dayzero.strategies.clones import ARTIFICIAL, clone
from dayzero.strategies.truncation import last_rows, truncate_weights, weights_at_stop


def expanded(spells: Spells, day: float) -> dict[tuple[int, float], float]:
    """Return the weight of each clone at risk on a day."""
    rows = spells.where((spells.start < day) & (day <= spells.stop))
    found = rows.weight.copy()
    if rows.power is not None and rows.curve is not None:
        found *= np.exp(np.sum(rows.power * rows.curve.at(np.full(len(rows), day)).reshape(rows.power.shape), axis=1))
    return dict(zip(zip(rows.patient.tolist(), rows.columns["hsct"].tolist(), strict=True), found, strict=True))


def test_without_covariates_all_in_an_arm_weigh_the_same_on_a_day_and_the_curves_are_the_unweighted() -> None:
    spells = cohort()
    arms = clone_censor_weight(spells, "hsct", grace=90.0)
    plain = clone(spells, "hsct", grace=90.0)
    for code in (0.0, 1.0):
        weighted, unweighted = (table.where(table.columns["hsct"] == code) for table in (arms, plain))
        found, expected = (
            fit_aalen_johansen(table).at(np.array([60.0, 200.0, 365.0])) for table in (weighted, unweighted)
        )
        assert found == pytest.approx(expected, rel=1e-12)
        for day in (120.0, 200.0):
            weights = {round(w, 9) for (_, arm), w in expanded(arms, day).items() if arm == code}
            assert len(weights) == 1
            assert weights.pop() > 1.0


def test_weights_give_every_patient_back() -> None:
    """At any day the weights of an arm add up to about the number that would be at risk without deviations."""
    spells = cohort(3000)
    arms = clone_censor_weight(spells, "hsct", grace=90.0, adjust=["x", "risk"], truncate=1.0)
    assert arms.power is not None
    for day in (60.0, 120.0, 200.0):
        at = expanded(arms, day)
        totals = [sum(w for (_, code), w in at.items() if code == arm) for arm in (0.0, 1.0)]
        alive = float(np.mean([spells.stop >= day])) * 3000
        assert totals == pytest.approx([alive, alive], rel=0.15)


def test_weights_of_a_stratum_are_inverse_shares() -> None:
    """With one covariate of two levels P(treated by g) is the share among those at risk, weights its inverse."""
    spells = cohort(400)
    arms = clone_censor_weight(spells, "hsct", grace=90.0, adjust=["risk"], truncate=1.0)
    risk, late = spells.columns["risk"], spells.stop > 90.0
    for level in ("low", "high"):
        there = late & (risk == level)
        share = float(np.mean(spells.treatments["hsct"][there] <= 90.0))
        mine = arms.where((arms.columns["hsct"] == 1.0) & (arms.start >= 90.0) & (arms.columns["risk"] == level))
        assert mine.weight == pytest.approx(np.full(len(mine), 1.0 / share), rel=1e-9)


def test_stabilised_weights_are_the_others_times_the_shares_untreated_and_treated() -> None:
    spells = cohort(400)
    plain, stable = (
        clone_censor_weight(spells, "hsct", grace=90.0, adjust=["x"], truncate=1.0, stabilised=on)
        for on in (False, True)
    )
    none = clone(spells, "hsct", grace=90.0)
    none = none.where(none.columns["hsct"] == 0.0)
    starts = none.columns[ARTIFICIAL].astype(bool)
    for day in (50.0, 90.0, 200.0):
        times = np.unique(none.stop[starts & (none.stop < day)])
        hazard = sum(np.sum(none.stop[starts] == t) / np.sum(none.stop >= t) for t in times)
        share = float(np.mean(spells.treatments["hsct"][spells.stop > 90.0] <= 90.0)) if day > 90.0 else 1.0
        before, after = expanded(plain, day), expanded(stable, day)
        assert before.keys() == after.keys()
        for key, weight in before.items():
            factor = share if key[1] == 1.0 else np.exp(-hazard)
            assert after[key] == pytest.approx(weight * factor, rel=1e-10)


@pytest.mark.parametrize("stabilised", [False, True])
def test_truncation_holds_weights_at_the_cap(stabilised: bool) -> None:
    free, capped = (
        clone_censor_weight(cohort(200), "hsct", grace=90.0, adjust=["x"], truncate=q, stabilised=stabilised)
        for q in (1.0, 0.9)
    )
    for code in (0.0, 1.0):
        mine = free.where(free.columns["hsct"] == code)
        cap = np.quantile(weights_at_stop(mine)[last_rows(mine)], 0.9)
        crossed = 0
        for day in np.arange(0.5, 700.0, 7.0):
            before, after = expanded(free, day), expanded(capped, day)
            for key, weight in before.items():
                if key[1] == code:
                    crossed += weight > cap
                    assert after[key] == pytest.approx(min(weight, cap), rel=1e-9)
        assert crossed > 0
    assert capped.event().sum() == free.event().sum()
    assert capped.columns[ARTIFICIAL].sum() == free.columns[ARTIFICIAL].sum()


def test_truncation_of_an_empty_arm_is_nothing() -> None:
    nobody = clone(cohort(20), "hsct", grace=90.0)
    assert len(truncate_weights(nobody.where(np.zeros(len(nobody), bool)), 0.9)) == 0


def test_late_entrants_carry_the_hazard_from_day_zero() -> None:
    """Those treated before they entered are not there: the untreated who entered late stand for them too."""
    spells = cohort(300)
    late = replace(spells, start=np.where(spells.patient % 2 == 0, -np.inf, np.minimum(30.0, spells.stop - 1.0)))
    arms = clone_censor_weight(late, "hsct", grace=90.0, adjust=["x"], truncate=1.0)
    at = expanded(arms, 45.0)
    odd = [w for (patient, code), w in at.items() if code == 0.0 and patient % 2]
    assert odd
    assert min(odd) > 1.0


def test_patients_without_a_covariate_are_left_out_and_counted() -> None:
    spells = cohort()
    x = spells.columns["x"].copy()
    x[:3] = np.nan
    clones = weigh_clones(replace(spells, columns={**spells.columns, "x": x}), strategy())
    assert clones.arms.n == 297
    assert clones.notes == ("dropped_missing: 3 patients without a covariate left out",)


def test_baseline_weights_multiply() -> None:
    spells = cohort(100)
    arms = [clone_censor_weight(replace(spells, weight=np.full(100, w)), "hsct", grace=90.0, adjust=["x"])
            for w in (1.0, 2.0)]  # fmt: skip
    assert arms[1].weight == pytest.approx(2.0 * arms[0].weight, rel=1e-9)


# awkward tables


def test_nobody_treated_is_refused() -> None:
    with pytest.raises(InputError, match="nobody treated within the grace period is at risk after it"):
        estimate_clone_censor_weight(table([200, 300, 400], [1, 1, 0], [NEVER, 200, NEVER]), strategy(adjust=()))


def test_nobody_untreated_is_refused() -> None:
    with pytest.raises(InputError, match="nobody untreated can be observed"):
        estimate_clone_censor_weight(table([200, 300], [1, 1], [0, 0]), strategy(adjust=()))


def test_a_horizon_within_the_grace_period_is_refused() -> None:
    with pytest.raises(InputError, match="the horizon lies within the grace period"):
        estimate_clone_censor_weight(cohort(), strategy(horizon=90.0))


def test_separation_is_named_and_firth_keeps_the_weights_finite() -> None:
    spells = cohort(80)
    sick = (spells.columns["x"] > 0.8).astype(float)
    spells = replace(
        spells,
        columns={"sick": sick},
        treatments={"hsct": np.where(sick == 1.0, NEVER, spells.treatments["hsct"])},
    )
    clones = weigh_clones(spells, strategy(adjust=("sick",)))
    assert "positivity: nobody with sick=1 is treated by the end of grace" in clones.notes
    assert [note for note in clones.notes if "Firth's penalty" in note and note.startswith("separation")]
    assert len([note for note in clones.notes if note.startswith("separation")]) == 2
    assert float(weights_at_stop(clones.arms).max()) < 100.0
    late = spells.where(spells.stop > 90.0)
    treated = (spells.treatments["hsct"] <= 90.0)[late.patient]
    firth = fit_firth_logistic(replace(late, to=np.where(treated, 1, -1)), ["sick"])
    after = clones.arms.where((clones.arms.columns["hsct"] == 1.0) & (clones.arms.start >= 90.0))
    assert after.weight == pytest.approx(np.full(len(after), 1.0 + np.exp(-firth.intercept)), rel=1e-8)
    warned = estimate_clone_censor_weight(spells, strategy(adjust=("sick",))).rows["warning"]
    assert warned.str.contains("positivity").all()


def test_everybody_treated_is_a_warning() -> None:
    spells = cohort(80)
    day = np.where(spells.stop > 90.0, np.minimum(spells.treatments["hsct"], 80.0), spells.treatments["hsct"])
    clones = weigh_clones(replace(spells, treatments={"hsct": day}), strategy(adjust=("x",)))
    assert "positivity: everybody is treated by the end of grace" in clones.notes


def test_a_constant_covariate_weighs_all_alike() -> None:
    spells = cohort(120)
    constant = replace(spells, columns={"one": np.ones(120)})
    arms = clone_censor_weight(constant, "hsct", grace=90.0, adjust=["one"], truncate=1.0)
    after = arms.where((arms.columns["hsct"] == 1.0) & (arms.start >= 90.0))
    share = float(np.mean(spells.treatments["hsct"][spells.stop > 90.0] <= 90.0))
    assert after.weight == pytest.approx(np.full(len(after), 1.0 / share), rel=1e-9)


def test_truncation_of_weights_that_do_not_change() -> None:
    both = clone(cohort(20), "hsct", grace=90.0)
    arm = both.where(both.columns["hsct"] == 0.0)
    heavy = replace(arm, weight=np.arange(1.0, len(arm) + 1.0))
    assert truncate_weights(heavy, 0.9).weight.max() == np.quantile(heavy.weight[last_rows(heavy)], 0.9)


def test_nobody_seen_to_start_leaves_the_untreated_at_one() -> None:
    """All the treated entered after their treatment: nothing is known of its hazard."""
    spells = cohort(40)
    day = np.where(np.arange(40) < 20, 5.0, NEVER)
    late = replace(spells, start=np.minimum(10.0, spells.stop - 1.0), treatments={"hsct": day})
    arms = clone_censor_weight(late, "hsct", grace=90.0, adjust=["x"])
    none = arms.where(arms.columns["hsct"] == 0.0)
    assert none.n == 20
    assert weights_at_stop(none).tolist() == [1.0] * 20


@pytest.mark.parametrize("broken", ["fit_firth_cox", "climb"])
def test_a_penalised_fit_that_fails_is_refused_by_name(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise np.linalg.LinAlgError

    monkeypatch.setattr(f"dayzero.strategies.start_weights.{broken}", fails)
    spells = cohort(80)
    sick = (spells.columns["x"] > 0.8).astype(float)
    day = np.where(sick == 1.0, NEVER, spells.treatments["hsct"])
    spells = replace(spells, columns={"sick": sick}, treatments={"hsct": day})
    with pytest.raises(InputError, match="does not converge, not even with Firth's penalty"):
        weigh_clones(spells, strategy(adjust=("sick",)))
