"""A treatment as data: an event, and the state of the disease in which it counts."""

from dataclasses import dataclass

from dayzero.errors import InputError
from dayzero.protocol.term import parse_term


@dataclass(frozen=True)
class Treatment:
    """An event that counts as the treatment only in a state: a transplant after relapse is another treatment.

    Attributes
    ----------
    event
        The term of the treatment.
    while_
        A term that must hold on the treatment's day (``while`` in a study file): one with conditions, as
        ``response=CR|CRi``, holds where the last event of its name meets them; one without holds where it has
        happened. Empty: in any state.
    before
        Terms of which none may have happened from day zero to the treatment's day.

    Examples
    --------
    >>> Treatment("hsct", "response=CR|CRi", ("relapse",)).is_plain, as_treatment("hsct").is_plain
    (False, True)
    """

    event: str
    while_: str = ""
    before: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is not a term; a list becomes a tuple."""
        object.__setattr__(self, "before", tuple(self.before))
        for key, texts in (
            ("event", (self.event,)),
            ("while", (self.while_,) * bool(self.while_)),
            ("before", self.before),
        ):
            _parse(texts, key)

    @property
    def is_plain(self) -> bool:
        """Whether the treatment counts in any state."""
        return not self.while_ and not self.before

    @property
    def terms(self) -> tuple[str, ...]:
        """Every term, as written."""
        return (self.event, *filter(None, (self.while_,)), *self.before)


def as_treatment(treatment: str | Treatment) -> Treatment:
    """Return a treatment; a term alone is one that counts in any state."""
    return Treatment(treatment) if isinstance(treatment, str) else treatment


def _parse(texts: tuple[str, ...], key: str) -> None:
    for text in texts:
        try:
            parse_term(text)
        except InputError as error:
            raise InputError(error.fault, mend=error.mend, column=key) from None
