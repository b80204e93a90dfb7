"""The domains of ICANS, row by row: what each input says, and the grade that they give together.

Source: Lee DW et al. 2019 (ASTCT), Biol Blood Marrow Transplant 25:625-638. "ICE 0 because unrousable" needs no rule of
its own: an unrousable patient is grade 4 by consciousness, and ICE 0 while awake is 3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dayzero.grading.bounds import Bounds, graded_if, highest
from dayzero.grading.editions import Edition
from dayzero.grading.table import Bedside, Column
from dayzero.grading.truth import Bools, Floats, Truth, assumed_no, below, known

_DIFFUSE: Final = "papilloedema papilledema posturing decerebrate decorticate vi_palsy cushing cushing's_triad".split()
COLUMNS: Final[Mapping[str, Column]] = {
    "ice": Column("number", lowest=0, highest=10, whole=True),
    "capd": Column("number", lowest=0, highest=32, whole=True),
    "age": Column("number", lowest=0, highest=120),
    "developmental_delay": Column("flag"),
    "consciousness": Column("choice", ("alert", "spontaneous", "voice", "tactile", "unrousable")),
    "seizure": Column("choice", ("none", "brief", "prolonged")),
    "motor_weakness": Column("flag"),
    "cerebral_oedema": Column("choice", ("none", "focal", "diffuse"), also=dict.fromkeys(_DIFFUSE, "diffuse")),
    "sedated": Column("flag"),
    "other_cause": Column("flag"),
    "died_of_icans": Column("flag"),
    "reported_grade": Column("number", lowest=0, highest=5, whole=True),
}
ASSUMED_NO: Final[Mapping[str, str]] = {
    "developmental_delay": "no_developmental_delay_where_empty",
    "sedated": "not_sedated_where_empty",
    "other_cause": "no_other_cause_where_empty",
    "died_of_icans": "not_died_of_icans_where_empty",
}
"""Columns that are kept by exception: an empty cell is taken for no, and the assumption is named."""


@dataclass(frozen=True)
class Domain:
    """What one column says.

    Attributes
    ----------
    bounds
        (rows,) the grade that it gives by itself.
    unknown
        (rows,) where it is missing, or cannot be graded.
    drives
        (rows,) where it can be the reason of a grade: ICE and CAPD replace each other.
    """

    bounds: Bounds
    unknown: Bools
    drives: Bools


@dataclass(frozen=True)
class Assessment:
    """A table, graded row by row.

    Attributes
    ----------
    rows
        (rows,) the grade of each.
    domains
        By column, what it says.
    counts
        (rows,) where what a row shows counts: it has no other cause.
    """

    rows: Bounds
    domains: Mapping[str, Domain]
    counts: Bools


def assess(table: Bedside, edition: Edition) -> Assessment:
    """Grade every row.

    Parameters
    ----------
    table
        Read with ``COLUMNS``.
    edition
        Of the scale ``icans``.
    """
    counts = ~recorded(table, "other_cause")
    domains = _awareness(table, edition.table)
    for name in ("seizure", "motor_weakness", "cerebral_oedema"):
        domains[name] = _domain(table, name, _by_word(table, name, edition.table[name]))
    shown = highest(*(domain.bounds for domain in domains.values()))
    death = recorded(table, "died_of_icans")
    died = graded_if(known(death), edition.table["death"])
    domains["died_of_icans"] = Domain(died, np.zeros(len(table), bool), death)
    return Assessment(highest(Bounds(shown.lower * counts, shown.upper * counts), died), domains, counts)


def recorded(table: Bedside, name: str) -> Bools:
    """Return where a flag that is kept by exception is set."""
    return assumed_no(table.flag(name)).yes


def either(truth: Truth, yes: Bounds, no: Bounds) -> Bounds:
    """Return one where a statement holds, the other where not, and what spans both where it is unknown.

    Examples
    --------
    >>> one, three = (Bounds(*2 * (np.array([grade], np.int8),)) for grade in (1, 3))
    >>> b = either(Truth(np.array([False]), np.array([False])), one, three)
    >>> b.lower.tolist(), b.upper.tolist()
    ([1], [3])
    """
    lower = np.where(truth.yes, yes.lower, np.where(truth.no, no.lower, np.minimum(yes.lower, no.lower)))
    upper = np.where(truth.yes, yes.upper, np.where(truth.no, no.upper, np.maximum(yes.upper, no.upper)))
    return Bounds(lower, upper)


def _awareness(table: Bedside, rules: Mapping[str, Any]) -> dict[str, Domain]:
    """Return ICE or CAPD, and consciousness: none of them can be graded under sedation."""
    sedated, age, words = recorded(table, "sedated"), table.number("age"), rules["consciousness"]
    child = below(age, rules["capd_below_years"]) | known(recorded(table, "developmental_delay"))
    ice = _by_total(table.number("ice"), rules["ice"])
    capd = _by_total(table.number("capd"), rules["capd"])
    greatest = max(step["grade"] for step in (*rules["ice"], *rules["capd"]))
    tested = _ungraded(either(child, capd, ice), sedated, greatest=greatest)
    differ = (ice.lower != capd.lower) | (ice.upper != capd.upper)
    aroused = _ungraded(_by_word(table, "consciousness", words), sedated, greatest=max(words.values()))
    return {
        "ice": Domain(tested, (table.missing("ice") | sedated) & ~child.yes, ~child.yes),
        "capd": Domain(tested, (table.missing("capd") | sedated) & ~child.no, ~child.no),
        "age": Domain(tested, differ & child.unknown, np.zeros(len(table), bool)),
        "consciousness": _domain(table, "consciousness", aroused, ungraded=sedated),
    }


def _domain(table: Bedside, name: str, bounds: Bounds, *, ungraded: Bools | bool = False) -> Domain:
    return Domain(bounds, table.missing(name) | ungraded, np.ones(len(table), bool))


def _by_total(totals: Floats, steps: Sequence[Mapping[str, int]]) -> Bounds:
    """Return the grade of a total: that of the first step which it does not exceed."""
    grades = np.array([step["grade"] for step in steps], np.int8)
    at = np.searchsorted([step["to"] for step in steps], totals)
    found, missing = grades[np.minimum(at, len(grades) - 1)], np.isnan(totals)
    return Bounds(np.where(missing, grades.min(), found), np.where(missing, grades.max(), found))


def _by_word(table: Bedside, name: str, grades: Mapping[str, int]) -> Bounds:
    """Return the grade of a word, as nested criteria: what is grade 4 is also grade 3."""
    levels = sorted({grade for grade in grades.values() if grade > 0})
    worse = {level: [word for word, grade in grades.items() if grade >= level] for level in levels}
    return highest(*(graded_if(table.is_any(name, *words), level) for level, words in worse.items()))


def _ungraded(bounds: Bounds, sedated: Bools, *, greatest: int) -> Bounds:
    """Return what is left of a domain under sedation: any grade up to its greatest."""
    return Bounds(np.where(sedated, np.int8(0), bounds.lower), np.where(sedated, np.int8(greatest), bounds.upper))
