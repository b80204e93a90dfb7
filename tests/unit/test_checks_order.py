"""Checks of orders: case by case, and against reading one event at a time."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cohorts import history
from dayzero.checks import check_history
from dayzero.history import History
from dayzero.protocol import Endpoint, Protocol

OS = Endpoint(name="os", origin="infusion:1", events=("death",))


def codes(folder: Path, events: str, *endpoints: Endpoint, **more: object) -> list[str]:
    return [finding.code for finding in check_history(history(folder, events, **more), Protocol(), endpoints)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ("L-5 I0", []),
        ("L-14 I0", []),
        ("L-15 I0", ["lymphodepletion-window"]),
        ("L-3 I0", []),
        ("L-2 I0", ["lymphodepletion-window"]),
        ("L-5 L-4 L-2 I0", []),  # the first of daily rows is the start
        ("L0 I0", ["lymphodepletion-window"]),  # on the day itself: no order, but no window either
        ("L1 I0", ["lymphodepletion-after-infusion"]),
        ("I0 L95 I100", []),  # the first infusion without, the second with its own
        ("L-5 I0 L95 I100", []),
        ("L-5 I0 L80 I100", ["lymphodepletion-window"]),
        ("L-5 I0 L95", []),  # a second infusion that never came
        ("L-5 I0 I100 L103", ["lymphodepletion-after-infusion"]),
        ("L-5 I0 I1 I2", []),  # one dose in three parts
        ("L5", []),  # never infused
        ("I0", []),
    ],
)
def test_lymphodepletion(tmp_path: Path, days: str, found: list[str]) -> None:
    kinds = {"L": "lymphodepletion", "I": "infusion"}
    lines = [f"{who} {kinds[word[0]]} {word[1:]}" for who in "ab" for word in days.split()]
    ends = [f"{who} last_contact 900" for who in "ab"]
    assert codes(tmp_path, "\n".join(["patient event day", *lines, *ends])) == found


def test_a_relapse_before_day_zero_is_history(tmp_path: Path) -> None:
    text = "patient event day value\na relapse -9 -\na infusion 0 -\na response 28 CR\na last_contact 99"
    assert codes(tmp_path, text) == []


@pytest.mark.parametrize(
    ("value", "n"), [("CR", 0), ("CRi", 0), ("crh", 0), ("CR_MRD-", 0), ("NR", 1), ("PR", 1), ("-", 1)]
)
def test_a_remission_of_any_kind_comes_before_a_relapse(tmp_path: Path, value: str, n: int) -> None:
    text = f"patient event day value\na infusion 0 -\na response 28 {value}\na relapse 60\na last_contact 99"
    assert codes(tmp_path, text) == ["relapse-without-remission"] * n


def test_engraftment_in_data_without_transplants_is_left_alone(tmp_path: Path) -> None:
    text = "patient event day\na infusion 0\na neutrophil_engraftment 20\na last_contact 99"
    assert codes(tmp_path, text) == []
    assert codes(tmp_path, text + "\nb hsct 0\nb last_contact 9") == ["engraftment-before-transplant"]


def cohort_of(rng: np.random.Generator) -> History:
    """Return a cohort of a few patients with events on few days, in any order."""
    n = 40
    kinds = np.array(["lymphodepletion", "infusion", "mrd", "death", "last_contact"])
    events = pl.DataFrame(
        {
            "patient": rng.integers(0, 6, n),
            "event": pl.Series(kinds[rng.integers(0, 5, n)]).cast(pl.Categorical),
            "day": rng.integers(0, 40, n).astype(float),
            "value": pl.Series([None, "x"], dtype=pl.String).gather(rng.integers(0, 2, n)),
            "number": pl.Series([None] * n, dtype=pl.Int64),
            "source": ["reported"] * n,
            "row": np.arange(2, n + 2),
        }
    )
    patients = pl.DataFrame({"patient": [f"p{i}" for i in range(6)]})
    return History(patients=patients, patient_rows=np.arange(2, 8), events=events, end=np.full(6, 99.0))


def slowly(history: History) -> dict[str, set[int]]:
    """Return the rows of four findings by the definitions read one event at a time."""
    rows = list(history.events.iter_rows(named=True))
    same = ("patient", "event", "day", "value")
    found: dict[str, set[int]] = {"duplicate-event": set(), "lymphodepletion-window": set()}
    found |= {"lymphodepletion-after-infusion": set(), "event-after-death": set()}
    for row in rows:
        others = [other for other in rows if other["patient"] == row["patient"]]
        deaths = [other["day"] for other in others if other["event"] == "death"]
        if any(all(row[key] == other[key] for key in same) for other in others if other is not row):
            found["duplicate-event"].add(row["row"])
        if row["event"] != "death" and deaths and row["day"] > min(deaths):
            found["event-after-death"].add(row["row"])
        if row["event"] == "lymphodepletion":
            infusions = sorted(other["day"] for other in others if other["event"] == "infusion")
            given = [other["day"] for other in others if other["event"] == "lymphodepletion"]
            code = verdict(row["day"], infusions, given)
            found.setdefault(code, set()).add(row["row"])
    return found


def verdict(day: float, infusions: list[float], given: list[float]) -> str:
    """Return what is wrong with lymphodepletion on a day."""
    earlier = [infusion for infusion in infusions if infusion < day]
    following = [infusion for infusion in infusions if infusion >= day]
    if not following:
        before_last = max((infusion for infusion in earlier if infusion < earlier[-1]), default=-np.inf)
        own = any(before_last < other <= earlier[-1] for other in given) if earlier else True
        return "" if own else "lymphodepletion-after-infusion"
    first = min(other for other in given if (earlier[-1] if earlier else -np.inf) < other <= following[0])
    return "lymphodepletion-window" if day == first and not 3 <= following[0] - day <= 14 else ""


@pytest.mark.parametrize("seed", range(60))
def test_the_arrays_find_what_reading_one_event_at_a_time_finds(seed: int) -> None:
    cohort = cohort_of(np.random.default_rng(seed))
    found = {finding.code: set(finding.rows) for finding in check_history(cohort, Protocol(), [])}
    days = {row["row"]: (row["patient"], row["day"]) for row in cohort.events.iter_rows(named=True)}
    for code, rows in slowly(cohort).items():
        if code == "lymphodepletion-window":  # of two rows on the first day either one may be named
            assert {days[row] for row in found.get(code, set())} == {days[row] for row in rows}
        elif code:
            assert found.get(code, set()) == rows


def test_days_beyond_all_bounds_are_no_bug(tmp_path: Path) -> None:
    text = "patient event day\na infusion 0\na lymphodepletion 1e308\na mrd -1e308\na mrd 1e308\na last_contact 9"
    assert "event-after-last-contact" in codes(tmp_path, text, OS)


def test_an_undated_transplant_may_have_come_before(tmp_path: Path) -> None:
    dated = "patient event day\nb hsct 0\nb last_contact 9\n"
    assert "engraftment-before-transplant" not in codes(
        tmp_path, f"{dated}a hsct -\na platelet_engraftment 3\na last_contact 9", OS
    )
    assert "engraftment-before-transplant" in codes(tmp_path, f"{dated}a platelet_engraftment 3\na last_contact 9", OS)
