"""The package ``survival`` of PyPI, written in Rust; its fastest functions, residuals not asked for."""

from typing import Any

import numpy as np
from survival.regression import coxph_fit_raw
from survival.surv_analysis import survfitaj, survfitkm
from survival.validation import logrank_test

from benchmarks.data import Data
from benchmarks.peers import Prepared, Tasks, steps


def kaplan_meier(data: Data) -> Prepared:
    stop, status = data["stop"], data["status"]

    def read(fit: Any) -> tuple[Any, Any]:
        survival = steps(fit.time, fit.surv, data.grid, first=1.0)
        error = steps(fit.time, fit.std_err, data.grid, first=0.0)
        return survival, error * survival  # it gives the error of the logarithm

    return lambda: survfitkm(stop, status), read


def aalen_johansen(data: Data) -> Prepared:
    stop, state = data["stop"], data["state"].astype(np.int64)

    def read(fit: Any) -> tuple[Any, Any]:
        def curves(table: Any) -> Any:
            columns = np.asarray(table)[:, -2:].T
            return np.concatenate([steps(fit.time, values, data.grid, first=0.0) for values in columns])

        return curves(fit.pstate), curves(fit.std_err)

    return lambda: survfitaj(stop, state, ["first", "second"]), read


def logrank(data: Data) -> Prepared:
    stop, status, group = data["stop"], data["status"], data["group"].astype(np.int64)
    return lambda: logrank_test(stop, status, group), lambda fit: ([fit.statistic], [np.nan])


def cox(data: Data) -> Prepared:
    stop, status, x = data["stop"], data["status"], data.x
    entry = None if np.isneginf(data["start"]).all() else data["start"]

    def read(fit: Any) -> tuple[Any, Any]:
        return np.ravel(fit.coefficients), np.sqrt(np.diagonal(np.asarray(fit.var)))

    return lambda: coxph_fit_raw(stop, status, x, entry=entry, resid=False), read


def bootstrap(data: Data) -> Prepared:
    stop, status, x, draws = data["stop"], data["status"], data.x, data.draws[:, :50]

    def fits() -> list[Any]:
        found = []
        for weights in draws.T:
            kept = weights > 0
            fit = coxph_fit_raw(stop[kept], status[kept], x[kept], weights=weights[kept], resid=False)
            found.append(np.ravel(fit.coefficients))
        return found

    return fits, lambda found: (np.ravel(found), [np.nan] * np.size(found))


TASKS: Tasks = {
    "kaplan_meier": kaplan_meier,
    "aalen_johansen": aalen_johansen,
    "logrank": logrank,
    "cox": cox,
    "bootstrap": bootstrap,
}
