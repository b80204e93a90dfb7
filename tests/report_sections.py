"""Sections of a report with invented numbers, for the tests that print them."""

import numpy as np

from dayzero.estimate import concat, make_estimate
from dayzero.protocol import Endpoint
from dayzero.report import Section, time_axis

OS = Endpoint(name="os", label="Overall survival", origin="hsct", events=("death",))
ODD = (
    "AML low risk", "AML, high risk", "a=b", "$x_1$ and_more", "<b>&\"bold\"</b>", "急性リンパ性白血病（再発例）",
    "a label that goes on and on without an end in sight", "Pneumonoultramicroscopicsilicovolcanoconiosis",
    "\x00\x1b[31m", "=1+1", "😀", "",
)  # fmt: skip
DAYS = (0.0, 100.0, 300.0, 500.0)


def survival_section(labels=("high", "low"), by="risk", few_from=None, **changes):
    groups = [f"{by}={label}" for label in labels] if by else [None]
    curves, at_risk, estimates = [], [], []
    for k, group in enumerate(groups):
        heights = [1.0, 0.9, 0.7 - 0.02 * k, 0.6 - 0.02 * k]
        limits = {"lower": [None, 0.8, 0.5, 0.4], "upper": [None, 0.95, 0.8, 0.75]}
        curves.append(make_estimate("survival", group=group, time=list(DAYS), estimate=heights, n=20 + k, **limits))
        curves.append(make_estimate("censored", group=group, time=[300.0], estimate=[heights[2]]))
        if few_from is not None:
            left = [20.0 if day < few_from else 4.0 for day in DAYS]
            curves.append(make_estimate("n_at_risk", group=group, time=list(DAYS), estimate=left))
        ticks = [tick for tick in time_axis(DAYS[-1]).ticks if tick <= DAYS[-1]]
        at_risk.append(
            make_estimate("n_at_risk", group=group, time=ticks, estimate=[20.0 + k - j for j, _ in enumerate(ticks)])
        )
        at_risk.append(
            make_estimate(
                "n_events", group=group, term="death", time=ticks, estimate=[float(j) for j, _ in enumerate(ticks)]
            )
        )
        at_risk.append(make_estimate("n_censored", group=group, time=ticks, estimate=0.0))
        estimates.append(
            make_estimate(
                "survival",
                group=group,
                time=[365.0],
                estimate=0.583 - 0.1 * k,
                lower=0.496,
                upper=0.66,
                n=20 + k,
                n_events=8,
            )
        )
        estimates.append(make_estimate("n_at_risk", group=group, time=365.0, estimate=80.0 - k))
        estimates.append(
            make_estimate(
                "median",
                group=group,
                estimate=None,
                lower=300.0,
                upper=None,
                n=20 + k,
                n_events=8,
                warning="the median was not reached",
            )
        )
    if by:
        estimates.append(make_estimate("logrank", method="log-rank", estimate=8.9, df=1.0, p_value=0.0028))
    given = {"kind": "curve", "title": "Overall survival", "endpoint": OS, "estimates": concat(estimates),
             "curves": concat(curves), "at_risk": concat(at_risk), "definition": "From transplantation to death.",
             "settings": {"by": by, "level": 0.95, "times": [365.0]}}  # fmt: skip
    return Section(**{**given, **changes})


def incidence_section(by="risk", **changes):
    relapse = Endpoint(name="relapse", label="Relapse", origin="hsct", events=("relapse",), competing=("death",))
    groups = [f"{by}=high", f"{by}=low"] if by else [None]
    curves = [
        make_estimate(
            "cumulative_incidence", group=group, term=term, time=list(DAYS), estimate=[0.0, 0.1, 0.2, top], n=30
        )
        for group in groups
        for term, top in (("relapse", 0.3), ("death", 0.25))
    ]
    at_risk = [
        make_estimate(name, group=group, term=term, time=[0.0, 182.625], estimate=values)
        for group in groups
        for name, term, values in (
            ("n_at_risk", None, [30.0, 11.0]),
            ("n_events", "relapse", [0.0, 7.0]),
            ("n_events", "death", [1.0, 3.0]),
        )
    ]
    tests = [
        make_estimate("gray", term=term, estimate=9.0, df=1.0, p_value=p)
        for term, p in (("relapse", 0.003), ("death", 0.4))
    ]
    given = {"kind": "curve", "title": "Relapse", "endpoint": relapse,
             "estimates": concat(tests) if by else concat(()), "curves": concat(curves), "at_risk": concat(at_risk),
             "settings": {"by": by}}  # fmt: skip
    return Section(**{**given, **changes})


def cox_section(ratios=((0.5, 0.3, 0.9), (1.02, 0.99, 1.05)), terms=("risk=low", "age")):
    rows = [
        make_estimate(
            "hazard_ratio",
            kind="cox",
            method="efron",
            term=term,
            estimate=r[0],
            lower=r[1],
            upper=r[2],
            p_value=0.02,
            n=137,
            n_events=83,
        )
        for term, r in zip(terms, ratios, strict=True)
    ]
    rows += [
        make_estimate(name, kind="cox", estimate=12.345, df=2.0, p_value=0.0004)
        for name in ("likelihood_ratio", "score", "wald")
    ]
    return Section("cox", "Cox model", OS, concat(rows), settings={"reference": {"risk": "high"}})


CLONES = "clone_censor_weight"
TREAT, NO_TREAT = "arm=treat", "arm=no_treat"
DFS = Endpoint(name="dfs", label="Disease-free survival", origin="hsct", events=("relapse", "death"))
DESIGN = (
    ("Eligibility", "Patients event-free after transplantation", "All 137 patients with a transplantation"),
    ("Strategies", "Start treatment within 90 days; never start it", "The same, cloned, censored and weighted"),
    ("Assignment", "At random on day zero", "Assumed random given age, donor age and the disease’s risk"),
    ("Day zero", "The day of eligibility", "The day of transplantation"),
    ("Outcome", "Relapse or death", "The same, from the follow-up visits"),
    ("Contrast", "Intention to treat", "Per protocol: risks and their difference at 2 years"),
)


def strategy_rows(
    method, ratio=None, *, time=None, treated=(13, 6), untreated=(100, 39), n=None, warning=None, p=0.125
):
    """Return the rows of one method: its hazard ratio (estimate, lower, upper) and its arms."""
    common = {"kind": "strategy", "method": method, "term": "cgvhd", "endpoint": "dfs"}
    hazard = dict(zip(("estimate", "lower", "upper"), ratio or (None, None, None), strict=True))
    size = n if n is not None else treated[0] + untreated[0]
    rows = [make_estimate("hazard_ratio", **common, **hazard, time=time, n=size, n_events=treated[1] + untreated[1],
                          p_value=p if ratio else None, warning=warning)]  # fmt: skip
    logs = [None if value is None else float(np.log(value)) for value in hazard.values()]
    rows.append(make_estimate("log_hazard_ratio", **common, time=time, estimate=logs[0], lower=logs[1], upper=logs[2]))
    rows += [make_estimate("arm_size", **common, group=arm, time=time, estimate=float(size), n_events=events, n=size)
             for arm, (size, events) in ((TREAT, treated), (NO_TREAT, untreated))]  # fmt: skip
    if ratio:
        value = ratio[0] + (ratio[0] * (ratio[0] - 1)) ** 0.5 if ratio[0] > 1 else 1.4
        rows.append(
            make_estimate("e_value", **common, time=time, estimate=value, lower=1.0 if ratio[1] < 1 < ratio[2] else 1.2)
        )
    return rows


def strategy_risks(method, *, time=730.0, treated=0.41, untreated=0.46, limits=True):
    common = {"kind": "strategy", "method": method, "term": "cgvhd", "endpoint": "dfs", "time": time}
    rows = []
    for arm, risk in ((TREAT, treated), (NO_TREAT, untreated)):
        ends = {"lower": risk - 0.1, "upper": risk + 0.1} if limits else {}
        rows.append(make_estimate("risk", **common, group=arm, estimate=risk, **ends))
        ends = {"lower": 460.0, "upper": 560.0} if limits else {}
        rows.append(make_estimate("rmst", **common, group=arm, estimate=730 * (1 - risk / 1.5), **ends))
    gap = treated - untreated
    rows.append(make_estimate("risk_difference", **common, estimate=gap, lower=gap - 0.12, upper=gap + 0.12))
    rows.append(make_estimate("rmst_difference", **common, estimate=-730 * gap / 1.5, lower=-30.0, upper=80.0))
    return rows


def clone_rows(suppressed=""):
    common = {"kind": "strategy", "method": CLONES, "term": "cgvhd", "endpoint": "dfs"}
    if suppressed:
        rows = strategy_rows(CLONES, time=730.0, n=28, warning=suppressed)
        rows += [make_estimate(name, **common, time=730.0, estimate=None, warning=suppressed)
                 for name in ("risk_difference", "rmst_difference")]  # fmt: skip
    else:
        ratio = (0.92, 0.55, 1.61)
        rows = strategy_rows(CLONES, ratio, time=730.0, n=137, treated=(137, 35), untreated=(137, 60), p=None)
        rows += strategy_risks(CLONES)
    values = {"effective_sample_size": (61.2, 118.4), "largest_weight": (8.31, 2.12), "mean_weight": (1.01, 0.99),
              "share_of_three_heaviest": (0.18, 0.04), "artificially_censored": (88.0, 13.0),
              "naturally_censored": (21.0, 64.0)}  # fmt: skip
    rows += [make_estimate(name, **common, group=arm, estimate=value)
             for name, both in values.items() for arm, value in zip((TREAT, NO_TREAT), both, strict=True)]  # fmt: skip
    rows.append(make_estimate("treated_in_grace", **common, group=TREAT, estimate=12.0, n_events=5))
    rows.append(make_estimate("failed_resamples", **common, estimate=3.0, n=500))
    differences = {"age": (0.31, 0.04), "donor_age": (-0.22, -0.06), "risk=high": (0.38, 0.11)}
    for term, both in differences.items():
        rows += [
            make_estimate(
                "standardised_difference", **{**common, "term": term}, group=f"weighting={when}", estimate=value
            )
            for when, value in zip(("before", "after"), both, strict=True)
        ]
    return rows


def strategy_accounts():
    """Return the rows of the naive comparison: its own, and what of them is immortal time."""
    common = {"kind": "strategy", "method": "naive", "term": "cgvhd", "endpoint": "dfs"}
    rows = strategy_rows("naive", (0.422, 0.268, 0.664), treated=(61, 28), untreated=(76, 55), p=0.0002)
    rows.append(make_estimate("immortal_time", **common, estimate=11842.0, n=61))
    rows.append(make_estimate("untreated_rate", **common, estimate=0.0021))
    rows.append(make_estimate("expected_events", **common, estimate=24.9))
    rows.append(make_estimate("bias_immortal", **common, estimate=-0.8835))
    rows.append(make_estimate("bias_timing", **common, estimate=-0.5444))
    return rows


def state_rows():
    common = {"kind": "strategy", "method": "multi_state", "endpoint": "dfs"}
    states = {"untreated": (0.70, 0.31), "dfs": (0.21, 0.36), "treated": (0.08, 0.24), "dfs after cgvhd": (0.01, 0.09)}
    rows = [make_estimate("state_probability", **common, term=state, time=[90.0, 730.0], estimate=list(both),
                          lower=[value * 0.8 for value in both], upper=[min(value * 1.2, 1.0) for value in both])
            for state, both in states.items()]  # fmt: skip
    rates = {TREAT: (28, 61, 0.00082), NO_TREAT: (55, 137, 0.0021)}
    rows += [make_estimate("event_rate", **common, term="cgvhd", group=arm, estimate=rate, lower=0.7 * rate,
                           upper=1.4 * rate, n=n, n_events=events)
             for arm, (events, n, rate) in rates.items()]  # fmt: skip
    return [*rows, make_estimate("hypothetical_risk", **common, term="cgvhd", group=NO_TREAT, time=730.0, estimate=0.52,
                                 lower=0.42, upper=0.62)]  # fmt: skip


def strategy_curves():
    """Return the curves of the methods that have some, and the numbers below them."""
    time = [0.0, 90.0, 365.0, 730.0, 1500.0]
    heights = {TREAT: [1.0, 0.9, 0.68, 0.59, 0.5], NO_TREAT: [1.0, 0.8, 0.6, 0.52, 0.45]}
    ticks = [tick for tick in time_axis(time[-1]).ticks if tick <= time[-1]]
    curves, at_risk = [], []
    for method in ("time_dependent", CLONES, "landmark"):
        days = [100.0, *time[2:]] if method == "landmark" else time
        for arm, whole in heights.items():
            steps = [1.0, *whole[2:]] if method == "landmark" else whole
            curves.append(make_estimate("survival", method=method, group=arm, time=days, estimate=steps, n=61))
            curves.append(make_estimate("censored", method=method, group=arm, time=[1000.0], estimate=[steps[-2]]))
            left = [float(61 - 10 * k) for k, _ in enumerate(ticks)]
            at_risk.append(make_estimate("n_at_risk", method=method, group=arm, time=ticks, estimate=left))
            gone = [float(7 * k) for k, _ in enumerate(ticks)]
            at_risk.append(make_estimate("n_events", method=method, group=arm, term="dfs", time=ticks, estimate=gone))
    shares = {"untreated": [1.0, 0.7, 0.45, 0.31, 0.2], "dfs": [0.0, 0.21, 0.3, 0.36, 0.4],
              "treated": [0.0, 0.08, 0.2, 0.24, 0.22], "dfs after cgvhd": [0.0, 0.01, 0.05, 0.09, 0.18]}  # fmt: skip
    curves += [make_estimate("state_probability", method="multi_state", term=state, time=time, estimate=values)
               for state, values in shares.items()]  # fmt: skip
    at_risk += [make_estimate("n_at_risk", method="multi_state", term=state, time=ticks, estimate=[20.0] * len(ticks))
                for state in ("untreated", "treated")]  # fmt: skip
    return concat(curves), concat(at_risk)


def strategy_section(layout="small", suppressed="", rows=None, settings=None, **changes):
    """Return a section of every method, the naive comparison written first, as a study file may have it."""
    found = [*strategy_accounts(), *clone_rows(suppressed), *state_rows()]
    for day, ratio, treated in ((100.0, (1.76, 0.86, 3.6), (13, 9)), (60.0, (1.2, 0.4, 3.5), (5, 3))):
        found += strategy_rows("landmark", ratio, time=day, treated=treated)
        found += strategy_risks("landmark", time=day, treated=0.52, untreated=0.39)
        found.append(
            make_estimate("lost_before", kind="strategy", method="landmark", time=day, estimate=24.0, n_events=22)
        )
    found += strategy_rows("time_dependent", (1.021, 0.593, 1.76), treated=(61, 28), untreated=(137, 55), n=137, p=0.94)
    found.append(
        make_estimate("mantel_byar", kind="strategy", method="time_dependent", estimate=0.006, df=1.0, p_value=0.94)
    )
    found += strategy_rows("sequential", (1.05, 0.62, 1.77), time=730.0, treated=(48, 21), untreated=(120, 50))
    curves, at_risk = strategy_curves()
    used = {"endpoint": "dfs", "treatment": "cgvhd", "primary": "landmark", "landmarks": [100.0, 60.0], "grace": 90.0,
            "methods": ["naive", CLONES, "multi_state", "landmark", "time_dependent", "sequential"], "horizon": 730.0,
            "adjust": ["age", "donor_age"], "comparator": "never", "bootstrap": 500, "layout": layout}  # fmt: skip
    given = {"kind": "strategy", "title": "Chronic GVHD and disease-free survival", "endpoint": DFS,
             "estimates": concat(found if rows is None else rows), "curves": curves, "at_risk": at_risk,
             "design": DESIGN, "settings": {**used, **(settings or {})}}  # fmt: skip
    return Section(**{**given, **changes})


def cause_strategy_section(**changes):
    """Return a section on relapse, with which death without relapse competes."""
    relapse = Endpoint(name="relapse", label="Relapse", origin="hsct", events=("relapse",), competing=("death",))
    rows = []
    for method, time in (("landmark", 100.0), (CLONES, 730.0), ("naive", 730.0)):
        rows += strategy_rows(method, (0.8, 0.5, 1.3), time=time) + strategy_risks(method, time=time)
        common = {"method": method, "time": time, "estimate": 1.4, "lower": 0.7, "upper": 2.9, "p_value": 0.3}
        rows.append(make_estimate("hazard_ratio", kind="strategy_cause", term="cgvhd", group="event=death", **common))
        rows += [make_estimate("cumulative_incidence", kind="strategy", method=method, term="death", time=time,
                               group=arm, estimate=0.2, lower=0.1, upper=0.3) for arm in (TREAT, NO_TREAT)]  # fmt: skip
        rows.append(make_estimate("hazard_ratio", kind="strategy_unadjusted", term="cgvhd", method=method, time=time,
                                  estimate=0.7, lower=0.4, upper=1.2, p_value=0.2))  # fmt: skip
    steps = {"time": [100.0, 200.0, 365.0, 730.0], "n": 61}
    curves = [make_estimate("cumulative_incidence", method="landmark", group=arm, term=term, **steps,
                            estimate=[0.0, 0.05, 0.1 + shift, 0.2 + shift])
              for arm, shift in ((TREAT, 0.0), (NO_TREAT, 0.1)) for term in ("relapse", "death")]  # fmt: skip
    given = {"title": "Chronic GVHD and relapse", "endpoint": relapse, "curves": concat(curves), "at_risk": concat(())}
    return strategy_section(
        "registry", rows=rows, settings={"primary": CLONES, "endpoint": "relapse"}, **{**given, **changes}
    )
