"""Laws of reading: the same patients, written in another way, are the same study."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dayzero.endpoints import derive_spells, exclusions
from dayzero.spells import Ints, Spells
from properties.strategies import COMPLETE, Cohort, Shape, cohorts
from properties.studies import (
    ENDPOINTS,
    LATE,
    RFS,
    Unit,
    calendar,
    derived,
    files,
    same,
    same_everything,
    same_spells,
    with_transplant,
)

WIDE = Shape(spread=(1, 25, 41))
UNITS: tuple[tuple[Unit, float], ...] = (("weeks", 7.0), ("months", 30.4375), ("years", 365.25))


@given(cohort=cohorts())
def test_what_is_read_is_what_is_written(cohort: Cohort, folder: Path) -> None:
    """read(write(cohort)) = cohort: every cell, the row of every line, the end of follow-up; laws start from either."""
    written, read = files(cohort).history(), files(cohort).read(folder)
    assert_frame_equal(written.patients, read.patients)
    assert_frame_equal(written.events, read.events)
    for one, other in ((written.end, read.end), (written.patient_rows, read.patient_rows)):
        np.testing.assert_array_equal(one, other)


@given(cohort=cohorts(), data=st.data())
def test_the_order_of_the_events_does_not_matter(cohort: Cohort, data: st.DataObject, folder: Path) -> None:
    """spells(events) = spells(permuted events), exactly: a table of events is a set."""
    whole = files(cohort)
    shuffled = replace(whole, events=tuple(data.draw(st.permutations(whole.events))))
    for one, other in zip(derived(whole.read(folder)), derived(shuffled.read(folder)), strict=True):
        same_spells(one, other)


@given(cohort=cohorts(), data=st.data())
def test_the_order_of_the_patients_does_not_matter(cohort: Cohort, data: st.DataObject, folder: Path) -> None:
    """estimates(patients) = estimates(permuted patients): every estimator is a sum over patients."""
    whole = files(cohort)
    shuffled = replace(whole, patients=tuple(data.draw(st.permutations(whole.patients))))
    same_everything(whole.read(folder), shuffled.read(folder))


@given(cohort=cohorts(), data=st.data())
def test_the_names_of_the_patients_do_not_matter(cohort: Cohort, data: st.DataObject, folder: Path) -> None:
    """spells(ids) = spells(other ids), exactly, also where they sort in another order or look like numbers."""
    names = data.draw(st.permutations(["007", "7", "NA", "null", *(f"Z{k}" for k in range(26))]))
    renamed = files(cohort, ids=names[: len(cohort)])
    for one, other in zip(derived(files(cohort).read(folder)), derived(renamed.read(folder)), strict=True):
        same_spells(one, other)


@given(cohort=cohorts(), shift=st.integers(-20000, 20000), cutoff=st.integers(-5, 20))
def test_the_calendar_does_not_matter(cohort: Cohort, shift: int, cutoff: int, folder: Path) -> None:
    """spells(dates + c, cutoff + c) = spells(dates, cutoff), exactly: only differences of days are looked at."""
    found = []
    for moved in (0, shift):
        dated = files(cohort, written=partial(calendar, shift=moved), clock="date")
        found.append(derived(dated.read(folder, cutoff=calendar(cutoff, moved))))
    for one, other in zip(*found, strict=True):
        same_spells(one, other)


@given(cohort=cohorts(WIDE))
def test_dates_and_days_are_the_same(cohort: Cohort, folder: Path) -> None:
    """spells(dates) = spells(days), exactly: a date is the number of its day."""
    dated = files(cohort, written=calendar, clock="date")
    for one, other in zip(derived(dated.read(folder)), derived(files(cohort).read(folder)), strict=True):
        same_spells(one, other)


@given(cohort=cohorts(WIDE), unit=st.sampled_from(UNITS))
def test_the_unit_of_time_does_not_matter(cohort: Cohort, unit: tuple[Unit, float], folder: Path) -> None:
    """spells(days / u, unit u) = spells(days), with the same ties: snapping (convention 1) mends what is rounded."""
    name, days = unit
    scaled = files(cohort, written=lambda day: repr(day / days)).read(folder, time_unit=name)
    for one, other in zip(derived(files(cohort).read(folder)), derived(scaled), strict=True):
        assert one.n == other.n
        np.testing.assert_array_equal(one.to, other.to)
        same(one.stop, other.stop)
        same(one.start, other.start)
        same(one.treatments["hsct"], other.treatments["hsct"])
        np.testing.assert_array_equal(ranks(one), ranks(other))


def ranks(spells: Spells) -> Ints:
    """Return the place of each entry, exit and treatment among all of them: what is tied shares one."""
    return np.unique(np.concatenate([spells.start, spells.stop, spells.treatments["hsct"]]), return_inverse=True)[1]


@given(cohort=cohorts())
def test_a_fraction_of_a_day_is_kept(cohort: Cohort, folder: Path) -> None:
    """spells(days / 2) has half the times of spells(days), exactly: a number of days is never rounded."""
    halved = files(cohort, written=lambda day: str(day / 2)).read(folder)
    for one, other in zip(derived(files(cohort).read(folder)), derived(halved), strict=True):
        np.testing.assert_array_equal(one.to, other.to)
        np.testing.assert_array_equal(one.stop / 2, other.stop)
        np.testing.assert_array_equal(one.start / 2, other.start)


@given(cohort=cohorts())
def test_a_cutoff_after_everything_is_no_cutoff(cohort: Cohort, folder: Path) -> None:
    """spells(cutoff = +inf) = spells, exactly."""
    dated = files(cohort, written=calendar, clock="date")
    histories = dated.read(folder), dated.read(folder, cutoff=calendar(5 + 12 + 3))
    for one, other in zip(*map(derived, histories), strict=True):
        same_spells(one, other)


@given(cohort=cohorts(), cutoff=st.integers(0, 15), later=st.integers(1, 9))
def test_what_happens_after_the_cutoff_never_matters(cohort: Cohort, cutoff: int, later: int, folder: Path) -> None:
    """spells(events up to c, cutoff c) = spells(events moved about after c, cutoff c), exactly."""

    def moved_later(day: int) -> str:
        return calendar(day + later if day > cutoff else day)

    found = []
    for written in (calendar, moved_later):
        dated = files(cohort, written=written, clock="date")
        found.append(derived(dated.read(folder, cutoff=calendar(cutoff))))
    for one, other in zip(*found, strict=True):
        same_spells(one, other)


@given(cohort=cohorts(), late=st.lists(st.tuples(st.sampled_from(["relapse", "hsct", "crs"]), st.integers(1, 9))))
def test_what_happens_after_the_end_never_matters(cohort: Cohort, late: list[tuple[str, int]], folder: Path) -> None:
    """spells(events after death or last contact, added) = spells, exactly: nobody is at risk any more."""
    whole = files(cohort)
    more = list(whole.events)
    for k, course in enumerate(cohort):
        end = max(course.days.values(), default=0)
        more += [f"p{k:02d},{event},{(course.zero or 0) + end + days}" for event, days in late]
    added = replace(whole, events=tuple(more))
    histories = whole.read(folder), added.read(folder)
    for endpoint in ENDPOINTS:
        one, other = (derive_spells(history, endpoint) for history in histories)
        same_spells(one, other)


@given(cohort=cohorts())
def test_everybody_is_analysed_or_left_out_for_one_reason(cohort: Cohort, folder: Path) -> None:
    """n = patients in the table - sum of the exclusions, and every analysed patient has one row before any split."""
    history = files(cohort).read(folder)
    for endpoint in ENDPOINTS:
        spells = derive_spells(history, endpoint)
        assert spells.n == len(spells) == len(history) - sum(reason.n for reason in exclusions(history, endpoint))
        assert with_transplant(history, endpoint).n == spells.n


@given(cohort=cohorts(), before=st.integers(0, 4))
def test_delayed_entry_before_the_origin_is_none(cohort: Cohort, before: int, folder: Path) -> None:
    """spells(entry <= origin) = spells(no entry), exactly: everybody is at risk from day zero on."""
    early = tuple(course.moved("enrolment", -before) for course in cohort)
    history = files(early).read(folder)
    same_spells(derive_spells(history, RFS), derive_spells(history, LATE))


@given(cohort=cohorts(COMPLETE), entry=st.integers(1, 12))
def test_delayed_entry_takes_away_earlier_time_only(cohort: Cohort, entry: int, folder: Path) -> None:
    """spells(entry e) = the rows with stop > e, from e on, treatments included: intervals are (start, stop]."""
    history = files(tuple(course.moved("enrolment", entry) for course in cohort)).read(folder)
    whole, late = with_transplant(history, RFS), with_transplant(history, LATE)
    kept = whole.where(whole.stop > entry)
    assert late.of("patient").to_list() == kept.of("patient").to_list()
    np.testing.assert_array_equal(late.start, np.maximum(kept.start, entry))
    for one, other in ((late.stop, kept.stop), (late.to, kept.to), (late.columns["hsct"], kept.columns["hsct"])):
        np.testing.assert_array_equal(one, other)


@given(cohort=cohorts(COMPLETE))
def test_an_event_on_day_zero_counts(cohort: Cohort, folder: Path) -> None:
    """d(0) = patients with an event on day 0, at risk(0) = everybody: a spell without entry starts at -inf."""
    spells = derive_spells(files(cohort).read(folder), RFS)
    early = sum(0 in (course.on("relapse"), course.on("death")) for course in cohort)
    assert int(np.count_nonzero(spells.event() & (spells.stop == 0))) == early
    assert np.isneginf(spells.start).all()
    assert spells.n == len(cohort)
