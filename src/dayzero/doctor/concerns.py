"""What a study's findings are about: which patients and events, and in which cells of which sheet they stand."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.checks import check_history
from dayzero.doctor.doubts import DOUBTED, possible_days
from dayzero.doctor.sources import baseline_named, column_of
from dayzero.errors import Finding
from dayzero.io.mapping import Mapped, in_source
from dayzero.report.doctor_page import Place
from dayzero.study import Study, endpoints_of

Bools = npt.NDArray[np.bool_]
HEADER = 1
DEFINED: Final = frozenset(
    """os-event-missed efs-of-responders efs-without-non-response survival-without-death hsct-censored-alone
    gvhd-of-autologous b-cells-not-targeted response-after-other-therapy
    printed-ratio-incoherent printed-interval-narrow printed-follow-up-impossible""".split()
)
"""Findings about definitions and about what others have printed, with which the data have nothing to do."""


@dataclass(frozen=True)
class Concern:
    """One thing to look up.

    Attributes
    ----------
    finding
        Its level, name, words and mend.
    patients
        (patients,) who is concerned.
    undated
        Rows in the events table of those events concerned that are undated, or whose date alone is doubtful.
    possible
        By row of these, the first and the last day that it can have had, where its date tells.
    places
        Where to look.
    event
        The name of the events where they are undated.
    baseline
        The baseline column that the finding is about, empty where it is none, or not one alone.
    """

    finding: Finding
    patients: Bools
    undated: tuple[int, ...] = ()
    possible: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    event: str = ""
    baseline: str = ""

    @property
    def n(self) -> int:
        """How many patients are concerned."""
        return int(self.patients.sum())

    @property
    def n_rows(self) -> int:
        """How many rows are to be looked at."""
        return sum(len(place.rows) for place in self.places)


def concerns_of(study: Study) -> tuple[Concern, ...]:
    """Return what is to be looked up in a study's data, undated events by name; notes that need nothing are left out.

    Parts of one finding that stand in several sheets are one concern.
    """
    found = check_history(study.history, study.protocol, endpoints_of(study), files=study.tables)
    concerns = [each for finding in (*study.findings, *found) if _is_open(finding) for each in _split(study, finding)]
    joined: dict[tuple[str, str, str, str], Concern] = {}
    for each in concerns:
        key = (each.finding.code, each.finding.message, each.finding.mend, each.event)
        joined[key] = _join(joined[key], each) if key in joined else each
    return tuple(joined.values())


def _is_open(finding: Finding) -> bool:
    return finding.code not in DEFINED and (finding.level != "note" or bool(finding.mend))


def _join(one: Concern, other: Concern) -> Concern:
    return replace(
        one,
        patients=one.patients | other.patients,
        undated=(*one.undated, *other.undated),
        possible={**one.possible, **other.possible},
        places=(*one.places, *other.places),
        baseline=one.baseline if one.baseline == other.baseline else "",
    )


def _split(study: Study, finding: Finding) -> Iterator[Concern]:
    """Yield the concern of a finding, or one for each name of its undated events."""
    events = _events(study, finding)
    patients = _patients(study, finding, events)
    undated = events.filter(pl.col("day").is_null())
    if finding.code in DOUBTED:
        doubt = possible_days(finding.code, events)
        yield Concern(finding, patients, tuple(events["row"]), doubt, tuple(_places(study, finding)))
        return
    if undated.is_empty() or undated.height < events.height:
        baseline = finding.column if finding.table == study.tables[0] else baseline_named(study.toml.table, finding)
        undated_rows, places = tuple(undated["row"]), tuple(_places(study, finding))
        yield Concern(finding, patients, undated_rows, places=places, baseline=baseline)
        return
    for (name,), rows in undated.group_by(pl.col("event").cast(pl.String), maintain_order=True):
        part = _among(study, finding, rows)
        mine = np.zeros(len(patients), bool)
        mine[rows["patient"].to_numpy()] = True
        undated_here = tuple(rows["row"])
        days = {row: study.history.possible[row] for row in undated_here if row in study.history.possible}
        yield Concern(part, mine, undated_here, days, tuple(_places(study, part)), str(name))


def _among(study: Study, finding: Finding, rows: pl.DataFrame) -> Finding:
    """Return the finding for some of its events alone, in the words and places of the finding."""
    if finding.table == study.tables[1] or study.mapped is None:
        return replace(finding, rows=tuple(rows["row"]))
    places = study.mapped.event_places[[row - HEADER - 1 for row in rows["row"]]]
    return replace(finding, rows=tuple(places["row"]))


def _events(study: Study, finding: Finding) -> pl.DataFrame:
    """Return the events in the rows of a finding, whether it names rows of the table or of a sheet."""
    events = study.history.events.select("patient", "event", "day", "row")
    if finding.table == study.tables[1]:
        return events.filter(pl.col("row").is_in(list(finding.rows)))
    if study.mapped is None or finding.table == study.tables[0]:
        return events.clear()
    places = study.mapped.event_places.with_columns(pl.Series("of", study.mapped.events.rows))
    here = _here(places, finding)
    if finding.column:
        here = here.filter(pl.col("column") == finding.column)
    return events.filter(pl.col("row").is_in(here["of"].implode()))


def _here(places: pl.DataFrame, finding: Finding) -> pl.DataFrame:
    return places.filter((pl.col("table") == finding.table) & pl.col("row").is_in(list(finding.rows)))


def _patients(study: Study, finding: Finding, events: pl.DataFrame) -> Bools:
    """Return (patients,) whom a finding is about: it names them, their events, or their rows of a sheet."""
    rows = study.history.patient_rows
    if finding.table in {"", *study.tables}:
        found = np.isin(rows, finding.patient_rows)
        if finding.table == study.tables[0]:
            found |= np.isin(rows, finding.rows)
    else:
        found = np.isin(rows, _patients_here(study.mapped, finding)) if study.mapped else np.zeros(len(rows), bool)
    found[events["patient"].to_numpy()] = True
    return np.asarray(found)


def _patients_here(mapped: Mapped, finding: Finding) -> list[int]:
    here = (
        _here(places.select("table", "row", "patient"), finding)
        for places in (mapped.patient_places, mapped.event_places)
    )
    return pl.concat(here)["patient"].drop_nulls().unique().to_list()


def _places(study: Study, finding: Finding) -> Iterable[Place]:
    """Yield where the data keeper looks: the sheets of a mapped study, else the two files."""
    for each in in_source((finding,), study.mapped):
        if each.table:
            source = column_of(study.toml.table, each.table, finding) if finding.table == study.tables[0] else ""
            yield Place(each.table, source or each.column or _column(study, each), each.rows)


def _column(study: Study, finding: Finding) -> str:
    """Return the header of the column that a finding without one is about: of the events it is the date."""
    if finding.table != study.tables[1]:
        return ""
    if finding.code == "event-of-unknown-patient":
        return "patient"
    return "date" if study.history.calendar else "day"
