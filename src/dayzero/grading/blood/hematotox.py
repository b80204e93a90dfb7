"""CAR-HEMATOTOX: the risk of haematotoxicity after CAR-T cells, from five values before lymphodepletion.

Source: Rejeski K et al. 2021, Blood 138:2499-2513, derived and validated in large B-cell lymphoma. Of 156 children and
young adults with B-cell ALL about 90 % score high: there it does not discriminate, and every such score says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.grading.bounds import Bounds, graded_if, highest
from dayzero.grading.editions import Edition, edition
from dayzero.grading.results import Graded
from dayzero.grading.table import Bedside, Column, read_bedside
from dayzero.grading.truth import COMPARISONS, Bools

_B_ALL: Final = (
    "all b_cell_all bcp_all b_lineage_all acute_lymphoblastic_leukaemia acute_lymphoblastic_leukemia".split()
)
_SPELLINGS: Final = {
    "1e9/l": "10^9/l 10*9/l x10^9/l x10e9/l k/ul k/µl k/μl 10^3/ul 10^3/µl".split(),
    "/ul": "/µl /μl cells/ul cells/µl cells/μl /mm3 /mm^3".split(),
    "ug/l": ["µg/l", "μg/l", "mcg/l"],
}
DISEASE: Final = Column(
    "choice", ("lbcl", "b_all", "other"), also=dict.fromkeys(_B_ALL, "b_all") | {"dlbcl": "lbcl", "mcl": "other"}
)
NOT_IN_ALL: Final = "hematotox_does_not_discriminate_in_b_all"
NOT_VALIDATED: Final = "hematotox_validated_in_lbcl_only"


@dataclass(frozen=True)
class Item:
    """One of the five values.

    Attributes
    ----------
    points
        (rows,) bounds of its points.
    missing
        By column, the rows on which it would settle the points.
    implausible
        (rows,) where no reading of the value is plausible: taken for unknown.
    assumed
        (rows,) where the value has no unit and is taken to be in that of the thresholds.
    """

    points: Bounds
    missing: Mapping[str, Bools]
    implausible: Bools
    assumed: Bools


def grade_table(
    frame: pl.DataFrame, *, scale: str = "", file: str = "the table", rows: npt.NDArray[np.int64] | None = None
) -> list[Graded]:
    """Score a table: 0 to 7 points a patient and course, and the class, low or high.

    Parameters
    ----------
    frame
        (rows, columns) text: ``patient``, optionally ``course``; ``platelets``, ``anc``, ``hb``, ``crp``, ``ferritin``,
        each with its unit (``crp_unit``); optionally ``disease``. One row a patient and course.
    scale
        The edition; empty: ``rejeski-2021``.
    file, rows
        The file's name, and the row of each row in it, for messages.

    Returns
    -------
    list
        ``grade`` is the score; ``extra`` holds ``class``, None where it is open, and ``class_certain``.

    Raises
    ------
    InputError
        Where a cell cannot be read, or a patient and course has several rows.

    Examples
    --------
    >>> row = {"patient": "P1", "platelets": "110", "anc": ".95", "hb": "10.1", "crp": "42", "crp_unit": "mg/L"}
    >>> [(r.lower, r.upper, dict(r.extra)) for r in grade_table(pl.DataFrame([row]))]
    [(3, 5, {'class': 'high', 'class_certain': True})]
    """
    chosen = edition("hematotox", scale)
    table = read_bedside(frame, _columns(chosen), file=file, rows=rows)
    if len(table) > len(table.starts):
        again = table.order[np.setdiff1d(np.arange(len(table)), table.starts)].min()
        row = int(again) + 2 if rows is None else int(rows[again])
        mend = "Keep the last values before lymphodepletion."
        raise InputError("another row of this patient and course", mend=mend, file=file, row=row, column="patient")
    items = {name: score(table, name, rules) for name, rules in chosen.table["item"].items()}
    return list(_results(table, chosen, items))


def score(table: Bedside, name: str, rules: Mapping[str, Any]) -> Item:
    """Return the points of one item.

    Parameters
    ----------
    table
        Read with the edition's columns.
    name, rules
        The item, and its part of the edition.
    """
    values, units, no_unit = table.number(name), rules["units"], table.missing(f"{name}_unit")
    greatest, (least, most) = max(step[0] for step in rules["steps"]), rules["plausible"]
    lower, upper = np.full(len(table), greatest, np.int8), np.zeros(len(table), np.int8)
    usable = np.zeros(len(table), bool)
    for at, (unit, (factor, divisor)) in enumerate(units.items()):
        reading = values * factor / divisor
        may_be = table.is_any(f"{name}_unit", unit).yes | (no_unit & (at == 0 or rules["unit_needed"]))
        counts = may_be & (reading >= least) & (reading <= most)
        points = highest(
            *(graded_if(COMPARISONS[sign](reading, limit), grade) for grade, sign, limit in rules["steps"])
        )
        lower = np.where(counts, np.minimum(lower, points.lower), lower)
        upper = np.where(counts, np.maximum(upper, points.upper), upper)
        usable |= counts
    bounds = Bounds(np.where(usable, lower, np.int8(0)), np.where(usable, upper, np.int8(greatest)))
    unsettled = usable & (bounds.lower < bounds.upper)
    given = ~np.isnan(values)
    assumed = given & no_unit & (not rules["unit_needed"])
    return Item(bounds, {name: ~usable, f"{name}_unit": unsettled}, given & ~usable, assumed)


def _columns(edition: Edition) -> dict[str, Column]:
    numbers = {name: Column("number", lowest=0) for name in edition.table["item"]}
    units = {f"{name}_unit": _unit(rules["units"]) for name, rules in edition.table["item"].items()}
    return {**numbers, **units, "disease": DISEASE}


def _unit(units: Mapping[str, Any]) -> Column:
    return Column("choice", tuple(units), also={other: unit for unit in units for other in _SPELLINGS.get(unit, ())})


def _results(table: Bedside, edition: Edition, items: Mapping[str, Item]) -> Iterator[Graded]:
    lower = np.sum([item.points.lower for item in items.values()], axis=0)
    upper = np.sum([item.points.upper for item in items.values()], axis=0)
    missing = {column: where for item in items.values() for column, where in item.missing.items()}
    drivers = {name: item.points.lower > 0 for name, item in items.items()}
    assumed = {f"{name}_unit_where_empty": item.assumed for name, item in items.items()}
    findings = _findings(table, items)
    for at, patient in enumerate(table.patients):
        high, certain = _class(int(lower[at]), int(upper[at]), edition.table["high_from"])
        yield Graded(
            patient=patient,
            course=int(table.courses[at]),
            lower=int(lower[at]),
            upper=int(upper[at]),
            scale=edition.name,
            drivers=_at(drivers, at),
            missing=_at(missing, at),
            findings=_at(findings, at),
            assumptions=_at(assumed, at),
            time=table.time_of(np.array([at]))[0],
            extra=(("class", high), ("class_certain", certain)),
        )


def _class(lower: int, upper: int, high_from: int) -> tuple[str | None, bool]:
    """Return low or high, None where the bounds lie on both sides, and whether it is certain."""
    certain = (lower >= high_from) == (upper >= high_from)
    return (("high" if lower >= high_from else "low") if certain else None), certain


def _findings(table: Bedside, items: Mapping[str, Item]) -> dict[str, Bools]:
    """Return, by code, the rows that a reader must know of."""
    in_all, in_lbcl = table.is_any("disease", "b_all").yes, table.is_any("disease", "lbcl").yes
    implausible = {f"{name}_implausible": item.implausible for name, item in items.items()}
    return {NOT_IN_ALL: in_all, NOT_VALIDATED: ~in_all & ~in_lbcl} | implausible


def _at(where: Mapping[str, Bools], row: int) -> tuple[str, ...]:
    return tuple(name for name, rows in where.items() if rows[row])
