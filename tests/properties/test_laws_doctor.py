"""Laws of the doctor: any cohort, with any of its days lost, has a page; and the page knows no patient by name."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.doctor import examine
from dayzero.report.doctor_page import render_doctor
from dayzero.study import endpoints_of
from properties.strategies import Cohort, cohorts
from properties.studies import ANALYSES, STUDY, calendar, files

FEW = settings(max_examples=max(settings.default.max_examples // 10, 1))  # type: ignore[union-attr]


@FEW
@given(cohort=cohorts(), data=st.data())
def test_any_cohort_has_a_page_and_its_order_is_that_of_the_changes(
    cohort: Cohort, data: st.DataObject, folder: Path
) -> None:
    """Lost and partial dates are bounded, never a fault; those that move a number come first."""
    whole = files(cohort, written=calendar, clock="date")
    lost = data.draw(st.sets(st.sampled_from(range(len(whole.events))), max_size=4)) if whole.events else set()
    cuts = {row: data.draw(st.sampled_from((0, 4, 7))) for row in sorted(lost)}
    events = tuple(_cut(event, cuts.get(row, 10)) for row, event in enumerate(whole.events))
    study = replace(whole, events=events, study=f"{STUDY}{ANALYSES}").study_of(folder)
    page = examine(study)
    assert endpoints_of(study)
    moved = ["→" in " ".join(item.changes) for item in page.items]
    assert moved == sorted(moved, reverse=True)
    assert all(item.changes for item in page.items)
    render_doctor(page)


def _cut(event: str, characters: int) -> str:
    """Return a row of the events with only so many characters of its date."""
    cells = event.split(",")
    return ",".join(cell[:characters] if cell.count("-") == 2 and cell[:2].isdigit() else cell for cell in cells)


@FEW
@given(cohort=cohorts(), data=st.data())
def test_the_page_does_not_know_the_patients(cohort: Cohort, data: st.DataObject, folder: Path) -> None:
    """page(ids) = page(other ids), byte by byte."""
    names = data.draw(st.permutations([f"Name{k}" for k in range(30)]))
    pages = [
        render_doctor(examine(replace(one, study=f"{STUDY}{ANALYSES}").study_of(folder)))
        for one in (files(cohort), files(cohort, ids=names[: len(cohort)]))
    ]
    assert pages[0] == pages[1]
