"""scikit-survival: no standard errors of its own, no start-stop rows, no weights."""

from typing import Any

import numpy as np
from sksurv.compare import compare_survival
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator
from sksurv.util import Surv

from benchmarks.data import Data
from benchmarks.peers import Prepared, Tasks, steps


def kaplan_meier(data: Data) -> Prepared:
    event, stop = data["status"] == 1, data["stop"]

    def read(fit: Any) -> tuple[Any, Any]:
        return steps(fit[0], fit[1], data.grid, first=1.0), np.full(len(data.grid), np.nan)

    return lambda: kaplan_meier_estimator(event, stop, conf_type="log-log"), read


def aalen_johansen(data: Data) -> Prepared:
    state, stop = data["state"].astype(int), data["stop"]

    def read(fit: Any) -> tuple[Any, Any]:
        curves = np.concatenate([steps(fit[0], fit[1][event], data.grid, first=0.0) for event in (1, 2)])
        return curves, np.full(len(curves), np.nan)

    return lambda: cumulative_incidence_competing_risks(state, stop, conf_type="log-log"), read


def logrank(data: Data) -> Prepared:
    y, group = Surv.from_arrays(data["status"] == 1, data["stop"]), data["group"]
    return lambda: compare_survival(y, group), lambda result: ([result[0]], [np.nan])


def cox(data: Data) -> Prepared:
    y, x = Surv.from_arrays(data["status"] == 1, data["stop"]), data.x
    return lambda: CoxPHSurvivalAnalysis(ties="efron").fit(x, y), lambda fit: (fit.coef_, [np.nan] * len(fit.coef_))


TASKS: Tasks = {"kaplan_meier": kaplan_meier, "aalen_johansen": aalen_johansen, "logrank": logrank, "cox": cox}
