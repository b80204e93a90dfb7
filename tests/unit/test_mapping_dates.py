"""Dates as hospitals write them: read by what is declared, refused where it is not certain, never completed."""

import pytest

from dayzero.io.grid import DATE, NUMBER, TEXT
from dayzero.io.mapping.dates import Refused, read_date
from dayzero.io.mapping.settings import MapSettings

NOTHING = MapSettings()
DMY = MapSettings(date_order="dmy")
MDY = MapSettings(date_order="mdy")
YMD = MapSettings(date_order="ymd")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2021-03-05", "2021-03-05"),
        ("2021/3/5", "2021-03-05"),
        ("2021.3.5", "2021-03-05"),
        ("2021年3月5日", "2021-03-05"),
        ("2021 年 3 月 5 日", "2021-03-05"),
        ("２０２１／０３／０５", "2021-03-05"),
        ("2021-03-05T14:30:00", "2021-03-05T14:30:00"),
        ("2021-03-05 9:05", "2021-03-05T09:05"),
        ("5 Mar 2021", "2021-03-05"),
        ("05-MAR-2021", "2021-03-05"),
        ("March 5, 2021", "2021-03-05"),
    ],
)
@pytest.mark.parametrize("settings", [NOTHING, DMY, MDY, YMD])
def test_a_date_that_can_mean_one_day_needs_no_declaration(text: str, iso: str, settings: MapSettings) -> None:
    assert read_date(text, TEXT, settings) == iso


def test_a_date_cell_is_its_day() -> None:
    assert read_date("2021-03-05T14:30:00", DATE, NOTHING) == "2021-03-05T14:30:00"


@pytest.mark.parametrize(
    ("text", "dmy", "mdy"),
    [
        ("03.04.2021", "2021-04-03", "2021-03-04"),
        ("3/4/2021", "2021-04-03", "2021-03-04"),
        ("03-04-2021", "2021-04-03", "2021-03-04"),
        ("03042021", "2021-04-03", "2021-03-04"),
        ("03.04.2021 14:30", "2021-04-03T14:30", "2021-03-04T14:30"),
    ],
)
def test_the_declared_order_decides(text: str, dmy: str, mdy: str) -> None:
    assert read_date(text, TEXT, DMY) == dmy
    assert read_date(text, TEXT, MDY) == mdy
    assert read_date(text, TEXT, NOTHING) == Refused("date-order-not-declared")


def test_even_a_day_above_twelve_is_not_taken_for_the_order() -> None:
    assert read_date("25.03.2021", TEXT, NOTHING) == Refused("date-order-not-declared")
    assert read_date("25.03.2021", TEXT, YMD) == Refused("date-in-another-order")
    assert read_date("25.03.2021", TEXT, MDY) == "2021-25-03"  # no calendar has it: reading the history says so


def test_years_of_two_digits_need_a_century() -> None:
    century = MapSettings(date_order="dmy", century=2000)
    assert read_date("03.04.21", TEXT, DMY) == Refused("two-digit-year")
    assert read_date("3-Apr-21", TEXT, DMY) == Refused("two-digit-year")
    assert read_date("03.04.21", TEXT, century) == "2021-04-03"
    assert read_date("3-Apr-21", TEXT, century) == "2021-04-03"
    assert read_date("21/4/3", TEXT, MapSettings(date_order="ymd", century=2000)) == "2021-04-03"


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        ("2021", "2021"),
        ("2021年", "2021"),
        ("2021-03", "2021-03"),
        ("2021/3", "2021-03"),
        ("2021年3月", "2021-03"),
        ("03/2021", "2021-03"),
        ("Mar 2021", "2021-03"),
        ("2021-03-XX", "2021-03"),
        ("2021-03-00", "2021-03"),
        ("2021-XX-XX", "2021"),
        ("XX.03.2021", "2021-03"),
        ("??.??.2021", "2021"),
        ("UN-MAR-2021", "2021-03"),
    ],
)
def test_a_partial_date_keeps_its_precision(text: str, partial: str) -> None:
    assert read_date(text, TEXT, DMY) == partial


@pytest.mark.parametrize("kind", [NUMBER, TEXT])
def test_a_bare_number_is_a_date_only_with_an_epoch(kind: int) -> None:
    """44280 is 25 March 2021 in Excel's calendar of 1900; the same day is 42818 in that of 1904."""
    assert read_date("44280", kind, DMY) == Refused("date-is-a-number")
    assert read_date("44280", kind, MapSettings(serial="1900")) == "2021-03-25"
    assert read_date("44280.75", kind, MapSettings(serial="1900")) == "2021-03-25"
    assert read_date("42818", kind, MapSettings(serial="1904")) == "2021-03-25"
    assert read_date("60", kind, MapSettings(serial="1900")) == Refused("date-is-a-number")  # 29 February 1900
    assert read_date("61", kind, MapSettings(serial="1900")) == "1900-03-01"


def test_a_number_that_is_a_year_is_a_year() -> None:
    assert read_date("2021", NUMBER, MapSettings(serial="1900")) == "2021"


@pytest.mark.parametrize(
    "text", ["令和3年5月1日", "平成 30 年 1 月 2 日", "R3.5.1", "H30/1/2", "㍻3年5月", "Ｒ３．５．１"]
)
def test_an_era_is_refused(text: str) -> None:
    assert read_date(text, TEXT, DMY) == Refused("japanese-era")


@pytest.mark.parametrize(
    "text", ["soon", "14:30:00", "1021-03-04", "25032503", "2021-03-05 or 06", "21-03", "-", "May", "2021-3-", "３月"]
)
def test_anything_else_is_no_date(text: str) -> None:
    assert read_date(text, TEXT, DMY) == Refused("not-a-date")
