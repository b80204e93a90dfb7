"""The laboratory screen for IEC-HS (rule book 2.5 and its correction)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.grading import grade_table
from dayzero.grading.iec_hs import derive_iec_hs, screen_iec_hs
from dayzero.history import History
from dayzero.io.csv import Table
from dayzero.io.tables import DataSettings, make_history
from dayzero.protocol import Definitions

LABS = {
    "patient": pl.Int64, "day": pl.Float64, "row": pl.Int64, "analyte": pl.String, "value": pl.Float64,
    "value_bound": pl.String, "uln": pl.Float64, "uln_bound": pl.String, "lln": pl.Float64, "lln_bound": pl.String,
}  # fmt: skip
INFUSED = {"event": "infusion", "day": "0"}
END = {"event": "last_contact", "day": "200"}
Lab = Mapping[str, Any]


def lab(analyte: str, value: float | None, day: float = 10, **more: Any) -> dict[str, Any]:
    return {"analyte": analyte, "value": value, "day": float(day), "value_bound": ""} | more


FERRITIN = (lab("ferritin", 400, 0, uln=300.0), lab("ferritin", 9000, uln=300.0))
CALM = (
    lab("ferritin", 200, 0, uln=300.0), lab("ferritin", 210, 9, uln=300.0), lab("alt", 20, 0, uln=40.0),
    lab("alt", 30, uln=40.0), lab("ast", 20, 0, uln=40.0), lab("ast", 30, uln=40.0), lab("fibrinogen", 300, lln=200.0),
    lab("anc", 2), lab("platelets", 200), lab("hb", 12),
)  # fmt: skip


def text(rows: Sequence[Mapping[str, str]], name: str) -> Table:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[row.get(column) for column in columns] for row in rows]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String), orient="row")
    return Table(frame=frame, name=name, rows=np.arange(2, frame.height + 2))


def history(labs: Sequence[Lab], *events: Mapping[str, str]) -> History:
    listed = [{"patient": "A"} | dict(event) for event in (events or (INFUSED, END))]
    made, _ = make_history(text([{"patient": "A"}], "patients.csv"), text(listed, "events.csv"), DataSettings())
    rows = [{"patient": 0, "row": at + 2} | dict(one) for at, one in enumerate(labs)]
    return replace(made, tables={"labs": pl.DataFrame(rows, schema=LABS)})


def result(labs: Sequence[Lab], *events: Mapping[str, str]) -> dict[str, Any]:
    (row,) = derive_iec_hs(history(labs, *events), Definitions()).results["iec_hs"].rows(named=True)
    return dict(row)


def state(labs: Sequence[Lab], name: str) -> bool | None:
    found = result([*FERRITIN, *labs] if name != "ferritin" else labs)
    return True if name in found["criteria_met"] else None if name in found["criteria_unknown"] else False


@pytest.mark.parametrize(
    ("base", "value", "uln", "met"),
    [
        (300, 601, 300, True),  # more than twice the upper limit, and the baseline
        (301, 600, 300, False),
        (250, 501, 300, True),  # more than twice the baseline alone
        (400, 700, 300, True),  # more than twice the upper limit alone
        (None, 600, 300, None),  # the baseline is not known
        (None, 601, 300, True),
        (600, 1001, None, True),  # above twice any plausible upper limit
        (600, 900, None, None),
        (140, 270, None, False),
    ],
)
def test_ferritin_above_twice_normal_or_baseline(
    base: float | None, value: float, uln: float | None, met: bool | None
) -> None:
    rows = ([] if base is None else [lab("ferritin", base, 0, uln=uln)]) + [lab("ferritin", value, 10, uln=uln)]
    assert state(rows, "ferritin") is met


def test_ferritin_rising_rapidly_counts() -> None:
    steady = [
        lab("ferritin", 500, 0, uln=900.0),
        lab("ferritin", 300, 8, uln=900.0),
        lab("ferritin", 601, 11, uln=900.0),
    ]
    assert state(steady, "ferritin") is False
    assert state([*steady[:2], steady[2] | {"day": 10.0}], "ferritin") is True
    assert state([*steady[:2], steady[2] | {"day": 10.0, "value": 600.0}], "ferritin") is False


def test_ferritin_above_an_upper_limit_of_quantification() -> None:
    rows = [FERRITIN[0], lab("ferritin", 40000, 10, value_bound=">", uln=300.0)]
    found = result(rows)
    assert (found["ferritin_peak"], found["ferritin_peak_bound"], found["carhlh_ferritin"]) == (40000, ">", True)
    unknown = result([FERRITIN[0], lab("ferritin", None, 10, value_bound=">", uln=300.0)])
    assert unknown["criteria_unknown"][0] == "ferritin"
    assert unknown["carhlh_ferritin"] is None


@pytest.mark.parametrize(
    ("base", "value", "met"),
    [
        (40, 201, True), (40, 200, False),  # a normal baseline: five times the upper limit
        (80, 401, True), (80, 400, False), (80, 201, False),  # an abnormal one: five times that
        (None, 200, False), (None, 201, None),
    ],
)  # fmt: skip
def test_transaminases(base: float | None, value: float, met: bool | None) -> None:
    for mine, other in (("alt", "ast"), ("ast", "alt")):
        rows = [lab(mine, value, uln=40.0), lab(other, 20, 0, uln=40.0), lab(other, 30, uln=40.0)]
        rows += [] if base is None else [lab(mine, base, 0, uln=40.0)]
        assert state(rows, "transaminases") is met


@pytest.mark.parametrize("only", ["alt", "ast"])
def test_one_transaminase_alone_decides_and_only_without_any_it_is_unknown(only: str) -> None:
    """Where AST was never measured, ALT is the highest of those measured."""
    base = lab(only, 20, 0, uln=40.0)
    assert state([base, lab(only, 30, uln=40.0)], "transaminases") is False
    assert state([base, lab(only, 201, uln=40.0)], "transaminases") is True
    assert state([base], "transaminases") is None  # measured before the infusion alone
    assert state([], "transaminases") is None
    other = {"alt": "ast", "ast": "alt"}[only]
    doubtful = lab(other, 200)  # of which neither limit nor baseline is known
    assert state([base, lab(only, 30, uln=40.0), doubtful], "transaminases") is None
    assert state([base, lab(only, 201, uln=40.0), doubtful], "transaminases") is True


def test_without_ast_the_screen_is_decided() -> None:
    calm = [row for row in CALM if row["analyte"] != "ast"]
    assert result(calm)["screen_positive"] is False
    assert result([*FERRITIN, *[row for row in calm if row["analyte"] != "ferritin"]])["criteria_unknown"] == []


@pytest.mark.parametrize(
    ("value", "lln", "met"),
    [
        (149.9, None, True),
        (150, 150, False),
        (150, None, None),
        (250, None, False),
        (190, 200, True),
        (200, 200, False),
    ],
)
def test_fibrinogen(value: float, lln: float | None, met: bool | None) -> None:
    assert state([lab("fibrinogen", value, lln=lln)], "fibrinogen") is met


@pytest.mark.parametrize(
    ("counts", "met"),
    [
        ({"anc": 0.49, "platelets": 200, "hb": 12}, True), ({"anc": 0.5, "platelets": 50, "hb": 8}, False),
        ({"platelets": 49}, True), ({"hb": 7.9}, True), ({"anc": 2}, None), ({}, None),
    ],
)  # fmt: skip
def test_cytopenia(counts: Mapping[str, float], met: bool | None) -> None:
    assert state([lab(name, value) for name, value in counts.items()], "cytopenia") is met


def test_the_screen_needs_ferritin_and_two_others() -> None:
    two = [lab("fibrinogen", 100, 12), lab("hb", 6, 9)]
    positive = result([*FERRITIN, *two])
    assert (positive["screen_positive"], positive["day"]) == (True, 12.0)
    assert result([*FERRITIN, two[0]])["screen_positive"] is None  # transaminases and counts are not known
    assert result([*CALM[:2], *two])["screen_positive"] is False
    assert result([*CALM, FERRITIN[1]])["screen_positive"] is False


def test_no_value_is_not_no() -> None:
    found = result([lab("ferritin", 9000, 0, uln=300.0)])
    assert (found["screen_positive"], found["criteria_unknown"]) == (
        None,
        ["ferritin", "transaminases", "fibrinogen", "cytopenia"],
    )


def test_supporting_values_do_not_make_a_screen() -> None:
    rows = [*FERRITIN, lab("ldh", 900, uln=250.0), lab("triglycerides", 266), lab("creatinine", 3), lab("d_dimer", 9)]
    assert result(rows)["supporting"] == ["ldh", "creatinine", "triglycerides"]
    assert result([*FERRITIN, lab("triglycerides", 265)])["supporting"] == []


def test_values_of_the_baseline_and_after_the_window_do_not_count() -> None:
    late = [lab("fibrinogen", 90, 31), lab("hb", 6, 31), lab("platelets", 10, 0)]
    assert result([*CALM, *late, lab("ferritin", 9000, 31)])["criteria_met"] == []


def test_a_positive_screen_makes_no_event_but_a_note() -> None:
    labs = [*FERRITIN, lab("fibrinogen", 100), lab("hb", 6)]
    made = derive_iec_hs(history(labs), Definitions())
    assert (made.events.height, made.superseded) == (0, ())
    assert [(f.code, f.level, f.patient_rows) for f in made.findings] == [("iec-hs-screen-positive", "note", (2,))]
    told = derive_iec_hs(history(labs, INFUSED, {"event": "iec_hs", "day": "11", "value": "3"}, END), Definitions())
    assert told.findings == ()
    assert told.results["iec_hs"].select("reported_grade", "reported_day", "was_reported").rows() == [(3, 11.0, True)]


def test_timing_against_the_end_of_crs() -> None:
    labs = [*FERRITIN, lab("fibrinogen", 100), lab("hb", 6)]
    for end, word in ((10.0, "after_crs"), (10.6, "after_crs"), (11.0, "during_crs"), (None, None)):
        crs = pl.DataFrame(
            [{"patient": 0, "course_kind": "infusion", "course": 1, "resolution": end}],
            schema={"patient": pl.Int64, "course_kind": pl.String, "course": pl.Int64, "resolution": pl.Float64},
        )
        made = screen_iec_hs(replace(history(labs), graded={"crs": crs}))
        assert made.graded["iec_hs"]["timing"].to_list() == [word]
    assert result(labs)["timing"] is None


def test_a_row_for_every_infusion_and_none_without_ferritin() -> None:
    labs = [*FERRITIN, lab("fibrinogen", 100), lab("hb", 6)]
    made = derive_iec_hs(history(labs, INFUSED, {"event": "infusion", "day": "60"}, END), Definitions())
    assert made.results["iec_hs"].select("course", "screen_positive").rows() == [(1, True), (2, None)]
    assert derive_iec_hs(history([lab("hb", 6)]), Definitions()).results == {}
    assert derive_iec_hs(replace(history(labs), tables={}), Definitions()).results == {}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, len(CALM) + 3), unique=True), st.lists(st.integers(0, len(CALM) + 3), unique=True))
def test_what_is_known_stays_so_when_a_missing_analyte_is_measured(some: list[int], more: list[int]) -> None:
    """A certain screen is that of every completion: analytes without any value are added, not values to known ones.

    Where one transaminase was measured the criterion is known [D]: the other is a value to a known one.
    """
    pool = [*CALM, lab("fibrinogen", 100), lab("alt", 900, uln=40.0), lab("hb", 5), FERRITIN[1]]
    first = [pool[at] for at in some if at < len(pool)]
    there = {row["analyte"] for row in first}
    there |= {"alt", "ast"} if there & {"alt", "ast"} else set()
    added = [pool[at] for at in more if at < len(pool) and pool[at]["analyte"] not in there]
    whole = [lab("ferritin", 9000, 9, uln=300.0), FERRITIN[0], *first]
    before, after = result(whole)["screen_positive"], result([*whole, *added])["screen_positive"]
    assert before is None or before == after


def test_command_table() -> None:
    rows = [{"patient": "A", "day": "0", "analyte": "Ferritin", "value": "400", "uln": "300"}]
    rows += [{"patient": "A", "day": "10", "analyte": "ferritin", "value": "9000", "uln": "300"}]
    rows += [{"patient": "A", "day": "10", "analyte": name, "value": "9", "uln": ""} for name in ("fibrinogen", "hb")]
    (found,) = grade_table("iec-hs", pl.DataFrame(rows))
    assert (found.grade, found.lower, found.upper, found.findings) == (None, 0, 5, ())
    rows[3]["value"] = "6"
    (found,) = grade_table("iec-hs", pl.DataFrame(rows).with_columns(pl.lit("3").alias("reported_grade")))
    assert (found.grade, found.drivers, found.findings) == (
        3,
        ("ferritin", "fibrinogen", "cytopenia"),
        ("screen_positive",),
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"patient": "A", "day": "", "analyte": "ferritin", "value": "9"}, "row 2, column day: no day"),
        ({"patient": "A", "day": "1", "value": "9"}, "no column 'analyte'"),
        ({"patient": "A", "day": "1", "analyte": "ferritin", "value": "x"}, "row 2, column value"),
    ],
)
def test_command_table_faults(row: dict[str, str], words: str) -> None:
    with pytest.raises(InputError) as caught:
        grade_table("iec-hs", pl.DataFrame([row]))
    assert words in str(caught.value)
