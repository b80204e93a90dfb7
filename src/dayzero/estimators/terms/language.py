"""The language of model terms, parsed here and nowhere else.

========================  =====================================================================================
``age``                   a column: a number, or text with one coefficient for every level but the reference
``a:b``                   the product of the terms a and b; ``a:b:c`` likewise
``a*b``                   short for ``a``, ``b`` and ``a:b``
``rcs(age,4)``            a restricted cubic spline with 4 knots (3 to 7) at Harrell's quantiles
``ns(age,40,55,70)``      the same with stated knots, the first and last being the boundary
``tx:log(t)``             an effect that changes with the logarithm of time; ``log(t+1)``, ``t`` likewise
``tx:after(90)``          an effect that is another one after day 90
========================  =====================================================================================

A name that is a column is that column, whatever it contains; in ``infusion:2`` the number is part of an event's name.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from dayzero.errors import InputError

_SPLINE: Final = re.compile(r"(rcs|ns)\(\s*(.+?)\s*((?:,\s*-?[\d.]+\s*)+)\)")
_TIME: Final = re.compile(r"t|log\(t(?:\+\d+\.?\d*)?\)|after\(\d+\.?\d*\)")
_OCCURRENCE: Final = re.compile(r"\d+(?=$|[:*\s\[=<>@])")


@dataclass(frozen=True)
class Factor:
    """One factor of a term: a column as it is, or a spline of it.

    Attributes
    ----------
    text
        As it is written, without blanks around it.
    column
        The column's name.
    number
        How many knots are to be placed; 0 where they are stated or there are none.
    knots
        The knots that are stated.
    """

    text: str
    column: str
    number: int = 0
    knots: tuple[float, ...] = ()

    @property
    def is_time(self) -> bool:
        """Whether it is a function of time."""
        return is_time(self.column)

    @property
    def is_spline(self) -> bool:
        """Whether it is a spline."""
        return bool(self.number or self.knots)


@dataclass(frozen=True)
class Term:
    """A term without ``*``: the product of its factors."""

    factors: tuple[Factor, ...]

    @property
    def text(self) -> str:
        """The term as it is written."""
        return ":".join(factor.text for factor in self.factors)


def is_time(name: str) -> bool:
    """Say whether a name is a function of time.

    Examples
    --------
    >>> [is_time(name) for name in ("t", "log(t)", "log(t+1)", "after(90)", "tx")]
    [True, True, True, True, False]
    """
    return _TIME.fullmatch(name) is not None


def parse_terms(terms: Sequence[str], columns: Collection[str] = ()) -> tuple[Term, ...]:
    """Parse the terms of a model; what comes twice is taken once.

    Parameters
    ----------
    terms
        As written.
    columns
        Names that are columns, whatever they contain.

    Raises
    ------
    InputError
        A spline or a product that is not written as above.

    Examples
    --------
    >>> [term.text for term in parse_terms(["hsct*rcs(age,4)", "infusion:2", "age"])]
    ['hsct', 'rcs(age,4)', 'hsct:rcs(age,4)', 'infusion:2', 'age']
    """
    found = [part for term in terms for part in _expand(term, columns)]
    return tuple(dict.fromkeys(found))


def columns_of(terms: Sequence[str], columns: Collection[str] = ()) -> tuple[str, ...]:
    """Return the columns that the terms are made of, functions of time left out, in the order of their appearance.

    Examples
    --------
    >>> columns_of(["hsct*rcs(age,4)", "hsct:log(t)"])
    ('hsct', 'age')
    """
    return tuple(dict.fromkeys(factor.column for factor in _timeless(terms, columns)))


def main_terms(terms: Sequence[str], columns: Collection[str] = ()) -> tuple[str, ...]:
    """Return the terms that can stand alone in a model: the factors of the products, functions of time left out.

    Examples
    --------
    >>> main_terms(["hsct*rcs(age,4)", "hsct:log(t)", "risk"])
    ('hsct', 'rcs(age,4)', 'risk')
    """
    return tuple(dict.fromkeys(factor.text for factor in _timeless(terms, columns)))


def _timeless(terms: Sequence[str], columns: Collection[str]) -> list[Factor]:
    """Return the factors that are no function of time; a column that stands alone is none, whatever its name."""
    parsed = parse_terms(terms, columns)
    return [factor for term in parsed for factor in term.factors if not factor.is_time or len(term.factors) == 1]


def _expand(term: str, columns: Collection[str]) -> list[Term]:
    if term in columns:
        return [Term((Factor(term, term),))]
    sides = [_product(side, columns) for side in _cut(term, "*")]
    chosen = [pick for size in range(1, len(sides) + 1) for pick in combinations(sides, size)]
    return [Term(tuple(dict.fromkeys(factor for side in pick for factor in side))) for pick in chosen]


def _product(text: str, columns: Collection[str]) -> tuple[Factor, ...]:
    text = text.strip()
    if text in columns:
        return (Factor(text, text),)
    return tuple(_factor(part.strip(), columns) for part in _cut(text, ":"))


def _factor(text: str, columns: Collection[str]) -> Factor:
    if not text:
        raise InputError("a product lacks a factor", mend='Write terms = ["risk*age"].', column="terms")
    if text in columns or not text.startswith(("rcs(", "ns(")):
        return Factor(text, text)
    match = _SPLINE.fullmatch(text)
    if match is None:
        mend = 'Write "rcs(age,4)", or "ns(age,40,55,70)" with the knots.'
        raise InputError("a spline that cannot be read", mend=mend, column="terms")
    kind, column, numbers = match.groups()
    values = _numbers(numbers)
    if kind == "ns":
        return Factor(text, column, knots=values)
    if len(values) != 1 or not values[0].is_integer():
        raise InputError("rcs takes a number of knots", mend=f'Write "rcs({column},4)".', column="terms")
    return Factor(text, column, number=int(values[0]))


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.strip(", ").split(","))
    except ValueError:
        raise InputError("a knot that is no number", mend='Write "ns(age,40,55,70)".', column="terms") from None


def _cut(text: str, mark: str) -> list[str]:
    """Split at a mark outside of parentheses and brackets; the number of an event's occurrence stays with it."""
    parts, depth, begin = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == mark and not depth and not (mark == ":" and _OCCURRENCE.match(text, place + 1)):
            parts.append(text[begin:place])
            begin = place + 1
    return [*parts, text[begin:]]
