"""Names of groups, events and terms as people read them."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from dayzero.protocol.words import listed, term_words
from dayzero.report.formats import printable

if TYPE_CHECKING:
    from dayzero.protocol.endpoint import Endpoint

EVERYBODY: Final = "All patients"
_BARE: Final = frozenset({"yes", "no", "true", "false", "y", "n"})


def split_group(group: str, by: str = "") -> tuple[str, str]:
    """Return the column and the value of ``column=value``; the column may be given, for it may hold ``=`` itself.

    Examples
    --------
    >>> split_group("risk=low=er"), split_group("a=b=c", by="a=b")
    (('risk', 'low=er'), ('a=b', 'c'))
    """
    if by and group.startswith(f"{by}="):
        return by, group[len(by) + 1 :]
    column, equals, value = group.partition("=")
    return (column, value) if equals else ("", group)


def group_labels(groups: Iterable[str | None], by: str = "") -> Mapping[str | None, str]:
    """Name groups: by their value where that says enough, otherwise by column and value.

    Examples
    --------
    >>> dict(group_labels(["risk=high", "risk=low"]))
    {'risk=high': 'high', 'risk=low': 'low'}
    >>> dict(group_labels(["hla_matched=0", "hla_matched=1"]))
    {'hla_matched=0': 'HLA matched 0', 'hla_matched=1': 'HLA matched 1'}
    """
    names = list(dict.fromkeys(groups))
    parts = {name: split_group(name, by) for name in names if name is not None}
    bare = any(_says_nothing(value) for _, value in parts.values())
    named: dict[str | None, str] = {None: EVERYBODY} if None in names else {}
    for name, (column, value) in parts.items():
        full = f"{column_label(column)} {value}" if _is_number(value) else f"{column_label(column)}: {value}"
        named[name] = printable(full if bare and column else value or NO_NAME)
    return named


NO_NAME: Final = "(no name)"


def _says_nothing(value: str) -> bool:
    return value.strip().casefold() in _BARE or _is_number(value)


def _is_number(value: str) -> bool:
    return value.replace(".", "", 1).replace("-", "", 1).isdecimal()


def pair_label(group: str, by: str = "") -> str:
    """Name the two groups of a pairwise test.

    Examples
    --------
    >>> pair_label("risk=high|low")
    'high v low'
    """
    return printable(" v ".join(split_group(group, by)[1].split("|")))


_INCIDENCE: Final = "Cumulative incidence of "


def in_sentence(text: str) -> str:
    """Return a title as it stands within a sentence: an abbreviation keeps its capitals.

    Examples
    --------
    >>> in_sentence("Overall survival"), in_sentence("GVHD-free survival")
    ('overall survival', 'GVHD-free survival')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def column_label(column: str) -> str:
    """Name a column: underscores are spaces, and what the field abbreviates has its capitals.

    Examples
    --------
    >>> column_label("donor_age"), column_label("donor_cmv"), column_label("cgvhd")
    ('donor age', 'donor CMV', 'chronic GVHD')
    """
    words = column.replace("_", " ").split(" ")
    return printable(" ".join(word.upper() if word in _CAPITALS else _GVHD.get(word, word) for word in words))


_CAPITALS: Final = frozenset(
    {"aml", "bmi", "cd7", "cd19", "cd22", "cmv", "cns", "crp", "crs", "dli", "dna", "ebv", "ecog", "fab", "gvhd", "hla",
     "hsct", "icaht", "icans", "iec", "il6", "kps", "ldh", "mds", "mrd", "pcr", "tbi", "tcd", "wbc"}
)  # fmt: skip
_GVHD: Final = {"agvhd": "acute GVHD", "cgvhd": "chronic GVHD"}


def event_label(term: str | None, endpoint: "Endpoint | None" = None) -> str:
    """Name an event: the endpoint's label for its own, the definition's words for a competing one.

    A death that competes is a death before everything else: it is named so, for its incidence is not that of death.

    Examples
    --------
    >>> event_label("second_cancer")
    'second cancer'
    """
    if endpoint is not None and term == endpoint.event_state:
        return printable(_own_event(endpoint))
    if endpoint is not None and term in endpoint.competing:
        return printable(_competing_event(str(term), endpoint))
    return column_label(term or "")


def _own_event(endpoint: "Endpoint") -> str:
    return in_sentence(endpoint.title.removeprefix(_INCIDENCE))


def _competing_event(term: str, endpoint: "Endpoint") -> str:
    others = [_own_event(endpoint), *(term_words(other) for other in endpoint.competing if other != term)]
    without = f"{term} without {listed(others, 'or')}"
    return without if term == "death" and len(without) <= _LONGEST else term_words(term)


_LONGEST: Final = 48
_LONGEST_ORIGIN: Final = 52  # what an axis holds: a remission is not the day zero of the other figures


def origin_label(endpoint: "Endpoint | None") -> str:
    """Name the day from which an endpoint counts, ``day zero`` where its name would be too long for an axis."""
    words = printable(term_words(endpoint.origin)) if endpoint is not None else ""
    return words if 0 < len(words) <= _LONGEST_ORIGIN else "day zero"
