"""Type I error of every method where the treatment does nothing: ``python -m benchmarks.null_studies [--write]``.

Small studies of a transplant without effect (``null_study`` of tests/illness_death.py) are made once, and analysed by
dayzero's strategies and by the same methods written out in R (``null_studies.R``). A method that is right at 5 % calls
the transplant effective in one study of twenty. A study in which a method finds no estimate counts as not significant.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dayzero import Spells
from dayzero.errors import InputError
from dayzero.estimators.resampling.bootstrap import bootstrap
from dayzero.strategies.strategy import Strategy

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "tests"))  # the simulator is kept with the tests
from illness_death import TREATMENT, null_study  # noqa: E402

STORE = HERE / "null_studies.json"
BEGIN, END = "<!-- null studies: begin -->", "<!-- null studies: end -->"
SIZES = (25, 100, 300)
LEVEL = 0.05
METHODS = {
    "naive": "naive (ever treated), Cox, Wald",
    "landmark": "landmark, day 90, Cox, Wald",
    "mantel_byar": "Mantel-Byar",
    "time_dependent": "time-dependent Cox, Wald",
    "firth": "time-dependent Cox, Firth, profile likelihood",
    "sequential": "sequential trials, one a week, robust",
    "clones_robust": "clone-censor(-weight), grace 90 days, robust",
    "clones_bootstrap": "clone-censor(-weight), grace 90 days, bootstrap percentile limits",
}
Found = dict[str, list[float]]  # a p-value a study; of limits 0 where they leave 1 out, else 1; NaN without an estimate


def main() -> None:
    arguments = _arguments()
    results = {n: both(n, arguments) for n in SIZES}
    text = "\n".join([*about(arguments), "", *lines(results)])
    print(text)
    if arguments.write:
        STORE.write_text(json.dumps(summary(results, arguments), indent=1) + "\n")
        write(HERE / "README.md", text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Type I error of every method.")
    parser.add_argument("--studies", type=int, default=1000, help="studies of each size")
    parser.add_argument("--resampled", type=int, default=200, help="studies of each size with a bootstrap")
    parser.add_argument("--resamples", type=int, default=200, help="resamples of each of them")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--write", action="store_true", help="store the table in README.md and null_studies.json")
    return parser.parse_args()


def both(n: int, arguments: argparse.Namespace) -> dict[str, Found]:
    """The same studies in R, and meanwhile in dayzero."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "studies.csv"
        studies = [null_study(n, seed=1_000_000 * n + k) for k in range(arguments.studies)]
        save(studies, path)
        peer = None
        if shutil.which("Rscript"):
            options = [str(arguments.resampled), str(arguments.resamples)]
            command = ["Rscript", str(HERE / "null_studies.R"), str(path), *options]
            peer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ours = analyse(studies, arguments)
        return {"dayzero": ours} if peer is None else {"dayzero": ours, "r": read(peer)}


def save(studies: Sequence[Spells], path: Path) -> None:
    with path.open("w") as file:
        file.write("study,time,event,day\n")
        for k, study in enumerate(studies):
            for time, event, day in zip(study.stop, study.event(), study.treatments[TREATMENT], strict=True):
                file.write(f"{k},{time:.0f},{int(event)},{'' if math.isinf(day) else format(day, '.0f')}\n")


def analyse(studies: Sequence[Spells], arguments: argparse.Namespace) -> Found:
    from joblib import Parallel, delayed

    draws = [arguments.resamples if k < arguments.resampled else 0 for k in range(len(studies))]
    work = (delayed(one)(study, seed, many) for seed, (study, many) in enumerate(zip(studies, draws, strict=True)))
    each = Parallel(n_jobs=arguments.jobs)(work)
    return {name: [found[name] for found in each if name in found] for name in METHODS}


def one(study: Spells, seed: int, resamples: int) -> dict[str, float]:
    """Every method's p-value in one study."""
    clones = Strategy("clone_censor_weight", grace=90.0, truncate=1.0)
    switching = rows(Strategy("time_dependent"), study)
    found = {
        "naive": p_value(rows(Strategy("naive"), study)),
        "landmark": p_value(rows(Strategy("landmark", landmarks=[90]), study)),
        "mantel_byar": p_value(switching, "mantel_byar"),
        "time_dependent": p_value(switching),
        "firth": p_value(rows(Strategy("time_dependent", penalty="firth"), study)),
        "sequential": p_value(rows(Strategy("sequential", every=7.0), study)),
        "clones_robust": p_value(rows(clones, study)),
    }
    if resamples:
        found["clones_bootstrap"] = covers(resampled(clones, study, resamples, seed))
    return found


def resampled(strategy: Strategy, study: Spells, resamples: int, seed: int) -> Any:
    try:
        return bootstrap(strategy, study, n=resamples, seed=seed).estimate().rows
    except InputError:
        return None


def rows(strategy: Strategy, study: Spells) -> Any:
    """The strategy's rows, None where it cannot be used on the study."""
    try:
        return strategy(study).rows
    except InputError:
        return None


def p_value(found: Any, statistic: str = "log_hazard_ratio") -> float:
    row = ratio(found, statistic)
    if row is None:
        return math.nan
    if row["p_value"] is None and row["std_error"]:
        return math.erfc(abs(row["estimate"] / row["std_error"]) / math.sqrt(2.0))
    return math.nan if row["p_value"] is None else float(row["p_value"])


def covers(found: Any) -> float:
    row = ratio(found, "log_hazard_ratio")
    return math.nan if row is None or row["lower"] is None else float(row["lower"] <= 0.0 <= row["upper"])


def ratio(found: Any, statistic: str) -> dict[str, Any] | None:
    if found is None:
        return None
    kept = [row for row in found.iter_rows(named=True) if row["statistic"] == statistic and row["kind"] == "strategy"]
    return kept[0] if kept else None


def read(peer: "subprocess.Popen[str]") -> Found:
    out, _ = peer.communicate()
    if peer.returncode:
        raise RuntimeError("null_studies.R failed")
    found: Found = {}
    for line in out.splitlines():
        study, name, value, *_ = line.split()
        if study != "version":
            found.setdefault(name, []).append(math.nan if value in {"NA", "NaN"} else float(value))
    return found


def rate(values: Sequence[float]) -> tuple[float, float]:
    """The share of significant studies, and its Monte-Carlo standard error."""
    share = float(np.mean(np.nan_to_num(np.asarray(values, float), nan=1.0) < LEVEL))
    return share, math.sqrt(share * (1.0 - share) / len(values))


def about(arguments: argparse.Namespace) -> list[str]:
    made = f"{arguments.studies:,} studies of each size"
    drawn = f"bootstrap limits in the first {arguments.resampled:,} with {arguments.resamples:,} resamples each"
    return [f"{made}; {drawn}. Share of p < .05 (Monte-Carlo standard error); both analyse the same studies."]


def lines(results: dict[int, dict[str, Found]]) -> list[str]:
    sizes = [f"N = {n}{', R' if peer == 'r' else ''}" for n in results for peer in ("dayzero", "r")]
    head = ["| method | " + " | ".join([*sizes, "largest difference of p"]) + " |", "|---|" + "---|" * (len(sizes) + 1)]
    return head + [_line(name, words, results) for name, words in METHODS.items()]


def _line(name: str, words: str, results: dict[int, dict[str, Found]]) -> str:
    cells, gaps = [], []
    for found in results.values():
        cells += [_cell(found.get(peer, {}).get(name)) for peer in ("dayzero", "r")]
        if name != "clones_bootstrap" and name in found.get("r", {}):
            gaps.append(_gap(found["dayzero"][name], found["r"][name]))
    return f"| {words} | " + " | ".join([*cells, f"{max(gaps):.0e}" if gaps else "–"]) + " |"


def _gap(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The largest difference among studies in which both have a p-value, and neither says that nothing is known."""
    a, b = np.asarray(ours), np.asarray(theirs)
    both = np.isfinite(a) & np.isfinite(b)
    return float(np.max(np.abs(a[both] - b[both]), initial=0.0))


def _cell(values: Sequence[float] | None) -> str:
    if not values:
        return "–"
    share, error = rate(values)
    return f"{share:.3f} ({error:.3f})".replace("0.", ".")


def summary(results: dict[int, dict[str, Found]], arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that was found, a cell a line of the file."""
    cells = [
        {"n": n, "method": name, "peer": peer, "studies": len(values), "without_estimate": int(np.isnan(values).sum()),
         "type_one_error": rate(values)[0], "monte_carlo_error": rate(values)[1]}
        for n, found in results.items() for peer, methods in found.items() for name, values in methods.items()
    ]  # fmt: skip
    return {"resamples": arguments.resamples, "level": LEVEL, "cells": cells}


def write(path: Path, text: str) -> None:
    """Put the table between its marks."""
    old = path.read_text()
    before, rest = old.split(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
