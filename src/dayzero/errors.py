"""What can be wrong: faults that stop the run, and findings that are reported beside its results.

::

    DayzeroError          anything dayzero raises on purpose; ``exit_code`` is the command line's
    ├── InputError        a file, a setting or an argument cannot be used (exit code 2)
    └── InternalError     a law of the engine is broken: a bug (exit code 3)

Neither an error nor a finding ever carries a patient's value: rows, columns and names of faults only.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Level = Literal["error", "warning", "note"]


class DayzeroError(Exception):
    """Base of everything that dayzero raises on purpose."""

    exit_code: ClassVar[int] = 3


class InputError(DayzeroError):
    """The input cannot be used; printed as one line that says where, what, and how to mend it.

    Parameters
    ----------
    fault
        What is wrong, without the value itself.
    mend
        What the user can do about it.
    file, row, column
        Where it is; ``row`` counts from 1 and includes the header, as a spreadsheet shows it.

    Examples
    --------
    >>> print(InputError("not a date", mend="Write it as 2021-03-25.", file="events.csv", row=12, column="date"))
    events.csv, row 12, column date: not a date. Write it as 2021-03-25.
    """

    exit_code: ClassVar[int] = 2

    def __init__(
        self, fault: str, *, mend: str, file: str = "", row: int | None = None, column: str | None = None
    ) -> None:
        self.fault, self.mend, self.file, self.row, self.column = fault, mend, file, row, column
        super().__init__(fault)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error come back from another process."""
        return _input_error, (self.fault, self.mend, self.file, self.row, self.column)

    def __str__(self) -> str:
        """Return the one line."""
        places = [self.file] if self.file else []
        places += [f"row {self.row}"] if self.row is not None else []
        places += [f"column {self.column}"] if self.column else []
        where = ", ".join(places)
        line = f"{where}: {self.fault}. {self.mend}" if where else f"{self.fault}. {self.mend}"
        return " ".join(line.split())


def _input_error(fault: str, mend: str, file: str, row: int | None, column: str | None) -> InputError:
    return InputError(fault, mend=mend, file=file, row=row, column=column)


class InternalError(DayzeroError):
    """A law of the engine does not hold: a bug in dayzero, not in the data."""


@dataclass(frozen=True)
class Finding:
    """Something about the data that a reader of the results must know.

    Attributes
    ----------
    level
        ``error``: the data must be mended (exit code 1); ``warning``: look at it; ``note``: for the record.
    code
        The finding's name, for example ``event-after-death``.
    message
        One sentence: what was found and what the analysis does about it.
    mend
        What to do.
    table
        The file in which it stands, as named in the study file.
    rows
        Row numbers in that file, the header being row 1.
    patient_rows
        Row numbers in the patients file of the patients concerned.
    column
        Header of the column in which it stands, where it is one.
    """

    level: Level
    code: str
    message: str
    mend: str = ""
    table: str = ""
    rows: tuple[int, ...] = ()
    patient_rows: tuple[int, ...] = ()
    column: str = ""
