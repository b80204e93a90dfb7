"""Study folders of virtual cohorts, and event histories of paths."""

import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.simulate import (
    built_in,
    event_history,
    read_simulation,
    simulate_cohort,
    write_cohort,
    write_event_history,
)
from dayzero.simulate.hazards import Weibull
from dayzero.simulate.model import Model, Way
from dayzero.simulate.paths import simulate_paths
from dayzero.simulate.toml_text import toml_table, toml_value
from dayzero.study import read_study
from virtual_files import MODEL, NULL, simulation


@pytest.mark.parametrize("name", built_in())
def test_a_folder_is_a_study_that_is_stamped_synthetic(name: str, tmp_path: Path) -> None:
    cohort = simulate_cohort(read_simulation(name), 30, seed=1)
    files = write_cohort(cohort, tmp_path / "a" / "b")
    measured = ["kinetics.csv"] if cohort.simulation.kinetics else []
    names = ["patients.csv", "events.csv", "mrd.csv", *measured, "study.toml", "README.md"]
    assert [file.name for file in files] == names
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == sorted(names)
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b"]
    study = read_study(tmp_path / "a" / "b")
    assert study.header.synthetic
    assert len(study.history) == 30
    assert study.analyses
    assert not [f for f in study.findings if f.level == "error"]


def test_the_readme_says_what_was_imposed_and_where_numbers_come_from(tmp_path: Path) -> None:
    cohort = simulate_cohort(read_simulation("hcart19s"), 5, seed=4, impose="nobody")
    write_cohort(cohort, tmp_path / "out")
    text = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "Imposed: nobody is transplanted." in text
    assert "dayzero simulate hcart19s --patients 5 --seed 4 --impose nobody" in text
    assert "one patient died from encephalorrhagia at 24 days" in text
    assert "covariate frailty (hidden)" in text
    assert "imposed: nobody is transplanted" in (tmp_path / "out/study.toml").read_text(encoding="utf-8")


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    cohort = simulate_cohort(simulation(tmp_path, MODEL), 5, seed=4)
    out = tmp_path / "out"
    out.mkdir()
    write_cohort(cohort, out)
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    with pytest.raises(InputError, match="exists and is not empty"):
        write_cohort(cohort, out)
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(InputError, match="exists and is not empty"):
        write_cohort(cohort, file)
    with pytest.raises(InputError, match="cannot be written"):
        write_cohort(cohort, file / "below")
    assert file.read_text() == "mine"
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before


def test_nothing_is_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = simulate_cohort(simulation(tmp_path, MODEL), 5, seed=4)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match="cannot be written"):
        write_cohort(cohort, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["small.simulation.toml"]


def test_events_beyond_the_vocabulary_are_declared(tmp_path: Path) -> None:
    text = NULL.replace('[{ event = "hsct" }]', '[{ event = "listing" }]')
    write_cohort(simulate_cohort(simulation(tmp_path, text), 5, seed=1), tmp_path / "out")
    assert read_study(tmp_path / "out").toml.table["data"]["other_events"] == ["listing"]


def test_toml_is_read_back_as_it_was() -> None:
    table = {
        "a": 'quotes " and \\ and ü', "b": [1, 2.5, 1e-6], "c": {"x": True, "y z": "="}, "d": date(2020, 1, 2),
        "risk=high": 3, "empty": [], "nested": [{"covariate": "age", "below": 65.0}],
    }  # fmt: skip
    assert tomllib.loads(toml_table("[t]", table))["t"] == table
    assert toml_value(True) == "true"


def test_an_event_history_says_what_the_paths_say(tmp_path: Path) -> None:
    ways = ((Way((1,), Weibull(1.0, 3.0)), Way((2,), Weibull(1.0, 9.0))), (Way((2,), Weibull(1.0, 2.0)),), ())
    paths = simulate_paths(Model(("remission", "relapse", "death"), ways), 500, seed=2, horizon=5.0)
    frame = event_history(paths, ("response", "relapse", "death"))
    last = frame.group_by("patient", maintain_order=True).last()
    assert last.height == 500
    assert last["event"].cast(pl.String).is_in(["death", "last_contact"]).all()
    assert (last.filter(pl.col("event") == "last_contact")["day"] == 5.0).all()
    assert frame.filter(pl.col("event") == "relapse").height == int((paths.to == 1).sum())
    assert np.array_equal(frame["day"].to_numpy(), paths.leave)
    csv = pl.read_csv(write_event_history(paths, ("response", "relapse", "death"), tmp_path / "e.csv"))
    assert csv["patient"].to_list() == frame["patient"].to_list()
    assert csv["event"].to_list() == frame["event"].cast(pl.String).to_list()
    assert csv["day"].to_numpy() == pytest.approx(frame["day"].to_numpy(), abs=1e-4)
    parquet = pl.read_parquet(write_event_history(paths, ("response", "relapse", "death"), tmp_path / "e.parquet"))
    assert parquet.cast({"event": pl.String}).equals(frame.cast({"event": pl.String}))
    with pytest.raises(InputError, match="no format"):
        write_event_history(paths, ("response", "relapse", "death"), tmp_path / "e.xlsx")


def test_a_protocol_beside_the_file_is_found_from_the_study(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[protocol]\ntitle = "Mine"\n', encoding="utf-8")
    read = simulation(tmp_path, MODEL.replace("horizon = 1500", 'horizon = 1500\nprotocol = "mine.toml"'))
    write_cohort(simulate_cohort(read, 5, seed=1), tmp_path / "below" / "out")
    assert read_study(tmp_path / "below" / "out").protocol.title == "Mine"


def test_definitions_and_endpoints_of_the_file_go_into_the_study(tmp_path: Path) -> None:
    own = '[definitions]\nday_zero = "response"\n'
    own += '[endpoints.again]\nlabel = "Again"\norigin = "response"\nevents = ["relapse"]\n'
    write_cohort(simulate_cohort(simulation(tmp_path, NULL + own), 5, seed=1), tmp_path / "out")
    protocol = read_study(tmp_path / "out").protocol
    assert protocol.definitions.day_zero == "response"
    assert protocol.endpoint("again").label == "Again"
