"""Laws of time-varying columns, exposures, and treatments with a state: against reading one patient at a time."""

from dataclasses import replace
from itertools import product
from random import Random

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from dayzero.endpoints import derive_spells, exposure_at, first_day, treatment_days
from dayzero.estimators.comparisons.logrank import fit_logrank
from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.curves.aalen_johansen import fit_aalen_johansen
from dayzero.estimators.groups import group_rows
from dayzero.history import History
from dayzero.protocol import Treatment, parse_term
from dayzero.spells import Floats
from properties.strategies import COMPLETE, Cohort, cohorts
from properties.studies import LATE, RELAPSE, RFS, files, same, same_cox, same_curve

Result = tuple[str, int, str | None, int | None]  # event, patient counted from the first and round again, value, day
RESULTS = [
    *product(["mrd"], range(6), ["neg", "pos", None], [None, *range(-2, 11)]),
    *product(["response"], range(6), ["CR", "PR"], [None, *range(-2, 11)]),
    *product(["relapse", "hsct"], range(6), [None], range(-2, 11)),
]
TERMS = ("mrd", "mrd=neg", "relapse", "response=CR", "mrd after enrolment")
TREATMENT = Treatment("hsct", "response=CR", ("relapse",))


def results() -> st.SearchStrategy[list[Result]]:
    return st.lists(st.sampled_from(RESULTS), max_size=25)


def with_results(cohort: Cohort, drawn: list[Result]) -> History:
    """Return a cohort's history with the results in rows of their own at the end of the file."""
    history = files(cohort).history()
    zeros = [course.zero or 0 for course in cohort]
    patient = [place % len(cohort) for _, place, _, _ in drawn]
    day = [None if day is None else zeros[p] + float(day) for p, (_, _, _, day) in zip(patient, drawn, strict=True)]
    old = history.events.with_columns(pl.col("event").cast(pl.String))
    first = int(old["row"].max()) + 1  # type: ignore[arg-type]
    new = {
        "patient": patient,
        "event": [event for event, *_ in drawn],
        "day": day,
        "value": [value for _, _, value, _ in drawn],
        "number": [None] * len(drawn),
        "source": ["reported"] * len(drawn),
        "row": range(first, first + len(drawn)),
    }
    events = pl.concat([old, pl.DataFrame(new, schema=old.schema)]) if drawn else old
    return replace(history, events=events.with_columns(pl.col("event").cast(pl.Categorical)))


def seen(history: History, patient: int, *names: str) -> list[tuple[float, int, str, str | None]]:
    """Return (day, order on the day, name, value) of one patient's dated events, in order."""
    rows = history.events.filter(pl.col("patient") == patient, pl.col("event").is_in(list(names)))
    rows = rows.drop_nulls("day").select("day", "row", pl.col("event").cast(pl.String), "value")
    return sorted(rows.iter_rows(), key=lambda row: (row[0], row[2] in {"relapse", "progression"}, row[1]))


def column_value(history: History, patient: int, term: str, day: float, origin: float) -> object:
    """Return what was known on a day (from day zero, which it is on at least), event by event."""
    name = parse_term(term).name
    events = [row for row in seen(history, patient, name) if row[0] - origin <= max(day, 0.0)]
    if term.endswith("after enrolment"):
        entries = [row[0] for row in seen(history, patient, "enrolment")]
        events = [row for row in events if entries and row[0] >= min(entries)]
    if term == "relapse":
        return float(bool(events))
    if "=" in term:
        return float(bool(events) and events[-1][3] == term.partition("=")[2])
    values = [row[3] for row in events if row[3] is not None]
    return values[-1] if values else "not measured"


def who(history: History, names: pl.Series) -> list[int]:
    place = {name: k for k, name in enumerate(history.patients["patient"])}
    return [place[name] for name in names]


@given(cohort=cohorts(), drawn=results())
def test_every_row_knows_what_was_known_when_it_began(cohort: Cohort, drawn: list[Result]) -> None:
    history = with_results(cohort, drawn)
    measured = any(event == "mrd" and value for event, _, value, _ in drawn)
    terms = [term for term in TERMS if measured or not term.startswith("mrd") or "=" in term]
    for endpoint in (RFS, LATE):
        spells = derive_spells(history, endpoint, time_varying=terms)
        index = who(history, spells.patients["patient"])
        origin = first_day(history, parse_term(endpoint.origin))
        for row, term in product(range(len(spells)), terms):
            patient = index[spells.patient[row]]
            expected = column_value(history, patient, term, spells.start[row], origin[patient])
            assert spells.columns[term][row] == expected


@given(cohort=cohorts(), drawn=results())
def test_a_row_ends_only_where_something_changes(cohort: Cohort, drawn: list[Result]) -> None:
    history = with_results(cohort, drawn)
    terms = ("mrd=neg", "relapse", "response=CR")
    spells = derive_spells(history, RFS, time_varying=terms)
    whole = derive_spells(history, RFS)
    same_patient = spells.patient[1:] == spells.patient[:-1]
    np.testing.assert_array_equal(spells.start[1:][same_patient], spells.stop[:-1][same_patient])
    np.testing.assert_array_equal(
        spells.start[np.concatenate(([True], ~same_patient))], whole.start
    ) if whole.n else None
    assert (spells.to[:-1][same_patient] == -1).all()
    changed = np.any([spells.columns[term][1:] != spells.columns[term][:-1] for term in terms], axis=0)
    assert changed[same_patient].all()


@given(cohort=cohorts(COMPLETE), drawn=results())
def test_splitting_changes_nothing_that_does_not_look_at_the_columns(cohort: Cohort, drawn: list[Result]) -> None:
    """(a, c] is (a, b] and (b, c]: the same curves, tests, and Cox models without the columns."""
    history = with_results(cohort, drawn)
    for endpoint in (RFS, RELAPSE):
        whole, cut = (
            derive_spells(history, endpoint, time_varying=terms) for terms in ((), ("mrd=neg", "response=CR"))
        )
        assert whole.n == cut.n
        if not whole.n:
            continue
        same_curve(fit_aalen_johansen(whole), fit_aalen_johansen(cut))
        same_cox(fit_cox(whole, ["risk", "age"]), fit_cox(cut, ["risk", "age"]))
        if endpoint is RFS and len(group_rows(whole, "risk").levels) > 1:
            same(fit_logrank(whole, "risk").chi2, fit_logrank(cut, "risk").chi2)


@given(cohort=cohorts(), drawn=results(), day=st.integers(0, 10))
def test_the_exposure_on_a_day_is_the_column_after_it(cohort: Cohort, drawn: list[Result], day: int) -> None:
    """Of those at risk after the day, whose measurements are all dated."""
    history = with_results(cohort, [result for result in drawn if result[3] is not None])
    for term in ("mrd=neg", "relapse", "response=CR"):
        spells = derive_spells(history, RFS, time_varying=[term])
        exposed = exposure_at(history, RFS, term, float(day))
        assert exposed.shape == (spells.patients.height,)
        rows = np.flatnonzero((spells.start <= day) & (day < spells.stop))
        np.testing.assert_array_equal(np.nan_to_num(exposed)[spells.patient[rows]], spells.columns[term][rows])


def counted_treatment(history: History, patient: int, origin: float) -> float:
    """Return the day of the first transplant in first remission, event by event; everything is dated."""
    if np.isnan(origin):
        return np.inf
    for day, *_ in seen(history, patient, "hsct"):
        known = [row for row in seen(history, patient, "response", "relapse", "progression") if row[0] <= day]
        in_remission = bool(known) and known[-1][2:] == ("response", "CR")
        relapsed = any(row[2] == "relapse" and row[0] >= origin for row in known)
        if day >= origin and in_remission and not relapsed:
            return day
    return np.inf


@given(cohort=cohorts(), drawn=results())
def test_the_first_treatment_that_counts(cohort: Cohort, drawn: list[Result]) -> None:
    history = with_results(cohort, [result for result in drawn if result[3] is not None])
    origin = first_day(history, parse_term("infusion"))
    found = treatment_days(history, TREATMENT, origin)
    expected = [counted_treatment(history, patient, day) for patient, day in enumerate(origin)]
    np.testing.assert_array_equal(found, expected)


@given(cohort=cohorts(), drawn=results())
def test_a_treatment_in_a_state_is_one_of_the_treatments(cohort: Cohort, drawn: list[Result]) -> None:
    """Never before the first of any; in any state it is the first; what is undated is not known."""
    history = with_results(cohort, drawn)
    origin = first_day(history, parse_term("infusion"))
    plain = first_day(history, parse_term("hsct"), origin)
    np.testing.assert_array_equal(treatment_days(history, "hsct", origin), plain)
    np.testing.assert_array_equal(treatment_days(history, Treatment("hsct", before=("boost",)), origin), plain)
    stated = treatment_days(history, TREATMENT, origin)
    both = ~np.isnan(stated)
    assert not np.isnan(plain[both]).any()
    assert (stated[both] >= plain[both]).all()


@given(cohort=cohorts(), drawn=results(), shift=st.integers(-400, 400), seed=st.integers(0, 999))
def test_neither_the_calendar_nor_the_order_of_rows_counts(
    cohort: Cohort, drawn: list[Result], shift: int, seed: int
) -> None:
    history = with_results(cohort, drawn)
    rows = list(range(history.events.height))
    Random(seed).shuffle(rows)
    moved = replace(
        history,
        events=history.events[rows].with_columns(pl.col("day") + float(shift)),
        end=np.asarray(history.end + shift, float),
    )
    for endpoint in (RFS, LATE):
        one, other = (
            derive_spells(each, endpoint, treatments=[TREATMENT], time_varying=["mrd=neg", "response=CR"])
            for each in (history, moved)
        )
        for name in ("patient", "start", "stop", "to"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        for term in one.columns:
            np.testing.assert_array_equal(one.columns[term], other.columns[term])
        np.testing.assert_array_equal(one.treatments["hsct"], other.treatments["hsct"])
        exposed: list[Floats] = [exposure_at(each, endpoint, "mrd=neg", 3.0) for each in (history, moved)]
        np.testing.assert_array_equal(*exposed)
