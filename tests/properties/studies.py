"""From a drawn cohort to the text of its files, through the reader, to numbers; and how numbers are compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.analyses.cox import with_treatments
from dayzero.endpoints import derive_spells
from dayzero.estimators.comparisons.gray import GrayFit, fit_gray
from dayzero.estimators.comparisons.logrank import LogRankFit, fit_logrank
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import CoxFit, fit_cox
from dayzero.estimators.curves.aalen_johansen import AalenJohansenFit, fit_aalen_johansen
from dayzero.estimators.groups import group_rows
from dayzero.history import History
from dayzero.io.csv import read_csv
from dayzero.io.tables import DataSettings, day_of, make_history
from dayzero.protocol import Endpoint
from dayzero.spells import Floats, Ints, Spells, split
from dayzero.study import Study, read_study
from properties.strategies import Cohort

RFS = Endpoint(name="rfs", origin="infusion", events=("relapse", "death"))
RELAPSE = Endpoint(name="relapse", origin="infusion", events=("relapse",), competing=("death",))
NRM = Endpoint(name="nrm", origin="infusion", events=("death",), competing=("relapse",))
LATE = replace(RFS, entry="enrolment")
ENDPOINTS = (RELAPSE, LATE)  # the second is relapse-free survival, with delayed entry
TERMS = ("risk", "age", "hsct")

STUDY = """
[endpoints.rfs]
origin = "infusion"
events = ["relapse", "death"]

[endpoints.relapse]
origin = "infusion"
events = ["relapse"]
competing = ["death"]

[endpoints.late]
origin = "infusion"
events = ["relapse", "death"]
entry = "enrolment"
"""

ANALYSES = """
[[analysis]]
kind = "curve"
endpoint = "rfs"
by = "risk"
times = [0, 4, 9]

[[analysis]]
kind = "curve"
endpoint = "relapse"
by = "risk"
times = [0, 4, 9]

[[analysis]]
kind = "cox"
endpoint = "rfs"
terms = ["risk", "age"]
"""

Texts = Sequence[str]
Unit = Literal["days", "weeks", "months", "years"]


@dataclass(frozen=True)
class Files:
    """The text of a study's files, row by row.

    Attributes
    ----------
    patients, events
        The rows as they will stand in the files, without their headers.
    clock
        Header of the events' day: ``day``, or ``date``.
    study
        The study file.
    """

    patients: tuple[str, ...]
    events: tuple[str, ...]
    clock: str = "day"
    study: str = STUDY

    def write(self, folder: Path) -> None:
        """Write ``patients.csv`` and ``events.csv``."""
        tables = ("patients", "patient,risk,age", self.patients), ("events", f"patient,event,{self.clock}", self.events)
        for name, header, rows in tables:
            (folder / f"{name}.csv").write_text("\n".join((header, *rows)) + "\n")

    def history(self) -> History:
        """Return what reading the files must give, without reading: the laws of the estimators start from it."""
        names, risks, ages = zip(*(row.split(",") for row in self.patients), strict=True)
        who, what, when = zip(*(row.split(",") for row in self.events), strict=True)
        place = {name: k for k, name in enumerate(names)}
        patient, day = np.array([place[name] for name in who]), np.array(when, float)
        return History(
            patients=_baseline(names, risks, ages),
            patient_rows=np.arange(2, len(names) + 2),
            events=_as_events(patient, what, day),
            end=_ends(len(names), patient, np.array(what), day),
            calendar=False,
        )

    def read(self, folder: Path, *, time_unit: Unit = "days", cutoff: str | None = None) -> History:
        """Write the tables and read them back."""
        self.write(folder)
        tables = [read_csv(folder / f"{name}.csv", name=name) for name in ("patients", "events")]
        last = None if cutoff is None else day_of(cutoff)
        return make_history(tables[0], tables[1], DataSettings(time_unit=time_unit), cutoff=last)[0]

    def study_of(self, folder: Path) -> Study:
        """Write the tables and the study file, and read the study."""
        self.write(folder)
        (folder / "study.toml").write_text(self.study)
        return read_study(folder)


def _baseline(names: Texts, risks: Texts, ages: Texts) -> pl.DataFrame:
    numbers = [float(age) if age else None for age in ages]
    age = pl.Series("age", numbers, pl.Float64 if any(ages) else pl.String)
    return pl.DataFrame(
        [pl.Series("patient", names), pl.Series("risk", [risk or None for risk in risks], pl.String), age]
    )


def _as_events(patient: Ints, event: Texts, day: Floats) -> pl.DataFrame:
    columns = {
        "patient": patient,
        "event": pl.Series(event, dtype=pl.Categorical),
        "day": day,
        "value": pl.Series([None] * len(day), dtype=pl.String),
        "number": pl.Series([None] * len(day), dtype=pl.Int64),
        "source": ["reported"] * len(day),
        "row": np.arange(2, len(day) + 2),
    }
    return pl.DataFrame(columns)


def _ends(patients: int, patient: Ints, event: npt.NDArray[np.str_], day: Floats) -> Floats:
    """Return the day of death, or of the last contact, or NaN."""
    ends = np.full(patients, np.nan)
    for name in ("last_contact", "death"):
        rows = event == name
        ends[patient[rows]] = day[rows]
    return ends


def calendar(day: int, shift: int = 0) -> str:
    """Return a day of the study's calendar, or one so many days later, as an ISO date."""
    return (date(2020, 2, 20) + timedelta(days=day + shift)).isoformat()


def files(cohort: Cohort, *, ids: Sequence[str] = (), written: Callable[[int], str] = str, clock: str = "day") -> Files:
    """Return a cohort's files.

    Parameters
    ----------
    cohort
        The patients.
    ids
        Their identifiers; by default p00, p01, ...
    written
        How a day is written.
    clock
        Header of that column.
    """
    ids = ids or [f"p{k:02d}" for k in range(len(cohort))]
    events = []
    for name, course in zip(ids, cohort, strict=True):
        zero = course.zero or 0
        events += [] if course.zero is None else [f"{name},infusion,{written(zero)}"]
        events += [f"{name},{event},{written(zero + day)}" for event, day in course.days.items()]
    events = events or [f"{ids[0]},crs,{written(0)}"]  # a file of events has a row
    rows = [f"{name},{course.risk},{course.age}" for name, course in zip(ids, cohort, strict=True)]
    return Files(tuple(rows), tuple(events), clock)


def spells_of(cohort: Cohort, endpoint: Endpoint = RFS, *, switch: str = "after") -> Spells:
    """Return the spells of a cohort; a transplant is a function of time."""
    return with_transplant(files(cohort).history(), endpoint, switch=switch)


def with_transplant(history: History, endpoint: Endpoint = RFS, *, switch: str = "after") -> Spells:
    """Derive the spells of an endpoint and split them at the transplant."""
    return with_treatments(derive_spells(history, endpoint, treatments=("hsct",)), ("hsct",), switch=switch)


def same_spells(one: Spells, other: Spells) -> None:
    """Assert that two tables are equal in everything but the patients' names."""
    assert one.states == other.states
    for column in ("patient", "start", "stop", "state", "to", "weight"):
        np.testing.assert_array_equal(getattr(one, column), getattr(other, column), err_msg=column)
    assert one.patients.drop("patient").equals(other.patients.drop("patient"))
    assert set(one.treatments) == set(other.treatments)
    for name, days in one.treatments.items():
        np.testing.assert_array_equal(days, other.treatments[name])


def cut(spells: Spells, days: Sequence[int]) -> Spells:
    """Cut each patient's spell on a day of its own, and again three days later."""
    first = np.asarray(days, float)[: spells.patients.height]
    return split(split(spells, first, name="piece"), first + 3, name="second piece")


def derived(history: History) -> list[Spells]:
    """Return the spells of every endpoint, with the transplant's day."""
    return [derive_spells(history, endpoint, treatments=("hsct",)) for endpoint in ENDPOINTS]


def same(one: npt.ArrayLike, other: npt.ArrayLike, *, size: float | Floats = 0.0) -> None:
    """Assert equality to a relative 1e-9; what is zero but for rounding is measured against ``size``."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    assert one.shape == other.shape
    unit = np.maximum(np.maximum(np.abs(one), np.abs(other)), np.maximum(size, 1e-3))
    with np.errstate(invalid="ignore"):
        near = (one == other) | (np.isnan(one) & np.isnan(other)) | (np.abs(one - other) <= 1e-9 * unit)
    assert near.all(), f"{one} is not {other}"


def same_curve(one: AalenJohansenFit, other: AalenJohansenFit, *, variance: float = 1.0) -> None:
    """Assert that two curves are one, the second's variance being a multiple of the first's.

    Variances are compared, for the root of a rounding error is no longer small.
    """
    days = np.union1d(one.times, other.times)
    assert one.states == other.states
    same(one.at(days), other.at(days))
    same(one.std_error_at(days) ** 2 * variance, other.std_error_at(days) ** 2)


def same_cox(one: CoxFit, other: CoxFit, *, sign: Floats | float = 1.0, factor: float = 1.0) -> None:
    """Assert that two models are one: coefficients times ``sign``, their covariance times ``factor`` as well.

    A coefficient that runs to infinity stops somewhere: there the two models need only say so both. Any other is
    measured against its standard error.
    """
    signs = np.broadcast_to(sign, one.coefficients.shape)
    assert is_settled(one) == is_settled(other)
    assert one.df == other.df
    if is_settled(one):
        error = np.abs(signs) * np.nan_to_num(np.sqrt(np.diagonal(one.covariance)))
        same(one.coefficients * signs, other.coefficients, size=error)
        multiple = np.multiply.outer(signs, signs) * factor
        same(one.covariance * multiple, other.covariance, size=np.multiply.outer(error, error) * factor)


def is_settled(fit: CoxFit) -> bool:
    """Return whether there are events, and every estimable coefficient is finite."""
    return bool(fit.n_events) and not any("separation" in text for text in fit.warnings)


def same_tests(one: Spells, other: Spells, by: str = "risk") -> None:
    """Assert that the log-rank test (one event) or Gray's tests (several) of two tables are one."""
    pairs: list[tuple[LogRankFit | GrayFit, LogRankFit | GrayFit]]
    if len(one.states) == 2:
        pairs = [(fit_logrank(one, by), fit_logrank(other, by))]
    else:
        pairs = [(fit_gray(one, by, event=k), fit_gray(other, by, event=k)) for k in range(1, len(one.states))]
    for first, second in pairs:
        assert first.df == second.df
        same(first.chi2, second.chi2)


def groups_of(spells: Spells, by: str = "risk") -> dict[str, Spells]:
    """Return the table of each group."""
    groups = group_rows(spells, by)
    return {level: spells.where(groups.codes == code) for code, level in enumerate(groups.levels)}


def same_everything(one: History, other: History) -> None:
    """Assert that every statistic of two histories is one: curves by group, tests, the Cox model."""
    for endpoint in (RFS, RELAPSE):
        first, second = (derive_spells(history, endpoint) for history in (one, other))
        assert first.n == second.n
        groups = groups_of(second)
        assert groups_of(first).keys() == groups.keys()
        for level, rows in groups_of(first).items():
            assert rows.n == groups[level].n
            same_curve(fit_aalen_johansen(rows), fit_aalen_johansen(groups[level]))
        same_tests(first, second)
    same_cox(fit_cox(with_transplant(one), TERMS), fit_cox(with_transplant(other), TERMS))


def breslow(*terms: str) -> CoxModel:
    """Return a model with Breslow's ties, under which a weight of 2 is a row twice."""
    return CoxModel(terms, ties="breslow")
