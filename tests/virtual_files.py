"""Small simulation files for tests."""

from pathlib import Path

from dayzero.simulate import Simulation, read_simulation

NULL = """
[simulation]
title = "A transplant that does nothing"
horizon = 1240
start = 2015-01-01
source = "assumed"
[[states]]
name = "remission"
starts = ["remission"]
events = [{ event = "response", value = "CR" }]
[[states]]
name = "transplanted"
events = [{ event = "hsct" }]
[[states]]
name = "relapsed"
events = [{ event = "relapse" }]
[[ways]]
from = ["remission", "transplanted"]
to = "relapsed"
hazard = { kind = "weibull", shape = 1, median_days = 180 }
clock = "remission"
source = "simulation rule book 3"
[[ways]]
from = "remission"
to = "transplanted"
hazard = { kind = "weibull", shape = 1, median_days = 63 }
decision = "transplant"
assignment = "randomised"
uptake = { probability = 0.6 }
source = "simulation rule book 3"
[strategies.all]
label = "everybody by day 60"
decisions = { transplant = { uptake = 1, by = 60 } }
[strategies.none]
label = "nobody"
decisions = { transplant = { uptake = 0 } }
"""

MODEL = """
[simulation]
title = "Two covariates and a hazard in two pieces"
horizon = 1500
start = 2015-01-01
accrual = 700
cutoff = 2019-06-30
dropout_per_year = 0.1
source = "assumed"
[[covariates]]
name = "burden"
distribution = "uniform"
lowest = 0
highest = 2
decimals = 2
source = "assumed"
[[covariates]]
name = "risk"
distribution = "categorical"
shares = { standard = 2, high = 1 }
source = "assumed"
[[states]]
name = "infused"
events = [{ event = "infusion", number = 1 }]
[[states]]
name = "dead"
events = [{ event = "death", attributes = { cause = "disease" } }]
[[ways]]
from = "infused"
to = "dead"
hazard = { kind = "piecewise", cuts = [0, 200], rates_per_year = [0.6, 0.25] }
log_ratio = { burden = 0.5, "risk=high" = 0.7 }
source = "assumed"
[[analysis]]
kind = "cox"
endpoint = "os"
terms = ["burden", "risk"]
reference = { risk = "standard" }
"""


def written(folder: Path, text: str, name: str = "small.simulation.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def simulation(folder: Path, text: str) -> Simulation:
    return read_simulation(written(folder, text))
