"""What a column is about, by its header: which event, which of its kind, and what of it."""

import re
from dataclasses import dataclass
from typing import Final

from dayzero.io.mapping.headers import JOINT
from dayzero.proposals.layout import is_counter
from dayzero.proposals.names import Found, find, is_named, meaning, plain

_UNIT: Final = re.compile(r"[(\[（［]([^()\[\]（）［］]*)[)\]）］]")
_DIGIT: Final = re.compile(r"([1-9])(?![0-9]|mo|day|week|wk|year|yr|个|か|ヶ|カ|月)")


@dataclass(frozen=True)
class Meaning:
    """What a header says.

    Attributes
    ----------
    event
        The event that it names, if any.
    own
        Whether the column's own name says so, and not only the group above it.
    number
        Which of its kind: 2 for a second infusion; 0 where it does not say.
    field
        ``date``, ``end``, ``value``, ``flag``, ``status``, ``event``, ``number``; empty where it does not say.
    attribute, baseline
        The attribute of an event, or the baseline column, that it names.
    patient
        Whether it names the identifier.
    personal, counter, comment
        Whether it holds names and addresses, numbers of rows, or free text.
    unit
        What stands in its brackets: ``kg``, ``x10^6/kg``.
    group
        The header rows above its own.
    """

    event: Found | None
    own: bool
    number: int
    field: Found | None
    attribute: Found | None
    baseline: Found | None
    patient: Found | None
    personal: bool
    counter: bool
    comment: bool
    unit: str
    group: str

    @property
    def what(self) -> str:
        """The field's key, or an empty text."""
        return self.field.key if self.field else ""


def read_meaning(header: str) -> Meaning:
    """Read a header, its rows joined as the mapping joins them.

    The lowest row says more than those above it; a baseline column is one by its own name alone.

    Examples
    --------
    >>> second = read_meaning("CAR-T | 第二次回输日期")
    >>> second.event.key, second.number, second.what
    ('infusion', 2, 'date')
    >>> read_meaning("移植 | 体重 (kg)").baseline.key, read_meaning("移植 | 体重 (kg)").unit
    ('weight', 'kg')
    """
    group, _, name = header.rpartition(JOINT)
    event, own = _event(name, group)
    attribute, baseline = find(name, "attribute"), find(name, "baseline")
    named = find(name, "event")
    if baseline and not _is_head(baseline, named or attribute):
        baseline = None
    field = find(name, "field") or (None if own else find(header, "field"))
    return Meaning(
        event=event,
        own=own,
        number=_number(header, event) if event else 0,
        field=field,
        attribute=attribute,
        baseline=baseline,
        patient=find(name, "patient") or (find(group, "patient") if not name else None),
        personal=_is_personal(name),
        counter=is_counter(header),
        comment=find(name, "comment") is not None or (not event and find(group, "comment") is not None),
        unit=_unit(name) or _unit(group),
        group=group,
    )


def remission(event: Found) -> str:
    """Return the response that an event's own word names (CR: complete remission), or an empty text."""
    return meaning(event.word, "response") or ""


def _event(name: str, group: str) -> tuple[Found | None, bool]:
    if own := find(name, "event"):
        return own, True
    whole = find(f"{group} {name}", "event")
    for part in reversed(group.split(JOINT) if group else []):
        if above := find(part, "event"):
            longer = whole and whole.end - whole.start > above.end - above.start
            return (whole if longer else above), False
    return whole, False


def _is_head(baseline: Found, other: Found | None) -> bool:
    """Return whether a baseline word is what a name is about, and the other word only says when or of what.

    "Age at HSCT" is an age, and so is "移植时年龄": in Chinese and Japanese what a name is about comes last.
    """
    if other is None:
        return True
    if plain(baseline.word).isascii() and plain(other.word).isascii():
        return (baseline.start, -baseline.end) <= (other.start, -other.end)
    if not plain(baseline.word).isascii() and not plain(other.word).isascii():
        return (baseline.end, -baseline.start) >= (other.end, -other.start)
    return baseline.end - baseline.start >= other.end - other.start


def _number(header: str, event: Found) -> int:
    """Return which of its kind: an ordinal in any row, or a digit that follows the event's name."""
    parts = header.split(JOINT)
    for part in reversed(parts):
        here = find(part, "event")
        if (ordinal := find(part, "ordinal")) and (here is None or here.key == event.key):
            return int(ordinal.key)
        if here and here.key == event.key:
            rest = plain(part).replace(" ", "")[here.end :]
            if found := _DIGIT.match(rest):
                return int(found[1])
    return 0


def _is_personal(name: str) -> bool:
    found = find(name, "identifying")
    if found is None:
        return False
    return is_named(name, "identifying") or not plain(found.word).isascii() or find(name, "patient") is not None


def _unit(name: str) -> str:
    found = _UNIT.findall(name)
    return str(found[-1]).strip() if found else ""
