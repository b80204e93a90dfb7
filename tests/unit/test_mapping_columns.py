"""Baseline columns: codes, units, numbers, missing values; several sheets joined by patient."""

import pytest

from dayzero.errors import InputError
from sheets import Cell, as_text, found, mapped, one_sheet, ours, rows_of, sheet

HEAD: list[Cell] = ["ID", "Date", "X"]


def x(keys: str, *cells: Cell, map_keys: str = "") -> list[str | None]:
    """Return what the column X becomes."""
    grid = sheet([HEAD, *([n, "2021-03-05", cell] for n, cell in enumerate(cells, 1))])
    result = mapped(one_sheet(f"x = {keys}", map_keys=map_keys), grid)
    return result.patients.frame["x"].to_list()


def x_fault(keys: str, *cells: Cell, map_keys: str = "") -> tuple[str, str, tuple[int, ...], str]:
    """Return level, code, rows and column of the one finding of such a column."""
    grid = sheet([HEAD, *([n, "2021-03-05", cell] for n, cell in enumerate(cells, 1))])
    (finding,) = ours(mapped(one_sheet(f"x = {keys}", map_keys=map_keys), grid))
    assert finding.table == "cohort.xlsx, sheet Patients"
    return finding.level, finding.code, finding.rows, finding.column


def test_values_stay_as_they_are_written_but_for_blanks_around_them() -> None:
    assert x('"X"', " high\u3000", "NA", as_text("007"), True, "a\r\n b") == ["high", "NA", "007", "TRUE", "a b"]


def test_texts_that_mean_missing() -> None:
    assert x('"X"', "n.a.", "不明", " ", None, "a", map_keys='missing = ["n.a.", "不明"]') == [
        None,
        None,
        None,
        None,
        "a",
    ]


def test_codes() -> None:
    codes = '{ column = "X", codes = { "1" = "male", "2" = "female", "9" = "" } }'
    assert x(codes, 1, as_text("1"), " 2 ", 9, None) == ["male", "male", "female", None, None]


def test_a_value_without_a_code_is_missing_and_named() -> None:
    codes = '{ column = "X", codes = { "m" = "male" } }'
    assert x(codes, "m", "M", "w") == ["male", None, None]
    assert x_fault(codes, "m", "M", "w") == ("error", "value-not-coded", (3, 4), "C (X)")


def test_units_are_converted() -> None:
    assert x('{ column = "X", unit = "lb", to = "kg" }', 100, as_text("200")) == ["45.359237", "90.718474"]
    assert x('{ column = "X", unit = "kg", to = "lb" }', 45.359237) == ["100"]
    assert (
        x('{ column = "X", unit = "pounds", to = "lb" }', 100.5)
        == x('{ column = "X", unit = "lb" }', 100.5)
        == ["100.5"]
    )
    assert x('{ column = "X", unit = "°F", to = "°C" }', 100.4, 32) == ["38", "0"]
    assert x('{ column = "X", unit = "/µL", to = "1e9/L" }', 1500) == ["1.5"]
    assert x('{ column = "X", unit = "mmol/L", to = "g/dL", of = "haemoglobin" }', 10) == ["16.11"]
    assert x('{ column = "X", unit = "mmol/L", to = "mg/dL", of = "triglycerides" }', 1) == ["88.57"]


def test_what_is_not_a_number_has_no_unit() -> None:
    keys = '{ column = "X", unit = "lb", to = "kg" }'
    assert x(keys, 100, "heavy", "70 kg", "1,000") == ["45.359237", None, None, None]
    assert x_fault(keys, 100, "heavy", "70 kg", "1,000") == ("error", "not-a-number", (3, 4, 5), "C (X)")


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ('{ column = "X", unit = "stone", to = "kg" }', "no conversion from 'stone' to 'kg'"),
        ('{ column = "X", unit = "lb", to = "cm" }', "no conversion from 'lb' to 'cm'"),
        ('{ column = "X", unit = "mmol/L", to = "g/dL" }', "depends on the substance"),
        ('{ column = "X", unit = "mmol/L", to = "g/dL", of = "glucose" }', "depends on the substance"),
        ('{ column = "X", to = "kg" }', "none to convert from"),
        ('{ column = "X", unit = "lb", codes = { "1" = "a" } }', "codes and unit"),
        ('{ column = "X", unit = "mmol/L", to = "kg", of = "haemoglobin" }', "no conversion"),
        ('{ column = "" }', "no column is named"),
        ('{ colum = "X" }', "unknown key 'colum'. Did you mean 'column'"),
    ],
)
def test_a_column_that_cannot_be_read_as_declared(keys: str, fault: str) -> None:
    with pytest.raises(InputError, match=r"^study\.toml, row 7, column map\.sheet\.0\.columns\.x") as refused:
        x(keys, 1)
    assert fault in str(refused.value)


def test_a_decimal_comma_counts_where_it_is_declared() -> None:
    comma = 'decimal = ","'
    assert x('"X"', "3,5", "4", 4.5, "high", "1e-4", map_keys=comma) == ["3.5", "4", "4.5", "high", "1e-4"]
    assert x('"X"', "3,5", "3.5") == ["3,5", "3.5"]


def test_a_point_is_no_decimal_mark_where_the_comma_is() -> None:
    """1.234 may be a thousand, and 3,5 beside it does not tell."""
    comma = 'decimal = ","'
    assert x('"X"', "3,5", as_text("1.234"), map_keys=comma) == ["3.5", None]
    assert x_fault('"X"', "3,5", as_text("1.234"), map_keys=comma) == ("error", "other-decimal-mark", (3,), "C (X)")
    assert x('{ column = "X", unit = "%", to = "fraction" }', "12,5", map_keys=comma) == ["0.125"]


def test_numbers_in_full_width() -> None:
    assert x('"X"', "１２", "３．５", "Ａ型") == ["12", "3.5", "Ａ型"]


def test_a_baseline_date_is_read_as_those_of_events_are() -> None:
    dmy, date = 'date_order = "dmy"', '{ column = "X", date = true }'
    cells = ("2011-03-02", "02.03.2011", "2011年3月2日", "03/2011", "2.3.11", "31.02.2011", "young")
    assert x(date, *cells, map_keys=dmy) == ["2011-03-02", "2011-03-02", "2011-03-02", "2011-03", None, None, None]
    assert x('"X"', "02.03.2011", map_keys=dmy) == ["02.03.2011"]
    assert x_fault(date, "31.02.2011", "young", map_keys=dmy) == ("error", "not-a-date", (2, 3), "C (X)")
    (finding,) = mapped(one_sheet(f"x = {date}"), sheet([HEAD, [1, None, "2.3.2011"]])).findings
    assert (finding.code, "of x is missing" in finding.message) == ("date-order-not-declared", True)


def test_an_error_of_a_formula_is_missing_and_named() -> None:
    assert x('"X"', 1, "#REF!") == ["1", None]
    assert x_fault('"X"', 1, "#REF!") == ("error", "error-cell", (3,), "C (X)")


def test_identifiers_stay_text_and_lost_zeros_come_back_only_on_request() -> None:
    grid = sheet([HEAD, [as_text("007")], [8], ["P9"]])
    assert mapped(one_sheet(), grid).patients.frame["patient"].to_list() == ["007", "8", "P9"]
    three = one_sheet().replace('patient = "ID"', 'patient = "ID"\ndigits = 3')
    assert mapped(three, grid).patients.frame["patient"].to_list() == ["007", "008", "P9"]


def test_rows_that_are_no_patients() -> None:
    rows: list[list[Cell]] = [
        HEAD,
        [1],
        [None, None, None],
        [None, None, "alone"],
        ["ID", "Date", "X"],
        [2],
        ["合計", 2],
    ]
    result = mapped(one_sheet('x = "X"'), sheet(rows, first_row=3))
    assert result.patients.frame["patient"].to_list() == ["1", "2"]
    assert result.patient_places["row"].to_list() == [4, 8]
    assert {code: finding.rows for code, finding in found(result).items()} == {
        "row-without-patient": (6,),
        "row-of-totals": (7, 9),
    }


def test_what_a_spreadsheet_program_did_is_named_with_the_header() -> None:
    codes = [[n, None, text] for n, text in enumerate(("TP53", "PAX5", "IKZF1", "MYC1", "CD19", "2021-03-01"), 1)]
    result = mapped(one_sheet('x = "X"'), sheet([HEAD, *codes]))
    damage = [f for f in result.findings if f.code == "excel-dates-among-codes"]
    assert [(f.table, f.rows, f.column) for f in damage] == [("cohort.xlsx, sheet Patients", (7,), "C (X)")]


def test_a_merged_identifier_names_every_row_that_it_covers() -> None:
    rows: list[list[Cell]] = [HEAD, [1, "2021-03-05", "a"], [None, "2021-04-05"], [2, "2021-05-05", "b"]]
    result = mapped(one_sheet('x = "X"'), sheet(rows, first_row=2, merged=[((3, 1), (4, 1))]))
    assert rows_of(result.events.frame, "patient", "date") == [
        ("1", "2021-03-05"),
        ("1", "2021-04-05"),
        ("2", "2021-05-05"),
    ]
    assert result.patients.frame.rows() == [("1", "a"), ("2", "b")]
    assert result.findings == ()


def test_a_sheet_without_patients() -> None:
    with pytest.raises(InputError, match="no row of a patient"):
        mapped(one_sheet(), sheet([HEAD]))


SECOND = '\n[[map.sheet]]\nfile = "cohort.xlsx"\nsheet = "Second"\npatient = "Pat"\n'


def test_baseline_columns_from_several_sheets() -> None:
    first = sheet([HEAD, [1, None, "a"], [2, None, None]])
    second = sheet([["Pat", "Sex", "X2"], [2, "f", "b"], [1, "m", "a"]], "Second")
    keys = one_sheet('x = "X"') + SECOND + '[map.sheet.columns]\nsex = "Sex"\nx = "X2"\n'
    result = mapped(keys, first, second)
    assert result.patients.frame.columns == ["patient", "x", "sex"]
    assert result.patients.frame.rows() == [("1", "a", "m"), ("2", "b", "f")]
    assert result.findings == ()


def test_the_same_column_twice_with_different_values_is_missing() -> None:
    first = sheet([HEAD, [1, None, 30], [2, None, 40], [3, None, 50]])
    second = sheet([["Pat", "Age"], [1, as_text("30.0")], [2, 41], [3, None]], "Second")
    keys = one_sheet('x = "X"') + SECOND + '[map.sheet.columns]\nx = "Age"\n'
    result = mapped(keys, first, second)
    assert result.patients.frame["x"].to_list() == ["30", None, "50"]
    assert [(f.code, f.table[-6:], f.rows, f.column) for f in ours(result)] == [
        ("baseline-differs", "tients", (3,), "C (X)"),
        ("baseline-differs", "Second", (3,), "B (Age)"),
    ]


def test_two_rows_of_a_patient_that_differ() -> None:
    result = mapped(one_sheet('x = "X"'), sheet([HEAD, [1, None, "a"], [2, None, "a"], [1, None, "b"], [2, None, "a"]]))
    assert result.patients.frame.rows() == [("1", None), ("2", "a")]
    assert found(result)["baseline-differs"].rows == (2, 4)


def test_a_patient_in_one_sheet_only() -> None:
    first = sheet([HEAD, [1, "2021-03-05", "a"], [2, "2021-03-05", "a"]])
    second = sheet([["Pat", "Last"], [2, "2022-01-01"], [3, "2022-01-01"]], "Second")
    keys = one_sheet('x = "X"') + SECOND + '[[map.sheet.events]]\nevent = "last_contact"\ndate = "Last"\n'
    result = mapped(keys, first, second)
    assert result.patients.frame.rows() == [("1", "a"), ("2", "a"), ("3", None)]
    assert [(f.code, f.table, f.rows) for f in result.findings] == [
        ("patient-in-one-sheet", "cohort.xlsx, sheet Second", (3,)),
        ("patient-in-one-sheet", "cohort.xlsx, sheet Patients", (2,)),
    ]


def test_a_long_sheet_need_not_name_every_patient() -> None:
    first = sheet([HEAD, [1, "2021-03-05", "a"], [2, "2021-03-05", "a"]])
    second = sheet([["Pat", "Visit"], [2, "2022-01-01"], [2, "2022-02-01"]], "Second")
    keys = one_sheet('x = "X"') + SECOND + '[[map.sheet.events]]\nevent = "mrd"\ndate = "Visit"\n'
    assert mapped(keys, first, second).findings == ()


@pytest.mark.parametrize("name", ["patient", '" x"'])
def test_a_name_that_a_column_may_not_have(name: str) -> None:
    with pytest.raises(InputError, match="may not be used here"):
        mapped(one_sheet(f'{name} = "X"'), sheet([HEAD, [1]]))
