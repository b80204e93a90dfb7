"""Make expected.json: the truth of every estimand of tests/illness_death.py, by imposing it on a million patients.

Run from the repository: ``PYTHONPATH=tests python tests/reference/strategy_truth/make.py [PATIENTS]``.
Risks and restricted means are shares and means of uncensored patients; no estimator is needed. Hazard ratios are the
limits of the Cox functional that the method uses, fitted to pooled arms that differ by nothing but the strategy, with
the natural censoring (under non-proportional hazards it belongs to the estimand). ``error`` is the Monte-Carlo standard
error (of the sequential trials too small, for a patient is in several).
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from dayzero import CoxModel, fit_cox
from dayzero.spells import Bools, Floats, Spells, follow_until
from illness_death import SCENARIOS, TREATMENT, Imposed, Population, Scenario, resume, simulate, stand

GRACE, HORIZON, LANDMARK, EVERY, LAST = 90.0, 730.0, 90.0, 15.0, 90.0
PATIENTS = 1_000_000
Truth = dict[str, dict[str, float]]


def main(patients: int) -> None:
    found = {name: truths(scenario, patients) for name, scenario in SCENARIOS.items()}
    settings = {"patients": patients, "grace": GRACE, "horizon": HORIZON, "landmark": LANDMARK}
    everything = {**settings, "every": EVERY, "last": LAST, "numpy": np.__version__, "truth": found}
    Path(__file__).with_name("expected.json").write_text(dump(everything) + "\n")


def dump(everything: dict[str, Any]) -> str:
    """One estimand a line."""
    heads = [f"  {json.dumps(k)}: {json.dumps(v)}," for k, v in everything.items() if k != "truth"]
    blocks = []
    for name, truth in everything["truth"].items():
        rounded = {
            k: {"estimate": round(v["estimate"], 6), "error": float(f"{v['error']:.2g}")} for k, v in truth.items()
        }
        lines = ",\n".join(f"      {json.dumps(k)}: {json.dumps(v)}" for k, v in rounded.items())
        blocks.append(f"    {json.dumps(name)}: {{\n{lines}\n    }}")
    return "\n".join(["{", *heads, '  "truth": {', ",\n".join(blocks), "  }", "}"])


def truths(scenario: Scenario, patients: int) -> Truth:
    return {
        **strategies(scenario, patients, "never"),
        **{f"{k} within_grace": v for k, v in strategies(scenario, patients, ("after", GRACE)).items()},
        **landmark(scenario, patients),
        **sequential(scenario, patients // 5),
    }


def strategies(scenario: Scenario, patients: int, other: Imposed) -> Truth:
    """Transplant by the end of the grace period, against the other strategy, from day zero on."""
    ways: tuple[Imposed, Imposed] = ("by", GRACE), other
    forever = replace(scenario, follow_up=(2 * HORIZON, 2 * HORIZON))
    treat, no_treat = (simulate(patients, seed, forever, way) for seed, way in enumerate(ways, 1))
    arms = [simulate(patients, seed, scenario, way) for seed, way in enumerate(ways, 3)]
    return {**_risks(treat, no_treat, 0.0), **_hazard_ratios(follow_until(stack(arms), HORIZON), [])}


def landmark(scenario: Scenario, patients: int) -> Truth:
    """Those at risk at the landmark, all as treated by then, against all as untreated then and as it comes later."""
    there = stand(simulate(patients, 5, scenario), LANDMARK)
    forever = replace(scenario, follow_up=(2 * HORIZON, 2 * HORIZON))
    risks = [resume(there, 6 + k, forever, treated=k == 0) for k in range(2)]
    arms = [known_at(there, resume(there, 8 + k, scenario, treated=k == 0)) for k in range(2)]
    both = stack(arms)
    found = _risks(*risks, LANDMARK)
    for name, adjust in (("", ["x", "mrd"]), (" marginal", [])):
        found |= {k + name: v for k, v in _hazard_ratios(both, adjust).items()}
        found |= {k + name + " until": v for k, v in _hazard_ratios(follow_until(both, HORIZON), adjust).items()}
    return {f"landmark {k}": v for k, v in found.items()}


def sequential(scenario: Scenario, patients: int) -> Truth:
    """Transplanted on a trial's first day, against never.

    The hazard ratio is that of trials that are randomised: each patient starts with the probability that the hazard of
    starting has for the interval, on its first day, and the others never do. (MRD changes among the untreated alone, so
    the ratio differs between kinds of patients: it belongs to those who start.) Risks are those of the patients who
    would start, at the horizon from the trial's start.
    """
    forever = replace(scenario, follow_up=(LAST + 2 * HORIZON, LAST + 2 * HORIZON))
    natural, random = simulate(patients, 10, forever), np.random.default_rng(11)
    arms, ends, starting = [], [], []
    for k, day in enumerate(np.arange(0.0, LAST + 1.0, EVERY)):
        waiting = stand(natural, day)
        there = _some(waiting, ~waiting.treated)
        rate = scenario.rate * (1.0 if day < scenario.until else scenario.later)
        probability = -np.expm1(-EVERY * rate * np.exp(scenario.rate_x * there.x + scenario.rate_mrd * there.mrd))
        starting.append(probability)
        drawn = random.random(len(probability)) < probability
        for treated in (True, False):
            seed = 20 + 2 * k + treated
            group = _some(there, drawn == treated)
            arm = known_at(group, resume(group, seed, scenario, "never", treated=treated))
            arms.append(replace(arm, columns={**arm.columns, "trial": np.full(len(arm), day)}))
            days, codes = _ends(resume(there, 40 + seed, forever, "never", treated=treated))
            ends.append((days - day <= HORIZON) & (codes == 1))
    both = stack(arms, [float(k % 2 == 0) for k in range(len(arms))])
    weight = np.concatenate(starting)
    shares = {name: _weighted(np.concatenate(ends[k::2]), weight) for k, name in enumerate(("treat", "no_treat"))}
    found = {f"risk {name}": share for name, share in shares.items()}
    found["risk difference"] = _less(shares["treat"], shares["no_treat"])
    return {f"sequential {k}": v for k, v in {**found, **_hazard_ratios(both, ["x", "mrd"], strata=["trial"])}.items()}


def _some(there: Population, kept: Bools) -> Population:
    return Population(**{name: values[kept] for name, values in vars(there).items()})


def known_at(there: Population, arm: Spells) -> Spells:
    """The MRD of the day on which they stand, for good."""
    return replace(arm, columns={"mrd": there.mrd[arm.patient].astype(float)})


def stack(arms: Sequence[Spells], treated: Sequence[float] = (1.0, 0.0)) -> Spells:
    """All arms in one table, every copy a patient of its own, with the transplant as a column."""
    patients = pl.concat([arm.patients for arm in arms])
    shifts = np.cumsum([0, *(arm.patients.height for arm in arms)])
    columns = {name: np.concatenate([arm.columns[name] for arm in arms]) for name in arms[0].columns}
    on = np.repeat(np.asarray(treated, float), [len(arm) for arm in arms])
    rows = {k: np.concatenate([getattr(arm, k) for arm in arms]) for k in ("start", "stop", "state", "to", "weight")}
    return Spells(
        patient=np.concatenate([arm.patient + shift for arm, shift in zip(arms, shifts, strict=False)]),
        states=arms[0].states,
        patients=patients.with_columns(pl.int_range(len(patients)).cast(pl.String).alias("patient")),
        columns={**columns, TREATMENT: on},
        **rows,
    )


def _risks(treat: Spells, no_treat: Spells, origin: float) -> Truth:
    found: Truth = {}
    causes = range(1, len(treat.states))
    for code in causes:
        name = "risk" if code == 1 else f"risk of {treat.states[code]}"
        shares = [_mean((_ends(arm)[0] <= HORIZON) & (_ends(arm)[1] == code)) for arm in (treat, no_treat)]
        found |= {f"{name} treat": shares[0], f"{name} no_treat": shares[1], f"{name} difference": _less(*shares)}
    kind = "rmst" if len(causes) == 1 else "rmst of everything"
    means = [_mean(np.minimum(_ends(arm)[0], HORIZON) - origin) for arm in (treat, no_treat)]
    return {**found, f"{kind} treat": means[0], f"{kind} no_treat": means[1], f"{kind} difference": _less(*means)}


def _ends(arm: Spells) -> tuple[Floats, Any]:
    last = np.append(arm.patient[1:] != arm.patient[:-1], True)
    return arm.stop[last], arm.to[last]


def _mean(values: Any) -> dict[str, float]:
    return {"estimate": float(np.mean(values)), "error": float(np.std(values) / np.sqrt(len(values)))}


def _weighted(values: Any, weight: Floats) -> dict[str, float]:
    mean = float(np.average(values, weights=weight))
    return {"estimate": mean, "error": float(np.sqrt(np.sum((weight * (values - mean)) ** 2)) / weight.sum())}


def _less(a: dict[str, float], b: dict[str, float]) -> dict[str, float]:
    return {"estimate": a["estimate"] - b["estimate"], "error": float(np.hypot(a["error"], b["error"]))}


def _hazard_ratios(spells: Spells, adjust: list[str], strata: Sequence[str] = ()) -> Truth:
    found: Truth = {}
    for event in spells.states[1:]:
        model = CoxModel((TREATMENT, *adjust), strata=tuple(strata), event=event)
        fit = fit_cox(spells, model)
        name = "log HR" if event == spells.states[1] else f"log HR of {event}"
        found[name] = {"estimate": float(fit.coefficients[0]), "error": float(np.sqrt(fit.covariance[0, 0]))}
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PATIENTS)
