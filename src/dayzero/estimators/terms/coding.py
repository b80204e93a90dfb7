"""How the columns of a regression are made from those of the data, so that they can be made again of other patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.estimators.terms.splines import natural_cubic
from dayzero.spells import Bools, Floats


@dataclass(frozen=True)
class Part:
    """One factor of a coefficient's column.

    Attributes
    ----------
    column
        The column of the data.
    level, among
        1 where the column has this value and 0 where it has another of these; None and nothing for a number.
    spline, knots, piece
        The spline as it is written, its knots, and which of its functions this is, from 0.
    """

    column: str
    level: str | None = None
    among: tuple[str, ...] = ()
    spline: str = ""
    knots: tuple[float, ...] = ()
    piece: int = 0

    @property
    def name(self) -> str:
        """``age``, ``risk=high`` or ``rcs(age,4)[1]``."""
        if self.knots:
            return f"{self.spline}[{self.piece + 1}]"
        return self.column if self.level is None else f"{self.column}={self.level}"

    def of(self, frame: pl.DataFrame) -> Floats:
        """Return (rows,) the values of this factor, NaN where the column is empty."""
        if self.column not in frame.columns:
            mend = "Give a value for every column of the model."
            raise InputError("a column of the model is missing", mend=mend, column=self.column)
        series = frame[self.column]
        if self.level is not None:
            text = series.cast(pl.String)
            if not text.drop_nulls().is_in(self.among).all():
                mend = f"The levels are {', '.join(self.among)}."
                raise InputError("a level that the model does not know", mend=mend, column=self.column)
            return (text == self.level).cast(pl.Float64).fill_null(np.nan).to_numpy()
        if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
            raise InputError("text for a column of numbers", mend="Write a number.", column=self.column)
        values = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
        return natural_cubic(values, self.knots)[self.piece] if self.knots else values


@dataclass(frozen=True)
class Coefficient:
    """A coefficient's column: the product of its parts."""

    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """The parts' names, with ``:`` between them."""
        return ":".join(part.name for part in self.parts)


@dataclass(frozen=True)
class Block:
    """The columns of one term.

    Attributes
    ----------
    coding, columns
        How each column is made, and its (rows,) values.
    missing
        (rows,) where the term has no value.
    """

    coding: tuple[Coefficient, ...]
    columns: tuple[npt.NDArray[Any], ...]
    missing: Bools


def multiply(blocks: Sequence[Block]) -> Block:
    """Return the block of a product of terms, the first term's columns running fastest, as in R."""
    product = blocks[0]
    for block in blocks[1:]:
        pairs = [(i, j) for j in range(len(block.columns)) for i in range(len(product.columns))]
        product = Block(
            tuple(Coefficient(product.coding[i].parts + block.coding[j].parts) for i, j in pairs),
            tuple(product.columns[i] * block.columns[j] for i, j in pairs),
            product.missing | block.missing,
        )
    return product


def code_again(coding: Sequence[Coefficient], frame: pl.DataFrame) -> Floats:
    """Return (rows, p) the columns of a fitted model for other patients.

    Parameters
    ----------
    coding
        Of the model's covariates.
    frame
        A row a patient, with the columns of the model.

    Raises
    ------
    InputError
        A column is missing or of another type, or has a level that the model does not know.

    Examples
    --------
    >>> high = Part("risk", level="high", among=("high", "low"))
    >>> coding = [Coefficient((Part("age"),)), Coefficient((Part("age"), high))]
    >>> code_again(coding, pl.DataFrame({"age": [40, 60], "risk": ["low", "high"]})).tolist()
    [[40.0, 0.0], [60.0, 60.0]]
    """
    made = {part: part.of(frame) for part in dict.fromkeys(part for one in coding for part in one.parts)}
    columns = [prod((made[part] for part in one.parts), start=np.ones(frame.height)) for one in coding]
    return np.array(columns, float).reshape(len(columns), frame.height).T
