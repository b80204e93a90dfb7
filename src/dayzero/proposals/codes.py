"""Columns of codes: what the edition table knows is proposed, what only the data manager knows is asked."""

from collections.abc import Mapping
from typing import Final

from dayzero.proposals.columns import Column
from dayzero.proposals.lines import Value, array, codes_table, quoted, table
from dayzero.proposals.names import is_code, meaning
from dayzero.settings import UNKNOWN

LISTS: Final = ("answer", "vital", "sex", "response", "mrd", "severity", "level")
YES: Final = {"answer": "yes", "vital": "dead"}
"""Code lists that say whether something happened, and what says that it did."""
_BINARY: Final = ("0", "1")


def plain_value(column: Column, why: str) -> Value:
    """Return a column as it stands."""
    return Value(quoted(column.source), why)


def coded_value(column: Column, codes: str, why: str) -> Value:
    """Return a column of codes with what each means.

    Values that are what they mean need no code. A value that the table does not know is a question; where values may
    belong to somebody they are not shown.
    """
    known = column.meanings(codes)
    if known and all(key == value for key, value in known.items()) and len(known) == len(column.values):
        return plain_value(column, why)
    if codes == "answer" and column.values == _BINARY:
        known = dict(zip(_BINARY, ("no", "yes"), strict=True))
        return Value(_coded(column, known), f"{why}; 0 and 1 are taken for no and yes", "likely")
    listed = {value: known.get(value, UNKNOWN) for value in column.codes or known}
    if not listed:
        return Value(quoted(column.source), f"{why}; values as they stand", "guess")
    if UNKNOWN in listed.values():
        question = f"what do these codes mean? Write {_examples(codes)} for each ({why})"
        return Value(_coded(column, listed), why, "likely", question)
    hidden = len(column.values) - len(listed)
    more = f"; not known, and not shown: {hidden} more, add what they mean" if hidden else ""
    return Value(_coded(column, listed), f"{why}; its codes are known{more}", "likely" if hidden else "sure")


def answer_value(column: Column, means: Mapping[str, str], why: str) -> Value:
    """Return a column of answers as a value: yes and no, or 1 and 0, mean what ``means`` says."""
    known = column.meanings("answer")
    if column.values == _BINARY:
        known = dict(zip(_BINARY, ("no", "yes"), strict=True))
    listed = {value: means.get(known.get(value, ""), UNKNOWN) for value in (column.codes or known)}
    said = " and ".join(f'"{word}"' for word in means.values())
    question = f"which of these codes is {said}? ({why})" if UNKNOWN in listed.values() or not listed else ""
    return Value(_coded(column, listed), f"{why}; an answer, taken for {said}", "likely", question)


def when_value(column: Column, codes: str, why: str) -> Value:
    """Return the condition that an event happened: the column, and the values that say so."""
    said = [value for value, means in column.meanings(codes).items() if means == YES[codes]]
    if column.values == _BINARY:
        return Value(_when(column, ["1"]), f"{why}; 1 is taken for yes", "likely")
    if said:
        return Value(_when(column, said), why)
    question = f"which values say that it happened? ({why})"
    return Value(_when(column, [UNKNOWN]), why, "likely", question)


def code_list(column: Column) -> str:
    """Return the code list that most of a column's values are in, or an empty text."""
    return next((codes for codes in LISTS if column.is_coded(codes)), "")


def unknown_answers(column: Column) -> bool:
    """Return whether a column may answer a question by numbers alone: 0 and 1, or 1 and 2."""
    return 0 < len(column.codes) <= 3 and all(value.isdecimal() for value in column.codes)


def says_no(value: str) -> bool:
    """Return whether a value says that something did not happen: no, alive, 0."""
    return meaning(value, "answer") == "no" or meaning(value, "vital") == "alive" or value == "0"


def says_yes(value: str) -> bool:
    """Return whether a value says that something happened: yes, dead."""
    return meaning(value, "answer") == "yes" or meaning(value, "vital") == "dead"


def is_missing(value: str) -> bool:
    """Return whether a value means that there is none."""
    return is_code(value, "missing")


def _coded(column: Column, codes: dict[str, str]) -> str:
    return table({"column": quoted(column.source), "codes": codes_table(codes)})


def _when(column: Column, values: list[str]) -> str:
    return table({"column": quoted(column.source), "is": array(values)})


def _examples(codes: str) -> str:
    examples = {
        "sex": '"male" or "female"',
        "answer": '"yes" or "no"',
        "vital": '"death" or "last_contact"',
        "response": '"CR", "CRi", "PR" or "NR"',
        "mrd": '"positive" or "negative"',
        "severity": '"mild", "moderate" or "severe"',
        "level": '"high" or "standard"',
        "events": 'an event\'s name, or "" for none,',
    }
    return examples.get(codes, "a word")
