"""lifelines."""

from typing import Any

import numpy as np
import pandas as pd
from lifelines import AalenJohansenFitter, CoxPHFitter, CoxTimeVaryingFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test

from benchmarks.data import TERMS, Data
from benchmarks.peers import Prepared, Tasks, steps


def kaplan_meier(data: Data) -> Prepared:
    stop, status = data["stop"], data["status"]

    def read(fit: KaplanMeierFitter) -> tuple[Any, Any]:
        curve = fit.survival_function_
        return steps(curve.index, curve.iloc[:, 0], data.grid, first=1.0), np.full(len(data.grid), np.nan)

    return lambda: KaplanMeierFitter().fit(stop, status), read


def aalen_johansen(data: Data) -> Prepared:
    stop, state = data["stop"], data["state"].astype(int)

    def read(fits: list[AalenJohansenFitter]) -> tuple[Any, Any]:
        def curves(name: str) -> Any:
            tables = [getattr(fit, name) for fit in fits]
            return np.concatenate([steps(t.index, np.ravel(t), data.grid, first=0.0) for t in tables])

        return curves("cumulative_density_"), np.sqrt(curves("variance_"))

    return lambda: [AalenJohansenFitter(seed=1).fit(stop, state, event_of_interest=event) for event in (1, 2)], read


def logrank(data: Data) -> Prepared:
    stop, status, group = data["stop"], data["status"], data["group"]
    return (
        lambda: multivariate_logrank_test(stop, group, status),
        lambda result: ([result.test_statistic], [np.nan]),
    )


def cox(data: Data) -> Prepared:
    frame = pd.DataFrame({name: data[name] for name in ("stop", "status", *TERMS)})
    if not np.isneginf(data["start"]).all():
        rows = frame.assign(id=data["id"], start=data["start"])
        return lambda: CoxTimeVaryingFitter().fit(
            rows, id_col="id", start_col="start", stop_col="stop", event_col="status"
        ), _read
    return lambda: CoxPHFitter().fit(frame, "stop", "status"), _read


def _read(fit: Any) -> tuple[Any, Any]:
    return fit.params_.to_numpy(), fit.standard_errors_.to_numpy()


def bootstrap(data: Data) -> Prepared:
    frame, draws = pd.DataFrame({name: data[name] for name in ("stop", "status", *TERMS)}), data.draws[:, :50]

    def fits() -> list[Any]:
        found = []
        for weights in draws.T:
            rows = frame.assign(weight=weights.astype(int))[weights > 0]
            found.append(CoxPHFitter().fit(rows, "stop", "status", weights_col="weight").params_.to_numpy())
        return found

    return fits, lambda found: (np.ravel(found), [np.nan] * np.size(found))


TASKS: Tasks = {
    "kaplan_meier": kaplan_meier,
    "aalen_johansen": aalen_johansen,
    "logrank": logrank,
    "cox": cox,
    "bootstrap": bootstrap,
}
