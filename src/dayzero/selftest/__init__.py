"""The self-test: the reference figures, computed by this installation and held against R.

The data are arithmetic, so that R and Python make the same ones (``tests/reference/selftest/make.R``); R's results are
``expected.json``, with the versions that made them. Regulators ask for documented testing of the software as
installed (ICH E9 5.8): this is that test, and its page is the document.
"""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from dayzero.estimate import Estimate
from dayzero.estimators.comparisons.gray import gray
from dayzero.estimators.comparisons.logrank import LogRank, logrank
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import cox
from dayzero.estimators.curves.aalen_johansen import aalen_johansen
from dayzero.estimators.curves.confidence import ConfType, Curve
from dayzero.estimators.curves.follow_up import follow_up
from dayzero.estimators.curves.quantiles import median
from dayzero.spells import Spells, make_spells

TOLERANCE: Final = 1e-8
DAYS: Final = (10.0, 20.0, 35.0)
LIBRARIES: Final = ("numpy", "scipy", "polars")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """One figure of the self-test.

    Attributes
    ----------
    name
        What was computed, and which column of it.
    expected, found
        R's value and this installation's.
    """

    name: str
    expected: float
    found: float

    @property
    def difference(self) -> float:
        """Relative difference; absolute where R's value is 0."""
        return abs(self.found - self.expected) / (abs(self.expected) or 1.0)

    @property
    def holds(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.difference <= TOLERANCE


def run_selftest() -> tuple[Figure, ...]:
    """Compute every reference figure on this installation."""
    place = resources.files("dayzero.selftest") / "expected.json"
    expected: Mapping[str, Mapping[str, list[float]]] = json.loads(place.read_text(encoding="utf-8"))["figures"]
    found = _compute()
    return tuple(
        Figure(f"{name}, {column} {k + 1}" if len(values) > 1 else f"{name}, {column}", value, found[name][column][k])
        for name, columns in expected.items()
        for column, values in columns.items()
        for k, value in enumerate(values)
    )


def selftest_page(figures: tuple[Figure, ...]) -> str:
    """Return the page that documents a self-test: what ran where, every figure, and the verdict."""
    width = max(len(figure.name) for figure in figures)
    lines = [
        f"dayzero {version('dayzero')}: self-test of this installation",
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}; "
        + ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        f"Package (sha256 of its files): {package_digest()}",
        f"Reference: R {reference_versions()}; relative tolerance {TOLERANCE:g}",
        "",
        f"{'figure':<{width}}  {'R':>22}  {'here':>22}  {'difference':>10}",
        *(_line(figure, width) for figure in figures),
        "",
    ]
    wrong = sum(not figure.holds for figure in figures)
    verdict = "PASSED: every figure agrees" if not wrong else f"FAILED: {wrong} figures differ"
    return "\n".join([*lines, f"{verdict} ({len(figures) - wrong} of {len(figures)}).", ""])


def reference_versions() -> str:
    """Return the versions of R and its packages that made the reference."""
    place = resources.files("dayzero.selftest") / "expected.json"
    versions = json.loads(place.read_text(encoding="utf-8"))["versions"]
    return ", ".join(f"{'' if name == 'R' else name + ' '}{value[0]}" for name, value in versions.items())


def package_digest() -> str:
    """Return one sha256 over the names and contents of the package's source files."""
    root = Path(str(resources.files("dayzero")))
    digest = sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _line(figure: Figure, width: int) -> str:
    mark = "" if figure.holds else "  DIFFERS"
    return (
        f"{figure.name:<{width}}  {figure.expected:>22.15g}  {figure.found:>22.15g}  {figure.difference:>10.1e}{mark}"
    )


@dataclass(frozen=True)
class _Data:
    """The arithmetic data of ``make.R``."""

    time: Floats
    cause: npt.NDArray[np.int64]
    columns: Mapping[str, npt.NDArray[np.generic]]
    start: Floats
    weight: Floats

    def spells(self, *, causes: int = 1, start: bool = False, weighted: bool = False) -> Spells:
        event = self.cause if causes == 2 else (self.cause == 1).astype(np.int64)
        states = ("initial", "first", "second")[: causes + 1]
        more = {"start": self.start} if start else {}
        weight = {"weight": self.weight} if weighted else {}
        return make_spells(self.time, event, states=states, **self.columns, **more, **weight)


def _data() -> _Data:
    i = np.arange(120)
    time = np.asarray(1.0 + (i * 37) % 41, np.float64)
    columns: dict[str, npt.NDArray[np.generic]] = {
        "group": np.array(["a", "b", "c"])[i % 3],
        "age": 20.0 + (i * 29) % 47,
        "x": ((i * 17) % 13) / 4,
        "stratum": np.array(["s", "t"])[i % 2],
        "cluster": i // 6,
    }
    cause = np.array([0, 0, 0, 1, 1, 2, 2])[(i * 53) % 7]
    start = np.asarray(np.maximum(0.0, time - 1 - (i * 11) % 30), np.float64)
    return _Data(time, cause, columns, start, np.asarray(1.0 + i % 3, np.float64))


def _columns(rows: Estimate, *names: str) -> dict[str, list[float]]:
    return {name: [float("nan") if v is None else v for v in rows.rows[name].to_list()] for name in names}


def _compute() -> dict[str, dict[str, list[float]]]:
    data = _data()
    return {**_curves(data), **_tests(data), **_models(data)}


def _curves(data: _Data) -> dict[str, dict[str, list[float]]]:
    every = ("estimate", "std_error", "lower", "upper")
    types: tuple[ConfType, ...] = ("log-log", "log", "plain", "logit", "arcsine")
    plain, late, both = data.spells(), data.spells(start=True), data.spells(causes=2)
    found = {
        f"survival {name}": _columns(aalen_johansen(plain, None, DAYS, options=Curve(conf_type=name)), *every)
        for name in types
    }
    deaths = make_spells(data.time, (data.cause != 0).astype(int))
    incidence = aalen_johansen(both, None, DAYS)
    return {
        **found,
        "survival weighted": _columns(aalen_johansen(data.spells(weighted=True), None, DAYS), *every),
        "survival delayed entry": _columns(aalen_johansen(late, None, DAYS), *every),
        "median": _columns(median(plain), *every),
        "median follow-up": _columns(follow_up(deaths).where(statistic="median_follow_up"), *every),
        "cumulative incidence 1": _columns(incidence.where(term="first"), *every),
        "cumulative incidence 2": _columns(incidence.where(term="second"), *every),
    }


def _tests(data: _Data) -> dict[str, dict[str, list[float]]]:
    one, both = data.spells(), data.spells(causes=2)
    return {
        "log-rank": _columns(logrank(one, "group"), "estimate"),
        "log-rank stratified": _columns(logrank(one, "group", model=LogRank(strata=("stratum",))), "estimate"),
        "log-rank rho 1": _columns(logrank(one, "group", model=LogRank(rho=1.0)), "estimate"),
        "gray": _columns(gray(both, "group"), "estimate"),
        "gray stratified": _columns(gray(both, "group", strata=("stratum",)), "estimate"),
    }


def _models(data: _Data) -> dict[str, dict[str, list[float]]]:
    def fitted(spells: Spells, model: CoxModel) -> dict[str, list[float]]:
        return _columns(cox(spells, model).where(statistic="log_hazard_ratio"), "estimate", "std_error")

    spells, terms = data.spells(), ("age", "x")
    ties: tuple[Literal["efron", "breslow", "exact"], ...] = ("efron", "breslow", "exact")
    return {
        **{f"cox {name}": fitted(spells, CoxModel(terms, ties=name)) for name in ties},
        "cox start-stop": fitted(data.spells(start=True), CoxModel(terms)),
        "cox strata": fitted(spells, CoxModel(terms, strata=("stratum",))),
        "cox cluster": fitted(spells, CoxModel(terms, cluster="cluster")),
        "cox weights": fitted(data.spells(weighted=True), CoxModel(terms)),
        "cox groups": fitted(spells, CoxModel(("group", "age"))),
    }
