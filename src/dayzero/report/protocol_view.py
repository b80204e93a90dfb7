"""A protocol as it is printed: the plan, the endpoints of its own, and the figures that its document prints."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from dayzero.protocol import Endpoint, Protocol, definition, protocol_file, read_protocol
from dayzero.record import Record, read_records
from dayzero.settings import read_toml


@dataclass(frozen=True)
class ProtocolView:
    """What is printed of one protocol.

    Attributes
    ----------
    protocol
        The plan.
    endpoints
        Those that its file defines, in its order, filled in.
    records
        The figures that its document prints.
    """

    protocol: Protocol
    endpoints: tuple[Endpoint, ...]
    records: tuple[Record, ...]

    @property
    def definitions(self) -> tuple[tuple[str, str], ...]:
        """Title and definition of every endpoint of its own."""
        return tuple((endpoint.title, definition(endpoint)) for endpoint in self.endpoints)

    @property
    def quotes(self) -> tuple[tuple[str, tuple[Record, ...]], ...]:
        """The records by the words that they stand in, in the order of the document."""
        return tuple((quote, tuple(found)) for quote, found in groupby(self.records, lambda record: record.quote))


def read_view(name: str, folder: Path = Path()) -> ProtocolView:
    """Read a protocol to be printed.

    Parameters
    ----------
    name
        A built-in name, or the path of a protocol file.
    folder
        That a relative path starts from.

    Raises
    ------
    InputError
        Where there is none, or its file cannot be used.
    """
    path = protocol_file(name, folder)
    protocol, toml = read_protocol(path), read_toml(path)
    own = toml.table.get("endpoints", {})
    endpoints = tuple(protocol.endpoint(key) for key in (own if isinstance(own, dict) else {}))
    return ProtocolView(protocol, endpoints, read_records(toml))


def listing_text(views: Sequence[ProtocolView]) -> str:
    """Return one line a protocol, and one of what it is about."""
    width = max((len(view.protocol.name) for view in views), default=0)
    lines = []
    for view in views:
        plan = view.protocol
        lines.append(f"{plan.name:{width}}  {plan.title}")
        lines.append(f"{'':{width}}  {_document(plan)}; {len(plan.courses)} courses, {len(view.records)} figures")
    return "\n".join([*lines, "", "dayzero protocols show NAME prints one."]) + "\n"


def _document(plan: Protocol) -> str:
    return f"seed {plan.seed}, {plan.status}"


def listing_json(views: Sequence[ProtocolView]) -> str:
    """Return a JSON list, one object a protocol."""
    keys = ("name", "title", "seed", "status", "source", "disease", "population")
    found = [
        {
            **{key: getattr(view.protocol, key) for key in keys},
            "courses": [course.name for course in view.protocol.courses],
            "decisions": [decision.name for decision in view.protocol.decisions],
            "endpoints": [endpoint.name for endpoint in view.endpoints],
            "figures": len(view.records),
            "not_stated": list(view.protocol.not_stated),
        }
        for view in views
    ]
    return f"{json.dumps(found, indent=2)}\n"


def figure_words(record: Record) -> str:
    """Return a figure as printed, with its unit, its limits and the p value beside it.

    Examples
    --------
    >>> figure_words(Record(id="a", quote="x", figure="70.0", kind="km_rate", unit="%", lower="33.0", upper="90.2",
    ...                     interval="confidence"))
    '70.0 % (limits 33.0 to 90.2)'
    """
    limits = {"confidence": "limits", "range": "range", "": ""}[record.interval]
    known = record.lower and record.lower not in record.figure
    interval = f" ({limits} {record.lower} to {record.upper})" if known else ""
    beside = f", p {record.p}" if record.p else ""
    return f"{record.figure}{f' {record.unit}' if record.unit else ''}{interval}{beside}"


def what_words(record: Record) -> str:
    """Return what a figure is of: kind, endpoint, time and day zero.

    Examples
    --------
    >>> what_words(Record(id="a", quote="x", figure="70.0", kind="km_rate", endpoint="os", time_days=365.25))
    'os, rate at day 365.25'
    """
    kinds = {"km_rate": "rate", "p": "p value", "followup": "follow-up", "range": "value"}
    role = "" if record.role == "own" else f"{record.role} "
    time = f" at day {record.time_days:g}" if record.time_days is not None else ""
    origin = f" from {record.origin}" if record.origin else ""
    what = f"{role}{kinds.get(record.kind, record.kind)}{time}{origin}"
    return f"{record.endpoint}, {what}" if record.endpoint else what


def who_words(record: Record) -> str:
    """Return of whom a figure is: the group, the set, and how many.

    Examples
    --------
    >>> known = {"set": "evaluable", "n": 27, "count": 20, "n_basis": "derived"}
    >>> who_words(Record(id="a", quote="x", figure="20", kind="count", **known))
    'evaluable, 20/27 (n derived)'
    """
    basis = "" if record.n_basis in {"", "printed"} else f" (n {record.n_basis})"
    counted = "" if record.n is None else f"n = {record.n}" if record.count is None else f"{record.count}/{record.n}"
    return ", ".join(filter(None, (record.arm, record.set, f"{counted}{basis}")))
