"""Comparisons of strategies as they are reported: order, labels, small cohorts, states, exposures, competing events."""

import re
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strategy_studies import MADE_UP, one, rows, run, strategy, write_made_up

HSCT = 'treatment = "hsct"'


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_made_up(tmp_path_factory.mktemp("cohort"), 120, 3)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a cohort like those that are published: 28 patients in remission after CAR-T, some transplanted."""
    return write_made_up(tmp_path_factory.mktemp("small"), 28, 4, treated=0.35)


def section(folder: Path, out: str = "report") -> str:
    """Return the page's text after the patient flow, without its markup."""
    page = (folder / out / "report.html").read_text()
    body = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("\u00a0", " ")


def places(text: str, *words: str) -> list[int]:
    """Return where words stand first, each of which must."""
    found = [text.find(word) for word in words]
    assert -1 not in found, f"{words[found.index(-1)]!r} is not on the page"
    return found


ORDERS = list(permutations(["naive", "landmark", "time_dependent"]))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_the_naive_comparison_is_never_first(cohort: Path, order: tuple[str, ...]) -> None:
    names = ", ".join(f'"{name}"' for name in order)
    keys = (f"methods = [{names}]", "landmarks = [90]", 'primary = "landmark"')
    out = "-".join(order)
    report = run(cohort, MADE_UP + strategy("lfs", HSCT, *keys), out=out)
    text = section(cohort, out)
    naive = one(report, "hazard_ratio", method="naive")["estimate"]
    quoted = one(report, "hazard_ratio", method="landmark")["estimate"]
    first, biased = places(text, f"hazard ratio of relapse or death of {quoted:.2f}", "biased: named by the future")
    assert first < biased
    assert rows(report)[0]["method"] != "naive"
    assert f"hazard ratio of relapse or death of {naive:.2f}" not in text
    assert {row["method"] for row in rows(report)} == {"landmark", "time_dependent", "naive", "multi_state"}


def test_the_naive_comparison_is_never_alone(cohort: Path) -> None:
    report = run(cohort, MADE_UP + strategy("lfs", HSCT, 'methods = ["naive"]'), out="alone")
    assert one(report, "hazard_ratio", method="time_dependent")["estimate"] is not None
    assert "no number of this section may be quoted" in section(cohort, "alone")


def test_without_a_primary_method_nothing_may_be_quoted(cohort: Path) -> None:
    run(cohort, MADE_UP + strategy("lfs", HSCT, 'methods = ["time_dependent", "naive"]'), out="none")
    assert "No method was pre-specified: no number of this section may be quoted" in section(cohort, "none")


CLONES = ('methods = ["naive", "clone_censor_weight", "time_dependent", "landmark"]', "landmarks = [60]",
          "grace = 90", "horizon = 365", 'primary = "time_dependent"')  # fmt: skip


def test_a_small_cohort_is_not_made_twice_as_large_by_clones(small: Path) -> None:
    report = run(small, MADE_UP + strategy("lfs", HSCT, *CLONES, 'adjust = ["risk"]', "bootstrap = 20"))
    text = section(small)
    clones = [row for row in rows(report, method="clone_censor_weight") if row["statistic"] == "hazard_ratio"]
    assert all(row["n"] == 28 for row in clones)
    assert "28 patients, not 56: clones add no information" in text
    assert max(places(text, "Where everybody is", "counted from its day on")) < text.find("Appendix: clone-censor")
    assert all(row["p_value"] is None for row in rows(report, method="clone_censor_weight"))
    treated = one(report, "treated_in_grace")
    hidden = treated["estimate"] < 10 or treated["n_events"] < 5
    assert hidden
    assert all(row["estimate"] is None and row["warning"].startswith("suppressed") for row in clones)
    assert "suppressed" in text


def test_a_small_cohort_is_estimated_with_firths_penalty(small: Path) -> None:
    report = run(small, MADE_UP + strategy("lfs", HSCT, *CLONES), out="firth")
    plain = run(small, MADE_UP + strategy("lfs", HSCT, *CLONES, 'penalty = "none"'), out="plain")
    found = [one(each, "hazard_ratio", method="time_dependent")["estimate"] for each in (report, plain)]
    assert found[0] is not None
    assert found[0] != found[1]


def test_two_runs_with_a_bootstrap_are_byte_identical(cohort: Path) -> None:
    methods = 'methods = ["clone_censor_weight", "sequential", "time_dependent", "naive"]'
    keys = (methods, "grace = 90", 'adjust = ["age"]', "horizon = 365", "bootstrap = 20")
    run(cohort, MADE_UP + strategy("lfs", HSCT, *keys), out="first")
    run(cohort, MADE_UP + strategy("lfs", HSCT, *keys), out="again")
    first, again = (files(cohort / out) for out in ("first", "again"))
    assert len(first) > 8
    assert list(first) == list(again)
    assert [name for name in first if first[name] != again[name]] == []


def files(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a report."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_another_seed_moves_the_limits_and_nothing_else(cohort: Path) -> None:
    keys = ('methods = ["clone_censor_weight", "naive"]', 'adjust = ["age"]', "horizon = 365", "bootstrap = 20")
    studies = {f"seed{seed}": MADE_UP + strategy("lfs", HSCT, *keys, f"seed = {seed}") for seed in (1, 2)}
    reports = [run(cohort, study, out=out) for out, study in studies.items()]
    first, second = (one(report, "hazard_ratio", method="clone_censor_weight") for report in reports)
    assert first["estimate"] == second["estimate"]
    assert first["lower"] != second["lower"]


# --- a treatment with a state, and an exposure --------------------------------------------------------------------


def test_a_treatment_with_a_state_is_another_treatment(cohort: Path) -> None:
    stated = 'treatment = { event = "hsct", while = "response=CR", before = ["relapse"] }'
    methods = 'methods = ["time_dependent", "naive"]'
    report = run(cohort, MADE_UP + strategy("os_cr", HSCT, methods) + strategy("os_cr", stated, methods) + OS_CR,
                 out="state")  # fmt: skip
    plain, within = (one(report, "arm_size", analysis=i, method="time_dependent", group="arm=treat")["n"]
                     for i in (0, 1))  # fmt: skip
    assert within == plain  # nobody of them is transplanted after the relapse
    late = add_late_transplants(cohort)
    report = run(late, MADE_UP + strategy("os_cr", HSCT, methods) + strategy("os_cr", stated, methods) + OS_CR)
    with_late, without = (one(report, "arm_size", analysis=i, method="time_dependent", group="arm=treat")["n"]
                          for i in (0, 1))  # fmt: skip
    assert (with_late, without) == (plain + 20, plain)
    text = section(late)
    assert "followed a relapse" in text
    assert text.count("followed a relapse") == 1  # the second analysis names the state: nothing is mixed


OS_CR = '\n[endpoints.os_cr]\norigin = "response=CR after infusion"\nevents = ["death"]\n'


def add_late_transplants(cohort: Path) -> Path:
    """Copy the study with a transplant two weeks after the relapse for 20 who had none before."""
    lines = (cohort / "events.csv").read_text().splitlines()
    done = {line.split(",")[0] for line in lines if ",hsct," in line}
    relapses = [line.split(",") for line in lines if ",relapse," in line and line.split(",")[0] not in done]
    more = [f"{who},hsct,{float(day) + 14},{value}" for who, _, day, value in relapses[:20]]
    late = cohort / "late"
    late.mkdir()
    (late / "events.csv").write_text("\n".join([*lines, *more]) + "\n")
    (late / "patients.csv").write_text((cohort / "patients.csv").read_text())
    return late


def test_an_exposure_is_looked_at_on_each_landmark(cohort: Path) -> None:
    """MRD negative on day 28 or 90: the last measurement by then, only in those who had one and are event-free."""
    report = run(cohort, MADE_UP + strategy("lfs", 'exposure = "mrd=negative"', "landmarks = [28, 90]"), out="mrd")
    for day in (28.0, 90.0):
        expected = last_mrd(cohort, day)
        for arm, value in (("treat", "negative"), ("no_treat", "positive")):
            row = one(report, "arm_size", method="landmark", time=day, group=f"arm={arm}")
            assert row["estimate"] == sum(found == value for found in expected)
    assert {row["method"] for row in rows(report)} == {"landmark"}
    text = section(cohort, "mrd")
    assert "no effect is claimed" in text
    assert "mrd" in {row["term"][:3] for row in rows(report)}


def last_mrd(folder: Path, day: float) -> list[str]:
    """Return the last MRD by a day of those who are free of relapse and death after it."""
    events: dict[str, list[tuple[str, float, str]]] = {}
    for line in (folder / "events.csv").read_text().splitlines()[1:]:
        who, event, when, value = line.split(",")
        events.setdefault(who, []).append((event, float(when), value))
    ends = {who: min(t for event, t, _ in all_ if event in {"relapse", "death", "last_contact"})
            for who, all_ in events.items()}  # fmt: skip
    values = {who: [value for event, t, value in all_ if event == "mrd" and t <= day] for who, all_ in events.items()}
    return [values[who][-1] for who in events if ends[who] > day and values[who]]


# --- competing events ---------------------------------------------------------------------------------------------


def test_relapse_and_death_without_relapse_stand_together_under_each_arm(cohort: Path) -> None:
    keys = ('methods = ["landmark", "clone_censor_weight", "naive"]', "landmarks = [60]", "horizon = 365",
            'adjust = ["risk"]', "bootstrap = 20")  # fmt: skip
    report = run(cohort, MADE_UP + strategy("relapse", HSCT, *keys), out="causes")
    for method in ("landmark", "clone_censor_weight", "naive"):
        for arm in ("arm=treat", "arm=no_treat"):
            relapse = one(report, "risk", method=method, group=arm)
            death = one(report, "cumulative_incidence", method=method, group=arm, term="death")
            assert 0 <= death["estimate"] <= 1 - relapse["estimate"]
        other = one(report, "hazard_ratio", method=method, kind="strategy_cause", group="event=death")
        assert other["estimate"] is not None
    text = section(cohort, "causes")
    assert max(places(text, "Each cause beside the others")) > 0


def test_time_varying_confounders_change_the_weights(cohort: Path) -> None:
    keys = ('methods = ["clone_censor_weight", "naive"]', "horizon = 365", "grace = 90", 'adjust = ["age"]')
    plain = run(cohort, MADE_UP + strategy("lfs", HSCT, *keys), out="baseline")
    varying = run(cohort, MADE_UP + strategy("lfs", HSCT, *keys, 'time_varying = ["mrd"]'), out="varying")
    found = [one(each, "hazard_ratio", method="clone_censor_weight")["estimate"] for each in (plain, varying)]
    assert np.isfinite(found).all()
    assert found[0] != found[1]


def test_every_number_of_a_page_has_its_row(cohort: Path) -> None:
    """What is printed as a method's hazard ratio is the row's, rounded: for every method of the page."""
    report = run(cohort, MADE_UP + strategy("lfs", HSCT, *CLONES), out="numbers")
    text = section(cohort, "numbers")
    assert all(number in text for number in printed(report))


def printed(report: dict[str, Any]) -> Iterator[str]:
    for row in rows(report, kind="strategy", statistic="hazard_ratio"):
        if row["estimate"] is not None:
            yield f"{row['estimate']:.2f}"
