"""The analysis kind ``kinetics``: expansion of CAR T cells, cytokine peaks, and CRS against burden and dose."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.kinetics_estimates import (
    Groups,
    cytokine_rows,
    exposure_rows,
    mean_curves,
    relation_rows,
)
from dayzero.analyses.kinetics_samples import Followed, drawn_points, exposures, followed, peaks, samples
from dayzero.analyses.toxicity_grades import grades_of, known_toxicities
from dayzero.checks import columns_known_later
from dayzero.errors import InputError
from dayzero.estimate import concat
from dayzero.estimators.groups import level_codes
from dayzero.history import Floats
from dayzero.protocol import Endpoint, course_words
from dayzero.report.page import Section

UNADJUSTED: Final = (
    "CRS is compared with burden, dose and cytokines one at a time, without adjustment for each other or for anything "
    "else: what moves together need not be cause and effect. Grades are ordered categories, so ranks are compared."
)
AFTER: Final = (
    "IL-6 rises in serum after tocilizumab by itself, and graver CRS is given more of it: peaks drawn after a dose are "
    "counted, and the highest value before it stands beside."
)
SILENT: Final = "Patients without a reported CRS count as grade 0, for grades come from reports alone."


@dataclass(frozen=True, kw_only=True)
class Severity:
    """What CRS is compared with.

    Attributes
    ----------
    burden
        A numeric baseline column.
    dose
        A numeric attribute column of the infusions, for example ``dose_per_kg``.
    """

    burden: str = ""
    dose: str = ""

    @property
    def asked(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self.burden or self.dose)


@dataclass(frozen=True, kw_only=True)
class KineticsSettings:
    """Settings of kinetics and cytokines after an infusion.

    Attributes
    ----------
    infusion
        Number of the infusion: 1st, 2nd.
    by
        Baseline column whose levels are shown beside everybody, and compared by the Kruskal-Wallis test.
    assay
        One assay of the table ``kinetics``; empty: every one, each for itself.
    cytokines
        Analytes; empty: all that were measured.
    severity
        What the grade of CRS is compared with.
    name, label
        The key in ``report.json``, and the words for people.
    level
        Confidence level.
    """

    infusion: int = 1
    by: str = ""
    assay: str = ""
    cytokines: tuple[str, ...] = ()
    severity: Severity = field(default_factory=Severity)
    name: str = "kinetics"
    label: str = ""
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse an infusion that is none, one analyte twice, and a level that is none."""
        if self.infusion < 1:
            raise InputError("no number of an infusion", mend="Write infusion = 1.", column="infusion")
        if len(set(self.cytokines)) < len(self.cytokines):
            raise InputError("an analyte twice", mend='Write cytokines = ["il6", "ferritin"].', column="cytokines")
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")


def run_kinetics(settings: KineticsSettings, context: Context) -> Section:
    """Summarise exposure and cytokine peaks after an infusion, and compare CRS with them, with burden and dose."""
    endpoint = _endpoint(settings)
    later = columns_known_later(context.history, context.protocol, (endpoint,))
    context = replace(context, refused={**context.refused, endpoint.name: later})
    population = followed(context.history, settings.infusion)
    if not population.patients.height:
        fault = f"nobody has a dated infusion number {settings.infusion}"
        raise InputError(fault, mend="Correct infusion, or the events.", column="infusion")
    groups = _groups(settings, context, endpoint)
    exposed = exposures(context.history, population, settings.assay)
    found = peaks(context.history, population, settings.cytokines)
    grades = _grades(settings, context, population)
    measured = _measured(settings, context, endpoint, population)
    if not exposed.height and not found.height and not measured:
        fault = f"nothing was measured after the {course_words('infusion', settings.infusion)}"
        mend = "Add a table kinetics or labs, or a severity table with burden or dose."
        raise InputError(fault, mend=mend, column="kind")
    shown = samples(context.history, population, settings.assay)
    return Section(
        kind="kinetics",
        title=endpoint.title,
        endpoint=endpoint,
        estimates=concat([
            *exposure_rows(exposed, groups, level=settings.level),
            *cytokine_rows(found, groups),
            *relation_rows(grades, measured, found, level=settings.level),
        ]),
        curves=concat(mean_curves(shown, groups)),
        patients=drawn_points(context.history, shown, found, measured, grades, groups),
        definition=_definition(settings),
        notes=(
            *_counts(population, groups, exposed, found),
            *_ungraded(population, grades),
            *_notes(settings, context, found, grades),
        ),
        settings={**vars(settings), "severity": vars(settings.severity) if settings.severity.asked else None},
    )  # fmt: skip


def _endpoint(settings: KineticsSettings) -> Endpoint:
    plain = Endpoint(origin=f"infusion:{settings.infusion}", events=("death",), name=settings.name)
    which = "" if settings.infusion == 1 else f", {course_words('infusion', settings.infusion)}"
    return replace(plain, label=settings.label or f"CAR T-cell kinetics and cytokines{which}")


def _groups(settings: KineticsSettings, context: Context, endpoint: Endpoint) -> Groups:
    """Return everybody, and the levels of ``by``."""
    if not settings.by:
        return Groups("", (), np.full(len(context.history), -1))
    levels, codes = level_codes(context.baseline(settings.by, "by", endpoint))
    return Groups(settings.by, levels, codes)


def _grades(settings: KineticsSettings, context: Context, population: Followed) -> Floats | None:
    """Return (patients,) the certain grade of CRS after the infusion, NaN where there is none; None: nobody has any."""
    history = context.history
    if "crs" not in known_toxicities(history):
        if settings.severity.asked:
            fault = "severity needs grades of CRS: there are neither crs events nor a table to derive them from"
            raise InputError(fault, mend="Add crs events with their grade as value.", column="severity")
        return None
    certain = (pl.col("lower") == pl.col("upper")) & (pl.col("kind") == "infusion")
    rows = grades_of(history, "crs").rows.filter(certain, pl.col("course") == settings.infusion)
    grades = np.full(len(history), np.nan)
    grades[rows["patient"].to_numpy()] = rows["lower"].to_numpy()
    return np.where(population.mask(len(history)), grades, np.nan)


def _measured(
    settings: KineticsSettings, context: Context, endpoint: Endpoint, population: Followed
) -> dict[str, Floats]:
    """Return by column what CRS is compared with: (patients,) numbers, NaN outside the population."""
    inside, found = population.mask(len(context.history)), dict[str, Floats]()
    if settings.severity.burden:
        column = context.baseline(settings.severity.burden, "burden", endpoint)
        found[settings.severity.burden] = _numbers(column, "burden")
    if settings.severity.dose:
        attribute = settings.severity.dose
        if attribute not in population.patients.columns:
            fault = f"the infusions have no column {attribute!r}"
            raise InputError(fault, mend="Name an attribute column of the events, such as dose_per_kg.", column="dose")
        numbers = _numbers(population.patients[attribute], "dose")
        found[attribute] = np.full(len(context.history), np.nan)
        found[attribute][population.patients["patient"].to_numpy()] = numbers
    return {name: np.where(inside, values, np.nan) for name, values in found.items()}


def _numbers(column: pl.Series, key: str) -> Floats:
    """Return a column as numbers; text that is none, in any row, is an InputError."""
    text = column.cast(pl.String).str.strip_chars()
    numbers = text.replace({"": None}).cast(pl.Float64, strict=False)
    if numbers.null_count() > text.replace({"": None}).null_count():
        raise InputError(f"the column {column.name!r} is no number", mend="Name a numeric column.", column=key)
    return numbers.fill_null(np.nan).to_numpy()


def _definition(settings: KineticsSettings) -> str:
    which = f"the {course_words('infusion', settings.infusion)}"
    return (
        f"CAR T cells in samples after {which} until the next infusion, a transplant or its conditioning, each assay "
        "for itself; Cmax is the highest value, AUC0–28 the area to day 28 (linear up, log down). Cytokines: the "
        "highest value of days 0 to 28; of fibrinogen the lowest."
    )


def _counts(population: Followed, groups: Groups, exposed: pl.DataFrame, found: pl.DataFrame) -> tuple[str, ...]:
    """Say of whom something was measured, and who is in no group."""
    patients = population.patients["patient"]
    size = patients.len()
    measured = (
        (exposed["patient"].n_unique(), "samples of CAR T cells"),
        (found["patient"].n_unique(), "a value of a cytokine"),
    )
    said = [f"{n} of {size} patients with the infusion have {what} after it." for n, what in measured if n]
    lost = int((groups.codes[patients.to_numpy()] < 0).sum()) if groups.column else 0
    return (*said, *([f"{lost} of {size} patients have no {groups.column}: they are in no group."] if lost else []))


def _ungraded(population: Followed, grades: Floats | None) -> tuple[str, ...]:
    """Say how many are in no comparison with CRS."""
    if grades is None:
        return ()
    lost, size = int(np.isnan(grades[population.patients["patient"].to_numpy()]).sum()), population.patients.height
    return (f"{lost} of {size} patients have no certain grade of CRS: they are not compared.",) if lost else ()


def _notes(settings: KineticsSettings, context: Context, found: pl.DataFrame, grades: Floats | None) -> tuple[str, ...]:
    notes = []
    if "il6" in found["analyte"].to_list():
        known = bool(found["after_tocilizumab"].is_not_null().any())
        notes.append(AFTER if known else f"{AFTER} Here nobody knows: there is no table support.")
    if grades is not None and (settings.severity.asked or found.height):
        notes.append(UNADJUSTED)
        notes += [SILENT] if "crs" not in context.history.graded else []
    return tuple(notes)
