"""What a grader returns: one result a patient and course, with its reasons."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

DISCLAIMER: Final = "For study reporting; not for treatment decisions; not a medical device."


@dataclass(frozen=True)
class Graded:
    """The highest grade of one patient in one course.

    Attributes
    ----------
    patient, course
        Whose; the course is the number of the infusion or transplant.
    grade
        The grade, or None where the bounds differ.
    lower, upper
        The grade of every completion of what is missing lies between them.
    evaluable
        Whether the grade is certain.
    scale
        The edition, as the command names it.
    drivers
        What set the lower bound.
    missing
        Columns without which the upper bound could not be lowered.
    findings
        Codes of what a reader must know.
    assumptions
        Codes of what was assumed.
    time
        Of the first row with the lower bound, as written; empty where it is 0.
    extra
        Further fields of one grader: printed beside the others.
    """

    patient: str
    course: int
    lower: int
    upper: int
    scale: str
    drivers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    time: str = ""
    extra: tuple[tuple[str, Any], ...] = ()

    @property
    def grade(self) -> int | None:
        """Return the grade, or None where the bounds differ."""
        return self.lower if self.evaluable else None

    @property
    def evaluable(self) -> bool:
        """Return whether the grade is certain."""
        return self.lower == self.upper


def to_row(graded: Graded) -> dict[str, Any]:
    """Return the result as the output contract names it.

    Examples
    --------
    >>> row = to_row(Graded("P1", 1, 2, 3, "astct-2019", missing=("o2_flow_l_min",)))
    >>> row["grade"], row["evaluable"], row["missing"]
    (None, False, ['o2_flow_l_min'])
    """
    fields = asdict(graded)
    extra = dict(fields.pop("extra"))
    lists = {name: list(value) for name, value in fields.items() if isinstance(value, tuple)}
    head = {"patient": graded.patient, "course": graded.course, "grade": graded.grade}
    return head | fields | lists | {"evaluable": graded.evaluable} | extra


def to_json(results: Sequence[Graded]) -> str:
    """Return the results as a JSON list, one object a patient and course."""
    rows = ",\n ".join(json.dumps(to_row(result), ensure_ascii=False, allow_nan=False) for result in results)
    return f"[{rows}]\n"


def to_text(results: Sequence[Graded]) -> str:
    r"""Return the results as lines, one a patient and course and scale; columns are separated by tabs.

    Examples
    --------
    >>> text = to_text([Graded("P1", 1, 2, 3, "astct-2019", missing=("o2_flow_l_min",))])
    >>> print(text.replace("\t", " "), end="")
    patient course scale grade drivers missing findings assumptions
    P1 1 astct-2019 2-3 - o2_flow_l_min - -
    """
    lists = ("drivers", "missing", "findings", "assumptions")
    lines: list[tuple[str, ...]] = [("patient", "course", "scale", "grade", *lists)]
    for one in results:
        grade = f"{one.lower}" if one.evaluable else f"{one.lower}-{one.upper}"
        words = (", ".join(getattr(one, name)) or "-" for name in lists)
        lines.append((_plain(one.patient), str(one.course), one.scale, grade, *words))
    return "".join("\t".join(line) + "\n" for line in lines)


def _plain(text: str) -> str:
    """Return text in one line that a terminal takes for text."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
