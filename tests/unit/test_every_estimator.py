"""Every estimator on the same hard tables: an answer, or a reason why there is none, never a number that is none."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.estimate import SCHEMA, Estimate
from dayzero.estimators.resampling.bootstrap import bootstrap
from dayzero.estimators.resampling.pseudo import Method, pseudo_means, pseudo_probabilities
from dayzero.spells import Spells, make_spells
from estimator_registry import REGISTRY, Entry, days, public_estimators

NUMBERS = [name for name, dtype in SCHEMA.items() if dtype == pl.Float64()]
NAN = float("nan")
UNDRAWN = [entry for entry in REGISTRY if entry.function is not bootstrap]  # in another order others are drawn


def table(stop: Any, event: Any, **columns: Any) -> Spells:
    """A table with the columns that the registry's estimators ask for; ``arm`` is a column of the patients."""
    n = len(stop)
    patient = np.asarray(columns.pop("patient", np.arange(n)), np.int64)
    arm = columns.pop("arm", None)
    usual: dict[str, Any] = {"age": 40.0 + (patient * 7) % 19, "score": patient % 3}
    for name, values in {**usual, **columns}.items():
        columns[name] = np.asarray(values, float) if name in usual else values
    spells = make_spells(stop, event, patient=patient, **columns)
    arms = pl.Series(
        "arm", [("a", "b")[k % 2] for k in range(spells.patients.height)] if arm is None else arm, pl.String
    )
    return replace(spells, patients=spells.patients.with_columns(arms))


MANY = np.random.default_rng(1).integers(0, 30, (60, 3))
TEN = [3.0, 4, 4, 6, 7, 8, 9, 9, 11, 12]
BOTH = [1, 0, 1, 1, 2, 0, 1, 2, 1, 0]
LATE = [-np.inf, -np.inf, 1.0, 1, 2, 2, 3, 3, 5, 5]


def hard(events: int) -> dict[str, Spells]:
    """Tables of patients who can leave the first state alone, with one event or two that compete."""
    states = ("initial", "event", "other")[: events + 1]
    one, event = {"states": states}, np.minimum(BOTH, events)
    emptied = {"start": [-np.inf, -np.inf, 5.0, 5, 5, 6, 6, 6, 6, 6]}
    scale = np.array([1e-9, 1e9])
    return {
        "usual": table(MANY[:, 0], MANY[:, 1] % (events + 1), age=MANY[:, 2], **one),
        "nobody censored": table(MANY[:, 0], MANY[:, 1] % events + 1, age=MANY[:, 2], **one),
        "few": table(TEN, event, **one),
        "one patient": table([5.0], [1], **one),
        "one patient, censored": table([5.0], [0], **one),
        "two patients": table([5.0, 6.0], [1, 0], **one),
        "event on day 0": table([0.0, 0.0, 3.0, 4.0], [1, 0, events, 1], **one),
        "no events": table(TEN, np.zeros(10), **one),
        "everybody has the event": table(TEN, np.ones(10), **one),
        "everybody has the last event": table(TEN, np.full(10, events), **one),
        "all at one time": table([7.0] * 10, event, **one),
        "all events at one time": table([7.0] * 10, np.ones(10), **one),
        "delayed entry": table(TEN, event, start=LATE, **one),
        "emptied risk set": table([3.0, 4, 7, 8, 9, 9, 10, 11, 12, 13], [1, 1, *event[2:]], **emptied, **one),
        "some weights zero": table(TEN, event, weight=[0.0, 1, 1, 0, 1, 1, 1, 0, 1, 1], **one),
        "all weights zero": table(TEN, event, weight=np.zeros(10), **one),
        "weights that are no whole numbers": table(TEN, event, weight=np.linspace(0.1, 2.3, 10), **one),
        "groups of one": table(TEN[:4], event[:4], arm=["a", "b", "c", "d"], **one),
        "one group": table(TEN, event, arm=["a"] * 10, **one),
        "a group without events": table(TEN, np.where(np.arange(10) % 2, 0, event), **one),
        "groups at different times": table(TEN, event, arm=["a"] * 5 + ["b"] * 5, **one),
        "a missing covariate": table(TEN, event, arm=["a", None, *"bababab", None], age=[NAN, *range(9)], **one),
        "a covariate missing in all": table(TEN, event, age=[NAN] * 10, **one),
        "a group missing in all": table(TEN, event, arm=[None] * 10, **one),
        "a constant covariate": table(TEN, event, age=[50.0] * 10, **one),
        "collinear covariates": table(TEN, event, score=np.arange(10), age=2.0 * np.arange(10) + 40.0, **one),
        "perfect separation": table(TEN, [1] * 5 + [0] * 5, age=np.arange(10), arm=["a"] * 5 + ["b"] * 5, **one),
        "huge covariates": table(TEN, event, age=np.arange(10) * 1e12, score=np.arange(10) * 1e-12, **one),
        "times of 1e-9": table(np.array(TEN) * 1e-9, event, **one),
        "times of 1e9": table(np.array(TEN) * 1e9, event, **one),
        "times from 1e-9 to 1e9": table(np.repeat(scale, 5) * np.array(TEN), event, **one),
        "an empty table": table([], [], **one),
    }


def walks() -> dict[str, Spells]:
    """Tables of illness and death."""
    rows = {
        "patient": [0, 0, 1, 2, 2, 3, 4, 5, 5, 6],
        "start": [-np.inf, 3, -np.inf, -np.inf, 4, -np.inf, -np.inf, 2, 5, 2],
        "state": [0, 1, 0, 0, 1, 0, 0, 0, 1, 0], "to": [1, 2, 2, 1, -1, -1, 1, 1, 2, 2],
    }  # fmt: skip
    stop, states = [3.0, 8, 5, 4, 9, 10, 6, 5, 7, 9], ("well", "ill", "dead")
    whole = table(stop, np.ones(10), states=states, **rows)
    ill = whole.where(whole.state == 1)
    return {
        "walks": whole,
        "walks of one patient": whole.where(whole.patient == 0),
        "walks that nobody finishes": replace(whole, to=np.where(whole.to == 2, -1, whole.to)),
        "walks from the second state": ill,
        "walks with weights of zero": replace(whole, weight=np.zeros(10)),
        "walks of 1e-9 days": replace(whole, start=whole.start * 1e-9, stop=whole.stop * 1e-9),
        "no walks": whole.where(np.zeros(10, bool)),
    }


TABLES = {
    **{f"{name}, one event": spells for name, spells in hard(1).items()},
    **{f"{name}, two events": spells for name, spells in hard(2).items()},
    **walks(),
}


def answer(call: Callable[[Spells], Estimate], spells: Spells) -> Estimate | None:
    """Return the rows, or None where the input is refused."""
    try:
        return call(spells)
    except InputError:
        return None


def faults(found: Estimate) -> list[str]:
    """Say what is wrong with rows: a number that is none, a null without a reason, limits or p-values out of order."""
    rows = found.rows
    silent = rows.filter(pl.all_horizontal(pl.col("estimate", "p_value", "warning").is_null()))
    wrong = {
        "not finite": any(not rows[column].drop_nulls().is_finite().all() for column in NUMBERS),
        f"no number and no reason: {silent.select('statistic', 'group', 'term', 'time').rows()}": len(silent) > 0,
        "a negative standard error": not (rows["std_error"].drop_nulls() >= 0).all(),
        "a p-value outside 0 to 1": not rows["p_value"].drop_nulls().is_between(0, 1).all(),
        "limits in the wrong order": not (rows["lower"] <= rows["upper"]).drop_nulls().all(),
    }
    return [fault for fault, found in wrong.items() if found]


@pytest.mark.parametrize("entry", REGISTRY, ids=lambda entry: entry.name)
def test_hard_tables(entry: Entry) -> None:
    """Every table, then all faults together."""
    found = {}
    for name, spells in TABLES.items():
        if not entry.competing and name.endswith("two events"):
            continue
        try:
            rows = answer(entry.call, spells)
        except Exception as error:  # noqa: BLE001  - whatever it is, it is a fault of the estimator
            found[name] = [f"{type(error).__name__}: {error}"]
            continue
        wrong = [] if rows is None else faults(rows)
        if wrong:
            found[name] = wrong
    assert not found, "\n".join(f"{name}: {'; '.join(wrong)}" for name, wrong in found.items())


@pytest.mark.parametrize("entry", REGISTRY, ids=lambda entry: entry.name)
def test_some_table_has_an_answer(entry: Entry) -> None:
    """The suite must not pass because everything is refused."""
    tables = ("usual, one event", "usual, two events", "nobody censored, two events", "walks")
    found = [answer(entry.call, TABLES[name]) for name in tables]
    known = [each.rows.select("estimate", "p_value") for each in found if each is not None]
    assert pl.concat(known).null_count().row(0) != (pl.concat(known).height,) * 2


@pytest.mark.parametrize("entry", UNDRAWN, ids=lambda entry: entry.name)
def test_the_order_of_the_rows_does_not_matter(entry: Entry) -> None:
    spells = TABLES["usual, one event"]
    one, other = (answer(entry.call, each) for each in (spells, spells.where(np.arange(60)[::-1])))  # type: ignore[arg-type]
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        first, second = one.rows["estimate"].to_numpy(), other.rows["estimate"].to_numpy()
        np.testing.assert_allclose(first, second, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", ["leave-one-out", "infinitesimal"])
@pytest.mark.parametrize("name", TABLES)
def test_pseudo_observations_are_numbers_or_refused(name: str, method: Method) -> None:
    spells = TABLES[name]
    for make, when in ((pseudo_probabilities, days(spells)), (pseudo_means, days(spells)[-1:])):
        try:
            found = make(spells, when, method=method)
        except InputError:
            continue
        assert found.values.shape == (spells.n, len(when), len(spells.states))
        assert np.isfinite(found.values).all()


def test_every_estimator_is_in_the_registry() -> None:
    known = {entry.function for entry in REGISTRY}
    missing = [name for name, function in public_estimators().items() if function not in known]
    assert not missing, f"add to tests/estimator_registry.py: {', '.join(missing)}"
