"""Checks of scales, of who can have an event at all, and of what came before the response that is day zero."""

from dataclasses import replace
from pathlib import Path

import pytest

from cohorts import history
from dayzero.checks import check_history
from dayzero.errors import Finding
from dayzero.protocol import Definitions, Endpoint, Protocol, library

NEW = ("scale-not-stated", "gvhd-of-autologous", "b-cells-not-targeted", "response-after-other-therapy")


def found(folder: Path, events: str, *names: str | Endpoint, protocol: Protocol | None = None) -> list[Finding]:
    known = protocol or library()
    endpoints = [known.endpoint(name) if isinstance(name, str) else name for name in names]
    return [one for one in check_history(history(folder, events), known, endpoints) if one.code in NEW]


# --- scales -----------------------------------------------------------------------------------------------------------

GRADES = """patient event day value scale
a infusion 0 - -
a crs 2 2 -
a icans 4 1 -
a agvhd 60 II -
a last_contact 300
b infusion 0 - -
b crs 2 3 penn
b icans 3 0 -
b agvhd 50 none -
b cgvhd 150 mild -
b crs 90 - -
b last_contact 300"""


def test_grades_without_a_scale_are_one_finding_a_toxicity(tmp_path: Path) -> None:
    crs, icans, agvhd = found(tmp_path, GRADES)
    assert [(one.level, one.rows, one.patient_rows, one.column) for one in (crs, icans, agvhd)] == [
        ("warning", (3,), (2,), "scale"),
        ("warning", (4,), (2,), "scale"),
        ("warning", (5,), (2,), "scale"),
    ]
    assert ["CRS" in crs.message, "ICANS" in icans.message, "GVHD" in agvhd.message] == [True] * 3


def test_without_a_column_scale_no_grade_says_it(tmp_path: Path) -> None:
    lines = "patient event day value\na infusion 0\na crs 2 3\na crs 9 0\na death 10\nb infusion 0\nb crs 2 grade-1"
    (one,) = found(tmp_path, lines)
    assert one.rows == (3, 7)


@pytest.mark.parametrize(
    ("protocol", "silent"),
    [
        (Protocol(), 0),
        (Protocol(stated=frozenset({"crs"})), 1),  # a default that is written
        (Protocol(definitions=Definitions(crs="penn")), 1),  # another than the default
        (Protocol(stated=frozenset({"crs", "icans", "agvhd", "cr"})), 3),
    ],
)
def test_a_study_that_names_its_scale_is_silent(tmp_path: Path, protocol: Protocol, silent: int) -> None:
    assert len(found(tmp_path, GRADES, protocol=protocol)) == 3 - silent


# --- autologous transplants, and products that leave the B cells ------------------------------------------------------

AUTO = """patient event day value kind donor targets
a infusion 0 - - - CD19
a hsct 60 - auto - -
a hsct 200 - allo - -
a last_contact 400
b infusion 0 - - - CD7
b hsct 60 - - sibling -
b last_contact 400
c infusion 0 - - - CD19/CD22
c hsct 70 - - autologous -
c last_contact 400
d infusion 0
d hsct 70
d last_contact 400"""


def test_who_has_autologous_cells_is_at_risk_of_no_gvhd(tmp_path: Path) -> None:
    (one,) = found(tmp_path, AUTO, "agvhd_2_4", "cgvhd", "grfs_refined", "os")
    assert (one.level, one.rows, one.patient_rows, one.table) == ("note", (3, 10), (2, 4), "events.csv")
    assert "agvhd_2_4, cgvhd and grfs_refined: 2 patients" in one.message
    assert "hsct[kind=allo]" in one.mend


def test_a_day_zero_of_donors_cells_is_silent(tmp_path: Path) -> None:
    donors = replace(library().endpoint("cgvhd"), origin="hsct[kind=allo]")
    assert found(tmp_path, AUTO, donors) == []
    second = replace(library().endpoint("cgvhd"), origin="hsct:2")  # that of patient a, who has a donor then
    assert found(tmp_path, AUTO, second) == []


def test_only_products_that_are_known_to_leave_the_b_cells_are_named(tmp_path: Path) -> None:
    (one,) = found(tmp_path, AUTO, "b_cell_recovery", "os")
    assert (one.level, one.code, one.rows, one.patient_rows) == ("note", "b-cells-not-targeted", (6,), (3,))
    aimed = replace(library().endpoint("b_cell_recovery"), origin="infusion:1[targets=CD19|CD19/CD22]")
    assert found(tmp_path, AUTO, aimed) == []
    others = replace(library().endpoint("b_cell_recovery"), population="hsct[kind=auto]")
    assert found(tmp_path, AUTO, others) == []  # patient b is not in it


def test_without_the_columns_nothing_is_known(tmp_path: Path) -> None:
    events = "patient event day\na infusion 0\na hsct 60\na last_contact 300"
    assert found(tmp_path, events, "agvhd_2_4", "b_cell_recovery") == []


# --- what came before the response ------------------------------------------------------------------------------------

LATE = """patient event day value
a infusion 0
a new_therapy 40
a new_therapy 50
a response 80 CR
a last_contact 400
b infusion 0
b response 28 CR
b new_therapy 28
b last_contact 400
c new_therapy -9
c infusion 0
c new_therapy 0
c response 28 CRi
c new_therapy 60
c last_contact 400
d infusion 0
d new_therapy 30
d last_contact 90"""


def test_a_remission_after_another_therapy_is_named_with_the_rows_of_the_therapy(tmp_path: Path) -> None:
    (one,) = found(tmp_path, LATE, "lfs", "relapse", "nrm", "os", "efs")
    assert (one.level, one.code, one.rows, one.patient_rows) == ("note", "response-after-other-therapy", (3, 4), (2,))
    assert "lfs, relapse and nrm" in one.message
    assert "1 patient " in one.message
    assert 'censor_at = ["new_therapy"]' in one.mend


def test_the_way_to_mend_it_leaves_that_remission_out(tmp_path: Path) -> None:
    """From the infusion, with censoring at the therapy, the late remission is no event."""
    from dayzero.endpoints import derive_spells

    reached = Endpoint(name="reached", origin="infusion:1", events=("response=CR|CRi",), censor_at=("new_therapy",))
    spells = derive_spells(history(tmp_path, LATE), reached)
    assert dict(zip(spells.patients["patient"], spells.to.tolist(), strict=True))["a"] == -1
    assert found(tmp_path, LATE, reached) == []


def test_a_response_that_need_not_come_after_anything_is_not_asked(tmp_path: Path) -> None:
    assert found(tmp_path, LATE, replace(library().endpoint("lfs"), origin="response=CR|CRi")) == []
