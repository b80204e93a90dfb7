"""Broken further tables, definitions, protocols and simulations: one line that says where, exit code 2, no value."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from broken_studies import add, fill
from dayzero.cli import main
from dayzero.simulate.read import ENDING

SIMULATION = Path(__file__).parents[2] / "src/dayzero/protocols" / f"hcart19s{ENDING}"
STUDY = '[study]\nsynthetic = true\n{protocol}\n{definitions}\n[[analysis]]\nkind = "{kind}"\n{settings}\n'
PATIENTS = "patient,age\nZx-001,41\nZx-002,23\n"
EVENTS = """\
patient,event,date
Zx-001,infusion,2017-01-11
Zx-001,last_contact,2019-05-17
Zx-002,infusion,2017-03-07
Zx-002,death,2018-01-29
"""
MARROWS = "patient,date,site,blasts\nZx-001,2017-02-09,bm,1%\nZx-002,2017-04-13,bm,30%\n"
PRIVATE = re.compile(r"Zx|201[789]-\d\d")


def study(folder: Path, *, kind: str = "courses", **words: str) -> Path:
    folder.mkdir(parents=True)
    text = STUDY.format(kind=kind, **({"protocol": "", "definitions": "", "settings": ""} | words))
    for name, content in (("study.toml", text), ("patients.csv", PATIENTS), ("events.csv", EVENTS)):
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "assessments.csv").write_text(MARROWS, encoding="utf-8")
    return folder


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must be refused, in one line without anybody's value; return the line."""
    assert main(arguments) == 2
    out, error = capsys.readouterr()
    assert (out, error.count("\n")) == ("", 1)
    assert "bug" not in error
    assert not PRIVATE.search(error)
    return error


def test_the_study_is_valid_before_it_is_broken(tmp_path: Path) -> None:
    assert main(["report", str(study(tmp_path / "study")), "--out", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("table", ["kinetics", "labs", "mrd"])
def test_a_table_without_a_header_shows_no_patient(
    tmp_path: Path, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = study(tmp_path / "study")
    fill(f"{table}.csv", "Zx-001,2017-02-09,0,0\nZx-002,2017-02-10,1,1\n")(folder)
    error = refused(["report", str(folder), "--out", str(tmp_path / "out")], capsys)
    assert error.startswith(f"{table}.csv, row 1, column patient: there is no such column")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "words"), [("mrd", "no column 'date'"), ("labs", "no column 'analyte'"), ("vitals", "no column 'time'")]
)
def test_a_column_that_is_missing_is_named_and_values_are_not(
    tmp_path: Path, name: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = study(tmp_path / "study")
    fill(f"{name}.csv", f"patient,Zx-003,{'date' if name == 'labs' else 'note'}\nZx-001,1,\n")(folder)
    assert words in refused(["check", str(folder)], capsys)


@pytest.mark.parametrize("broken", [lambda path: path.mkdir(), lambda path: path.symlink_to("nowhere")])
def test_a_table_that_is_no_file_is_not_passed_over(
    tmp_path: Path, broken: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = study(tmp_path / "study")
    broken(folder / "labs.csv")
    assert refused(["check", str(folder)], capsys).startswith("labs.csv: ")


def test_a_definition_without_an_edition_is_placed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = study(tmp_path / "study", definitions='[definitions]\nresponse = "eln-2025"')
    error = refused(["check", str(folder)], capsys)
    assert error.startswith("study.toml, row 5, column definitions.response: no edition 'eln-2025' of response. There")


def test_a_definition_is_placed_in_its_protocol_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = study(
        tmp_path / "study", protocol='protocol = "own.toml"', definitions='[definitions]\nicaht = "cumulative"'
    )
    fill("own.toml", '[protocol]\ntitle = "Ours"\n[definitions]\nrelapse = "seed-40"\n')(folder)
    assert refused(["check", str(folder)], capsys).startswith("own.toml, row 4, column definitions.relapse: no edition")


@pytest.mark.parametrize("setting", ["to_day = 1e300", "to_day = 0.5", "from_day = -1e300"])
def test_a_figure_of_more_than_a_century_is_refused(
    tmp_path: Path, setting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = study(tmp_path / "study", settings=setting)
    error = refused(["report", str(folder), "--out", str(tmp_path / "out")], capsys)
    assert f"column analysis.0.{setting.partition(' ')[0]}" in error


def test_a_window_of_the_first_course_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = study(tmp_path / "study", kind="adherence", protocol='protocol = "own.toml"')
    course = '[[courses]]\nname = "a"\nevent = "infusion:1"\nafter = "enrolment"\nwindow = [0, 60]\n'
    fill("own.toml", f'[protocol]\ntitle = "Ours"\n{course}')(folder)
    error = refused(["report", str(folder), "--out", str(tmp_path / "out")], capsys)
    assert "the first course of the study's protocol has a window" in error


@pytest.mark.parametrize("arguments", [["protocols", "show"], ["simulate"]])
def test_a_name_that_no_file_can_have(tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    error = refused([*arguments, "x" * 5_000, "--out", str(tmp_path / "out")], capsys)
    assert error.startswith(f"no {'protocol' if 'show' in arguments else 'simulation'} 'xxx")
    assert len(error) < 250


def test_a_folder_that_no_name_can_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(["simulate", "hcart19s", "--patients", "2", "--out", str(tmp_path / ("y" * 300))], capsys)
    assert "the folder cannot be written" in error
    assert not any(tmp_path.iterdir())


def test_more_patients_than_memory_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["simulate", "hcart19s", "--patients", "1000000000000", "--out", str(tmp_path / "out")]
    assert "--patients" in refused(arguments, capsys)


CIRCLE = "".join(
    f'[[ways]]\nfrom = "{one}"\nto = "{two}"\nhazard = {{ kind = "constant", rate_per_year = 1e9 }}\nsource = "x"\n'
    for one, two in (("relapsed", "relapsed_again"), ("relapsed_again", "relapsed"))
)
SIMULATIONS = [
    ("rate_per_year = 0.05", "rate_per_year = -0.05", "column ways.6.hazard: a rate below 0"),
    ("shape = 1.0", "shape = 1e-9", "column ways.5.hazard: no Weibull hazard"),
    ("cr2 = { probability = 0.429 }", "cr2 = { probability = 0.9 }", "ways.13.shares: probabilities that do not add"),
    ('name = "ecog"', 'name = "patient"', "column covariates.5.name: no name of a covariate"),
    ("decimals = 0", "decimals = -1", "column covariates.0.decimals: no number of decimals"),
    ("sd = 0.6\nlowest = 3.0\nhighest = 69.0", "sd = 1e3", "column covariates.0.sd: numbers above"),
    ("accrual = 1461", "accrual = 1e12", "column simulation.accrual: more than a century"),
    ('protocol = "hcart19s"', 'protocol = "nonsense"', "row 5, column simulation.protocol: no protocol 'nonsense'"),
    ('event = "apheresis"', 'event = ""', "column states.0.event: an event without a name"),
    ("number = 1,", "number = 0,", "column states.1.number: not a whole number from 1"),
    ("attributes = { product", 'attributes = { patient = "x", product', "an attribute that is a column of every event"),
    ("latest = 20", "latest = -1", "column marks.1.event: an event without a name, or before its state"),
    ("months = [0.87, 2", "months = [3, 2", "column mrd.months: no schedule"),
    ("months = [0.87, 2", "months = [-1, 2", "column mrd.months: no schedule"),
    ("48]\njitter", "1e300]\njitter", "column mrd.months: no schedule"),
    ("jitter = 2", "jitter = 1e9", "column mrd.lod: no assay"),
    ("noise = 0.1", "noise = 1e9", "column mrd.lod: no assay"),
    ("sd = 0.6, highest = -4.4", "sd = -0.6, highest = -4.4", "column mrd.sd: no distribution"),
    ("lowest = -3.7, highest = -1.8", "lowest = -1, highest = -3", "column mrd.sd: no distribution"),
    ("n = 27", "n = 0", "column targets.0.n: a figure of nobody"),
    ("[mrd]", f"{CIRCLE}\n[mrd]", "column ways: a circle: a patient enters 1,000 states"),
]


@pytest.mark.parametrize(("old", "new", "words"), SIMULATIONS, ids=lambda text: text[:24])
def test_a_broken_simulation(
    tmp_path: Path, old: str, new: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SIMULATION.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / f"own{ENDING}").write_text(text.replace(old, new, 1), encoding="utf-8")
    error = refused(
        ["simulate", str(tmp_path / f"own{ENDING}"), "--patients", "30", "--out", str(tmp_path / "out")], capsys
    )
    assert error.startswith("own")
    assert words in error
    assert [path.name for path in tmp_path.iterdir()] == [f"own{ENDING}"]


@pytest.mark.parametrize("change", [("sd = 0.25", "sd = 1e9"), ("{ burden = 0.01 }", "{ burden = -1e300 }")])
def test_numbers_that_overflow_say_nothing(
    tmp_path: Path, change: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = SIMULATION.read_text(encoding="utf-8").replace(*change, 1)
    (tmp_path / f"own{ENDING}").write_text(text, encoding="utf-8")
    assert main(["simulate", str(tmp_path / f"own{ENDING}"), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["mrd", "response", "kinetics", "engraftment"])
def test_a_graded_table_without_a_header_shows_no_patient(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_rows = add("t.csv", "Zx-001,2017-02-09,39\nZx-002,2017-02-10,40\n")
    (tmp_path / "t.csv").touch()
    add_rows(tmp_path)
    assert "there is no such column" in refused(["grade", name, str(tmp_path / "t.csv")], capsys)
