"""The analysis kind ``toxicity``: grades of each toxicity by infusion number, among all who were infused."""

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.toxicity_counts import MEDICATION_DAYS, count_grades, count_medication, count_scales, main_scale
from dayzero.analyses.toxicity_grades import GVHD, Toxicity, grades_of, known_toxicities
from dayzero.endpoints import first_day
from dayzero.errors import Finding, InputError
from dayzero.estimate import Estimate, concat
from dayzero.grading.editions import scale_words
from dayzero.grading.results import DISCLAIMER
from dayzero.history import History
from dayzero.protocol import Protocol, parse_term
from dayzero.report.page import Section

NOT_STATED = "scale not stated"
SCALED: Final = ("crs", "icans", "agvhd")
"""Toxicities whose scale ``[definitions]`` can name."""
_NAMES: Final = {"agvhd": "Acute GVHD", "cgvhd": "Chronic GVHD"}
_UNSEEN: Final = {"infusion": "a donor’s CAR-T", "hsct": "a transplant", "dli": "donor lymphocytes"}


@dataclass(frozen=True)
class ToxicitySettings:
    """Settings of a table of toxicities.

    Attributes
    ----------
    events
        The toxicities, in order; empty: all of which the study knows anything.
    by_infusion
        Whether first, second, ... infusions (transplants) are counted apart; without it each patient has the highest
        grade of all.
    scales
        The scales of CRS that are held side by side; empty: all that were graded.
    level
        Of the exact limits.
    """

    events: tuple[str, ...] = ()
    by_infusion: bool = True
    scales: tuple[str, ...] = ()
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse one toxicity twice, and levels that are no probability."""
        if len(set(self.events)) < len(self.events):
            raise InputError("a toxicity twice", mend='Write events = ["crs", "icans"].', column="events")
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")


def run_toxicity(settings: ToxicitySettings, context: Context) -> Section:
    """Count grades by infusion number, with the days to their onset and their length, and CRS under every scale."""
    history = context.history
    since = first_day(history, parse_term(context.protocol.definitions.day_zero))
    found = [grades_of(history, name, since=since) for name in _names(settings, history)]
    toxicities = [_scaled(each, context.protocol) for each in found]
    if not any(each.rows.height for each in toxicities):
        mend = "A table of toxicities needs dated infusions or transplants among the events."
        raise InputError("nobody can have any of these toxicities", mend=mend, column="events")
    _known_scales(settings, history)
    by_number, level = settings.by_infusion, settings.level
    parts = [count_grades(each, by_number=by_number, level=level) for each in toxicities if each.rows.height]
    if any(each.name == "crs" for each in toxicities):
        parts.append(count_scales(history, settings.scales, level=level))
        parts.append(count_medication(history, by_number=by_number, level=level))
    return Section(
        kind="toxicity",
        title="Toxicity",
        estimates=concat(parts),
        definition=_definition(settings, toxicities),
        notes=(*_notes(history, toxicities), DISCLAIMER),
        findings=tuple(finding for each in toxicities for finding in _findings(each)),
        settings={
            "events": tuple(each.name for each in toxicities), "by_infusion": by_number, "level": level,
            "scales": {each.name: _words(each) for each in toxicities}, "crs_scales": _crs_scales(parts),
        },
    )  # fmt: skip


def _scaled(toxicity: Toxicity, protocol: Protocol) -> Toxicity:
    """Return the grades with the scale that the study names for those that do not say their own."""
    if toxicity.name not in SCALED or not protocol.states(toxicity.name):
        return toxicity
    named = pl.col("scale").fill_null(getattr(protocol.definitions, toxicity.name))
    return replace(toxicity, rows=toxicity.rows.with_columns(named))


def _words(toxicity: Toxicity) -> str:
    scale = main_scale(toxicity)
    return scale_words(toxicity.name, scale) if scale else NOT_STATED


def _crs_scales(parts: list[Estimate]) -> dict[str, str] | None:
    """Return the scales of CRS that stand side by side, by name, in words."""
    terms = concat(parts).rows["term"].str.extract(r"^crs\[scale=(.+)\]$").drop_nulls().unique(maintain_order=True)
    return {name: scale_words("crs", name) for name in terms} or None


def _names(settings: ToxicitySettings, history: History) -> tuple[str, ...]:
    known = known_toxicities(history)
    recorded = {*history.events["event"].unique().to_list(), *history.graded}
    absent = [name for name in settings.events if name not in recorded]
    if absent or not (settings.events or known):
        fault = f"the study knows nothing of {absent[0]!r}" if absent else "the study has no toxicities"
        mend = f"It has {', '.join(known)}." if known else "Add events such as crs, with the grade as their value."
        raise InputError(fault, mend=mend, column="events")
    return settings.events or known


def _known_scales(settings: ToxicitySettings, history: History) -> None:
    if not settings.scales:
        return
    frame = history.graded.get("crs_scales")
    known = frame["scale"].unique(maintain_order=True).to_list() if frame is not None else []
    absent = [scale for scale in settings.scales if scale not in known]
    if absent:
        mend = f"There are {', '.join(known)}." if known else "They need a table of vital signs."
        raise InputError("CRS was not graded by a scale that is named here", mend=mend, column="scales")


def _definition(settings: ToxicitySettings, toxicities: list[Toxicity]) -> str:
    each = "each infusion number" if settings.by_infusion else "all infusions together"
    text = f"The highest grade of every patient, {each}. "
    text += "Shares are of all who were infused, never of those with the event."
    if any(toxicity.name in GVHD for toxicity in toxicities):
        text += " GVHD is counted after each transplant, and apart from it after donor lymphocytes and a donor’s CAR-T."
    return text


def _notes(history: History, toxicities: list[Toxicity]) -> tuple[str, ...]:
    """Say how silence was read, what is left out, and over whom the days are."""
    silent = [each for each in toxicities if not each.derived]
    said = ["Days to onset and of duration are medians over the patients with the toxicity, not over all."]
    if silent:
        said.append("Where no grade was derived from tables, a course without a report counts as one without toxicity.")
    if "support" in history.tables and any(each.name == "crs" for each in toxicities):
        said.append(f"Tocilizumab, steroids and the like are those given within {MEDICATION_DAYS} days of an infusion.")
    said += [
        f"{_NAMES[each.name]} was not graded after {_UNSEEN[kind]}: {n} {'patient' if n == 1 else 'patients'}."
        for each in toxicities
        for kind, n in each.unseen
    ]
    undated = history.named("infusion", ()).filter(pl.col("day").is_null()).height
    if undated:
        said.append(f"Infusions without a date are not counted: {undated}.")
    return tuple(said)


def _findings(toxicity: Toxicity) -> list[Finding]:
    """Return grades of several scales, and events that lie in no course; the checks ask each grade for its scale."""
    name, found = toxicity.name, []
    scales = toxicity.rows.filter(pl.col("lower") > 0)["scale"].unique().sort(nulls_last=True).to_list()
    if len(scales) > 1:
        names = ", ".join(scale_words(name, scale) if scale else NOT_STATED for scale in scales)
        message = f"{name}: the grades are of several scales ({names}); those of all but one count as of unknown grade."
        mend = "Grade all patients by one scale, from the raw tables."
        found.append(Finding("warning", "scales-mixed", message, mend))
    if toxicity.unattributed:
        message = f"{name}: events before every course, or without a date, belong to none and are not counted."
        found.append(Finding("note", "toxicity-without-course", message, table="events", rows=toxicity.unattributed))
    return found
