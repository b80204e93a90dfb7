"""What holds for all sheets: the order of dates, the decimal mark, texts that mean missing."""

from collections import Counter
from collections.abc import Iterator, Sequence

from dayzero.io.grid import TEXT
from dayzero.proposals.dates import ORDERS, WORDS, has_short_year, prove_order
from dayzero.proposals.lines import Value, array, line, quoted
from dayzero.proposals.sheet import Named


def find_conventions(used: Sequence[Named]) -> Iterator[tuple[str, str]]:
    """Yield (key, line) of ``[map]``: how dates, numbers and missing values are written in the columns used."""
    dates = Counter[str]()
    for named in _dated(used):
        for (text, kind), n in named.column.cells.items():
            if kind == TEXT:
                dates[text] += n
    if order := _order(dates):
        yield "date_order", line("date_order", order)
    if short := sum(n for text, n in dates.items() if has_short_year(text)):
        question = f"{short} dates have a year of two digits; write 2000 where all are of this century"
        yield "century", line("century", Value(quoted("?"), "", "guess", question))
    if serials := sum(n.column.serials for n in _dated(used) if 2 * n.column.serials >= n.column.filled):
        question = f'{serials} dates are numbers; write "1900", or "1904" for a workbook of an old Mac'
        yield "serial", line("serial", Value(quoted("?"), "", "guess", question))
    if mark := _decimal(used):
        yield "decimal", line("decimal", mark)
    if missing := _missing(used):
        yield "missing", line("missing", Value(array(missing), "texts that mean missing; add others", "likely"))


def _dated(used: Sequence[Named]) -> list[Named]:
    return [named for named in used if named.column.is_date or named.column.serials]


def _order(dates: Counter[str]) -> Value | None:
    """Propose the order of dates as text with its proof; ask where two orders are possible, or none."""
    proof = prove_order(dates.items())
    if not proof.texts:
        return None
    if len(proof.possible) == 1:
        order = proof.possible[0]
        others = " and ".join(f"{o} cannot read {proof.against[o]}" for o in ORDERS if o != order)
        return Value(quoted(order), f"the only order that reads all {proof.texts} dates written as text; {others}")
    if proof.possible:
        names = " or ".join(f'"{order}" ({WORDS[order]})' for order in proof.possible)
        question = f"all {proof.texts} dates written as text can be read as {names}; which is it?"
    else:
        counts = ", ".join(f'"{order}" cannot read {proof.against[order]}' for order in ORDERS)
        question = f"no order reads all {proof.texts} dates written as text: {counts}; choose one, and mend the others"
    return Value(quoted("?"), "", "guess", question)


def _decimal(used: Sequence[Named]) -> Value | None:
    """Propose the decimal mark of numbers written as text."""
    commas = points = 0
    for named in (named for named in used if named.column.is_number):
        for (text, kind), n in named.column.cells.items():
            commas += n * (kind == TEXT and "," in text)
            points += n * (kind == TEXT and "." in text)
    if not commas:
        return None
    if points:
        question = f'{commas} numbers written as text have a comma, {points} a point; write "," or "."'
        return Value(quoted("?"), "", "guess", question)
    return Value(quoted(","), f"{commas} numbers written as text have a comma, none has a point", "likely")


def _missing(used: Sequence[Named]) -> list[str]:
    """Return the texts that mean missing in the columns used, and nothing else in another."""
    columns = [named.column for named in used]
    texts = {text for column in columns for text in column.missing}
    return sorted(texts - {text for column in columns for text, _ in column.cells})
