"""Virtual cohorts and the protocols that they follow: one set of names, planned comparisons, data as of a registry."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.protocol import Protocol, parse_term, read_protocol
from dayzero.protocol.builtin import protocol_file
from dayzero.simulate import Cohort, built_in, read_simulation, simulate_cohort
from dayzero.simulate.analyses import has_origin
from dayzero.simulate.write import study_text
from virtual_files import MODEL, NULL, simulation

DESCRIPTIVE = {"toxicity", "response", "mrd", "courses", "adherence"}


def _protocol(name: str) -> Protocol:
    return read_protocol(protocol_file(name))


def _cohort(name: str, n: int = 400) -> Cohort:
    return simulate_cohort(read_simulation(name), n, seed=1)


@pytest.mark.parametrize("name", built_in())
def test_decisions_and_options_are_those_of_the_protocol(name: str) -> None:
    """A way that somebody decides is an option of a decision of the protocol, or a course that it plans for all."""
    protocol = _protocol(name)
    decisions = {decision.name: decision for decision in protocol.decisions}
    for_all = {course.name for course in protocol.courses if not course.decision}
    taken = [way.table for way in read_simulation(name).ways if way.table.decision]
    assert {way.decision for way in taken} >= set(decisions)
    for way in taken:
        if way.decision in decisions:
            assert way.option in decisions[way.decision].options
            assert way.assignment == decisions[way.decision].assignment
        else:
            assert way.decision in for_all
            assert way.assignment == "rule"


@pytest.mark.parametrize("name", built_in())
def test_the_planned_comparisons_lead_each_under_its_question(name: str) -> None:
    text = study_text(_cohort(name))
    analyses = tomllib.loads(text)["analysis"]
    planned = _protocol(name).comparisons
    written = [{"kind": comparison.kind, **comparison.settings} for comparison in planned]
    assert planned
    assert analyses[: len(planned)] == [{k: _as_read(v) for k, v in table.items()} for table in written]
    for comparison in planned:
        assert text.count(f"# Planned in the protocol: {comparison.question}\n[[analysis]]\nkind = ") == 1
    measured = {"kinetics"} if read_simulation(name).kinetics else set()
    described = [a for a in analyses[len(planned) :] if a["kind"] in DESCRIPTIVE | measured]
    kinds = [a["kind"] for a in analyses if a["kind"] in DESCRIPTIVE | measured]
    assert set(kinds) == (DESCRIPTIVE | measured) - ({"response"} if name == "sandwich" else set())
    added = read_simulation(name).study["analysis"]
    assert analyses[len(planned) + len(described) :] == [dict(table) for table in added]


def _as_read(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def test_a_planned_toxicity_that_nobody_had_is_said() -> None:
    """An analysis knows nothing of an event that is not on record, and would refuse it."""
    cohort = _cohort("hcart19s")
    without = replace(cohort, events=cohort.events.filter(pl.col("event") != "neurotoxicity"))
    few, many = study_text(without), study_text(cohort)
    assert "# Nobody here had neurotoxicity, which is planned as well.\n" in few
    assert 'events = ["crs"]' in few
    assert "Nobody here had" not in many
    assert 'events = ["crs", "neurotoxicity"]' in many
    assert 'events = ["agvhd"]' in many


def test_a_planned_comparison_whose_day_zero_nobody_has_is_said_to_be_impossible() -> None:
    cohort = simulate_cohort(read_simulation("cd7-second-hsct"), 40, seed=1, impose="nobody")
    text = study_text(cohort)
    said = "# It cannot be run: nobody here has its day zero, hsct after infusion:1, and a follow-up after it."
    assert text.count(said) == 2  # the first transplant, before the infusion, does not do
    endpoints = [a.get("endpoint") for a in tomllib.loads(text)["analysis"]]
    assert not {"os_from_transplant", "nrm_from_transplant"} & set(endpoints)
    assert {"os", "lfs", "transplanted"} <= set(endpoints)


@pytest.mark.parametrize(
    ("term", "has"),
    [
        ("infusion:1", True), ("infusion:2", True), ("infusion:3", False), ("response=CR|CRi after infusion:2", True),
        ("response=CRh", False), ("hsct after relapse after infusion:1", False), ("mrd=negative after hsct", True),
    ],
)  # fmt: skip
def test_whether_anybody_has_an_origin(term: str, has: bool) -> None:
    assert has_origin(_cohort("hcart19s"), parse_term(term)) is has


def test_an_origin_without_follow_up_is_none() -> None:
    assert not has_origin(_cohort("hcart19s"), parse_term("last_contact"))


def test_without_a_protocol_the_file_says_what_is_analysed(tmp_path: Path) -> None:
    text = study_text(simulate_cohort(simulation(tmp_path, MODEL), 20, seed=1))
    assert [a["kind"] for a in tomllib.loads(text)["analysis"]] == ["courses", "cox"]
    assert "Planned in the protocol" not in text
    assert "analysis" not in tomllib.loads(study_text(simulate_cohort(simulation(tmp_path, NULL), 20, seed=1)))


@pytest.mark.parametrize("name", built_in())
def test_who_is_in_remission_at_the_end_was_assessed_within_90_days(name: str) -> None:
    cohort = _cohort(name, 2_000)
    spec = cohort.simulation.last_seen
    assert spec is not None
    last = cohort.events.filter(pl.col("event") == "last_contact").select("patient", end="date")
    seen = cohort.events.filter(pl.col("event") == "response").group_by("patient").agg(pl.max("date"))
    relapsed = cohort.events.filter(pl.col("event") == "relapse").join(
        cohort.events.filter(pl.col("event") == "infusion").select("patient", infused="date"), on="patient"
    ).filter(pl.col("date") > pl.col("infused"))["patient"]  # fmt: skip
    free = last.join(seen, on="patient").filter(~pl.col("patient").is_in(relapsed.implode()))
    gap = (free["end"] - free["date"]).dt.total_days().to_numpy()
    assert gap.min() >= 0
    assert np.mean(gap <= spec.within + 1) > 0.97  # the rest: no remission, hence nothing to find again


def test_a_last_assessment_is_written_where_the_state_says_so(tmp_path: Path) -> None:
    text = NULL + '[last_seen]\nof = ["transplanted"]\nwithin = 30\nvalue = "CRi"\nsource = "assumed"\n'
    cohort = simulate_cohort(simulation(tmp_path, text), 3_000, seed=2)
    per = cohort.events.group_by("patient", maintain_order=True).agg(pl.col("event"), pl.col("value"), pl.col("date"))
    again = per.filter(pl.col("value").list.contains("CRi"))
    assert again.height >= 10
    assert again["event"].list.contains("hsct").all()
    for events, values, dates in again.select("event", "value", "date").iter_rows():
        place = values.index("CRi")
        assert events[place + 1] in {"last_contact", "relapse"}
        assert events[place + 1] == "relapse" or (dates[-1] - dates[place]).days <= 30
    plain = simulate_cohort(simulation(tmp_path, NULL), 3_000, seed=2)
    kept = cohort.events.filter(pl.col("value").ne_missing("CRi"))
    assert kept.equals(plain.events, null_equal=True)


def test_burden_depends_on_what_the_patient_has() -> None:
    """With MRD only, or an isolated extramedullary relapse, the marrow has fewer than 5 % of blasts."""
    for name, column, level in (
        ("low-dose-cd19", "disease_status", "MRD"),
        ("bicistronic-cd19-cd22", "relapse_type", "isolated extramedullary"),
    ):
        patients = _cohort(name, 4_000).patients
        few = patients.filter(pl.col(column) == level)["burden"]
        assert len(few) > 400
        assert few.max() < 5
        assert patients.filter(pl.col(column) != level)["burden"].median() == pytest.approx(20, rel=0.15)


def test_only_patients_who_meet_its_criteria_have_an_event() -> None:
    cohort = _cohort("low-dose-cd19", 2_000)
    infused = cohort.events.filter(pl.col("event") == "infusion").select("patient", day="date")
    before = cohort.events.filter(pl.col("event") == "response").join(infused, on="patient")
    early = set(before.filter(pl.col("date") < pl.col("day"))["patient"])
    mrd = cohort.patients.filter(pl.col("disease_status") == "MRD")["patient"]
    assert early == set(infused.filter(pl.col("patient").is_in(mrd.implode()))["patient"])
    lesions = _cohort("cd7-second-hsct", 2_000)
    with_lesions = lesions.patients.filter(pl.col("emd") == "yes")["patient"]
    judged = lesions.events.filter(pl.col("emd_response").is_not_null())["patient"]
    assert set(judged) <= set(with_lesions)
    assert len(judged) > 900


def test_a_criterion_may_be_a_number(tmp_path: Path) -> None:
    when = 'number = 1 }, { event = "diagnosis", when = [{ covariate = "burden", at_least = 1, below = 1.5 }] }]'
    cohort = simulate_cohort(simulation(tmp_path, MODEL.replace("number = 1 }]", when)), 1_000, seed=1)
    has = cohort.patients["patient"].is_in(cohort.events.filter(pl.col("event") == "diagnosis")["patient"].implode())
    burden = cohort.patients["burden"]
    assert (has == ((burden >= 1) & (burden < 1.5))).all()


def test_a_distribution_that_is_none_where_another_covariate_says_so_is_refused(tmp_path: Path) -> None:
    later = '''[[covariates]]
name = "later"
distribution = "uniform"
lowest = 0
highest = 2
where = { "risk=high" = { highest = -1 } }
source = "assumed"
[[states]]
name = "infused"'''
    with pytest.raises(InputError, match="no distribution"):
        simulation(tmp_path, MODEL.replace('[[states]]\nname = "infused"', later))


def test_every_registry_event_of_the_sandwich_is_there_and_some_are_never_infused() -> None:
    cohort = _cohort("sandwich", 2_000)
    names = {name: set(cohort.events.filter(pl.col("event") == name)["patient"]) for name in ("apheresis", "infusion")}
    assert len(names["apheresis"]) == 2_000
    assert names["infusion"] < names["apheresis"]
    assert 1 - len(names["infusion"]) / 2_000 == pytest.approx(0.05, abs=0.02)
