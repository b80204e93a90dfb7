"""dayzero itself; the table of spells is made before the clock starts (row ``make_spells`` says what it costs)."""

from typing import Any

import numpy as np

from benchmarks.data import TERMS, Data
from benchmarks.peers import Prepared, Tasks
from dayzero.estimators.comparisons.gray import fit_gray
from dayzero.estimators.comparisons.logrank import fit_logrank
from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.curves.aalen_johansen import fit_aalen_johansen
from dayzero.spells import Spells, make_spells


def _spells(data: Data, event: str) -> Spells:
    covariates: dict[str, Any] = {name: data[name] for name in (*TERMS, "group")}
    return make_spells(data["stop"], data[event], start=data["start"], patient=data["id"], **covariates)


def make(data: Data) -> Prepared:
    return lambda: _spells(data, "status"), lambda spells: ([float(len(spells))], [np.nan])


def kaplan_meier(data: Data) -> Prepared:
    return _curve(data, "status", [0])


def aalen_johansen(data: Data) -> Prepared:
    return _curve(data, "state", [1, 2])


def _curve(data: Data, event: str, states: list[int]) -> Prepared:
    spells = _spells(data, event)

    def read(fit: Any) -> tuple[Any, Any]:
        return fit.at(data.grid)[:, states].T.ravel(), fit.std_error_at(data.grid)[:, states].T.ravel()

    return lambda: fit_aalen_johansen(spells), read


def logrank(data: Data) -> Prepared:
    spells = _spells(data, "status")
    return lambda: fit_logrank(spells, "group"), lambda fit: ([fit.chi2], [np.nan])


def gray(data: Data) -> Prepared:
    spells = _spells(data, "state")
    return (
        lambda: [fit_gray(spells, "group", event=event) for event in (1, 2)],
        lambda fits: ([fit.chi2 for fit in fits], [np.nan] * 2),
    )


def cox(data: Data) -> Prepared:
    spells = _spells(data, "status")

    def read(fit: Any) -> tuple[Any, Any]:
        return fit.coefficients, fit.std_error

    return lambda: fit_cox(spells, TERMS), read


def bootstrap(data: Data) -> Prepared:
    spells, draws = _spells(data, "status"), data.draws
    return lambda: fit_cox(spells, TERMS, draws), lambda fit: (
        fit.coefficients.ravel(),
        [np.nan] * fit.coefficients.size,
    )


TASKS: Tasks = {
    "make_spells": make,
    "kaplan_meier": kaplan_meier,
    "aalen_johansen": aalen_johansen,
    "logrank": logrank,
    "gray": gray,
    "cox": cox,
    "bootstrap": bootstrap,
}
