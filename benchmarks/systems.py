"""The five virtual cohorts beside what their documents print: ``python -m benchmarks.systems`` writes docs/systems/.

20,000 patients of each are simulated; every published figure that the simulation names stands with the limits that its
number of patients implies. Below: what imposing a strategy on everybody gives in the same patients, and the hazard
ratio of transplantation as groups formed by what happened later give it, and as a function of time.
"""

import re
import sys
from pathlib import Path

from dayzero import derive_spells, fit_cox, naive, time_dependent
from dayzero.estimators.curves.aalen_johansen import aalen_johansen
from dayzero.protocol import read_protocol
from dayzero.protocol.builtin import builtin_names, protocol_file
from dayzero.simulate import Cohort, Simulation, read_simulation, simulate_cohort
from dayzero.simulate.plan import Target

ROOT = Path(__file__).parents[1]
PATIENTS = 20_000
SEED = 1
DAYS = (365.0, 1095.0)
WORDS = {"cr": "CR", "mrd_negative": "MRD-negative", "crs_severe": "CRS of grade 3 or more", "hsct": "transplanted",
         "reinfusion": "infused again", "emd_cr": "CR of extramedullary disease", "os": "overall survival",
         "lfs": "leukaemia-free survival", "efs": "event-free survival", "lfs_as_printed": "LFS, deaths censored",
         "isolated_emd": "isolated extramedullary relapse"}  # fmt: skip
AGAINST = "hazard ratio of transplantation here, unadjusted, against all not (yet) transplanted"
MARK = re.compile(r"<!-- figures -->.*?(?=\n## )", re.DOTALL)


def page(name: str) -> str:
    """Return the figures of one system as Markdown."""
    simulation = read_simulation(name)
    cohort = simulate_cohort(simulation, PATIENTS, seed=SEED)
    parts = ["<!-- figures -->", ""]
    parts += [*_published(simulation, cohort), ""] if simulation.targets else [f"{simulation.header.note}", ""]
    parts += [*_imposed(simulation, cohort), ""]
    parts += _hazard_ratios(cohort)
    return "\n".join(parts) + "\n"


def _published(simulation: Simulation, cohort: Cohort) -> list[str]:
    sys.path.insert(0, str(ROOT / "tests"))
    from virtual_figures import figure, implied

    lines = ["| figure | published (limits implied by n) | simulated, n = 20,000 |", "|---|---|---|"]
    for target in simulation.targets:
        low, high = (100 * limit for limit in implied(target.value, target.n))
        printed = f"{100 * target.value:.1f} % ({low:.1f}-{high:.1f}), n = {target.n}"
        lines.append(f"| {_label(target)} | {printed} | {100 * figure(cohort, target):.1f} % |")
    return lines


def _label(target: Target) -> str:
    when = f" at {target.day / 365:.0f} year{'s' if target.day > 365 else ''}" if target.day else ""
    group = {"hsct": "of those transplanted", "reinfusion": "of those infused again", "neither": "of the others"}
    who = group.get(target.group, f"of {target.group}" if target.group else "")
    return f"{WORDS.get(target.figure, target.figure)}{when}{', ' if who else ''}{who}"


def _imposed(simulation: Simulation, cohort: Cohort) -> list[str]:
    lines = ["| imposed on the same patients | overall survival, 1 year | 3 years |", "|---|---|---|"]
    for impose in (None, *simulation.strategies):
        own = cohort if impose is None else simulate_cohort(simulation, PATIENTS, seed=SEED, impose=impose)
        label = simulation.strategies[impose].label if impose else "nothing: the natural course"
        one, three = ("not followed so long" if value is None else f"{100 * value:.1f} %" for value in _survival(own))
        lines.append(f"| {label} | {one} | {three} |")
    return lines


def _survival(cohort: Cohort) -> tuple[float | None, ...]:
    spells = derive_spells(cohort.history, _protocol(cohort).endpoint("os"))
    rows = aalen_johansen(spells, times=list(DAYS)).rows
    rates = rows.filter(rows["statistic"] == "survival")
    return tuple(rates.filter(rates["time"] == day)["estimate"][0] for day in DAYS)


def _hazard_ratios(cohort: Cohort) -> list[str]:
    import numpy as np

    lines = [
        f"| {AGAINST} | overall survival | LFS from remission |",
        "|---|---|---|",
    ]
    found: dict[str, list[str]] = {"groups formed by what happened later": [], "a function of time": []}
    for endpoint in ("os", "lfs"):
        spells = derive_spells(cohort.history, _protocol(cohort).endpoint(endpoint), treatments=["hsct"])
        for words, method in zip(found, (naive, time_dependent), strict=True):
            ratio = float(np.exp(fit_cox(method(spells, "hsct"), ["hsct"]).coefficients[0]))
            found[words].append(f"{ratio:.2f}")
    return lines + [f"| {words} | {' | '.join(values)} |" for words, values in found.items()]


def _protocol(cohort: Cohort):
    return read_protocol(protocol_file(cohort.simulation.header.protocol))


def main() -> None:
    """Write the figures of every system into its page."""
    for name in builtin_names():
        file = ROOT / f"docs/systems/{name}.md"
        text = file.read_text(encoding="utf-8")
        file.write_text(MARK.sub(lambda _, name=name: page(name), text), encoding="utf-8")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
