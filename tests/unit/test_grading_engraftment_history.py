"""Engraftment and graft failure on a history (rule book 3.6 and its correction; CIBMTR manual)."""

from typing import Any

import pytest

from bedside_histories import Rows, history, table
from dayzero.errors import InputError
from dayzero.grading.blood.history import derive_recoveries, grade_engraftment
from dayzero.grading.derived import Derived
from dayzero.history import History
from dayzero.protocol import Definitions

ALLO = {"event": "hsct", "day": 0, "kind": "allo", "graft": "blood"}
END = {"event": "last_contact", "day": 400}
MANUAL_TWO = [10, 30, 25, 10, 15, 19, 23, 25, 40, 50, 56, 65, 72]
MANUAL_ONE = [10, 35, 30, 25, 10, 15, 19, 23, 25, 40, 50]
NONE: Rows = ()


def values(analyte: str, series: Any, first: float = 0, step: float = 1) -> list[dict[str, Any]]:
    return [{"day": first + at * step, "analyte": analyte, "value": value} for at, value in enumerate(series)]


def platelets(*days: float, kind: str = "transfusion_platelets") -> list[dict[str, Any]]:
    return [{"day": day, "kind": kind} for day in days]


def told(labs: Rows, support: Rows | None = NONE, events: Rows = (ALLO, END), assessed: Rows | None = None) -> History:
    tables = {"labs": table("labs", labs)}
    if support is not None:
        tables["support"] = table("support", support)
    if assessed is not None:
        tables["assessments"] = table("assessments", assessed)
    return history(events, tables)


def derived(
    labs: Rows, support: Rows | None = NONE, events: Rows = (ALLO, END), assessed: Rows | None = None
) -> Derived:
    return derive_recoveries(told(labs, support, events, assessed), Definitions())


def recovery(found: Derived, name: str = "neutrophil_engraftment", course: int = 1) -> tuple[str, float | None]:
    (row,) = [
        r for r in found.results["engraftment"].rows(named=True) if (r["recovery"], r["course"]) == (name, course)
    ]
    return row["outcome"], row["day"]


def failure(found: Derived, course: int = 1) -> dict[str, Any]:
    (row,) = [r for r in found.results["graft_failure"].rows(named=True) if r["course"] == course]
    return dict(row)


def codes(found: Derived) -> list[str]:
    return [one.code for one in found.findings]


def test_manual_example_two_on_the_history_clock() -> None:
    """Golden: last transfusion on the day of transplant, day 100 of the history; 20 on day 107, 50 on day 109."""
    events = [{"event": "hsct", "day": 100, "kind": "allo"}, END]
    found = derived(values("platelets", MANUAL_TWO, 100), platelets(100), events)
    assert recovery(found, "platelet_engraftment") == ("recovered", 107)
    assert recovery(found, "platelet_engraftment_50") == ("recovered", 109)
    (row,) = found.results["engraftment"].filter(recovery="platelet_engraftment").rows(named=True)
    assert (row["since"], row["course_kind"], row["scale"]) == (7, "hsct", "cibmtr")


def test_manual_example_one() -> None:
    found = derived(values("platelets", MANUAL_ONE), platelets(0))
    assert recovery(found, "platelet_engraftment") == ("recovered", 7)


def test_a_transfusion_before_the_transplant_and_one_that_lasts_days_count() -> None:
    series = [25, 15, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75]
    assert recovery(derived(values("platelets", series), platelets(-3)), "platelet_engraftment") == ("recovered", 4)
    lasting = [{"day": 1, "end_day": 3, "kind": "transfusion_platelets"}]
    assert recovery(derived(values("platelets", series), lasting), "platelet_engraftment") == ("recovered", 10)


@pytest.mark.parametrize("support", [None, platelets(3, kind="gcsf")])
def test_without_knowledge_of_transfusions_platelets_are_not_evaluable(support: Rows | None) -> None:
    found = derived(values("platelets", MANUAL_TWO), support)
    assert recovery(found, "platelet_engraftment") == ("not_evaluable", None)
    assert "platelet-transfusions-not-recorded" in codes(found)
    assert "platelet_engraftment" not in found.events.get_column("event").to_list()


def test_a_transfusion_without_a_day_leaves_platelets_not_evaluable() -> None:
    rows = [*platelets(0), {"day": None, "kind": "transfusion_platelets"}]
    assert recovery(derived(values("platelets", MANUAL_TWO), rows), "platelet_engraftment") == ("not_evaluable", None)


def test_white_cells_are_never_neutrophils() -> None:
    """Seed 004 prints leukocyte engraftment in its results and neutrophil engraftment in its discussion."""
    found = derived(values("wbc", [0.5, 0.2, 1.0, 1.2, 1.4]))
    assert recovery(found, "leukocyte_engraftment") == ("recovered", 2)
    assert recovery(found, "neutrophil_engraftment") == ("not_evaluable", None)
    assert found.events["event"].to_list() == ["leukocyte_engraftment"]


def test_neutrophils_never_low_are_never_below_and_no_event() -> None:
    found = derived(values("anc", [2.0] * 20))
    assert recovery(found) == ("never_below", None)
    assert not found.events.height
    assert failure(found)["primary"] == "no"


def test_bounds_of_a_value_are_read() -> None:
    low = [{"day": 1, "analyte": "anc", "value": 0.1, "value_bound": "<"}]
    useless = [{"day": 2, "analyte": "anc", "value": 1, "value_bound": "<"}]
    high = [{"day": d, "analyte": "anc", "value": 1, "value_bound": ">"} for d in (4, 5, 6)]
    assert recovery(derived([*low, *useless, *high])) == ("recovered", 4)
    unclear = [{"day": 4, "analyte": "anc", "value": 0.2, "value_bound": ">"}]
    assert recovery(derived([*low, *unclear, *high[1:]])) == ("not_recovered", None)


def test_each_transplant_has_its_own_and_an_infusion_two_days_later_ends_none() -> None:
    """Sandwich: the second infusion stands on day 2 after the transplant, in the middle of its nadir."""
    events = [ALLO, {"event": "infusion", "day": 2}, {"event": "hsct", "day": 100, "kind": "allo"}, END]
    found = derived([*values("anc", [0.1, 0.1, 0.1, 0.6, 0.7, 0.8]), *values("anc", [0.1] * 9, 100)], events=events)
    assert recovery(found) == ("recovered", 3)
    assert recovery(found, course=2) == ("not_recovered", None)


def test_a_transplant_without_values_is_not_evaluable() -> None:
    found = derived([])
    assert set(found.results["engraftment"]["outcome"]) == {"not_evaluable"}
    assert found.results["engraftment"].height == 4
    assert failure(found)["primary"] == "unknown"


def test_reported_days_are_replaced_and_named_where_they_differ() -> None:
    events = [ALLO, {"event": "neutrophil_engraftment", "day": 5}, {"event": "leukocyte_engraftment", "day": 3}, END]
    found = derived([*values("anc", [0.1, 0.1, 0.1, 0.6, 0.7, 0.8])], events=events)
    assert found.superseded == (3,)
    (differ,) = [one for one in found.findings if one.code == "engraftment-day-differs"]
    assert (differ.level, differ.rows, differ.patient_rows) == ("warning", (3,), (2,))


LOW = [*values("anc", [0.1] * 50), *values("platelets", [8] * 50), *values("hb", [7] * 50)]


@pytest.mark.parametrize(("graft", "day"), [("blood", 30), ("PBSC", 30), ("bone marrow", 30), ("cord blood", 42)])
def test_primary_failure_by_day_30_after_marrow_and_blood_and_42_after_cord(graft: str, day: float) -> None:
    found = derived(LOW, events=[ALLO | {"graft": graft}, END])
    assert (failure(found)["primary"], failure(found)["day"]) == ("yes", day)
    (row,) = found.events.rows(named=True)
    assert (row["event"], row["kind"], row["day"], row["scale"]) == ("graft_failure", "primary", day, "astct-2021")


def test_the_older_edition_asks_neutrophils_alone_by_day_28() -> None:
    graded = grade_engraftment(told(values("anc", [0.1] * 29)), failure="day-28")
    assert graded.graded["graft_failure"]["primary"].to_list() == ["yes"]
    assert graded.named("graft_failure").select("day", "source").rows() == [(28.0, "derived")]
    with pytest.raises(InputError, match="no edition"):
        grade_engraftment(told([]), failure="day-21")


def test_neutrophils_alone_without_pancytopenia_are_no_failure() -> None:
    well = [*values("anc", [0.1] * 50), *values("platelets", [150] * 50), *values("hb", [12] * 50)]
    assert failure(derived(well, platelets(0)))["primary"] == "no"
    row = failure(derived(values("anc", [0.1] * 50)))
    assert (row["primary"], row["missing"]) == ("unknown", ["platelets", "hb"])
    kept_up = [*platelets(27), *platelets(28, kind="transfusion_rbc")]
    assert failure(derived(well, kept_up))["primary"] == "yes"


@pytest.mark.parametrize("event", ["death", "relapse"])
def test_death_and_relapse_before_the_deadline_exclude(event: str) -> None:
    last = [] if event == "death" else [END]
    found = derived(LOW[:20], events=[ALLO, {"event": event, "day": 20}, *last])
    assert failure(found)["primary"] == "excluded"


def test_values_that_end_before_the_deadline_leave_it_unknown() -> None:
    row = failure(derived([*values("anc", [0.1] * 29), *LOW[50:]]))
    assert (row["primary"], row["missing"]) == ("unknown", ["anc"])
    assert failure(derived(LOW, events=[ALLO, {"event": "last_contact", "day": 25}]))["primary"] == "unknown"


def test_recovery_on_the_deadline_is_in_time_and_a_day_later_is_not() -> None:
    rest = LOW[50:]
    assert failure(derived([*values("anc", [0.1] * 30 + [0.6, 0.7, 0.8]), *rest]))["primary"] == "no"
    assert failure(derived([*values("anc", [0.1] * 31 + [0.6, 0.7, 0.8]), *rest]))["primary"] == "yes"


def test_an_unknown_graft_is_settled_only_where_both_deadlines_agree() -> None:
    unknown = [{"event": "hsct", "day": 0}, END]
    assert failure(derived(LOW, events=unknown))["primary"] == "yes"
    late = failure(derived([*values("anc", [0.1] * 35 + [0.6, 0.7, 0.8]), *LOW[50:]], events=unknown))
    assert (late["primary"], late["missing"]) == ("unknown", ["graft"])
    assert failure(derived(values("anc", [0.1, 0.6, 0.7, 0.8]), events=unknown))["primary"] == "no"


FALLEN = [0.1, 0.6, 0.7, 0.8, 2.0, 1.5, 0.3, 0.2]


def test_a_later_fall_is_a_possible_secondary_failure_and_no_event() -> None:
    found = derived(values("anc", FALLEN, step=10), platelets(90, kind="gcsf"))
    row = failure(found)
    assert (row["secondary"], row["secondary_day"], row["supported"]) == ("possible", 60.0, True)
    assert "possible-secondary-graft-failure" in codes(found)
    assert "graft_failure" not in found.events["event"].to_list()
    assert failure(derived(values("anc", FALLEN, step=10), None))["supported"] is None


def test_a_fall_after_lymphodepletion_or_relapse_is_explained() -> None:
    for event in ("lymphodepletion", "relapse"):
        found = derived(values("anc", FALLEN, step=10), events=[ALLO, {"event": event, "day": 55}, END])
        assert failure(found)["secondary"] == "none"
        assert "possible-secondary-graft-failure" not in codes(found)


@pytest.mark.parametrize(
    ("value", "bound", "full"),
    [(0.96, "", True), (0.95, "", False), (0.95, ">", True), (0.95, "<", False), (0.99, "<", None)],
)
def test_full_chimerism_is_above_95_percent(value: float, bound: str, full: bool | None) -> None:
    rows = [{"day": 30, "site": "bm", "chimerism": value, "chimerism_bound": bound}]
    row = failure(derived([], assessed=rows))
    assert row["full_chimerism"] is full
    assert row["full_chimerism_day"] == (30.0 if full else None)


def test_chimerism_that_was_never_measured_is_unknown() -> None:
    assert failure(derived([]))["full_chimerism"] is None


def test_a_reported_failure_that_counts_rule_out_is_found() -> None:
    events = [ALLO, {"event": "graft_failure", "day": 30, "kind": "primary"}, END]
    found = derived(values("anc", [0.1, 0.6, 0.7, 0.8]), events=events)
    (differ,) = [one for one in found.findings if one.code == "graft-failure-differs"]
    assert (differ.rows, differ.patient_rows) == ((3,), (2,))
    assert 3 not in found.superseded
    assert 3 in derived(LOW, events=events).superseded


def test_a_history_without_labs_or_transplants() -> None:
    assert derive_recoveries(history([ALLO, END]), Definitions()).results == {}
    assert derived(values("anc", [0.1]), events=[END]).results["engraftment"].height == 0
