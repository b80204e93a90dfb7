"""Treatments that count in a state: case by case, and against reading one patient's events at a time."""

from pathlib import Path

import numpy as np
import pytest

from cohorts import history
from dayzero.endpoints import derive_spells, first_day, treatment_days
from dayzero.errors import InputError
from dayzero.protocol import Endpoint, Treatment, as_treatment, parse_term, treatment_words

OS = Endpoint(name="os", origin="infusion", events=("death",))
IN_CR = Treatment("hsct", "response=CR|CRi", ("relapse",))
INF, NAN = np.inf, np.nan


def day(folder: Path, events: str, treatment: str | Treatment = IN_CR) -> float:
    """Return the treatment's day of one patient, infused on day 0: `hsct@30 response=CR@20 ...`."""
    rows = ["patient event day value", "a infusion 0 -", "a last_contact 999 -"]
    for word in events.split():
        event, _, when = word.partition("@")
        name, _, value = event.partition("=")
        rows.append(f"a {name} {when or '-'} {value or '-'}")
    read = history(folder, "\n".join(rows))
    return float(treatment_days(read, treatment, first_day(read, parse_term("infusion")))[0])


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("hsct@50", INF),  # no remission
        ("response=CR@20 hsct@50", 50),
        ("response=CRi@20 hsct@50", 50),
        ("response=PR@20 hsct@50", INF),
        ("response=CR@50 hsct@50", 50),  # the assessment comes before the treatment
        ("response=CR@51 hsct@50", INF),
        ("response=CR@20 response=PR@40 hsct@50", INF),  # the last response decides
        ("response=PR@20 response=CR@40 hsct@50", 50),
        ("response=CR@40 response=PR@40 hsct@50", INF),  # on one day the later row
        ("response=PR@40 response=CR@40 hsct@50", 50),
        ("response=CR@-900 hsct@50", 50),  # remission before day zero, and nothing since
        ("response=CR@20 relapse@40 hsct@50", INF),
        ("response=CR@20 relapse@50 hsct@50", INF),  # relapse on the day itself is before it
        ("response=CR@20 relapse@51 hsct@50", 50),
        ("response=CR@20 relapse@-5 hsct@50", 50),  # before day zero is history
        ("response=CR@20 relapse@0 hsct@50", INF),
        ("hsct@10 response=CR@20 hsct@50", 50),  # the first does not count, the second does
        ("hsct@-30 response=CR@-40 hsct@50", 50),
        ("response=CR@20 hsct@30 relapse@40 hsct@50", 30),
        ("response=CR@20 progression@30 hsct@50", INF),  # not in ``before``, but it ends the remission
        ("response=CR@20 progression@30 response=CR@40 hsct@50", 50),
    ],
)
def test_a_transplant_in_first_remission(tmp_path: Path, events: str, expected: float) -> None:
    assert day(tmp_path, events) == expected


@pytest.mark.parametrize(
    ("treatment", "events", "expected"),
    [
        (Treatment("hsct", "relapse"), "relapse@40 response=CR@45 hsct@50", 50),  # has happened
        (Treatment("hsct", "relapse"), "relapse@-40 hsct@50", 50),
        (Treatment("hsct", "relapse"), "hsct@30 relapse@40", INF),
        (Treatment("hsct", "response=CR"), "response=CR@20 relapse@30 response=CR@40 hsct@50", 50),  # second remission
        (Treatment("hsct", "response=CR"), "response=CR@20 relapse@30 hsct@50", INF),
        (
            Treatment("hsct", "response=CR"),
            "response=CR@30 relapse@30 hsct@50",
            INF,
        ),  # one day: relapse is the last word
        (
            Treatment("hsct", "response=NR"),
            "response=NR@20 relapse@30 hsct@50",
            INF,
        ),  # a relapse is no response of any value
        (Treatment("hsct", "mrd=neg"), "mrd=neg@20 relapse@30 hsct@50", INF),
        (Treatment("hsct", "mrd<0.01"), "mrd=0.5@20 mrd=0.001@30 hsct@50", 50),
        (Treatment("hsct", "response=CR after infusion"), "response=CR@-20 hsct@50", INF),
        (Treatment("hsct", "response=CR after infusion"), "response=CR@-20 hsct@50 response=CR@60 hsct@70", 70),
        (Treatment("hsct", "agvhd>=2"), "agvhd=3@20 relapse@30 hsct@50", 50),  # relapse ends no GVHD
        (Treatment("hsct", "response=CR after infusion"), "response=CR@0 hsct@50", 50),
        (Treatment("hsct", before=("relapse",)), "relapse@50 hsct@50", INF),  # on one day the disease comes first
        (Treatment("hsct", before=("relapse",)), "relapse@51 hsct@50", 50),
        (Treatment("hsct:2"), "hsct@10 hsct@50", 50),
        (Treatment("hsct:2", "response=CR"), "hsct@10 response=CR@20 hsct@50 hsct@70", 50),
        (Treatment("hsct", before=("relapse", "dli")), "dli@40 hsct@50", INF),
        (Treatment("hsct", before=("relapse", "dli")), "dli@-40 hsct@50", 50),
        (Treatment("infusion:2", before=("hsct",)), "infusion@60", 60),
        ("hsct", "relapse@40 hsct@50", 50),
        ("hsct", "hsct@0", 0),
    ],
)
def test_states_of_any_kind(tmp_path: Path, treatment: str | Treatment, events: str, expected: float) -> None:
    assert day(tmp_path, events, treatment) == expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("response=CR@20 hsct", NAN),  # the treatment's own day
        ("response=CR@20 hsct@50 relapse", NAN),  # before or after it?
        ("response=CR@20 hsct@50 response=PR", NAN),
        ("response=CR@20 hsct@50 progression", NAN),
        ("relapse@30 hsct@50 relapse", INF),  # barred whatever the other's day
        ("response=CR relapse", INF),  # nothing that could count
        ("response=CR@20 hsct@-50 relapse", INF),
    ],
)
def test_what_cannot_be_known_for_want_of_a_date(tmp_path: Path, events: str, expected: float) -> None:
    np.testing.assert_equal(day(tmp_path, events), expected)


def test_the_event_that_it_must_come_after_is_undated(tmp_path: Path) -> None:
    read = history(
        tmp_path, "patient event day\na infusion -\na hsct 50\na last_contact 99\nb infusion -\nb last_contact 99"
    )
    np.testing.assert_equal(first_day(read, parse_term("hsct after infusion")), [NAN, INF])


def test_spells_name_the_treatment_by_its_event(tmp_path: Path) -> None:
    text = """patient event day value
a infusion 10
a response 30 CR
a hsct 60
a death 90
b infusion 10
b hsct 40
b death 80"""
    spells = derive_spells(history(tmp_path, text), OS, treatments=[IN_CR, "response=CR"])
    assert {name: days.tolist() for name, days in spells.treatments.items()} == {
        "hsct": [50, INF],
        "response=CR": [20, INF],
    }
    with pytest.raises(InputError, match="two treatments of one event"):
        derive_spells(history(tmp_path, text), OS, treatments=["hsct", IN_CR])


@pytest.mark.parametrize("treatment", ["hcst", Treatment("hsct", "reponse=CR"), Treatment("hsct", before=("relpase",))])
def test_a_term_that_names_no_event_is_refused_with_the_nearest(tmp_path: Path, treatment: str | Treatment) -> None:
    with pytest.raises(InputError, match="names no event") as error:
        day(tmp_path, "hsct@50 response=CR@20 relapse@90", treatment)
    assert "Did you mean" in error.value.mend
    assert error.value.column == "treatment"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"event": "=x"}, "event"),
        ({"event": "hsct", "while_": "["}, "while"),
        ({"event": "hsct", "before": ["|"]}, "before"),
    ],
)
def test_what_is_no_term_is_refused_by_its_key(fields: dict[str, object], key: str) -> None:
    with pytest.raises(InputError, match="not an event term") as error:
        Treatment(**fields)  # type: ignore[arg-type]
    assert error.value.column == key


def test_a_treatment_in_words() -> None:
    assert as_treatment("hsct") == Treatment("hsct")
    assert Treatment("hsct", before=["relapse"]).before == ("relapse",)  # type: ignore[arg-type]
    assert IN_CR.terms == ("hsct", "response=CR|CRi", "relapse")
    assert treatment_words("hsct") == "transplantation"
    assert treatment_words(Treatment("hsct", before=("relapse", "dli"))) == (
        "transplantation (no relapse or donor lymphocyte infusion before)"
    )
