"""Checks of a treatment given after day zero: what fires, what does not, and whom it names."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cohorts import history
from dayzero.checks import (
    landmark_few_treated,
    positivity,
    time_varying_undated,
    treatment_mixes_states,
    treatment_undated,
)
from dayzero.endpoints import derive_spells, exposure_at
from dayzero.history import History
from dayzero.protocol import Endpoint, Treatment
from dayzero.spells import Spells, make_spells

OS = Endpoint(name="os", origin="infusion", events=("death",))
RFS = Endpoint(name="rfs", origin="infusion", events=("relapse", "death"))


def cohort(folder: Path, *courses: str) -> History:
    """Build a history from `hsct@30 response=CR@20 ...`, one patient a text, infused on day 0, seen until day 999."""
    rows = ["patient event day value"]
    for number, course in enumerate(courses):
        name = f"p{number:03d}"
        end = "" if "death" in course else " last_contact@999"
        for word in f"infusion@0 {course}{end}".split():
            event, _, when = word.partition("@")
            kind, _, value = event.partition("=")
            rows.append(f"{name} {kind} {when or '-'} {value or '-'}")
    return history(folder, "\n".join(rows))


CR = "response=CR@20 hsct@50"
NONE = "response=NR@20 hsct@50"
LATE = "response=CR@20 relapse@40 hsct@50"


@pytest.mark.parametrize(
    ("courses", "words"),
    [
        ([CR] * 4, None),
        ([CR] * 4 + [NONE], None),  # one is no kind
        ([CR] * 4 + [NONE] * 2, "2 of 6 hsct had no complete remission before:"),
        ([CR] * 39 + [NONE] * 2, None),  # fewer than 5 %
        ([CR] * 38 + [NONE] * 2, "2 of 40 hsct had no complete remission before:"),
        ([NONE] * 4 + [CR], None),
        ([NONE] * 4, None),  # nobody in remission: one treatment
        ([CR] * 4 + [LATE] * 2, "2 of 6 hsct followed a relapse or progression:"),
        ([CR] * 4 + [LATE] * 2 + [NONE] * 3, "3 of 9 hsct had no complete remission before and 2 followed a relapse"),
        ([CR] * 4 + ["response=CRi@20 hsct@50"] * 2, None),
        ([CR] * 4 + ["response=CR@50 hsct@50"] * 2, None),  # the assessment comes first
        ([CR] * 4 + ["response=CR@51 hsct@50"] * 2, "2 of 6 hsct had no complete remission before:"),
        ([CR] * 4 + ["response=CR@20 relapse@50 hsct@50"] * 2, "followed a relapse"),
        ([CR] * 4 + ["response=CR@20 progression@50 hsct@50"] * 2, "followed a relapse"),
        ([CR] * 4 + ["response=CR@20 relapse@51 hsct@50"] * 2, None),
        ([CR] * 4 + ["relapse@-9 response=CR@20 hsct@50"] * 2, None),  # relapsed before day zero, remission since
        ([CR] * 4 + ["response=CR@-900 relapse@-9 hsct@50"] * 2, "had no complete remission before:"),
        ([CR] * 4 + ["response=CR@-9 hsct@50"] * 2, None),  # infused in remission
        ([CR] * 4 + ["death@40 hsct@50 response=NR@20"] * 2, None),  # not at risk any more
        ([CR] * 4 + ["response=NR@20"] * 2, None),  # not treated
        ([CR] * 4 + ["response=NR@20 hsct"] * 2, None),  # undated
    ],
)
def test_a_plain_treatment_that_is_several(tmp_path: Path, courses: list[str], words: str | None) -> None:
    found = treatment_mixes_states(cohort(tmp_path, *courses), OS, "hsct")
    assert [finding.code for finding in found] == ([] if words is None else ["treatment-mixes-states"])
    assert all(words in finding.message for finding in found if words)


def test_the_mixture_names_its_patients_and_its_mend(tmp_path: Path) -> None:
    read = cohort(tmp_path, CR, LATE, CR, LATE, NONE, NONE)
    (finding,) = treatment_mixes_states(read, OS, "hsct")
    assert finding.patient_rows == (3, 5, 6, 7)
    assert finding.mend == 'Write treatment = { event = "hsct", while = "response=CR|CRi", before = ["relapse"] }.'
    assert treatment_mixes_states(read, OS, Treatment("hsct", before=("relapse",))) == ()
    (only,) = treatment_mixes_states(read, RFS, "hsct")  # relapse ends the risk
    assert only.patient_rows == (6, 7)


def test_who_is_left_out_for_want_of_a_date(tmp_path: Path) -> None:
    read = cohort(tmp_path, "hsct", "hsct@40", "response=CR hsct@40", "death@90")
    plain, stated = (
        derive_spells(read, OS, treatments=[treatment]) for treatment in ("hsct", Treatment("hsct", "response=CR"))
    )
    assert [f.message.split(" left")[0] for f in treatment_undated(plain, "hsct")] == ["1 patient"]
    assert [f.message.split(" left")[0] for f in treatment_undated(stated, "hsct")] == ["2 patients"]
    assert treatment_undated(derive_spells(read, OS, treatments=["dli"]), "dli") == ()


def test_undated_values_are_counted(tmp_path: Path) -> None:
    read = cohort(tmp_path, "mrd=neg", "mrd=neg@40 mrd=pos", "mrd=neg@40", "relapse")
    (finding,) = time_varying_undated(read, OS, ("mrd", "response=CR"))
    assert (finding.code, finding.patient_rows) == ("time-varying-undated", (2, 3))
    assert time_varying_undated(read, Endpoint(origin="hsct", events=("death",)), ("mrd",)) == ()


def table(treated: int, untreated: int) -> Spells:
    """Return patients followed for 100 days, some treated on day 30."""
    n = treated + untreated
    spells = make_spells([100.0] * n, [1] * n)
    return with_treatment(spells, [30.0] * treated + [np.inf] * untreated)


def with_treatment(spells: Spells, days: list[float]) -> Spells:
    return replace(spells, treatments={"hsct": np.array(days)})


@pytest.mark.parametrize(
    ("treated", "landmark", "fires"),
    [(10, 30, False), (10, 29, True), (9, 30, True), (0, 30, True), (20, 99, False), (20, 100, True)],
)
def test_a_landmark_needs_ten_treated(treated: int, landmark: float, fires: bool) -> None:
    found = landmark_few_treated(table(treated, 5), "hsct", [landmark])
    assert [f.code for f in found] == ["landmark-few-treated"] * fires


def test_the_landmark_counts_who_is_at_risk() -> None:
    spells = with_treatment(make_spells([10, 50, 50, 50], [1, 1, 1, 1]), [5, 5, np.inf, np.nan])
    (finding,) = landmark_few_treated(spells, "hsct", [20])
    assert finding.message.startswith("On day 20 only 1 of 2 patients at risk of whom it is known had hsct")


def kinds(spells: Spells, *columns: str, within: float = np.inf) -> list[str]:
    found = positivity(spells, "hsct", columns, within=within)
    assert all(finding.code == "positivity" for finding in found)
    return [finding.message.split(" started")[0] for finding in found]


def test_nobody_or_everybody_of_a_kind() -> None:
    risk = ["high"] * 10 + ["low"] * 10 + ["mid"] * 10 + ["few"] * 9
    days = [np.inf] * 10 + [30.0] * 10 + [30.0, *[np.inf] * 9] + [np.inf] * 9
    spells = with_treatment(make_spells([100.0] * 39, [1] * 39, risk=risk), days)
    assert kinds(spells, "risk") == [
        "Nobody among 10 patients with risk=high",
        "Everybody among 10 patients with risk=low",
    ]
    assert kinds(with_treatment(spells, [np.inf] * 39), "risk") == []  # nobody at all: said elsewhere
    assert kinds(spells, "no such column") == []


def test_halves_of_a_number_and_its_two_values() -> None:
    age = np.arange(40.0)
    days = [30.0 if 0 <= k < 5 else np.inf for k in range(40)]
    spells = with_treatment(make_spells([100.0] * 40, [1] * 40, age=age, old=(age > 25).astype(float)), days)
    assert kinds(spells, "age", "old") == [
        "Nobody among 20 patients with age in the upper half",
        "Nobody among 14 patients with old=1",
    ]


def test_starting_counts_while_at_risk_and_within_the_grace_period() -> None:
    risk = ["high"] * 10 + ["low"] * 10
    late = with_treatment(
        make_spells([100.0] * 20, [1] * 20, risk=risk), [95.0] * 3 + [np.inf] * 7 + [30.0] * 2 + [np.inf] * 8
    )
    assert kinds(late, "risk") == []
    assert kinds(late, "risk", within=90) == ["Nobody among 10 patients with risk=high"]
    after = with_treatment(late, [100.0] * 3 + [np.inf] * 7 + [30.0] * 2 + [np.inf] * 8)  # the event comes first
    assert kinds(after, "risk") == ["Nobody among 10 patients with risk=high"]


def test_kinds_that_change_are_looked_at_while_they_last() -> None:
    """All are MRD positive until day 50, when they are treated or not: nobody is treated while positive."""
    n = 12
    mrd = ["pos", "neg"] * n
    starts, stops = [-np.inf, 50.0] * n, [50.0, 100.0] * n
    spells = make_spells(
        stops, [0, 1] * n, start=starts, patient=np.repeat([f"p{k:02d}" for k in range(n)], 2), mrd=mrd
    )
    assert kinds(with_treatment(spells, [60.0] * 6 + [np.inf] * 6), "mrd") == ["Nobody among 12 patients with mrd=pos"]
    assert kinds(with_treatment(spells, [50.0] * 6 + [np.inf] * 6), "mrd") == []  # of the 6 left nobody, but they are 6


def test_an_exposure_on_a_landmark_counts_as_a_treatment_of_that_day(tmp_path: Path) -> None:
    read = cohort(tmp_path, *["mrd=neg@20"] * 12, *["mrd=pos@20 mrd=neg@40"] * 3, *["mrd=pos@20"] * 12)
    spells = derive_spells(read, OS)
    for day, fires in ((10, True), (28, False)):
        known = exposure_at(read, OS, "mrd=neg", day)
        days = np.where(np.isnan(known), np.nan, np.where(known == 1.0, day, np.inf))
        found = landmark_few_treated(with_treatment(spells, days.tolist()), "hsct", [day])
        assert [f.message[:60] for f in found] == [
            "On day 10 none of 0 patients at risk of whom it is known had"
        ] * fires
