"""The protocol language: what a plan holds, and every fault in it named by file, row and key."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from dayzero.errors import InputError
from dayzero.protocol import (
    MONTH,
    Course,
    Criterion,
    Decision,
    Dose,
    Visit,
    builtin_names,
    protocol_file,
    read_protocol,
)
from dayzero.record import Record, read_records
from dayzero.report.protocol_timeline import timeline_of
from dayzero.settings import read_toml

PLAN = """[protocol]
title = "A plan"
other_events = ["listing"]

[[courses]]
name = "first"
event = "infusion:1"
dose = { value = 1e6, unit = "cells/kg", lowest = 0.8e6, highest = 1.2e6, column = "dose_per_kg" }

[[courses]]
name = "transplant"
event = "hsct"
after = "infusion:1"
window = [42, 56]
decision = "in remission"

[[decisions]]
name = "in remission"
at = "response=CR after infusion:1"
options = ["transplant", "none"]
needs = ["mrd=negative"]

[[eligibility]]
criterion = "age below 70 years"
column = "age"
below = 70

[[visits]]
name = "MRD"
table = "mrd"
after = ["infusion:1", "hsct"]
months = [1, 3, 48]
windows = [[3, 7], [48, 30]]

[[comparisons]]
question = "How long do patients live?"
kind = "curve"
endpoint = "os"
times = [365]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def fault(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_protocol(written(folder, text))
    return str(caught.value)


def test_a_plan_is_read_whole(tmp_path: Path) -> None:
    plan = read_protocol(written(tmp_path, PLAN))
    first, transplant = plan.courses
    assert first.dose == Dose(value=1e6, unit="cells/kg", lowest=8e5, highest=1.2e6, column="dose_per_kg")
    assert (transplant.after, transplant.window, transplant.decision) == ("infusion:1", (42, 56), "in remission")
    assert plan.decisions[0].needs == ("mrd=negative",)
    assert plan.eligibility[0].bounds == {"below": 70}
    assert plan.visits[0].windows == ((3, 7), (48, 30))
    assert plan.comparisons[0].settings == {"endpoint": "os", "times": [365]}
    assert "os" in plan.endpoints


def test_a_plan_cannot_be_changed(tmp_path: Path) -> None:
    plan = read_protocol(written(tmp_path, PLAN))
    with pytest.raises(FrozenInstanceError):
        plan.courses[0].name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('decision = "in remission"', 'decision = "in remision"', "unknown decision 'in remision'"),
        ('options = ["transplant", "none"]', 'options = ["transplnt", "none"]', "Did you mean 'transplant'?"),
        ('event = "hsct"', 'event = "hscct"', "unknown event 'hscct' in a term"),
        ('after = "infusion:1"\nwindow', 'after = "hsct >"\nwindow', "is not an event term"),
        ('needs = ["mrd=negative"]', 'excludes = ["relapsed"]', "unknown event 'relapsed'"),
        ('after = ["infusion:1", "hsct"]', 'after = ["infussion"]', "unknown event 'infussion'"),
        ('endpoint = "os"', 'endpoint = "oss"', "unknown endpoint 'oss'"),
        ("window = [42, 56]", "window = [56, 42]", "no first and last day"),
        ('after = "infusion:1"\nwindow', "window", "a window after nothing"),
        ('decision = "in remission"\n', "", "does not name this decision"),
        ('name = "transplant"', 'name = "first"', "the name 'first' is taken"),
        ("lowest = 0.8e6", "lowest = 2e6", "a dose outside its own range"),
        ("below = 70", "beneath = 70", "unknown key 'beneath'"),
        ("months = [1, 3, 48]", "months = [3, 1, 48]", "months out of order"),
        ("windows = [[3, 7], [48, 30]]", "windows = [[3, 7]]", "months that no window covers"),
        ("[[decisions]]", "[decisions]", "is not a list"),
    ],
)
def test_every_fault_is_one_line_with_file_and_row(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert PLAN.count(old) == 1
    line = fault(tmp_path, PLAN.replace(old, new))
    assert words in line
    assert line.startswith("plan.toml, row ")
    assert "\n" not in line


def test_the_row_is_that_of_the_key(tmp_path: Path) -> None:
    text = PLAN.replace('event = "hsct"', 'event = "hscct"')
    row = text.splitlines().index('event = "hscct"') + 1
    assert fault(tmp_path, text).startswith(f"plan.toml, row {row}, column courses.1.event: ")


def test_an_event_is_known_once_declared(tmp_path: Path) -> None:
    text = PLAN.replace('needs = ["mrd=negative"]', 'excludes = ["listing"]')
    assert read_protocol(written(tmp_path, text)).decisions[0].excludes == ("listing",)


@pytest.mark.parametrize(
    "keys",
    [
        {"column": "age"},
        {"below": 70.0},
        {"column": "age", "below": 70.0, "event": "relapse"},
        {"column": "age", "below": 70.0, "values": ("1",)},
        {"absent": True},
        {"before": "infusion:1"},
    ],
)
def test_a_criterion_is_one_predicate(keys: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Criterion(criterion="x", **keys)  # type: ignore[arg-type]


def test_a_criterion_in_words_cannot_be_checked() -> None:
    assert not Criterion(criterion="good organ function").is_checkable
    assert Criterion(criterion="young", column="age", at_least=18).is_checkable


def test_a_decision_has_two_ways() -> None:
    with pytest.raises(InputError, match="without two ways"):
        Decision(name="x", options=("a", "a"))


def test_a_visit_allows_what_its_window_says() -> None:
    visit = Visit(name="MRD", after=("infusion:1",), months=(1, 3, 4, 48), windows=((3, 7), (48, 30)))
    assert [visit.allowance(month) for month in (1, 3, 4, 48)] == [7, 7, 30, 30]
    assert Visit(name="MRD", after=("hsct",), months=(1,)).allowance(1) is None


def test_a_month_is_that_of_time_unit() -> None:
    assert pytest.approx(365.25) == 12 * MONTH


def test_a_course_without_a_window_is_due_any_day_after() -> None:
    assert Course(name="x", event="hsct", after="infusion:1").window == ()


def test_the_example_of_the_docs_is_a_protocol(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/protocols.md").read_text(encoding="utf-8")
    (example,) = [block for block in page.split("```") if block.startswith("toml\n[protocol]")]
    plan = read_protocol(written(tmp_path, example.removeprefix("toml\n")))
    assert [course.name for course in plan.courses] == ["first infusion", "transplant", "second infusion"]
    lanes = [lane.label for lane in timeline_of(plan).lanes]
    assert lanes == ["first infusion", "in remission", "transplant", "second infusion", "MRD", "MRD"]


def test_a_name_is_built_in_or_a_path(tmp_path: Path) -> None:
    assert protocol_file("sandwich").name == "sandwich.toml"
    assert protocol_file("plan.toml", tmp_path) == tmp_path / "plan.toml"
    with pytest.raises(InputError, match="no protocol 'sandwhich'"):
        protocol_file("sandwhich", tmp_path)
    assert all("." not in name for name in builtin_names())


RECORD = """[[published]]
id = "os"
quote = "The 1-year OS rate was 70.0% (95%CI, 33.0 to 90.2)"
kind = "km_rate"
figure = "70.0"
lower = "33.0"
upper = "90.2"
interval = "confidence"
n = 10
n_basis = "derived"
"""


def test_a_record_keeps_what_was_printed(tmp_path: Path) -> None:
    (record,) = read_records(read_toml(written(tmp_path, RECORD)))
    assert (record.figure, record.value, record.decimals, record.limits) == ("70.0", 70.0, 1, (33.0, 90.2))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('quote = "The 1-year OS rate was 70.0% (95%CI, 33.0 to 90.2)"', 'quote = " "', "without its quote"),
        ('upper = "90.2"\n', "", "half an interval"),
        ('interval = "confidence"\n', "", "half an interval"),
        ('n_basis = "derived"\n', "", "an n without n_basis"),
        ("n = 10\n", "n = 10\ncount = 11\n", "a count that is not between 0 and n"),
        ('kind = "km_rate"', 'kind = "rate"', "is not one of the choices"),
        ('id = "os"', 'id = "os"\nidd = 1', "unknown key 'idd'"),
    ],
)
def test_a_record_that_cannot_be_used_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert RECORD.count(old) == 1
    with pytest.raises(InputError) as caught:
        read_records(read_toml(written(tmp_path, RECORD.replace(old, new))))
    assert words in str(caught.value)
    assert str(caught.value).startswith("plan.toml, row ")


def test_two_records_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="second record of the id 'os'"):
        read_records(read_toml(written(tmp_path, RECORD + RECORD)))


def test_a_file_without_records_has_none(tmp_path: Path) -> None:
    assert read_records(read_toml(written(tmp_path, PLAN))) == ()


def test_what_is_no_number_has_no_value() -> None:
    record = Record(id="m", quote="median OS: not reached", figure="not reached", kind="median")
    assert (record.value, record.limits, record.decimals) == (None, None, 0)
