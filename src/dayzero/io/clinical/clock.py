"""When a row was: its day on the clock of the events, with a fraction where there is a time of day."""

from typing import Final

import polars as pl

from dayzero.io.clinical.headers import CLOCK
from dayzero.io.clinical.source import Source
from dayzero.io.partial_dates import PARTIAL
from dayzero.io.tables import DAYS_PER, DataSettings

_TIME: Final = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
_DATED: Final = rf"^(\d{{4}}-\d{{2}}-\d{{2}})(?:[T ]({_TIME})(?:Z|[+-]\d{{2}}:?\d{{2}})?)?$"
_CLOCK: Final = rf"^{_TIME}$"
_DATE_MEND: Final = "Write it as 2021-03-25, or 2021-03-25T14:30."


def row_days(source: Source, data: DataSettings, *, calendar: bool) -> pl.Series:
    """Return the day of every row; null where it is missing, partial, or no calendar has it.

    Parameters
    ----------
    source
        The table, with ``date`` or ``day``.
    data
        The unit of ``day``.
    calendar
        Whether the events have dates.

    Raises
    ------
    InputError
        Where there is no such column, it is not on the clock of the events, or a cell is no date or number.
    """
    has = [name for name in CLOCK if name in source.frame.columns]
    if len(has) != 1:
        fault = "both a column 'date' and a column 'day'" if has else "no column 'date' or 'day'"
        raise source.header_fault(fault, "Give every row a date or a day, as the events have.")
    return column_days(source, has[0], data, calendar=calendar)


def end_days(source: Source, data: DataSettings, *, calendar: bool) -> pl.Series:
    """Return the last day of every row; null where there is none."""
    has = [name for name in ("end_date", "end_day") if name in source.frame.columns]
    if len(has) > 1:
        raise source.header_fault("both a column 'end_date' and a column 'end_day'", "Keep one of them.")
    if not has:
        return pl.Series("end_day", [None], dtype=pl.Float64).new_from_index(0, len(source))
    return column_days(source, has[0], data, calendar=calendar).alias("end_day")


def column_days(source: Source, header: str, data: DataSettings, *, calendar: bool) -> pl.Series:
    """Return the days of a column of dates (``date``, ``end_date``) or days (``day``, ``end_day``)."""
    if header.endswith("date") != calendar:
        fault = f"the events have {'dates' if calendar else 'days'}, but here stands {header!r}"
        wanted = header.replace("day", "date") if calendar else header.replace("date", "day")
        raise source.header_fault(fault, f"Give the rows {wanted!r}, on the clock of the events.")
    text = source.text(header)
    return dated(source, text, header) if calendar else numbered(source, text, header) * DAYS_PER[data.time_unit]


def numbered(source: Source, text: pl.Series, header: str) -> pl.Series:
    """Return numbers; null where there are none."""
    numbers = text.cast(pl.Float64, strict=False)
    wrong = text.is_not_null() & ~numbers.is_finite().fill_null(value=False)
    if wrong.any():
        raise source.fault("not a number", "Write a number, or leave the cell empty.", wrong, header)
    return numbers


def dated(source: Source, text: pl.Series, header: str) -> pl.Series:
    """Return the days of ISO dates from 1970-01-01; each distinct text is parsed once.

    Times of day count as they are written: a time zone says nothing about the order of one hospital's clock.
    """
    distinct = text.drop_nulls().unique()
    parts = distinct.str.extract_groups(_DATED).struct.unnest()
    dates = parts["1"].str.to_date("%Y-%m-%d", strict=False)
    days = dates.cast(pl.Int64).cast(pl.Float64) + time_of_day(parts["2"]).fill_null(0.0)
    strange = parts["1"].is_null() & ~distinct.str.contains(PARTIAL)
    strange |= parts["2"].is_not_null() & time_of_day(parts["2"]).is_null()
    if strange.any():
        where = text.is_in(distinct.filter(strange).implode())
        raise source.fault("not a date", _DATE_MEND, where, header)
    return text.replace_strict(distinct, days, default=None, return_dtype=pl.Float64).alias("day")


def time_of_day(text: pl.Series) -> pl.Series:
    """Return times of day as fractions of a day; null where there is none, or the clock does not have it.

    Examples
    --------
    >>> time_of_day(pl.Series(["12:00", "06:30:30", "24:00", None])).to_list()
    [0.5, 0.27118055555555554, 1.0, None]
    """
    groups = text.str.extract_groups(r"^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$").struct.unnest()
    hours, minutes, seconds = (groups[k].cast(pl.Float64) for k in "123")
    of_day = (hours * 3600 + minutes * 60 + seconds.fill_null(0.0)) / 86400
    return of_day.set((of_day > 1) | (minutes >= 60) | (seconds >= 60), None)


def bedside_days(source: Source, data: DataSettings, *, calendar: bool) -> pl.Series:
    """Return the day of every row of a bedside table.

    ``time`` is an ISO date with a time of day, or hours on the clock of the events' days; or a time of day beside
    ``date`` or ``day``.

    Raises
    ------
    InputError
        As ``row_days``, and where hours stand in a study with dates.
    """
    if not {"time", *CLOCK} & set(source.frame.columns):
        raise source.header_fault("no column 'time'", "Give every row a time, as 2021-03-25T14:30 or hours from day 0.")
    if "time" not in source.frame.columns:
        return row_days(source, data, calendar=calendar)
    text = source.text("time")
    distinct = text.drop_nulls().unique()
    if distinct.str.contains(_CLOCK).any():
        return _beside_date(source, text, row_days(source, data, calendar=calendar))
    if not distinct.cast(pl.Float64, strict=False).is_finite().any():
        if not calendar and len(distinct):
            raise source.header_fault("the events have days, but the times are dates", "Write hours from day 0.")
        return dated(source, text, "time")
    if calendar or "day" in source.frame.columns:
        fault = "the events have dates, but the times are hours" if calendar else "both days and times in hours"
        mend = "Write 2021-03-25T14:30." if calendar else "Keep one of the columns 'day' and 'time'."
        raise source.fault(fault, mend, text.cast(pl.Float64, strict=False).is_finite(), "time")
    return numbered(source, text, "time") / 24


def _beside_date(source: Source, text: pl.Series, day: pl.Series) -> pl.Series:
    of_day = time_of_day(text)
    wrong = text.is_not_null() & of_day.is_null()
    if wrong.any():
        raise source.fault("not a time of day", "Write it as 14:30.", wrong, "time")
    return (day.floor() + of_day.fill_null(0.0)).alias("day")


def after_cutoff(day: pl.Series, cutoff: float | None) -> pl.Series:
    """Return the rows after the cutoff, whose whole day still counts."""
    none = pl.Series([False]).new_from_index(0, len(day))
    return none if cutoff is None else (day.floor() > cutoff).fill_null(value=False)
