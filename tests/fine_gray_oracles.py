"""A cohort with competing risks, and slow ways to the same numbers, for the tests of Fine and Gray's model."""

from dataclasses import replace

import numpy as np

from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import CoxFit, fit_cox
from dayzero.estimators.fine_gray.fit import FineGrayFit
from dayzero.spells import Spells, make_spells


def cohort(n: int = 150, *, late: bool = False, seed: int = 1) -> Spells:
    """Make competing risks with ties, on whole days where nobody enters late."""
    rng = np.random.default_rng(seed)
    age, arm, sex = rng.normal(size=n).round(2), rng.choice(["a", "b"], n), rng.choice(["f", "m"], n)
    event, other = rng.exponential(30 / np.exp(0.5 * age)), rng.exponential(40, n)
    censored = rng.uniform(0, np.where(sex == "f", 60, 120))
    stop = np.ceil(np.minimum.reduce([event, other, censored]))
    code = np.where(censored <= np.minimum(event, other), 0, np.where(event <= other, 1, 2))
    start = np.where(rng.random(n) < 0.5, -np.inf, np.floor(rng.uniform(0, 8, n))) if late else np.full(n, -np.inf)
    columns = {"age": age, "arm": arm, "sex": sex, "centre": rng.choice(["x", "y", "z"], n)}
    spells = make_spells(
        stop, code, states=("initial", "relapse", "death"), start=np.minimum(start, stop - 1), **columns
    )
    return replace(spells, name="relapse")


def expanded(table: Spells, model: CoxModel) -> CoxFit:
    """Fit the same table with every added row cut at every event time, as R's finegray does."""
    assert table.curve is not None
    assert table.power is not None
    power = table.power.reshape(len(table), -1)
    changing = power.any(axis=1)
    days = np.unique(table.stop[table.event()])
    height = np.maximum(table.curve.at(days).reshape(len(days), -1), -1e300)
    pieces = [table.where(~changing)]
    for k, (first, last) in enumerate(zip(np.concatenate(([-np.inf], days[:-1])), days, strict=True)):
        start = np.maximum(table.start, first)
        weight = table.weight * np.exp(power @ height[k])
        here = changing & (start < np.minimum(table.stop, last)) & (weight > 0)
        stop = np.full(int(here.sum()), last)
        pieces.append(replace(table.where(here), start=start[here], stop=stop, weight=weight[here]))
    names = ("patient", "start", "stop", "state", "to", "weight")
    rows = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names}
    columns = {name: np.concatenate([piece.columns[name] for piece in pieces]) for name in table.columns}
    return fit_cox(replace(table, power=None, curve=None, columns=columns, **rows), model)


def brute_psi(fit: FineGrayFit, *, grouped: bool) -> np.ndarray:
    spells = fit.spells
    x = np.column_stack([spells.columns["age"], spells.columns["arm"] == "b"]).astype(float)
    group = (spells.columns["sex"] == "m").astype(int) * grouped
    stratum = group * bool(fit.model.strata)
    risk = np.exp(x @ fit.coefficients)
    stop, to = spells.stop, spells.to

    def g_before(t: float, k: int) -> float:
        days = np.unique(stop[(to < 0) & (group == k) & (stop < t)])
        return float(
            np.prod(
                [1 - np.sum((stop == u) & (to < 0) & (group == k)) / np.sum((stop >= u) & (group == k)) for u in days]
            )
        )

    days = np.unique(stop[to == 1])
    weight = {(i, s): 1.0 if stop[i] >= s else g_before(s, group[i]) / g_before(stop[i], group[i])
              for i in range(len(spells)) for s in days if stop[i] >= s or to[i] == 2}  # fmt: skip
    mean, hazard = {}, {}
    for h in np.unique(stratum):
        for s in np.unique(stop[(to == 1) & (stratum == h)]):
            inside = [i for i in range(len(spells)) if (i, s) in weight and stratum[i] == h]
            r = np.array([weight[i, s] * risk[i] for i in inside])
            mean[h, s], hazard[h, s] = (
                r @ x[inside] / r.sum(),
                np.sum((to == 1) & (stop == s) & (stratum == h)) / r.sum(),
            )
    psi = np.zeros_like(x)
    for k in np.unique(group):
        for u in np.unique(stop[(to < 0) & (group == k)]):
            gone = [i for i in range(len(spells)) if to[i] == 2 and group[i] == k and stop[i] < u]
            q = sum(weight[i, s] * risk[i] * hazard[h, s] * (x[i] - mean[h, s])
                    for i in gone for h, s in mean if stratum[i] == h and s >= u)  # fmt: skip
            at_risk = (stop >= u) & (group == k)
            censored = at_risk & (stop == u) & (to < 0)
            martingale = censored - at_risk * np.sum(censored) / np.sum(at_risk)
            psi += np.outer(martingale, q) / np.sum(at_risk)
    return psi @ fit.cox.covariance
