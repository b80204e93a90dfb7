"""Bedside tables: typed columns of a table of text, in the order of patients, courses and times.

A cell that cannot be read stops the reading: file, row, column and fault, never the value. An empty cell, or a column
that is not there, is unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.grading.truth import Floats, Truth, unknown

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]

FLAGS: Final = {"true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0}
UNKNOWN: Final = -1


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes
    ----------
    kind
        ``number``, ``flag`` (true, false, yes, no, 1, 0) or ``choice``.
    choices
        The words of a choice, from mild to severe; read without regard to case, blanks and hyphens as ``_``.
    also
        Other spellings of a choice, and what each means.
    lowest, highest
        A number outside them is an error.
    whole
        Whether a number must be whole.
    """

    kind: Literal["number", "flag", "choice"]
    choices: tuple[str, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)
    lowest: float = -np.inf
    highest: float = np.inf
    whole: bool = False


@dataclass(frozen=True)
class Bedside:
    """A bedside table as read; its rows lie together by patient and course, in the order of time.

    Attributes
    ----------
    patients, courses
        (groups,) identifier and course, in the order of the file.
    starts
        (groups,) first row of each.
    order
        (rows,) where each row stood in the frame.
    time
        (rows,) hours (from 1970-01-01 where the table has dates); NaN where unknown.
    written
        (frame's rows,) the column of times as it is, in the order of the frame.
    cells
        By column that is there: (rows,) numbers, NaN where unknown; of flags and choices codes, -1 where unknown.
    columns
        What the columns hold.
    """

    patients: pl.Series
    courses: Ints
    starts: Ints
    order: Ints
    time: Floats
    written: pl.Series
    cells: Mapping[str, Floats | Codes]
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.order)

    @property
    def lengths(self) -> Ints:
        """Return how many rows each patient and course has."""
        return np.diff(np.append(self.starts, len(self)))

    @property
    def group(self) -> Ints:
        """Return the number of each row's patient and course."""
        return np.repeat(np.arange(len(self.starts)), self.lengths)

    def number(self, name: str) -> Floats:
        """Return the numbers of a column; NaN where unknown."""
        cells = self.cells.get(name)
        return np.full(len(self), np.nan) if cells is None else np.asarray(cells, float)

    def flag(self, name: str) -> Truth:
        """Return whether a flag is set."""
        return self.is_any(name, "true")

    def is_any(self, name: str, *words: str) -> Truth:
        """Return whether a choice is one of the words."""
        cells = self.cells.get(name)
        if cells is None:
            return unknown(len(self))
        choices = ("false", "true") if self.columns[name].kind == "flag" else self.columns[name].choices
        yes = np.isin(cells, [choices.index(word) for word in words])
        return Truth(yes, ~yes & (cells != UNKNOWN))

    def missing(self, name: str) -> npt.NDArray[np.bool_]:
        """Return the rows on which a column is unknown."""
        cells = self.cells.get(name)
        if cells is None:
            return np.ones(len(self), bool)
        return np.isnan(cells) if self.columns[name].kind == "number" else cells == UNKNOWN

    def time_of(self, rows: Ints) -> list[str]:
        """Return the times of rows as written; empty where unknown."""
        return ["" if time is None else str(time).strip() for time in self.written.gather(self.order[rows])]


def read_bedside(
    frame: pl.DataFrame,
    columns: Mapping[str, Column],
    *,
    file: str = "the table",
    rows: Ints | None = None,
    time: str = "time",
) -> Bedside:
    """Read a table of text.

    Parameters
    ----------
    frame
        (rows, columns) text, null where empty; columns that are already numbers or Boolean are taken as they are.
    columns
        What is read besides ``patient``, ``course`` (a whole number, 1 where absent) and the time.
    file, rows
        The file's name, and the row of each row in it, for messages.
    time
        The column of times: hours, or ISO dates with or without a time of day. Rows without a time come last.

    Raises
    ------
    InputError
        Where there is no column of patients, or a cell cannot be read.
    """
    source = _Source(frame, file, np.arange(2, frame.height + 2) if rows is None else rows)
    patient = source.identifiers()
    source.check_names((*columns, "patient", "course", time))
    if patient.null_count():
        raise source.fault("no identifier", "Give every row a patient.", patient.is_null(), "patient")
    course = source.course()
    hours = source.times(time)
    distinct = patient.unique(maintain_order=True)
    stride = int(course.max(initial=1)) + 1
    key = _places(patient, distinct) * np.int64(stride) + course
    sorted_ = _is_sorted(key, hours)
    order = np.arange(len(key)) if sorted_ else np.lexsort((hours, key))
    key = key if sorted_ else key[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1)) if len(key) else key
    heads = key[starts]
    del key
    cells = {name: source.cells(name, what) for name, what in columns.items() if name in frame.columns}
    return Bedside(
        patients=distinct.gather(heads // stride).cast(pl.String),
        courses=heads % stride,
        starts=starts,
        order=order,
        time=hours if sorted_ else hours[order],
        written=frame[time] if time in frame.columns else source.text(time),
        cells=cells if sorted_ else {name: values[order] for name, values in cells.items()},
        columns=columns,
    )


def _places(patient: pl.Series, distinct: pl.Series) -> Ints:
    if patient.dtype == pl.String:
        return patient.cast(pl.Enum(distinct)).to_physical().to_numpy()
    return patient.replace_strict(distinct, range(len(distinct)), return_dtype=pl.Int32).to_numpy()


def _is_sorted(key: Ints, hours: Floats) -> bool:
    """Return whether the rows lie by key and hour; NaN last, which a comparison denies unless it stands alone."""
    step = np.diff(key)
    return bool(np.all((step > 0) | ((step == 0) & (np.diff(hours) >= 0))))


@dataclass(frozen=True)
class _Source:
    frame: pl.DataFrame
    file: str
    rows: Ints

    def fault(self, what: str, mend: str, where: pl.Series, column: str) -> InputError:
        row = int(self.rows[int(where.arg_max() or 0)])
        return InputError(what, mend=mend, file=self.file, row=row, column=column)

    def text(self, name: str, *, required: bool = False) -> pl.Series:
        if name in self.frame.columns:
            return self.frame[name].cast(pl.String)
        if required:
            raise InputError(f"no column {name!r}", mend="Add it.", file=self.file, row=1)
        return pl.Series(name, [None], dtype=pl.String).new_from_index(0, self.frame.height)

    def identifiers(self) -> pl.Series:
        """Return the patients: whole numbers as they are (they take less room), all else as text."""
        whole = self.frame.schema.get("patient", pl.String()).is_integer()
        return self.frame["patient"] if whole else self.text("patient", required=True)

    def check_names(self, known: Sequence[str]) -> None:
        """Stop at a column that looks like a known one that is not there: it would be unknown without a word."""
        absent = [name for name in known if name not in self.frame.columns]
        for name in self.frame.columns:
            near = [] if name in known else get_close_matches(name.strip().lower(), absent, 1, 0.85)
            if near:
                mend = f"Name it {near[0]!r}, or rename it further."
                raise InputError(f"a column {name!r} that is not known", mend=mend, file=self.file, row=1)

    def course(self) -> Ints:
        what = Column("number", lowest=1, highest=1000, whole=True)
        if "course" not in self.frame.columns:
            return np.broadcast_to(np.int64(1), self.frame.height)
        numbers = self.cells("course", what)
        return np.where(np.isnan(numbers), 1, numbers).astype(np.int64)

    def times(self, name: str) -> Floats:
        if name not in self.frame.columns:
            return np.full(self.frame.height, np.nan)
        column = self.frame[name]
        if column.dtype.is_numeric():
            return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        column = column.cast(pl.String)
        hours = column.cast(pl.Float64, strict=False)
        if hours.null_count() == column.null_count() and hours.is_finite().all():
            return hours.fill_null(float("nan")).to_numpy()
        text = column.str.strip_chars()
        text = text.set(text == "", None)
        hours = text.cast(pl.Float64, strict=False)
        if hours.null_count() == text.null_count() and not (hours.is_infinite() | hours.is_nan()).any():
            return hours.fill_null(float("nan")).to_numpy()
        return self._dates(text, name, hours.is_finite().fill_null(value=False))

    def _dates(self, text: pl.Series, name: str, number: pl.Series) -> Floats:
        whole = text.str.replace(" ", "T").str.replace(r"^(\d{4}-\d{2}-\d{2})$", "${1}T00:00")
        stamps = whole.str.to_datetime("%Y-%m-%dT%H:%M", strict=False, time_unit="us")
        stamps = stamps.zip_with(stamps.is_not_null(), whole.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False))
        wrong = stamps.is_null() & text.is_not_null()
        if wrong.any():
            mend = "Write hours as numbers, or 2021-03-25T14:30, in the whole column alike."
            raise self.fault("not a time", mend, wrong & ~number if (wrong & ~number).any() else wrong, name)
        hours = stamps.cast(pl.Int64).cast(pl.Float64) / 3.6e9
        return hours.fill_null(float("nan")).to_numpy()

    def cells(self, name: str, what: Column) -> Floats | Codes:
        if what.kind == "number":
            return self._numbers(name, what)
        words = FLAGS if what.kind == "flag" else {word: code for code, word in enumerate(what.choices)}
        words = words | {other: words[word] for other, word in what.also.items()}
        column = self.frame[name]
        if column.dtype == pl.Boolean and what.kind == "flag":
            return column.cast(pl.Int8).fill_null(UNKNOWN).to_numpy()
        text = column.cast(pl.String)
        distinct = text.unique()
        plain = distinct.str.strip_chars().str.to_lowercase().str.replace_all(r"[\s-]+", "_")
        plain = plain.set(plain == "", None)
        codes = plain.replace_strict(words, default=None, return_dtype=pl.Int8)
        wrong = distinct.filter(codes.is_null() & plain.is_not_null())
        if len(wrong):
            allowed = ", ".join(words if what.kind == "flag" else what.choices)
            where = text.is_in(wrong.implode()).fill_null(value=False)
            raise self.fault("not a word that is known", f"Write one of {allowed}, or leave it empty.", where, name)
        found = text.replace_strict(distinct, codes, default=None, return_dtype=pl.Int8)
        return found.fill_null(UNKNOWN).to_numpy()

    def _numbers(self, name: str, what: Column) -> Floats:
        column = self.frame[name]
        numbers = column.cast(pl.Float64, strict=False)
        if column.dtype == pl.String and (numbers.null_count() > column.null_count() or not numbers.is_finite().all()):
            numbers = self._numbers_of_text(column.str.strip_chars(), name)
        strange = ((numbers < what.lowest) | (numbers > what.highest)).fill_null(value=False)
        if strange.any():
            raise self.fault(
                f"not between {what.lowest:g} and {what.highest:g}", "Correct the number or its unit.", strange, name
            )
        if what.whole and (broken := (numbers != numbers.round()).fill_null(value=False)).any():
            raise self.fault("not a whole number", "Write 0, 1, 2, ... or leave the cell empty.", broken, name)
        return numbers.fill_null(float("nan")).to_numpy()

    def _numbers_of_text(self, text: pl.Series, name: str) -> pl.Series:
        numbers = text.cast(pl.Float64, strict=False)
        wrong = (numbers.is_null() & text.is_not_null() & (text != "")) | ~numbers.is_finite()
        if (wrong := wrong.fill_null(value=False)).any():
            raise self.fault("not a number", "Write a number, or leave the cell empty.", wrong, name)
        return numbers
