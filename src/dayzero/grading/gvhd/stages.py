"""Stages of the organs in acute GVHD from what was measured: rash, bilirubin, symptoms, stool.

Thresholds, comparisons and notes are those of ``editions/agvhd_stages``. A stage lies between two bounds wherever
something that it needs is missing; nothing that is missing is taken for absent.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dayzero.grading.bounds import Bounds, Grades
from dayzero.grading.editions import Edition
from dayzero.grading.truth import COMPARISONS, Bools, Floats, Truth, above

TOP: Final = 4


@dataclass(frozen=True)
class Stool:
    """What is known of the stool of each row; NaN is unknown.

    Attributes
    ----------
    ml
        (rows,) volume in mL a day, as the average of three days.
    ml_kg
        (rows,) the same in mL/kg a day.
    episodes
        (rows,) a day.
    weight
        (rows,) in kg.
    mixed
        Whether the volume is of stool and urine together.
    """

    ml: Floats
    ml_kg: Floats
    episodes: Floats
    weight: Floats
    mixed: Truth


@dataclass(frozen=True)
class LowerGi:
    """The stage of the lower gut, and where its two measures contradict each other.

    Attributes
    ----------
    stage
        From the volume; from the episodes where there is no volume; 4 with severe pain or bloody stool.
    volume, episodes
        What each measure gives by itself; every stage where it is missing.
    """

    stage: Bounds
    volume: Bounds
    episodes: Bounds

    @property
    def contradiction(self) -> Bools:
        """Return (rows,) where the volume and the episodes are both there and give different stages for certain."""
        # A measure that is missing leaves every stage open, so that nothing contradicts it.
        return (self.volume.lower > self.episodes.upper) | (self.episodes.lower > self.volume.upper)


def skin_stage(bsa: Floats, bullae: Truth, *, edition: Edition) -> Bounds:
    """Stage the skin.

    Parameters
    ----------
    bsa
        (rows,) per cent of the body surface with active erythema.
    bullae
        Whether there are bullae and desquamation of more than 5 % of the body surface.
    edition
        Of the stages.
    """
    rash = _staged(bsa, bsa, edition.table["steps"]["skin_bsa"])
    enough = edition.table["rules"]["bullae_from_stage"]
    return Bounds(
        np.where(bullae.yes & (rash.lower >= enough), TOP, rash.lower).astype(np.int8),
        np.where(bullae.possible & (rash.upper >= enough), TOP, rash.upper).astype(np.int8),
    )


def liver_stage(bilirubin: Floats, *, edition: Edition) -> Bounds:
    """Stage the liver by total bilirubin, (rows,) in mg/dL; other causes do not lower the stage."""
    return _staged(bilirubin, bilirubin, edition.table["steps"]["bilirubin"])


def upper_gi_stage(persistent: Truth) -> Bounds:
    """Stage the upper gut: 1 where nausea, vomiting or anorexia persist."""
    return Bounds(persistent.yes.astype(np.int8), persistent.possible.astype(np.int8))


def lower_gi_stage(stool: Stool, stage_four: Truth, *, edition: Edition) -> LowerGi:
    """Stage the lower gut.

    Parameters
    ----------
    stool
        Volume, episodes and weight. Where the weight is unknown, the stage holds what adults and children would get.
    stage_four
        Whether there is severe pain (opioids needed, performance impaired), with or without ileus, or grossly bloody
        stool, whatever the volume.
    edition
        Of the stages.
    """
    heavy = above(stool.weight, edition.table["rules"]["adult_above_kg"])
    volume, episodes = _by_volume(stool, heavy, edition=edition), _by_episodes(stool, heavy, edition=edition)
    measured = ~(np.isnan(stool.ml) & np.isnan(stool.ml_kg))
    stage = Bounds(
        np.where(stage_four.yes, TOP, np.where(measured, volume.lower, episodes.lower)).astype(np.int8),
        np.where(stage_four.possible, TOP, np.where(measured, volume.upper, episodes.upper)).astype(np.int8),
    )
    return LowerGi(stage, volume, episodes)


def _by_volume(stool: Stool, heavy: Truth, *, edition: Edition) -> Bounds:
    steps, rules = edition.table["steps"], edition.table["rules"]
    limit = rules["adult_above_kg"]
    full, half = stool.mixed.no, rules["mixed_fraction"]
    least, most = np.where(full, 1.0, half), np.where(stool.mixed.yes, half, 1.0)
    ml, ml_kg = stool.ml, stool.ml_kg
    adult = _either(ml, ml_kg * stool.weight, ml_kg * limit, _endless(ml_kg))
    child = _either(ml_kg, ml / stool.weight, ml / limit, _endless(ml))
    return _adult_or_child(
        heavy,
        _staged(_tidy(adult[0] * least), _tidy(adult[1] * most), steps["adult_volume"]),
        _staged(_tidy(child[0] * least), _tidy(child[1] * most), steps["child_volume"]),
    )


def _by_episodes(stool: Stool, heavy: Truth, *, edition: Edition) -> Bounds:
    steps, n = edition.table["steps"], stool.episodes
    return _adult_or_child(heavy, _staged(n, n, steps["adult_episodes"]), _staged(n, n, steps["child_episodes"]))


def _either(given: Floats, converted: Floats, least: Floats, most: Floats) -> tuple[Floats, Floats]:
    """Return the least and the most that a volume can be: as given, converted by the weight, or for any weight."""
    exact = np.where(np.isnan(given), converted, given)
    return np.where(np.isnan(exact), least, exact), np.where(np.isnan(exact), most, exact)


def _endless(values: Floats) -> Floats:
    """Return what a volume becomes for any weight: nothing stays nothing, anything else has no limit."""
    return np.where(values > 0, np.inf, values)


def _adult_or_child(heavy: Truth, adult: Bounds, child: Bounds) -> Bounds:
    """Take the adult's stage above 50 kg, the child's up to it, and both where the weight is unknown."""
    return Bounds(
        np.where(heavy.yes, adult.lower, np.where(heavy.no, child.lower, np.minimum(adult.lower, child.lower))),
        np.where(heavy.yes, adult.upper, np.where(heavy.no, child.upper, np.maximum(adult.upper, child.upper))),
    )


def _staged(low: Floats, high: Floats, steps: list[list[Any]]) -> Bounds:
    """Return the stages between two values; NaN is no limit."""
    return Bounds(_stage(low, steps), np.where(np.isnan(high), steps[-1][0], _stage(high, steps)).astype(np.int8))


def _stage(values: Floats, steps: list[list[Any]]) -> Grades:
    """Return the highest stage whose comparison holds.

    Examples
    --------
    >>> _stage(np.array([1.9, 2.0, 3.0, 3.1]), [[1, ">=", 2], [2, ">", 3]]).tolist()
    [0, 1, 1, 2]
    """
    stage = np.zeros(len(values), np.int8)
    for number, comparison, threshold in steps:
        stage[COMPARISONS[comparison](values, threshold).yes] = number
    return stage


def _tidy(values: Floats) -> Floats:
    """Round off what converting units adds, so that a value at a threshold stays there."""
    return np.round(values, 9)
