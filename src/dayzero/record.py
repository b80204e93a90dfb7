"""Published figures as records: what was printed, of whom, from which day zero, with the words that say so.

A record keeps a number as the text that was printed: ``58.5`` is every number that rounds to it, and ``.036`` is no
``0.0360``. Where a document prints one quantity twice, and differently, both mentions are records.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from dayzero.errors import InputError
from dayzero.settings import Toml, parse_settings, shown

Role = Literal["own", "cited", "design", "threshold"]
Kind = Literal["count", "proportion", "km_rate", "median", "ratio", "p", "test", "followup", "dose", "range"]
Set = Literal["", "enrolled", "infused", "evaluable", "responders", "transplanted"]
Basis = Literal["", "printed", "derived", "assumed"]
Interval = Literal["", "confidence", "range"]

_WORDS: Final = "zero one two three four five six seven eight nine ten".split()


@dataclass(frozen=True, kw_only=True)
class Record:
    """One published figure.

    Attributes
    ----------
    id
        Its name: unique in its file.
    quote
        The words of the document, verbatim.
    role
        The document's ``own`` result, one ``cited`` from another, a quantity of the ``design``, or a ``threshold``.
    kind
        What sort of number it is.
    figure
        The number as printed, without its unit: ``"58.5"``, ``"<0.001"``, ``"not reached"``.
    lower, upper
        Limits as printed; ``interval`` says of what.
    interval
        ``confidence`` limits, or the ``range`` of the values; as the document calls it.
    p
        The p value printed beside a ratio: ``"0.004"``, ``"<.001"``; empty where there is none.
    unit
        ``%``, ``days``, ``cells/kg`` ...
    arm
        The group, in the document's word; two of them as ``a vs b``; empty: everybody.
    set
        Which patients are counted.
    n, count, n_basis
        How many, how many of them had it, and whether that n was printed, derived or assumed.
    endpoint, origin, events_counted
        Of a rate, a median or a ratio: the endpoint, its day zero and its events; empty where not stated.
    time_days
        The time of a rate: a year is 365.25 days.
    note
        What a reader must know.
    """

    id: str
    quote: str
    figure: str
    kind: Kind
    role: Role = "own"
    lower: str = ""
    upper: str = ""
    interval: Interval = ""
    p: str = ""
    unit: str = ""
    arm: str = ""
    set: Set = ""
    n: int | None = None
    count: int | None = None
    n_basis: Basis = ""
    endpoint: str = ""
    origin: str = ""
    events_counted: str = ""
    time_days: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a record without a quote, half an interval, an n of nowhere, and a count above n."""
        for name in ("id", "quote", "figure"):
            if not getattr(self, name).strip():
                raise _fault(f"a record without its {name}", f"Write {name} as the document prints it.", name)
        if bool(self.lower) != bool(self.upper) or bool(self.lower) != bool(self.interval):
            raise _fault("half an interval", "Give lower, upper and interval together.", "lower")
        if (self.n is None) != (not self.n_basis):
            mend = "Give n together with n_basis: printed, derived or assumed."
            raise _fault("an n without n_basis, or the reverse", mend, "n")
        if self.n is not None and not 0 <= (self.count or 0) <= self.n:
            raise _fault("a count that is not between 0 and n", "Look both up.", "count")

    @property
    def value(self) -> float | None:
        """The figure as a number, a comparison sign left out; None where it is none, as ``not reached``.

        Examples
        --------
        >>> Record(id="p1", quote="p<0.001", figure="<0.001", kind="p").value
        0.001
        """
        return number(self.figure)

    @property
    def limits(self) -> tuple[float, float] | None:
        """The interval as numbers, None where there is none."""
        lower, upper = number(self.lower), number(self.upper)
        return None if lower is None or upper is None else (lower, upper)

    @property
    def decimals(self) -> int:
        """Digits after the point of the figure, as printed.

        Examples
        --------
        >>> Record(id="os", quote="The rate was 70.0%", figure="70.0", kind="km_rate").decimals
        1
        """
        return len(self.figure.partition(".")[2])


def number(text: str) -> float | None:
    """Return a printed number, without comparison sign and thousands' commas; None where it is none.

    Examples
    --------
    >>> number("1,240"), number(">300"), number("Seven"), number("not reached")
    (1240.0, 300.0, 7.0, None)
    """
    if text.strip().lower() in _WORDS:
        return float(_WORDS.index(text.strip().lower()))
    try:
        return float(text.strip().lstrip("<>≤≥=~").replace(",", ""))
    except ValueError:
        return None


def read_records(toml: Toml) -> tuple[Record, ...]:
    """Return the ``[[published]]`` tables of a protocol or a study file.

    Raises
    ------
    InputError
        Where one has an unknown key, lacks one, or has the id of another.
    """
    tables = toml.table.get("published", [])
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise InputError("no list of tables", mend="Write [[published]].", file=toml.file, column="published")
    places = [("published", position) for position in range(len(tables))]
    pairs = zip(tables, places, strict=True)
    records = tuple(parse_settings(Record, table, toml=toml, path=place) for table, place in pairs)
    seen: set[str] = set()
    for record, place in zip(records, places, strict=True):
        if record.id in seen:
            fault, mend = f"a second record of the id {shown(record.id)!r}", "Give each record an id of its own."
            raise InputError(fault, mend=mend, file=toml.file, row=toml.rows.get(place), column="id")
        seen.add(record.id)
    return records


def _fault(fault: str, mend: str, column: str) -> InputError:
    return InputError(fault, mend=mend, column=column)
