"""Sections of a report with invented numbers, for the tests that print them."""

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
