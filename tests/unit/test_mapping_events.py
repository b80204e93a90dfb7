"""Wide to long: which rows of a sheet are events, and what stands beside them."""

import pytest

from dayzero.errors import InputError
from sheets import Cell, as_text, found, mapped, one_sheet, rows_of, sheet

HEAD: list[Cell] = ["ID", "Date", "Yes", "Value", "Name", "N"]
Rows = list[list[Cell]]


def events(keys: str, rows: Rows, *columns: str, map_keys: str = "") -> list[tuple[str | None, ...]]:
    return rows_of(mapped(one_sheet(events=keys, map_keys=map_keys), sheet([HEAD, *rows])).events.frame, *columns)


def codes(keys: str, rows: Rows, map_keys: str = "") -> dict[str, tuple[tuple[int, ...], str]]:
    result = mapped(one_sheet(events=keys, map_keys=map_keys), sheet([HEAD, *rows]))
    return {code: (finding.rows, finding.column) for code, finding in found(result).items()}


INFUSION = 'event = "infusion"\ndate = "Date"'


def test_an_event_happened_where_it_has_a_date() -> None:
    rows: Rows = [[1, "2021-03-05"], [2, None], [1, "2021-06-05"]]
    assert events(INFUSION, rows, "patient", "event", "date") == [
        ("1", "infusion", "2021-03-05"),
        ("1", "infusion", "2021-06-05"),
    ]


def test_value_number_unit_and_attributes_stand_beside_it() -> None:
    keys = INFUSION + (
        '\nnumber = 2\nvalue = { column = "Value", unit = "%", to = "fraction" }\nunit = { text = "fraction" }\n'
        'attributes = { product = { text = "A" }, kind = { column = "Name", codes = { "x" = "fresh" } } }'
    )
    got = events(keys, [[1, "2021-03-05", None, 50, "x"]], "number", "value", "unit", "product", "kind")
    assert got == [("2", "0.5", "fraction", "A", "fresh")]


def test_a_number_from_a_column() -> None:
    keys = INFUSION + '\nnumber = "N"'
    rows: Rows = [[1, "2021-03-05", None, None, None, "１"], [1, "2021-04-05", None, None, None, "first"]]
    assert events(keys, rows, "number") == [("1",), (None,)]
    assert codes(keys, rows) == {"not-a-whole-number": ((3,), "F (N)")}


def test_a_fixed_value_is_written_as_text() -> None:
    keys = 'event = "response"\ndate = "Date"\nvalue = { text = "CR" }'
    assert events(keys, [[1, "2021-03-05"]], "event", "value") == [("response", "CR")]


def test_where_a_column_says_so_it_happened_dated_or_not() -> None:
    keys = 'event = "relapse"\ndate = "Date"\nwhen = { column = "Yes", is = ["yes", "1"] }'
    rows: Rows = [[1, "2021-03-05", "yes"], [2, None, 1], [3, None, "no"], [4, "2021-03-05", "no"], [5, "2021-03-05"]]
    assert events(keys, rows, "patient", "date") == [("1", "2021-03-05"), ("2", None)]
    assert codes(keys, rows) == {"date-without-event": ((5, 6), "B (Date)")}


def test_a_column_of_names() -> None:
    keys = 'event = { column = "Name", codes = { "移植" = "hsct", "dead" = "death", "visit" = "" } }\ndate = "Date"'
    rows: Rows = [
        [1, "2021-03-05", None, None, "移植"],
        [1, None, None, None, "dead"],
        [1, "2021-03-07", None, None, "visit"],
        [1, "2021-03-08", None, None, "DLI"],
        [1, "2021-03-09"],
    ]
    assert events(keys, rows, "event", "date") == [("hsct", "2021-03-05"), ("death", None)]
    assert codes(keys, rows) == {"event-not-coded": ((5,), "E (Name)"), "date-without-event": ((6,), "B (Date)")}


def test_a_column_of_names_as_the_contract_has_them() -> None:
    keys = 'event = { column = "Name" }\ndate = "Date"'
    rows: Rows = [[1, "2021-03-05", None, None, "hsct"], [1, "2021-03-05", None, None, "party"]]
    assert events(keys, rows, "event") == [("hsct",)]
    assert codes(keys, rows) == {"event-not-known": ((3,), "E (Name)")}


def test_a_date_that_cannot_be_read_leaves_an_event_without_a_date() -> None:
    rows: Rows = [[1, "令和3年5月1日"], [2, "soon"], [3, "#REF!"], [4, 44280], [5, "5.3.2021"], [6, "2021-03"]]
    assert events(INFUSION, rows, "date") == [(None,), (None,), (None,), (None,), (None,), ("2021-03",)]
    assert codes(INFUSION, rows) == {
        "japanese-era": ((2,), "B (Date)"),
        "not-a-date": ((3,), "B (Date)"),
        "error-cell": ((4,), "B (Date)"),
        "date-is-a-number": ((5,), "B (Date)"),
        "date-order-not-declared": ((6,), "B (Date)"),
    }


def test_a_missing_text_is_no_date() -> None:
    assert events(INFUSION, [[1, "unknown"], [2, "2021-03-05"]], "patient", map_keys='missing = ["unknown"]') == [
        ("2",)
    ]


def test_a_value_without_a_date_is_named() -> None:
    keys = 'event = "crs"\ndate = "Date"\nvalue = "Value"'
    rows: Rows = [[1, None, None, 2], [2, "2021-03-05", None, None]]
    assert events(keys, rows, "patient", "value") == [("2", None)]
    assert codes(keys, rows) == {"value-without-date": ((2,), "D (Value)")}


def test_faults_beside_what_did_not_happen_are_left_alone() -> None:
    keys = 'event = "crs"\ndate = "Date"\nattributes = { a = { column = "Value", codes = { "1" = "x" } } }'
    assert codes(keys, [[1, None, None, "??"], [2, "2021-03-05", None, 1]]) == {}


def test_days_instead_of_dates() -> None:
    keys = 'event = "infusion"\nday = "N"'
    assert events(keys, [[1, None, None, None, None, as_text("-3.5")]], "day") == [("-3.5",)]
    months = 'event = "infusion"\nday = { column = "N", unit = "months" }'
    assert events(months, [[1, None, None, None, None, 2]], "day") == [("60.875",)]
    rows: Rows = [[1, None, None, None, None, "late"]]
    assert events(keys, rows, "day") == [(None,)]
    assert codes(keys, rows) == {"not-a-number": ((2,), "F (N)")}


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ('event = "infusion"', "neither date nor day"),
        ('event = "infusion"\ndate = "Date"\nday = "N"', "both date and day"),
        ('event = "infusin"\ndate = "Date"', "Did you mean 'infusion'"),
        ('event = { column = "Name", codes = { a = "hsctt" } }\ndate = "Date"', "Did you mean 'hsct'"),
        (INFUSION + "\nnumber = -1", "less than 1"),
        (INFUSION + '\nattributes = { value = "Value" }', "may not be used here"),
        (INFUSION + '\nwhen = { column = "Yess", is = ["yes"] }', "Did you mean 'Yes'"),
        (INFUSION + '\nvalues = "Value"', "Did you mean 'value'"),
        (INFUSION + '\n[[map.sheet.events]]\nevent = "hsct"\nday = "N"', "a day, but events before have a date"),
    ],
)
def test_an_entry_that_cannot_be_used(keys: str, fault: str) -> None:
    with pytest.raises(InputError, match=r"^study\.toml, row \d+, column map\.sheet\.0") as refused:
        mapped(one_sheet(events=keys), sheet([HEAD, [1]]))
    assert fault in str(refused.value)


def test_a_mapping_without_events_or_sheets() -> None:
    with pytest.raises(InputError, match="no events"):
        mapped(one_sheet().partition("[[map.sheet.events]]")[0], sheet([HEAD, [1]]))
    with pytest.raises(InputError, match="no sheet is mapped"):
        mapped('decimal = ","', sheet([HEAD, [1]]))


SECOND = """
[[map.sheet]]
file = "cohort.xlsx"
sheet = "Second"
patient = "ID"
[[map.sheet.events]]
event = {event}
date = "Date"
value = "Value"
"""


def two(event: str, first: Rows, second: Rows) -> tuple[list[tuple[str | None, ...]], list[tuple[str, str, int]]]:
    """Return the rows of two sheets that tell of one event, and (level, code, number of rows) of the findings."""
    entry = f'event = "{event}"\ndate = "Date"\nvalue = "Value"'
    keys = one_sheet(events=entry) + SECOND.format(event=f'"{event}"')
    result = mapped(keys, sheet([HEAD, *first]), sheet([HEAD, *second], "Second"))
    rows = rows_of(result.events.frame, "patient", "date", "value")
    return rows, [(finding.level, finding.code, len(finding.rows)) for finding in result.findings]


def row(patient: int, date: str | None, value: Cell = None) -> list[Cell]:
    return [patient, date, None, value]


def test_one_event_in_two_sheets_counts_once() -> None:
    rows, notes = two("relapse", [row(1, "2021-03-05", "a")], [row(1, "2021-03-05", "a")])
    assert rows == [("1", "2021-03-05", "a")]
    assert notes == [("note", "event-twice", 1)]


def test_what_only_the_other_sheet_knows_is_filled_in() -> None:
    rows, notes = two("death", [row(1, "2021-03-05")], [row(1, "2021-03-05", "infection")])
    assert rows == [("1", "2021-03-05", "infection")]
    assert notes == [("note", "event-twice", 1)]


def test_two_values_on_one_day_both_stay() -> None:
    rows, notes = two("response", [row(1, "2021-03-05", "CR")], [row(1, "2021-03-05", "PR")])
    assert len(rows) == 2
    assert notes == []


def test_two_equal_rows_of_a_sheet_count_once() -> None:
    rows, notes = two("infection", [row(1, "2021-03-05"), row(1, "2021-03-05")], [row(2, None)])
    assert rows == [("1", "2021-03-05", None)]
    assert ("note", "event-twice", 1) in notes


def test_one_event_on_two_dates_in_two_sheets() -> None:
    rows, notes = two("relapse", [row(1, "2021-03-05")], [row(1, "2021-04-05")])
    assert rows == [("1", "2021-03-05", None), ("1", "2021-04-05", None)]
    assert notes == [("warning", "event-on-two-dates", 1), ("warning", "event-on-two-dates", 1)]


@pytest.mark.parametrize("event", ["last_contact", "response", "mrd"])
def test_visits_may_well_have_two_dates(event: str) -> None:
    assert two(event, [row(1, "2021-03-05", 0)], [row(1, "2021-04-05", 0)])[1] == []


def test_nobody_dies_twice() -> None:
    rows, notes = two("death", [row(1, "2021-03-05")], [row(1, "2021-04-05")])
    assert rows == [("1", "2021-03-05", None)]
    assert notes == [("error", "event-on-two-dates", 1), ("error", "event-on-two-dates", 1)]


def test_the_fuller_date_of_a_death_counts() -> None:
    rows, notes = two("death", [row(1, "2021-03")], [row(1, "2021-03-05")])
    assert rows == [("1", "2021-03-05", None)]
    assert notes == []
    assert two("death", [row(1, "2021-04")], [row(1, "2021-03-05")])[1][0][:2] == ("error", "event-on-two-dates")


def test_the_same_event_numbered_is_two_events() -> None:
    rows: Rows = [[1, "2021-03-05", None, "2021-06-05"]]
    keys = INFUSION + '\nnumber = 1\n[[map.sheet.events]]\nevent = "infusion"\ndate = "Value"\nnumber = 2'
    assert events(keys, rows, "date", "number") == [("2021-03-05", "1"), ("2021-06-05", "2")]
    assert codes(keys, rows) == {}


def test_every_row_knows_where_it_stands() -> None:
    result = mapped(one_sheet(events=INFUSION), sheet([HEAD, [1, None], [2, "2021-03-05"]], first_row=7))
    assert result.event_places.rows() == [("cohort.xlsx, sheet Patients", 9, "B (Date)", 3, False)]
    assert result.patient_places["row"].to_list() == [8, 9]


def test_no_finding_carries_a_value() -> None:
    rows: Rows = [["P77", "令和3年5月1日", "secret", "secret", "secret", "secret"]]
    keys = 'event = { column = "Name" }\ndate = "Date"\nvalue = "Value"\nwhen = { column = "Yes", is = ["y"] }'
    result = mapped(one_sheet('v = { column = "Value", unit = "lb", to = "kg" }', keys), sheet([HEAD, *rows]))
    assert result.findings
    for finding in result.findings:
        text = f"{finding.message} {finding.mend} {finding.table} {finding.column}"
        assert not any(word in text for word in ("secret", "P77", "令和"))
