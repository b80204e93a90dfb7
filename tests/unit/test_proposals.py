"""What `dayzero map` proposes for sheets as hospitals keep them, and what it leaves open."""

import tomllib
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from dayzero.io.grid import BOOLEAN, DATE, EMPTY, NUMBER, TEXT, Grid, letters
from dayzero.proposals import Source, propose, study_text
from dayzero.proposals.dates import prove_order
from dayzero.proposals.layout import find_layout
from dayzero.proposals.meaning import read_meaning
from dayzero.proposals.questions import questions_in
from dayzero.settings import Toml

Cell = str | int | float | None


def grid(rows: Sequence[Sequence[Cell]], *, sheet: str = "Patients", merged: Any = (), text: bool = False) -> Grid:
    """A sheet: ISO dates are date cells and numbers numbers, unless all is text as in a CSV file."""
    width = max(len(row) for row in rows)
    padded = [[*row, *[None] * (width - len(row))] for row in rows]
    names = [letters(n + 1) for n in range(width)]
    frame = {n: pl.Series([_text(row[k]) for row in padded], dtype=pl.String) for k, n in enumerate(names)}
    kinds = {n: pl.Series([_kind(row[k], text=text) for row in padded], dtype=pl.UInt8) for k, n in enumerate(names)}
    return Grid("cohort.xlsx", sheet, pl.DataFrame(frame), pl.DataFrame(kinds), merged=merged)


def _text(cell: Cell) -> str | None:
    return None if cell is None else str(cell)


def _kind(cell: Cell, *, text: bool) -> int:
    if cell is None:
        return EMPTY
    if text:
        return TEXT
    if isinstance(cell, str):
        return DATE if len(cell) == 10 and cell[4] == cell[7] == "-" else TEXT
    return BOOLEAN if isinstance(cell, bool) else NUMBER


def proposed(*grids: Grid) -> dict[str, Any]:
    """The study file that is proposed, as a table."""
    return tomllib.loads(written(*grids))


def written(*grids: Grid) -> str:
    """The study file that is proposed, as text."""
    return study_text(propose([Source(g.file, g) for g in grids]), name="study.toml", title="cohort")


def asked(text: str) -> list[str]:
    """What is open in it."""
    return [question.setting for question in questions_in(Toml("study.toml", text, tomllib.loads(text)))]


def patients(*columns: tuple[str, Sequence[Cell]], **options: Any) -> Grid:
    """A sheet with an identifier and these columns, each a header and its cells."""
    n = max(len(cells) for _, cells in columns)
    rows = [[f"P{k:03}", *(cells[k % len(cells)] for _, cells in columns)] for k in range(n)]
    return grid([["Patient ID", *(header for header, _ in columns)], *rows], **options)


DAYS = ["2021-01-25", "2021-02-03", "2021-03-04", None, "2021-05-06", "2021-06-07"]


def event_of(header: str, **options: Any) -> dict[str, Any]:
    """The only event that a date column with a header is proposed as."""
    (event,) = proposed(patients((header, DAYS), **options))["map"]["sheet"][0]["events"]
    return dict(event)


@pytest.mark.parametrize(
    ("header", "event"),
    [
        ("Infusion date", "infusion"),
        ("CAR-T infusion", "infusion"),
        ("回输日期", "infusion"),
        ("CAR-T投与日", "infusion"),
        ("Date de la réinjection", "infusion"),
        ("Transplantationsdatum", "hsct"),
        ("移植日", "hsct"),
        ("Fecha del trasplante", "hsct"),
        ("Date de la greffe", "hsct"),
        ("Data del trapianto", "hsct"),
        ("Rezidivdatum", "relapse"),
        ("Rückfall am", "relapse"),
        ("再発日", "relapse"),
        ("复发日期", "relapse"),
        ("Date de rechute", "relapse"),
        ("Todesdatum", "death"),
        ("Date du décès", "death"),
        ("Data di morte", "death"),
        ("dateOfDeath", "death"),
        ("ＤＡＴＥ　ＯＦ　ＤＥＡＴＨ", "death"),
        ("Letzter Kontakt", "last_contact"),
        ("末次随访日期", "last_contact"),
        ("最終生存確認日", "last_contact"),
        ("Date des dernières nouvelles", "last_contact"),
        ("Último contacto", "last_contact"),
        ("Ultimo follow-up", "last_contact"),
        ("好中球生着日", "neutrophil_engraftment"),
        ("Acute GVHD onset", "agvhd"),
        ("確定診断日", "diagnosis"),
        ("Leukapherese", "apheresis"),
    ],
)
def test_dates_are_events_by_their_header_in_seven_languages(header: str, event: str) -> None:
    assert event_of(header)["event"] == event


@pytest.mark.parametrize(
    ("header", "number"),
    [
        ("2nd infusion", 2),
        ("第二次回输日期", 2),
        ("2回目輸注日", 2),
        ("Zweite Infusion", 2),
        ("Troisième injection", 3),
        ("Infusion 2 date", 2),
        ("infusion2", 2),
        ("CRS day 3 date", 0),
        ("MRD 1 month date", 0),
        ("回输3", 3),
    ],
)
def test_which_of_its_kind_an_event_is(header: str, number: int) -> None:
    assert event_of(header).get("number", 0) == number


def test_the_first_of_two_columns_of_one_event_is_the_first() -> None:
    events = proposed(patients(("Infusion date", DAYS), ("2nd infusion date", DAYS)))["map"]["sheet"][0]["events"]
    assert [event["number"] for event in events] == [1, 2]


@pytest.mark.parametrize(
    ("header", "baseline"),
    [
        ("Sex", "sex"),
        ("年齢", "age"),
        ("Gewicht", "weight"),
        ("Geburtsdatum", "birth"),
        ("Age at HSCT", "age"),
        ("移植时年龄", "age"),
        ("Prior HSCT", "prior_hsct"),
        ("Risikogruppe", "risk"),
        ("Sexe", "sex"),
    ],
)
def test_what_is_known_on_day_zero_is_a_baseline_column(header: str, baseline: str) -> None:
    assert read_meaning(header).baseline
    assert read_meaning(header).baseline.key == baseline  # type: ignore[union-attr]


# --------------------------------------------------------------------------------------------------- the header
def test_titles_are_no_header_and_two_rows_are_joined() -> None:
    merged = (((1, 1), (1, 4)), ((3, 2), (3, 3)))
    rows = [["CAR-T cohort, 2021"], [], ["", "CAR-T", None, "Outcome"], ["ID", "Date", "Dose", "Death date"]]
    rows[2][0] = None
    body = [[f"P{k:03}", day, 1.5, None] for k, day in enumerate(DAYS)]
    body[0][3] = "2022-01-01"
    sheet = proposed(grid([*rows, *body], merged=merged))["map"]["sheet"][0]
    assert (sheet["header_row"], sheet["header"], sheet["patient"]) == (3, 2, "ID")
    assert sheet["events"][0]["date"] == "CAR-T | Date"
    assert sheet["events"][0]["attributes"] == {"dose": "CAR-T | Dose"}


def test_three_header_rows() -> None:
    rows: list[list[Cell]] = [["", "CAR-T", ""], ["", "first", "second"], ["ID", "date", "date"]]
    layout = find_layout(grid([*rows, *([f"P{k:03}", d, d] for k, d in enumerate(DAYS))]))
    assert layout is not None
    assert (layout.row, layout.rows) == (1, 3)


def test_a_sheet_without_a_header_is_asked_for_and_none_of_its_cells_shown() -> None:
    text = written(grid([[f"QX{k}7431", day, "male"] for k, day in enumerate(DAYS)]))
    assert "no header" in text
    assert "7431" not in text
    assert "OPEN" in text


def test_rows_of_totals_are_nobody() -> None:
    sheet = grid([["ID", "HSCT date", "Sex"], *([f"P{k}", d, "m"] for k, d in enumerate(DAYS)), ["Total", 99, None]])
    assert "dates in 5 of 6 rows" in written(sheet)


# -------------------------------------------------------------------------------------------------- the patient
def test_the_identifier_is_found_by_name_and_not_by_place() -> None:
    sheet = grid([["No.", "Name", "登録番号", "HSCT date"], *([k, f"N{k}", f"A-{k}", d] for k, d in enumerate(DAYS))])
    text = written(sheet)
    assert tomllib.loads(text)["map"]["sheet"][0]["patient"] == "登録番号"
    assert '# name = "Name"' in text


def test_the_identifier_of_a_second_sheet_is_told_by_those_of_the_first() -> None:
    first = patients(("HSCT date", DAYS))
    second = grid([["Code", "MRD", "Date"], *([f"P{k:03}", "pos", d] for k, d in enumerate(DAYS))], sheet="MRD")
    sheets = proposed(first, second)["map"]["sheet"]
    assert sheets[1]["patient"] == "Code"


def test_leading_zeros_that_a_spreadsheet_lost_are_filled_up() -> None:
    first = grid([["ID", "HSCT date"], *([f"{k:03}", d] for k, d in enumerate(DAYS, 1))])
    second = grid([["ID", "MRD date"], *([k, d] for k, d in enumerate(DAYS, 1))], sheet="MRD")
    assert proposed(first, second)["map"]["sheet"][1]["digits"] == 3
    assert "identifiers in column" not in written(first, second)


def test_identifiers_that_differ_by_capitals_are_told() -> None:
    second = grid([["ID", "MRD date"], *([f"p{k:03}", d] for k, d in enumerate(DAYS))], sheet="MRD")
    assert "# LOOK: cohort.xlsx, sheet MRD: 6 identifiers in column A" in written(patients(("HSCT date", DAYS)), second)


def test_without_an_identifier_it_is_asked() -> None:
    text = written(grid([["Sex", "HSCT date"], *(["m", day] for day in DAYS)]))
    assert "patient" in asked(text)


# ---------------------------------------------------------------------------------------------------- the dates
def test_the_order_that_alone_reads_all_dates_is_proposed_with_its_proof() -> None:
    text = written(patients(("HSCT date", ["1.2.2021", "25.3.2021", "3.4.2021"])))
    assert tomllib.loads(text)["map"]["date_order"] == "dmy"
    assert "mdy cannot read 1 " in text


def test_an_order_that_is_not_certain_is_asked() -> None:
    text = written(patients(("HSCT date", ["1.2.2021", "5.3.2021"])))
    assert tomllib.loads(text)["map"]["date_order"] == "?"
    assert "date_order" in asked(text)


def test_orders_that_contradict_are_asked() -> None:
    assert prove_order([("25.3.2021", 2), ("3/25/2021", 1)]).possible == ()
    assert "date_order" in asked(written(patients(("HSCT date", ["25.3.2021", "3/25/2021"]))))


def test_real_dates_and_iso_dates_need_no_order() -> None:
    assert "date_order" not in proposed(patients(("HSCT date", DAYS)))["map"]
    assert "date_order" not in proposed(patients(("HSCT date", DAYS), text=True))["map"]


def test_years_of_two_digits_and_serial_numbers_are_asked() -> None:
    assert "century" in asked(written(patients(("HSCT date", ["25.3.21", "26.3.21"]))))
    assert "serial" in asked(written(patients(("HSCT date", [44280, 44281, 44290]))))


def test_an_impossible_date_spoils_no_proof() -> None:
    assert prove_order([("30.2.2021", 1), ("25.3.2021", 1)]).possible == ("dmy",)


# ------------------------------------------------------------------------------------------- codes, and questions
@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        (["男", "女"], {"男": "male", "女": "female"}),
        (["m", "w"], {"m": "male", "w": "female"}),
        (["Homme", "Femme"], {"Homme": "male", "Femme": "female"}),
    ],
)
def test_codes_that_the_table_knows_are_proposed(cells: list[Cell], codes: dict[str, str]) -> None:
    sheet = proposed(patients(("Sex", cells * 3), ("HSCT date", DAYS)))["map"]["sheet"][0]
    assert sheet["columns"]["sex"]["codes"] == codes


def test_codes_that_only_the_data_manager_knows_are_asked() -> None:
    text = written(patients(("Sex", [1, 2] * 3), ("HSCT date", DAYS)))
    assert tomllib.loads(text)["map"]["sheet"][0]["columns"]["sex"]["codes"] == {"1": "?", "2": "?"}
    assert "sex" in asked(text)


def test_codes_that_mean_themselves_need_no_list() -> None:
    sheet = proposed(patients(("Sex", ["male", "female"] * 3), ("HSCT date", DAYS)))["map"]["sheet"][0]
    assert sheet["columns"]["sex"] == "Sex"


def test_whether_it_happened_stands_beside_its_date() -> None:
    sheet = patients(("Relapse (y/n)", ["ja", "nein"] * 3), ("Relapse date", ["2021-01-25", None] * 3))
    (event,) = proposed(sheet)["map"]["sheet"][0]["events"]
    assert event["when"] == {"column": "Relapse (y/n)", "is": ["ja"]}


def test_a_negative_test_took_place() -> None:
    (event,) = proposed(patients(("MRD date", DAYS), ("MRD positive", ["yes", "no"] * 3)))["map"]["sheet"][0]["events"]
    assert "when" not in event
    assert event["value"]["codes"] == {"no": "negative", "yes": "positive"}


def test_the_date_of_a_remission_says_which() -> None:
    assert event_of("CR date")["value"] == {"text": "CR"}
    assert event_of("完全缓解日期")["value"] == {"text": "CR"}


def test_the_response_is_a_value_and_the_grade_too() -> None:
    sheet = patients(
        ("Response date", DAYS), ("Response", ["CR", "NR", "PR"] * 2), ("CRS onset", DAYS), ("CRS grade", [1, 2, 3])
    )
    response, crs = proposed(sheet)["map"]["sheet"][0]["events"]
    assert response["value"] == "Response"
    assert crs == {"event": "crs", "date": "CRS onset", "value": "CRS grade"}


def test_a_unit_in_the_header_is_converted_and_one_of_a_dose_is_not() -> None:
    sheet = patients(("Weight (lb)", [150.5, 170]), ("Infusion date", DAYS), ("Dose (x10^6/kg)", [1, 2.5]))
    sheet_table = proposed(sheet)["map"]["sheet"][0]
    assert sheet_table["columns"]["weight"] == {"column": "Weight (lb)", "unit": "lb", "to": "kg"}
    assert sheet_table["events"][0]["attributes"] == {"dose": "Dose (x10^6/kg)"}


def test_a_status_and_the_last_contact_in_one_pair_of_columns() -> None:
    sheet = patients(("Status", ["alive", "dead"] * 3), ("Last follow-up", DAYS))
    (event,) = proposed(sheet)["map"]["sheet"][0]["events"]
    assert event["event"] == {"column": "Status", "codes": {"alive": "last_contact", "dead": "death"}}
    assert event["date"] == "Last follow-up"


def test_a_column_that_names_the_events() -> None:
    rows = [
        [f"P{k // 3:03}", name, day]
        for k, (name, day) in enumerate(zip(["移植", "再発", "死亡"] * 2, DAYS, strict=True))
    ]
    (event,) = proposed(grid([["ID", "Event", "Date"], *rows]))["map"]["sheet"][0]["events"]
    assert event["event"]["codes"] == {"再発": "relapse", "死亡": "death", "移植": "hsct"}


def test_dates_without_an_event_take_that_of_their_sheet() -> None:
    rows = [[f"P{k:03}", day, "陰性"] for k, day in enumerate(DAYS)]
    text = written(grid([["患者ID", "検査日", "結果"], *rows], sheet="MRD"))
    (event,) = tomllib.loads(text)["map"]["sheet"][0]["events"]
    assert (event["event"], event["value"]["codes"]) == ("mrd", {"陰性": "negative"})
    assert "# guess: 'mrd'" in text


def test_a_date_without_an_event_takes_that_of_the_column_beside_it() -> None:
    sheet = patients(
        ("Infusion date", DAYS), ("D28 response", ["CR", "NR"] * 3), ("D28 date", DAYS), ("MRD", ["neg", "pos"] * 3)
    )
    _, response = proposed(sheet)["map"]["sheet"][0]["events"]
    assert response == {"event": "response", "date": "D28 date", "value": "D28 response"}


def test_tables_that_are_tidy_already() -> None:
    baseline = grid([["patient", "age", "sex"], *([f"P{k:03}", 40 + k, "male"] for k in range(6))], sheet="")
    rows = [[f"P{k:03}", name, day] for k, day in enumerate(DAYS) if day for name in ("infusion", "relapse", "death")]
    events = grid([["patient", "event", "date"], *rows], sheet="")
    first, second = proposed(baseline, events)["map"]["sheet"]
    assert (first["patient"], first["columns"]) == ("patient", {"age": "age", "sex": "sex"})
    assert second["events"] == [{"event": {"column": "event"}, "date": "date"}]
    assert not asked(written(baseline, events))


def test_a_diagnosis_without_dates_is_a_disease() -> None:
    sheet = proposed(patients(("Dx", ["B-ALL", "T-ALL"] * 3), ("Date of Dx", DAYS)))["map"]["sheet"][0]
    assert sheet["columns"] == {"disease": "Dx"}
    assert sheet["events"] == [{"event": "diagnosis", "date": "Date of Dx"}]


def test_a_birthday_is_read_as_a_date() -> None:
    sheet = proposed(patients(("DOB", ["1.2.1980", "25.3.1990"]), ("HSCT date", DAYS)))["map"]["sheet"][0]
    assert sheet["columns"] == {"birth": {"column": "DOB", "date": True}}


def test_answers_that_are_0_and_1_are_taken_for_no_and_yes() -> None:
    sheet = patients(
        ("Relapse (y/n)", [0, 1] * 3), ("Relapse date", [None, "2021-01-25"] * 3), ("Prior HSCT", [0, 1] * 3)
    )
    table = proposed(sheet)["map"]["sheet"][0]
    assert table["events"][0]["when"]["is"] == ["1"]
    assert table["columns"]["prior_hsct"]["codes"] == {"0": "no", "1": "yes"}


def test_what_1_and_2_mean_is_asked_of_a_result_a_flag_and_a_status() -> None:
    cells = [1, 2] * 3
    text = written(
        patients(("MRD date", DAYS), ("MRD result", cells), ("Relapse date", DAYS), ("Relapse (y/n)", cells)),
        patients(("Last contact", DAYS), ("Vital status", cells), sheet="Follow-up"),
    )
    assert sorted(asked(text)) == ["day_zero", "event", "value", "when"]


def test_a_code_that_is_not_known_is_asked_and_a_rare_one_not_shown() -> None:
    response = ["CR", "NR", "zz"] * 2
    text = written(patients(("Response date", DAYS), ("Response", response)))
    assert tomllib.loads(text)["map"]["sheet"][0]["events"][0]["value"]["codes"]["zz"] == "?"
    once = written(patients(("Response date", DAYS), ("Response", ["CR", "NR", "CR", "NR", "CR", "Dr. Who"])))
    assert "Who" not in once
    assert "not known, and not shown: 1 more" in once


def test_what_cannot_be_placed_is_ready_to_be_uncommented() -> None:
    text = written(patients(("HSCT date", DAYS), ("Ward round", DAYS), ("Shoe size", [40, 41])))
    assert '# shoe_size = "Shoe size"' in text
    uncommented = text.replace("# shoe_size", "shoe_size").replace("# [[map.sheet.events]]", "[[map.sheet.events]]")
    uncommented = uncommented.replace("# event = ", "event = ").replace("# date = ", "date = ")
    sheet = tomllib.loads(uncommented)["map"]["sheet"][0]
    assert sheet["columns"] == {"shoe_size": "Shoe size"}
    assert sheet["events"][1] == {"event": "?", "date": "Ward round"}


def test_a_date_of_death_on_a_patient_alive_is_told_by_row() -> None:
    sheet = patients(("Status", ["alive", "dead", "alive"]), ("Date of death", ["2021-01-25", "2021-02-03", None]))
    found = propose([Source("cohort.xlsx", sheet)]).contradictions
    assert found == ("cohort.xlsx, sheet Patients, row 2: a date of death in column C, but column B says alive",)
    assert f"# LOOK: {found[0]}" in written(sheet)


def test_texts_that_mean_missing_and_the_decimal_comma() -> None:
    sheet = patients(("Weight", ["70,5", "n.a.", "80,1"]), ("HSCT date", ["2021-01-25", "不明", "2021-02-03"]))
    mapping = proposed(sheet)["map"]
    assert (mapping["decimal"], mapping["missing"]) == (",", ["n.a.", "不明"])


def test_a_minus_that_is_a_result_is_not_missing() -> None:
    sheet = patients(("MRD date", DAYS), ("MRD", ["+", "-"] * 3), ("Weight", [70, "-", 80]))
    assert "-" not in proposed(sheet)["map"].get("missing", [])


def test_every_line_says_how_sure_it_is() -> None:
    text = written(patients(("Sex", ["m", "w"] * 3), ("HSCT date", DAYS), ("Date of death", DAYS)))
    settings = [line for line in text.split("\n") if " = " in line and not line.startswith("#")]
    assert settings
    assert all(any(f"# {word}:" in line for word in ("sure", "likely", "guess", "OPEN")) for line in settings)


@pytest.mark.parametrize(
    "header", ['a "b"', "back\\slash", "tab\there", "emoji 🩸", "\u202eright to left", "=1+1", "# x"]
)
def test_any_header_is_written_as_it_stands(header: str) -> None:
    text = written(patients((header, [1, 2]), ("HSCT date", DAYS)))
    seen = next(line for line in text.split("\n") if line.startswith('# seen = ["Patient ID"'))
    assert tomllib.loads(seen[2:])["seen"][1] == " ".join(header.split())
