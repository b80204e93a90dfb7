"""What a simulation file may say, and how it is refused: by file, row, key, and what to do."""

from pathlib import Path

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.settings import Toml
from dayzero.simulate import built_in, read_simulation
from dayzero.simulate.delays import read_hazard
from dayzero.simulate.hazards import Cure, Fixed, LogNormal, Piecewise, Weibull
from virtual_files import MODEL, NULL, simulation, written

TOML = Toml("file.toml", "", {})


def hazard(**table: object) -> object:
    return read_hazard(table, toml=TOML, path=("ways", 0, "hazard"))


def test_hazards_as_they_are_written() -> None:
    assert hazard(kind="constant", rate_per_year=365.25) == Piecewise((0.0,), (1.0,))
    assert hazard(kind="piecewise", cuts=[0, 10], rates_per_year=[0, 365.25]) == Piecewise((0.0, 10.0), (0.0, 1.0))
    assert hazard(kind="lognormal", median_days=63, sd=0.5) == LogNormal(63.0, 0.5)
    assert hazard(kind="fixed", day=2) == Fixed(2.0)
    found = hazard(kind="weibull", shape=0.7, median_days=100)
    assert isinstance(found, Weibull)
    assert found.cumulative(np.array([100.0])) == pytest.approx([np.log(2)])
    cure = hazard(kind="cure", cured=0.3, others={"kind": "fixed", "day": 5})
    assert cure == Cure(0.3, Fixed(5.0))


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"kind": "gompertz"}, "no kind of hazard"),
        ({}, "no kind of hazard"),
        ({"kind": "weibull", "shape": 1}, "this key is missing"),
        ({"kind": "weibull", "shape": 0, "median_days": 5}, "no Weibull hazard"),
        ({"kind": "fixed", "day": 2, "days": 3}, "unknown key 'days'"),
        ({"kind": "cure", "cured": 0.3}, "others: this key is missing"),
        ({"kind": "cure", "cured": 1.0, "others": {"kind": "fixed", "day": 1}}, "no share of cured patients"),
        ({"kind": "cure", "cured": 0.3, "others": {"kind": "fixed", "day": -1}}, "no planned day"),
        ({"kind": "piecewise", "cuts": [0, 5], "rates_per_year": [1]}, "no piecewise hazard"),
    ],
)
def test_a_hazard_that_is_none_is_refused(table: dict[str, object], fault: str) -> None:
    with pytest.raises(InputError, match=fault) as caught:
        read_hazard(table, toml=TOML, path=("ways", 0, "hazard"))
    assert str(caught.value).startswith("file.toml")


STRATEGY = '[strategies.x]\nlabel = "x"\ndecisions = { hsct = { uptake = 1 } }\n'
TAKEN = "uptake = { probability = 0.6 }"
CHANGES = [
    # what is changed in MODEL, and what is said of it
    ('lowest = 0\n', 'lowst = 0\n', "unknown key 'lowst'. Did you mean 'lowest'"),
    ('horizon = 1500\n', '', "simulation.horizon: this key is missing"),
    ('dropout_per_year = 0.1\nsource = "assumed"', 'dropout_per_year = 0.1', "simulation.source: this key is missing"),
    ('decimals = 2\nsource = "assumed"', 'decimals = 2', "covariates.0.source: this key is missing"),
    ('decimals = 2\nsource = "assumed"', 'decimals = 2\nsource = " "', "a parameter without a source"),
    ('high" = 0.7 }\nsource = "assumed"', 'high" = 0.7 }', "ways.0.source: this key is missing"),
    ('from = "infused"', 'from = "infusd"', "no state 'infusd'. Did you mean 'infused'"),
    ('to = "dead"', 'to = "ded"', "no state 'ded'"),
    ('{ burden = 0.5,', '{ burdn = 0.5,', "no covariate 'burdn'. Did you mean 'burden'"),
    ('"risk=high" = 0.7', '"risk=low" = 0.7', "no covariate 'risk=low'"),
    ('from = "infused"', 'clock = "relapse"\nfrom = "infused"', "no clock 'relapse'"),
    ('name = "dead"', 'name = "infused"', "a name twice"),
    ('name = "risk"', 'name = "burden"', "a name twice"),
    ('cutoff = 2019-06-30', 'cutoff = 2016-06-30', "patients enter on the day of the cutoff, or after it"),
    ('highest = 2\n', '', "a uniform covariate without limits"),
    ('highest = 2\n', 'highest = 2\nwhere = { "risk=high" = { highest = 1 } }\n', "no level above it 'risk=high'"),
    ('shares = { standard', 'where = { "burden" = {} }\nshares = { standard', "no level above it 'burden'"),
    ('number = 1 }', 'when = [{ covariate = "risk", values = ["low"] }] }', "no covariate 'risk=low'"),
    ('[[analysis]]', '[last_seen]\nof = ["x"]\nwithin = 9\nsource = "assumed"\n[[analysis]]', "no state 'x'"),
    ('[[analysis]]', '[last_seen]\nof = ["dead"]\nwithin = -9\nsource = "assumed"\n[[analysis]]', "a time below 0"),
    ('[[analysis]]', '[last_seen]\nof = ["dead"]\nwithin = 9\nsource = ""\n[[analysis]]', "without a source"),
    ('highest = 2\n', 'highest = -1\n', "no distribution"),
    ('"uniform"\n', '"lognormal"\n', "a limit that is not above 0"),
    ('"uniform"\n', '"normal"\nshares = { a = 1 }\n', "the levels of a categorical covariate"),
    ('shares = { standard = 2, high = 1 }', '', "shares, which are the levels of a categorical covariate"),
    ('to = "dead"', 'to = "dead"\ndecision = "x"', "a decision without its name or its assignment"),
    ('to = "dead"', 'to = "dead"\nuptake = { probability = 0.5 }', "uptake of no decision"),
    ('to = "dead"', 'to = ["dead", "infused"]', "shares that are not those of the targets"),
    ('horizon = 1500', 'horizon = 0', "a time below 0"),
    ('[[analysis]]', STRATEGY + '[[analysis]]', "no decision 'hsct'"),
    ('[[analysis]]', '[[marks]]\nevent = "crs"\nof = "infusd"\nsource = "assumed"\n[[analysis]]', "no state 'infusd'"),
    ('[[analysis]]', '[[marks]]\nevent = "crs"\nof = "infused"\n[[analysis]]', "marks.0.source: this key is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "fault"), CHANGES)
def test_a_file_that_is_none_is_refused_where_it_is_wrong(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert MODEL.count(old) >= 1
    with pytest.raises(InputError) as caught:
        simulation(tmp_path, MODEL.replace(old, new, 1))
    assert fault in str(caught.value)
    assert str(caught.value).startswith("small.simulation.toml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (TAKEN, 'uptake = { constant = 0, effects = { x = 1 } }', "with a fixed probability"),
        (TAKEN, '', "with a fixed probability"),
        (TAKEN, 'uptake = { probability = 1.6 }', "no probability"),
        (TAKEN, 'uptake = { probability = 0.6, constant = 1 }', "one of probability and"),
        ('assignment = "randomised"', 'assignment = "rule"', "a rule has no uptake"),
        (TAKEN, TAKEN + '\neligible = [{ covariate = "age" }]', "no covariate 'age'"),
        ('uptake = 1, by = 60', 'uptake = 0.5, by = 60', "a day by which only some go"),
        ('uptake = 1, by = 60', 'uptake = 1.5', "no share"),
    ],
)  # fmt: skip
def test_a_decision_that_is_none_is_refused(tmp_path: Path, old: str, new: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        simulation(tmp_path, NULL.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('levels = ["0", "1", "2"]\ncutpoints = [1, 1]', "cutpoints that do not part the levels"),
        ('levels = ["0", "1"]\ncutpoints = [1]\nshares = { a = 1 }', "levels and shares"),
        ("shares = { a = 0 }", "a share that is not above 0"),
        ('effects = { x = 1 }\nlevels = ["0", "1"]\ncutpoints = [1]', "no covariate 'x'"),
        ('day = { kind = "normal" }', "no kind of hazard"),
    ],
)
def test_a_mark_that_is_none_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    mark = f'[[marks]]\nevent = "crs"\nof = "remission"\nsource = "assumed"\n{text}\n[strategies.all]'
    with pytest.raises(InputError, match=fault):
        simulation(tmp_path, NULL.replace("[strategies.all]", mark))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("lod = 1e-4", "lod = 0", "no assay"),
        ('source = "assumed"', 'source = ""', "a parameter without a source"),
        ('after = ["remission"]', 'after = ["hsct"]', "no state 'hsct'"),
    ],
)
def test_an_assay_that_is_none_is_refused(tmp_path: Path, old: str, new: str, fault: str) -> None:
    mrd = '[mrd]\nmethod = "mfc"\nlod = 1e-4\nafter = ["remission"]\nmonths = [1]\nsource = "assumed"\n'
    mrd += "levels = { remission = { mean = -5, sd = 1 } }\n[strategies.all]"
    simulation(tmp_path, NULL.replace("[strategies.all]", mrd))
    with pytest.raises(InputError, match=fault):
        simulation(tmp_path, NULL.replace("[strategies.all]", mrd.replace(old, new)))


def test_more_ways_than_can_be_drawn_are_refused(tmp_path: Path) -> None:
    way = '[[ways]]\nfrom = "infused"\nto = "dead"\nsource = "assumed"\nhazard = { kind = "fixed", day = 9 }\n'
    simulation(tmp_path, MODEL + 20 * way)
    with pytest.raises(InputError, match="more than 21 ways"):
        simulation(tmp_path, MODEL + 21 * way)


def test_a_name_that_is_neither_built_in_nor_a_file() -> None:
    with pytest.raises(InputError, match="no simulation 'hcart'") as caught:
        read_simulation("hcart")
    assert all(name in str(caught.value) for name in built_in())


def test_the_name_of_a_file(tmp_path: Path) -> None:
    assert read_simulation(written(tmp_path, MODEL)).name == "small"


@pytest.mark.parametrize("name", built_in())
def test_every_parameter_of_the_built_in_files_has_a_source(name: str) -> None:
    from dayzero.simulate.write import parameters

    rows = list(parameters(read_simulation(name)))
    assert len(rows) > 10
    for what, _, source in rows:
        assert source.startswith(("seed 00", "simulation rule book", "assumed")), what


def test_more_covariates_than_can_be_drawn_and_no_state_are_refused(tmp_path: Path) -> None:
    one = '[[covariates]]\nname = "x{}"\ndistribution = "normal"\nsource = "assumed"\n'
    with pytest.raises(InputError, match="more than 900 covariates"):
        simulation(tmp_path, MODEL + "".join(one.format(k) for k in range(899)))
    nothing = '[simulation]\ntitle = "x"\nsource = "assumed"\nhorizon = 1\nstart = 2020-01-01\n'
    with pytest.raises(InputError, match="no state"):
        simulation(tmp_path, "states = []\nways = []\n" + nothing)
