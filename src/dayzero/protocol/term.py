"""Event terms: the small language in which an endpoint names what happened.

=========================  ==========================================================
``relapse``                the event of that name
``infusion:2``             its second occurrence in the patient
``response=CR|CRi``        with one of these values
``agvhd>=3``               with a value of at least 3 (also ``>``, ``<=``, ``<``)
``death[cause=disease]``   with an attribute column that has one of these values
``relapse@reported``       as reported, also where a derived event exists
``hsct after response=CR`` the first transplant on or after the first CR
=========================  ==========================================================

The parts combine in this order: ``name:number=value[attribute=value]@source after term``.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from dayzero.errors import InputError

Operator = Literal["=", ">=", ">", "<=", "<"]

_NAME: Final = r"[^\s=<>:|@\[\]]+"
_VALUE: Final = r"[^\[\]@|]+?"
_CONDITION: Final = rf"(?P<operator>>=|<=|=|>|<)\s*(?P<values>{_VALUE}(?:\|{_VALUE})*)"
_TERM: Final = re.compile(
    rf"\s*(?P<name>{_NAME})\s*(?::\s*(?P<number>[0-9]+))?\s*(?:{_CONDITION})?\s*"
    r"(?P<attributes>(?:\[[^\[\]]+\]\s*)*)(?:@(?P<source>reported|derived))?\s*"
)
_ATTRIBUTE: Final = re.compile(rf"\[\s*(?P<column>[^\s=<>\[\]]+)\s*{_CONDITION}\s*\]")
_MEND: Final = "Write a term like relapse, infusion:2, response=CR|CRi, agvhd>=3 or hsct after response=CR"


@dataclass(frozen=True)
class Condition:
    """A comparison of a column with values: ``=`` takes several of them, the others one number."""

    column: str
    operator: Operator
    values: tuple[str, ...]

    @property
    def threshold(self) -> float:
        """The number that an inequality compares with."""
        return float(self.values[0])

    def __str__(self) -> str:
        """Return the condition as written in a study file, without its column where that is ``value``."""
        column = "" if self.column == "value" else self.column
        return f"{column}{self.operator}{'|'.join(self.values)}"


@dataclass(frozen=True)
class Term:
    """An event term, parsed; see the module's table for the language."""

    name: str
    number: int | None = None
    conditions: tuple[Condition, ...] = ()
    source: str | None = None
    after: "Term | None" = None

    def __str__(self) -> str:
        """Return the term as written in a study file."""
        number = f":{self.number}" if self.number is not None else ""
        value = "".join(str(c) for c in self.conditions if c.column == "value")
        attributes = "".join(f"[{c}]" for c in self.conditions if c.column != "value")
        source = f"@{self.source}" if self.source else ""
        after = f" after {self.after}" if self.after else ""
        return f"{self.name}{number}{value}{attributes}{source}{after}"

    @property
    def names(self) -> tuple[str, ...]:
        """Every event name that the term looks at."""
        return (self.name, *(self.after.names if self.after else ()))


@lru_cache(maxsize=1024)
def parse_term(text: str) -> Term:
    """Parse an event term.

    Raises
    ------
    InputError
        Where the text is not a term of the language.

    Examples
    --------
    >>> str(parse_term("response = CR | CRi  after infusion:1"))
    'response=CR|CRi after infusion:1'
    """
    first, *rest = re.split(r"\s+after\s+", text.strip(), maxsplit=1)
    match = _TERM.fullmatch(first)
    if match is None:
        raise InputError(f"{text!r} is not an event term", mend=f"{_MEND}.")
    conditions = [_condition("value", match)] if match["operator"] else []
    conditions += [_condition(m["column"], m) for m in _ATTRIBUTE.finditer(match["attributes"])]
    if len(conditions) - bool(match["operator"]) != match["attributes"].count("["):
        raise InputError(f"{text!r} has an attribute that cannot be read", mend="Write it as death[cause=disease].")
    return Term(
        name=match["name"],
        number=int(match["number"]) if match["number"] else None,
        conditions=tuple(conditions),
        source=match["source"],
        after=parse_term(rest[0]) if rest else None,
    )


def _condition(column: str, match: re.Match[str]) -> Condition:
    values = tuple(value.strip() for value in match["values"].split("|"))
    operator: Operator = match["operator"]  # type: ignore[assignment]
    if operator != "=" and (len(values) != 1 or not _is_number(values[0])):
        raise InputError(f"{match[0].strip()!r} compares with something that is not one number", mend=f"{_MEND}.")
    return Condition(column, operator, values)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text) is not None
