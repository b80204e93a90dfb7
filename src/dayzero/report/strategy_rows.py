"""The rows of a strategy section by method, and the words for its arms: what every table and sentence of it reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dayzero.protocol import term_words
from dayzero.protocol.words import listed
from dayzero.report.formats import NOT_ESTIMABLE, moment, plain, printable
from dayzero.report.labels import column_label
from dayzero.report.page import Section

Record = dict[str, Any]
MAIN: Final = "strategy"
CAUSE: Final = "strategy_cause"
UNADJUSTED: Final = "strategy_unadjusted"
NAIVE: Final = "naive"
CLONES: Final = "clone_censor_weight"
TREAT: Final = "arm=treat"
NO_TREAT: Final = "arm=no_treat"
BIASED: Final = "biased: named by the future"
GRACE: Final = "strategy_grace"  # clone-censor-weight under another grace period
SUPPRESSED: Final = "suppressed"
AVERAGED: Final = "averaged over a grace period in which the arms share patients"
_ORDER: Final = {
    "small": ("landmark", "landmark_super", "time_dependent", "multi_state", "sequential", CLONES),
    "registry": (CLONES, "sequential", "time_dependent", "multi_state", "landmark", "landmark_super"),
}
_NAMES: Final = {
    "landmark": "Landmark",
    "landmark_super": "All landmarks in one model",
    "time_dependent": "Time-dependent",
    "multi_state": "Multi-state",
    "sequential": "Sequential trials",
    CLONES: "Clone-censor-weight",
    NAIVE: "Naive",
}


@dataclass(frozen=True)
class Result:
    """What one method found; each landmark is one.

    Attributes
    ----------
    method
        Its name in the study file.
    landmark
        The landmark's day, None for every other method.
    rows
        Its rows.
    """

    method: str
    landmark: float | None
    rows: tuple[Record, ...]

    def row(self, statistic: str, group: str | None = None, kind: str = MAIN) -> Record | None:
        """Return the one row of a statistic."""
        return next(self.each(statistic, group=group, kind=kind), None)

    def each(self, statistic: str, *, group: str | None = None, kind: str = MAIN) -> Iterator[Record]:
        """Iterate over the rows of a statistic."""
        return (row for row in self.rows
                if row["statistic"] == statistic and row["group"] == group and kind_of_row(row) == kind)  # fmt: skip

    def number(self, statistic: str, group: str | None = None, kind: str = MAIN) -> float | None:
        """Return the estimate of a statistic, None where there is none."""
        found = self.row(statistic, group, kind)
        return None if found is None else found["estimate"]

    @property
    def name(self) -> str:
        """The method in words."""
        words = _NAMES.get(self.method, column_label(self.method))
        return words if self.landmark is None else f"{words}, day\u00a0{plain(self.landmark)}"

    @property
    def label(self) -> str:
        """The method in words, the naive one never without what is wrong with it."""
        return f"{self.name} ({BIASED})" if self.method == NAIVE else self.name

    @property
    def has_contrast(self) -> bool:
        """Whether the arms could be compared."""
        return any(self.number(name) is not None for name in ("hazard_ratio", "risk_difference", "rmst_difference"))

    @property
    def suppressed(self) -> str:
        """Why the number is held back, empty where it is not."""
        reasons = (str(row["warning"]) for row in self.rows if row["estimate"] is None and row["warning"])
        return next((reason for reason in reasons if reason.startswith(SUPPRESSED)), "")


def kind_of_row(row: Mapping[str, Any]) -> str:
    """Return the kind of a row, the section's own where it names no other."""
    return row["kind"] if row["kind"] in {CAUSE, UNADJUSTED, GRACE} else MAIN


def results_of(section: Section) -> tuple[Result, ...]:
    """Return what each method found in the order of the page: the naive comparison last, whatever the study says."""
    found: dict[tuple[str, float | None], list[Record]] = {}
    for row in section.estimates.records():
        time = first_landmark(section) if row["time"] is None else row["time"]
        landmark = time if row["method"] == "landmark" else None
        found.setdefault((row["method"] or "", landmark), []).append(row)
    order = (*_ORDER[layout_of(section)], *(method for method, _ in found if method != NAIVE), NAIVE)
    keys = sorted(found, key=lambda key: (order.index(key[0]), key[1] or 0.0))
    return tuple(Result(*key, tuple(found[key])) for key in keys)


def result_of(section: Section, method: str) -> Result | None:
    """Return what a method found; of several landmarks the first that the settings name."""
    found = [result for result in results_of(section) if result.method == method]
    first = first_landmark(section) if method == "landmark" else None
    return next((result for result in found if result.landmark == first), found[0] if found else None)


def is_primary(section: Section, result: Result) -> bool:
    """Return whether this is the number that may be quoted."""
    chosen = result_of(section, str(section.settings.get("primary") or ""))
    return chosen is not None and (chosen.method, chosen.landmark) == (result.method, result.landmark)


def absent(row: Mapping[str, Any]) -> str:
    """Return the word for a number that is not there: held back, or beyond what the data can say."""
    return SUPPRESSED if str(row["warning"] or "").startswith(SUPPRESSED) else NOT_ESTIMABLE


def layout_of(section: Section) -> str:
    """Return ``registry`` or ``small``, the layout that says less where none is set."""
    return "registry" if section.settings.get("layout") == "registry" else "small"


def first_landmark(section: Section) -> float | None:
    """Return the first landmark that the settings name."""
    days = section.settings.get("landmarks")
    return float(days[0]) if isinstance(days, list | tuple) and days else None


def only_naive(section: Section) -> bool:
    """Return whether the naive comparison alone has an estimate."""
    return [result.method for result in results_of(section) if result.has_contrast] == [NAIVE]


def treatment_words(section: Section) -> str:
    """Return the treatment, or the exposure, in words, without the state in which it is given."""
    return treatment_defined(section).split(" (", maxsplit=1)[0]


def treatment_defined(section: Section) -> str:
    """Return the treatment, or the exposure, in words, with the state in which it is given."""
    text = str(section.settings.get("treatment") or section.settings.get("exposure") or "treatment")
    return printable(text if " " in text else term_words(text))


def event_words(section: Section) -> str:
    """Return the events of the endpoint in words.

    Examples
    --------
    >>> from dayzero.protocol import Endpoint
    >>> event_words(Section("strategy", "x", Endpoint(origin="hsct", events=("relapse", "death"))))
    'relapse or death'
    """
    if section.endpoint is None:
        return "the event"
    words = [term_words(term) for term in section.endpoint.events]
    return printable(listed([*words, *(["no response"] if section.endpoint.non_response else [])], "or"))


def grace_of(section: Section) -> str:
    """Return the grace period in words."""
    days = section.settings.get("grace")
    return f"{plain(float(days))}\u00a0days" if isinstance(days, int | float) else "the grace period"


def horizon_of(section: Section) -> str:
    """Return the horizon in words, empty where there is none."""
    days = section.settings.get("horizon")
    return moment(float(days)) if isinstance(days, int | float) else ""


def arm_words(section: Section, method: str, landmark: float | None = None) -> dict[str, str]:
    """Name the arms of a method: each names them by something else."""
    treatment = treatment_words(section)
    if method == "landmark":
        day = plain(first_landmark(section) if landmark is None else landmark)
        return {TREAT: f"{treatment} by day\u00a0{day}", NO_TREAT: f"not by day\u00a0{day}"}
    if method in {"time_dependent", "multi_state"}:
        return {TREAT: f"after {treatment}", NO_TREAT: "without it, or before"}
    if method == CLONES:
        within = section.settings.get("comparator") == "within_grace"
        never = f"not within {grace_of(section)}" if within else f"no {treatment}"
        return {TREAT: f"{treatment} within {grace_of(section)}", NO_TREAT: never}
    if method == NAIVE:
        return {TREAT: f"ever {treatment}", NO_TREAT: f"never {treatment}"}
    return {TREAT: treatment, NO_TREAT: f"no {treatment}"}
