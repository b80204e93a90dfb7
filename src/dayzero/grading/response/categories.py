"""Category of response of each assessment, and which categories what is missing leaves possible.

Sources: ``editions/response``. Every category asks for no blasts in blood, no extramedullary disease and CNS1; then it
has criteria of its own. The first category whose criteria hold is the response; where none holds it is a failure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.grading.editions import Edition
from dayzero.grading.response.implied import implies
from dayzero.grading.response.limits import compare, stated, where
from dayzero.grading.truth import Truth, known

FAILURE: Final = "failure"
ANY: Final = "CR_ANY"
UNKNOWN: Final = "unknown"
ORDER: Final = ("CR", "CRh", "CRi", ANY, "MLFS", "PR", FAILURE, UNKNOWN)
"""From the best to the worst. ``CR_ANY`` is a remission whose counts are unknown: at least MLFS."""
RESPONDERS: Final = ("CR", "CRh", "CRi")
REMISSIONS: Final = (*RESPONDERS, ANY, "MLFS")
"""No blasts, whatever the counts."""
SITES: Final = ("pb", "emd", "cns")
_COUNTS: Final = ("anc", "platelets", "transfusions")
_NAMES: Final = ("blasts", "blasts_before", "mrd", "counts", *_COUNTS)

Possible = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Criteria:
    """What the assessments say about each criterion of an edition.

    Attributes
    ----------
    sites
        No blasts in blood; no extramedullary disease; CNS1: by name.
    categories
        The edition's categories in order, each with the statements it asks for, by name.
    rules
        Of the categories, as the edition words them; ``name`` is the category.
    """

    sites: Mapping[str, Truth]
    categories: Sequence[Mapping[str, Truth]]
    rules: Sequence[Mapping[str, Any]]


def criteria(rows: pl.DataFrame, edition: Edition) -> Criteria:
    """Return what assessments say about the criteria of an edition.

    Parameters
    ----------
    rows
        As :func:`dayzero.grading.response.assess.assess` prepares them.
    """
    sites = {
        "pb": where(rows["pb_done"], compare(rows, "pb", ["<=", 0.0]), known(np.ones(rows.height, bool))),
        "emd": ~stated(rows["emd_known"]),
        "cns": ~stated(rows["cns_known"]),
    }
    table = edition.table
    categories = [_category(rows, table, rule) for rule in table["category"]]
    return Criteria(sites, categories, table["category"])


def _category(rows: pl.DataFrame, table: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, Truth]:
    asked = {"blasts": _marrow(rows, table, rule["blasts"])}
    if "mrd_fails_from" in table:
        asked["mrd"] = _mrd_below(rows, must=bool(rule.get("mrd_measured")))
    if "fall" in rule:
        asked["blasts_before"] = _fallen(rows, float(rule["fall"]))
    counts = {name: compare(rows, name, rule[name]) for name in ("anc", "platelets") if name in rule}
    if rule.get("counts") == "any":
        asked["counts"] = counts["anc"] | counts["platelets"]
    else:
        asked.update(counts)
    if rule.get("transfusion_free"):
        asked["transfusions"] = ~stated(rows["transfused"].fill_null(value=False))
    return asked


def _marrow(rows: pl.DataFrame, table: Mapping[str, Any], rule: Sequence[str | float]) -> Truth:
    seen = compare(rows, "bm", rule)
    if "chimerism_from" in table:
        donor = compare(rows, "chimerism", [">=", table["chimerism_from"]])
        seen = where(rows["chimerism_counts"], Truth(donor.yes, seen.no & donor.yes), seen)
    return where(rows["mrd_measured"], ~stated(rows["mrd_high"]), seen) if table.get("marrow_by_mrd") else seen


def _mrd_below(rows: pl.DataFrame, *, must: bool) -> Truth:
    """Return whether MRD is no obstacle: measured and below the limit, or not measured where it need not be."""
    measured = known(rows["mrd_measured"].to_numpy())
    low = ~stated(rows["mrd_high"])
    return measured & low if must else ~measured | low


def _fallen(rows: pl.DataFrame, fall: float) -> Truth:
    """Return whether the marrow's blasts have fallen by such a fraction of those before the course."""
    before = rows["baseline"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    exact = (rows["bm_bound"].fill_null("") == "").to_numpy()
    now = np.where(exact, rows["bm"].cast(pl.Float64).fill_null(float("nan")).to_numpy(), np.nan)
    return Truth(now <= before * (1 - fall), now > before * (1 - fall))


def possible(found: Criteria, *, marrow_alone: bool = False) -> pl.DataFrame:
    """Return, for each category, whether an assessment can be in it: a column a category, from the best to the worst.

    Parameters
    ----------
    found
        The criteria.
    marrow_alone
        Without extramedullary disease and the central nervous system.
    """
    columns: dict[str, Possible] = {}
    settled = np.zeros(len(found.sites["pb"].yes), bool)
    for rule, (holds, open_) in zip(found.rules, _holding(found, marrow_alone=marrow_alone), strict=True):
        name = str(rule["name"])
        columns[name] = columns.get(name, np.zeros(len(settled), bool)) | open_
        settled |= holds.yes
    columns[FAILURE] = ~settled
    return pl.DataFrame({name: columns[name] for name in ORDER if name in columns})


def _holding(found: Criteria, *, marrow_alone: bool = False) -> list[tuple[Truth, Possible]]:
    """Return, of each category, whether it holds, and whether it can be the response: no better one holds with it."""
    n = len(found.sites["pb"].yes)
    everywhere = [truth for name, truth in found.sites.items() if name == "pb" or not marrow_alone]
    settled, answers = np.zeros(n, bool), []
    for place, (asked, rule) in enumerate(zip(found.categories, found.rules, strict=True)):
        holds = _all([*everywhere, *asked.values()], n)
        open_ = holds.possible & ~settled
        for better, words in zip(found.categories[:place], found.rules[:place], strict=True):
            left = [truth for name, truth in better.items() if not implies(rule, words, name)]
            open_ &= ~_all(left, n).yes
        settled |= holds.yes
        answers.append((holds, open_))
    return answers


def _all(truths: Sequence[Truth], n: int) -> Truth:
    whole = known(np.ones(n, bool))
    for truth in truths:
        whole &= truth
    return whole


def category(can: pl.DataFrame, remission: Sequence[str]) -> pl.Series:
    """Return the category: the only possible one; ``CR_ANY`` where all that are possible are remissions.

    Examples
    --------
    >>> can = pl.DataFrame({"CR": [True, True, True], "CRi": [False, True, True], "failure": [False, False, True]})
    >>> category(can, ["CR", "CRi"]).to_list()
    ['CR', 'CR_ANY', 'unknown']
    """
    several = pl.sum_horizontal(pl.col(name).cast(pl.Int64) for name in can.columns) > 1
    other = [name for name in can.columns if name not in remission]
    doubt = pl.any_horizontal(other)
    first = pl.coalesce(pl.when(name).then(pl.lit(name)) for name in can.columns)
    chosen = pl.when(several & doubt).then(pl.lit(UNKNOWN)).when(several).then(pl.lit(ANY)).otherwise(first)
    return can.select(chosen.alias("category")).to_series()


def no_remission() -> pl.Expr:
    """Return whether none of the ``possible`` categories of an assessment is a remission."""
    return ~pl.col("possible").list.first().is_in(REMISSIONS)


def possible_names(can: pl.DataFrame) -> pl.Series:
    """Return the possible categories as a list, the best first."""
    return can.select(_listed({name: pl.col(name) for name in can.columns}).alias("possible")).to_series()


def drivers(found: Criteria, chosen: pl.Series) -> pl.Series:
    """Return what kept an assessment from the best category: the criteria that certainly do not hold."""
    best = {**found.sites, **found.categories[0]}
    failed = chosen.is_in([FAILURE, "PR"]).to_numpy()
    frame = pl.DataFrame({name: truth.no & (~failed | (name not in _COUNTS)) for name, truth in best.items()})
    return frame.select(_listed({name: pl.col(name) for name in frame.columns}).alias("drivers")).to_series()


def missing(found: Criteria, uncertain: pl.Series) -> pl.Series:
    """Return the criteria that are unknown, where the category is uncertain."""
    rows = uncertain.to_numpy()
    unknown = {name: np.zeros(len(rows), bool) for name in (*SITES, *_NAMES)}
    for asked, (holds, open_) in zip(found.categories, _holding(found), strict=True):
        for name, truth in {**found.sites, **asked}.items():
            unknown[name] |= truth.unknown & holds.unknown & open_ & rows
    frame = pl.DataFrame({name: each for name, each in unknown.items() if name != "counts"})
    return frame.select(_listed({name: pl.col(name) for name in frame.columns}).alias("missing")).to_series()


def _listed(flags: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return the names of the flags that are set, as a list."""
    return pl.concat_list(pl.when(flag).then(pl.lit(name)) for name, flag in flags.items()).list.drop_nulls()


def notes(rows: pl.DataFrame, flags: Mapping[str, pl.Expr]) -> pl.Series:
    """Return the names of the statements that hold on each row, as a list."""
    kept = {name: flag.fill_null(value=False) for name, flag in flags.items()}
    return rows.select(_listed(kept).alias("notes")).to_series()
