"""Names of endpoints, curves and cut-points: what each guard looks at, and what it leaves alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from cohorts import history
from dayzero.checks import check_history, columns_known_later, cut_points, few_at_risk, longest_possible, not_competing
from dayzero.endpoints import derive_spells
from dayzero.estimate import concat, make_estimate
from dayzero.history import History
from dayzero.identities import check_identities
from dayzero.protocol import Endpoint, Protocol, library
from dayzero.protocol.naming import (
    counts_non_response,
    is_event_free_survival,
    is_free_survival,
    is_non_relapse_mortality,
    of_responders_only,
)

COURSES = """
patient event day value cause
a infusion 0 -
a response 28 CR
a hsct 60 -
a relapse 200 -
a death 300 - disease
b infusion 0 -
b response 28 CR
b hsct 70 -
b death 150 - treatment
c infusion 0 -
c response 28 NR
c last_contact 400 -
d infusion 0 -
d response 30 CR
d last_contact 500 -
"""
DAY = "infusion:1"
CR = "response=CR"


def codes(folder: Path, *endpoints: Endpoint) -> list[str]:
    return [f.code for f in check_history(history(folder, COURSES), Protocol(), endpoints) if f.code != "censoring-gap"]


# --- what names claim -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "label", "event_free", "free"),
    [
        ("efs", "", True, True),
        ("mrd_efs", "", True, True),
        ("x", "Event-free survival, day 0", True, True),
        ("x", "Event free survival", True, True),
        ("lfs", "", False, True),
        ("x", "Relapse-free survival", False, True),
        ("grfs_refined", "", False, True),
        ("os", "Overall survival", False, False),
        ("prefs", "Preference", False, False),
        ("relapse", "Relapse", False, False),
        ("dor", "Duration of response", False, False),
    ],
)
def test_what_a_name_claims(name: str, label: str, *, event_free: bool, free: bool) -> None:
    endpoint = Endpoint(name=name, label=label, origin=DAY, events=("relapse",))
    assert (is_event_free_survival(endpoint), is_free_survival(endpoint)) == (event_free, free)


def test_names_of_the_library_are_true() -> None:
    for name in library().endpoints:
        endpoint = library().endpoint(name)
        assert not is_free_survival(endpoint) or "death" in endpoint.events, name
        assert not is_event_free_survival(endpoint) or counts_non_response(endpoint), name
        assert not (is_event_free_survival(endpoint) and of_responders_only(endpoint)), name
        assert not is_non_relapse_mortality(endpoint) or "relapse" in endpoint.competing, name


def test_event_free_survival_of_responders(tmp_path: Path) -> None:
    efs = Endpoint(name="efs", origin=CR, events=("relapse", "death"))
    assert codes(tmp_path, efs) == ["efs-of-responders"]
    by_population = replace(efs, origin="hsct", population=CR)
    assert codes(tmp_path, by_population) == ["efs-of-responders"]
    assert codes(tmp_path, replace(efs, name="rfs")) == []


def test_event_free_survival_without_a_rule_for_non_response(tmp_path: Path) -> None:
    efs = Endpoint(name="efs", origin=DAY, events=("relapse", "death"))
    found = check_history(history(tmp_path, COURSES), Protocol(), [efs])
    (rule,) = [f for f in found if f.code == "efs-without-non-response"]
    assert "1 patient without response=CR|CRh|CRi within 90 days" in rule.message
    for other in (
        replace(efs, non_response="day0"),
        replace(efs, events=("relapse", "death", "response=NR")),
        replace(efs, events=("relapse", "death", "refractory")),
        replace(efs, origin="hsct"),
        replace(efs, name="os", events=("death",)),
    ):
        assert "efs-without-non-response" not in codes(tmp_path, other)


def test_a_survival_in_which_not_every_death_counts(tmp_path: Path) -> None:
    lfs = Endpoint(name="lfs", origin=CR, events=("relapse",))
    found = check_history(history(tmp_path, COURSES), Protocol(), [lfs])
    (named,) = [f for f in found if f.code == "survival-without-death"]
    assert "1 patient died without its event" in named.message
    assert "survival-without-death" in codes(tmp_path, replace(lfs, events=("relapse", "death[cause=disease]")))
    assert codes(tmp_path, replace(lfs, events=("relapse", "death"))) == []


# --- transplants ------------------------------------------------------------------------------------------------------


def test_censoring_at_transplant_without_its_twin(tmp_path: Path) -> None:
    lfs = Endpoint(name="lfs", origin=CR, events=("relapse", "death"))
    cut = replace(lfs, name="lfs_cut", censor_at=("hsct",))
    found = check_history(history(tmp_path, COURSES), Protocol(), [cut])
    (alone,) = [f for f in found if f.code == "hsct-censored-alone"]
    assert "(2 patients)" in alone.message
    assert "hsct-censored-alone" not in codes(tmp_path, cut, replace(lfs, label="LFS"))
    assert "hsct-censored-alone" in codes(tmp_path, cut, replace(lfs, origin=DAY))
    assert "hsct-censored-alone" not in codes(tmp_path, replace(cut, censor_at=("hsct:2",)))  # nobody has one


# --- curves -----------------------------------------------------------------------------------------------------------


def kinds(cohort: History, endpoint: Endpoint) -> list[str]:
    return [finding.code for finding in not_competing(cohort, endpoint)]


def test_death_that_does_not_compete(tmp_path: Path) -> None:
    cohort = history(tmp_path, COURSES)
    cir = Endpoint(name="cir", origin=CR, events=("relapse",))
    (finding,) = not_competing(cohort, cir)
    assert finding.code == "death-not-competing"
    assert finding.message.startswith("cir: 1 patient died without relapse")
    assert kinds(cohort, replace(cir, competing=("death",))) == []
    assert kinds(cohort, replace(cir, events=("relapse", "death"))) == []
    assert kinds(cohort, replace(cir, censor_at=("death",))) == ["death-not-competing"]
    assert kinds(cohort, replace(cir, events=("relapse", "death[cause=disease]"), competing=("death",))) == []


def test_nobody_dies_without_the_event(tmp_path: Path) -> None:
    text = "patient event day\na infusion 0\na relapse 9\na death 20\nb infusion 0\nb last_contact 30"
    assert kinds(history(tmp_path, text), Endpoint(name="cir", origin=DAY, events=("relapse",))) == []


def test_relapse_that_does_not_compete(tmp_path: Path) -> None:
    cohort = history(tmp_path, COURSES)
    nrm = Endpoint(name="nrm", origin=CR, events=("death",))
    assert kinds(cohort, nrm) == ["relapse-not-competing"]
    assert kinds(cohort, replace(nrm, name="x", censor_at=("relapse",))) == ["relapse-not-competing"]
    assert kinds(cohort, replace(nrm, competing=("relapse",))) == []
    assert kinds(cohort, replace(nrm, name="os")) == []


@pytest.mark.parametrize(
    ("at_risk", "n", "levels"),
    [(5, 40, []), (4, 40, ["warning"]), (9, 100, ["warning"]), (10, 100, []), (4, 4, ["warning"])],
)
def test_five_patients_and_a_tenth_of_them(at_risk: int, n: int, levels: list[str]) -> None:
    rows = make_estimate("n_at_risk", time=365.0, estimate=float(at_risk), n=n)
    assert [f.level for f in few_at_risk(rows, name="os", asked=(365.0,))] == levels
    assert [f.level for f in few_at_risk(rows, name="os", asked=())] == ["note"] * len(levels)


def test_a_plain_proportion_is_left_alone() -> None:
    rows = make_estimate("n_at_risk", time=28.0, estimate=2.0, n=40, n_events=38)
    assert few_at_risk(rows, name="engraftment", asked=(28.0,)) == ()
    censored = make_estimate("n_at_risk", time=28.0, estimate=2.0, n=40, n_events=37)
    incidence = make_estimate("cumulative_incidence", time=28.0, estimate=0.9, n=40)
    (finding,) = few_at_risk(concat([censored, incidence]), name="engraftment", asked=(28.0,))
    assert finding.level == "note"


# --- laws -------------------------------------------------------------------------------------------------------------


def laws(folder: Path, *endpoints: Endpoint) -> list[tuple[str, str]]:
    cohort = history(folder, COURSES)
    return [(f.level, f.code) for f in check_identities([(e, derive_spells(cohort, e)) for e in endpoints])]


RELAPSE = Endpoint(name="relapse", origin=CR, events=("relapse",), competing=("death",))
NRM = Endpoint(name="nrm", origin=CR, events=("death",), competing=("relapse",))
LFS = Endpoint(name="lfs", origin=CR, events=("relapse", "death"))


def test_parts_of_one_whole(tmp_path: Path) -> None:
    wrong = [("warning", "identity-lfs-cir-nrm")]
    assert laws(tmp_path, LFS, RELAPSE, NRM) == []
    assert laws(tmp_path, replace(LFS, events=("relapse",)), RELAPSE, NRM) == wrong
    assert laws(tmp_path, replace(LFS, censor_at=("hsct",)), RELAPSE, NRM) == wrong
    assert laws(tmp_path, replace(LFS, origin="hsct"), RELAPSE, NRM) == wrong
    assert laws(tmp_path, replace(LFS, name="lfs_hsct", origin="hsct"), LFS, RELAPSE, NRM) == []  # one adds up
    assert laws(tmp_path, LFS, RELAPSE) == []
    assert laws(tmp_path, RELAPSE, NRM) == []


def test_a_survival_without_deaths_is_held_against_overall_survival(tmp_path: Path) -> None:
    os = Endpoint(name="os", origin=DAY, events=("death",))
    lfs = Endpoint(name="lfs", origin=DAY, events=("relapse",))
    assert ("error", "identity-curve-order") in laws(tmp_path, os, lfs)
    assert laws(tmp_path, os, replace(lfs, name="relapse")) == []
    assert laws(tmp_path, os, replace(lfs, events=("relapse", "death"))) == []


# --- columns ----------------------------------------------------------------------------------------------------------


def with_columns(folder: Path, header: str, *cells: str) -> History:
    events = "patient event day\n" + "\n".join(f"p{i} infusion 0\np{i} last_contact 9" for i in range(len(cells)))
    rows = "\n".join(f"p{i},{text}" for i, text in enumerate(cells))
    return history(folder, events, patients=f"patient,{header}\n{rows}\n")


def cuts(cohort: History, *columns: str, known: tuple[str, ...] = ()) -> list[str]:
    return [f.column for f in cut_points(cohort, columns, known=known, file="patients.csv")]


def test_a_cut_of_a_number(tmp_path: Path) -> None:
    cohort = with_columns(tmp_path, "mrd,high", *(f"{i / 2},{'yes' if i >= 12 else 'no'}" for i in range(28)))
    assert cuts(cohort, "high", "high") == ["high"]
    assert cuts(cohort) == []
    assert cuts(cohort, "high", known=("high",)) == []
    assert cuts(cohort, "mrd", "nothing", "patient") == []


@pytest.mark.parametrize(
    "cells",
    [
        [f"{i % 9},{'yes' if i % 9 > 4 else 'no'}" for i in range(28)],  # nine distinct values
        [f"{i},{'yes' if i >= 27 else 'no'}" for i in range(28)],  # chance: the greatest alone
        [f"{i},{'yes' if i >= 14 or i == 2 else 'no'}" for i in range(28)],  # one of them is not above
        [f"{i},{'yes' if i >= 14 else 'no' if i > 4 else 'other'}" for i in range(28)],  # three levels
        [f"{i if i % 2 else ''},{'yes' if i < 4 else 'no'}" for i in range(16)],  # too few values
    ],
)
def test_what_is_no_cut(tmp_path: Path, cells: list[str]) -> None:
    assert cuts(with_columns(tmp_path, "mrd,high", *cells), "high") == []


def test_missing_values_do_not_hide_a_cut(tmp_path: Path) -> None:
    cells = [f"{i if i != 5 else ''},{('no', 'yes')[i >= 14] if i != 20 else ''}" for i in range(28)]
    assert cuts(with_columns(tmp_path, "mrd,high", *cells), "high") == ["high"]


def test_adults_are_no_searched_cut(tmp_path: Path) -> None:
    adults = with_columns(tmp_path, "age,adult", *(f"{i},{'yes' if i >= 18 else 'no'}" for i in range(4, 40)))
    assert cuts(adults, "adult") == []
    older = with_columns(tmp_path, "age,older", *(f"{i},{'yes' if i >= 21 else 'no'}" for i in range(4, 40)))
    assert cuts(older, "older") == ["older"]


def test_three_groups_formed_by_what_came_later(tmp_path: Path) -> None:
    events, patients = ["patient event day"], ["patient,group"]
    for i in range(30):
        events += [f"p{i} infusion 0", f"p{i} last_contact 500", *([f"p{i} hsct 60"] if i % 3 == 0 else [])]
        patients.append(f"p{i},{('CART+HSCT', 'CART2', 'CART1')[i % 3]}")
    cohort = history(tmp_path, "\n".join(events), patients="\n".join(patients) + "\n")
    (found,) = columns_known_later(cohort, Protocol(), [Endpoint(name="os", origin=DAY, events=("death",))])
    assert found == ("group", "agrees with the event 'hsct', which happened after day zero")


def test_the_longest_possible_follow_up_needs_a_cutoff(tmp_path: Path) -> None:
    cohort = history(tmp_path, COURSES)
    assert longest_possible(cohort, library()) is None
    dated = replace(cohort, calendar=True, cutoff=1706.0)
    assert longest_possible(dated, library()) == 1706.0
