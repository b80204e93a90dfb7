"""The simulator does what its hazards say."""

from dataclasses import replace

import numpy as np
import pytest

from dayzero.spells import Spells
from illness_death import CAUSES, FITNESS, TREATMENT, Cause, Scenario, null_study, resume, simulate, stand


def ends(spells: Spells) -> np.ndarray:
    last = np.zeros(spells.patients.height)
    np.maximum.at(last, spells.patient, spells.stop)
    return last


@pytest.mark.parametrize("shape", [0.7, 1.0, 1.6])
def test_half_of_the_patients_have_a_cause_by_its_median(shape: float) -> None:
    alone = Scenario((Cause("event", median=200.0, shape=shape),), rate=0.0, follow_up=(1e6, 1e6))
    spells = simulate(40_000, 1, alone)
    assert abs(np.mean(ends(spells) <= 200.0) - 0.5) < 4 * 0.5 / 200.0


def test_treatment_comes_at_its_rate_and_stops_where_it_should() -> None:
    immortal = Scenario((Cause("event", median=1e12),), rate=0.01, until=90.0, later=0.0, follow_up=(1e4, 1e4))
    day = simulate(40_000, 2, immortal).treatments[TREATMENT]
    expected = 1.0 - np.exp(-0.9)
    assert abs(np.mean(np.isfinite(day)) - expected) < 4 * 0.5 / 200.0
    assert day[np.isfinite(day)].max() <= 90.0


def test_imposed_strategies_are_followed_by_everybody() -> None:
    never, by, after = (simulate(2_000, 3, FITNESS, impose) for impose in ("never", ("by", 90.0), ("after", 90.0)))
    assert not np.isfinite(never.treatments[TREATMENT]).any()
    untreated = ~np.isfinite(by.treatments[TREATMENT])
    assert by.treatments[TREATMENT][~untreated].max() == 90.0
    assert ends(by)[untreated].max() <= 90.0
    assert np.count_nonzero(by.treatments[TREATMENT] == 90.0) > 100
    assert after.treatments[TREATMENT].min() > 90.0


def test_mrd_is_frozen_at_treatment_unless_it_is_not() -> None:
    for frozen in (True, False):
        spells = simulate(2_000, 4, replace(FITNESS, frozen=frozen))
        changes = spells.start > 0.0
        later = spells.start > spells.treatments[TREATMENT][spells.patient]
        assert np.any(changes)
        assert np.any(changes & later) != frozen


def test_rows_of_a_patient_join_and_only_the_last_ends_with_an_event() -> None:
    for whole_days in (False, True):
        spells = simulate(2_000, 5, CAUSES, whole_days=whole_days)
        same = spells.patient[1:] == spells.patient[:-1]
        assert np.array_equal(spells.start[1:][same], spells.stop[:-1][same])
        assert np.all(spells.to[:-1][same] == -1)
        assert np.all(np.isneginf(spells.start[1:][~same]))
        assert spells.states == ("remission", "relapse", "nrm")
        assert {1, 2} <= set(spells.to.tolist())
        assert not whole_days or bool(np.all(spells.stop == np.rint(spells.stop)))


def test_patients_go_on_from_where_they_stand() -> None:
    spells = simulate(2_000, 6, FITNESS)
    there = stand(spells, 90.0)
    assert len(there.x) == np.count_nonzero(ends(spells) > 90.0)
    assert np.array_equal(there.treated, np.isfinite(there.day))
    later = resume(there, 7, FITNESS, treated=True)
    assert later.start.min() == 90.0
    assert np.array_equal(later.treatments[TREATMENT][there.treated], there.day[there.treated])
    assert np.all(later.treatments[TREATMENT][~there.treated] == 90.0)
    waiting = resume(there, 8, FITNESS, "never", treated=False)
    assert not np.isfinite(waiting.treatments[TREATMENT]).any()


def test_a_null_study_is_shaped_like_the_seed() -> None:
    spells = null_study(20_000, 9)
    day = spells.treatments[TREATMENT]
    assert np.median(spells.stop) == pytest.approx(180.0, abs=6.0)
    assert np.mean(np.isfinite(day)) == pytest.approx(0.6 * 180.0 / (180.0 + 63.0), abs=0.015)
    assert np.all(day[np.isfinite(day)] < spells.stop[np.isfinite(day)])
