"""The further tables at the door: files, columns, clocks, words, and what is found."""

import re
from pathlib import Path

import polars as pl
import pytest

from clinical_files import DAY, one_table, read_tables, small_history
from dayzero.errors import InputError
from dayzero.io.clinical import read_clinical
from dayzero.io.clinical.findings import FOUND
from dayzero.io.clinical.schema import dtypes, schema
from dayzero.io.tables import DataSettings
from workbooks import ods, ods_rows, rows_xml, sheet_xml, workbook_parts, write_parts

DOCS = Path(__file__).parents[2] / "docs/study-file/tables.md"


def refused(folder: Path, name: str, text: str, **how: object) -> str:
    with pytest.raises(InputError) as error:
        read_tables(folder, {name: text}, **how)  # type: ignore[arg-type]
    return str(error.value)


def test_without_files_there_are_no_tables(tmp_path: Path) -> None:
    read = read_tables(tmp_path, {})
    assert (dict(read.tables), read.findings, read.files) == ({}, (), ())


def test_a_table_under_its_own_name_is_read_and_has_every_column(tmp_path: Path) -> None:
    text = "patient,date,site,blasts_percent\na,2021-01-29,BM,4\n"
    read = read_tables(tmp_path, {"assessments": text})
    assert read.files == ("assessments.csv",)
    assert dict(read.tables["assessments"].schema) == dtypes("assessments")
    assert read.tables["assessments"].row(0, named=True)["blasts"] == 0.04


@pytest.mark.parametrize("table", [name for name in schema() if name not in {"vitals", "neuro"}])
def test_an_empty_table_has_every_column(tmp_path: Path, table: str) -> None:
    required = [c.name for c in schema()[table].values() if c.required]
    frame, found = one_table(tmp_path, table, ",".join(["patient", "date", *required]) + "\n")
    assert dict(frame.schema) == dtypes(table)
    assert (frame.height, found) == (0, {})


def test_a_named_file_is_read_and_a_missing_one_refused(tmp_path: Path) -> None:
    (tmp_path / "values.csv").write_text("patient;date;analyte;value;unit\na;2021-01-02;Hb;90;g/L\n")
    history = small_history(tmp_path)
    read = read_clinical(tmp_path, DataSettings(labs="values.csv"), history)
    assert read.tables["labs"]["value"].to_list() == [9.0]
    assert read.files == ("values.csv",)
    with pytest.raises(InputError, match=r"^mrd-2\.csv: there is no such file, named as \[data\] mrd\. Correct mrd"):
        read_clinical(tmp_path, DataSettings(mrd="mrd-2.csv"), history)


@pytest.mark.parametrize("name", ["t.xlsx", "t.ods"])
def test_workbooks_are_read(tmp_path: Path, name: str) -> None:
    rows = [["patient", "date", "analyte", "value", "unit"], ["a", "2021-01-02", "ANC", 500.0, "/uL"], [None] * 5]
    rows.append(["b", "2021-01-03", "ANC", "<100", "/uL"])
    sheets = {"notes": [["hello"]], "Labs": rows}
    if name.endswith("ods"):
        ods(tmp_path / name, {sheet: ods_rows(cells) for sheet, cells in sheets.items()})
    else:
        parts = {sheet: sheet_xml(rows_xml(cells)) for sheet, cells in sheets.items()}
        write_parts(tmp_path / name, workbook_parts(parts))
    read = read_clinical(tmp_path, DataSettings(labs=name), small_history(tmp_path))
    assert read.tables["labs"]["value"].to_list() == [0.5, 0.1]
    assert read.tables["labs"]["value_bound"].to_list() == ["", "<"]
    assert read.tables["labs"]["row"].to_list() == [2, 4]
    with pytest.raises(InputError, match="2 sheets, and none is named 'mrd'"):
        read_clinical(tmp_path, DataSettings(mrd=name), small_history(tmp_path))


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([], "t.xlsx, sheet Labs: the sheet is empty"),
        ([["patient", "date", "date"], ["a", "2021-01-02", "2021-01-02"]], "sheet Labs, row 1: two columns 'date'"),
        ([["date", "analyte"], ["2021-01-02", "ANC"]], "no column 'patient'. Add it; the columns are date, analyte"),
    ],
)
def test_a_sheet_that_is_no_table_is_refused(tmp_path: Path, rows: list[list[str]], fault: str) -> None:
    write_parts(tmp_path / "t.xlsx", workbook_parts({"Labs": sheet_xml(rows_xml(rows))}))
    with pytest.raises(InputError) as error:
        read_clinical(tmp_path, DataSettings(labs="t.xlsx"), small_history(tmp_path))
    assert fault in str(error.value)


def test_an_error_of_the_spreadsheet_is_refused(tmp_path: Path) -> None:
    head = rows_xml([["patient", "date", "analyte", "value"]])
    cells = "".join(f'<c r="{c}2" t="inlineStr"><is><t>{v}</t></is></c>' for c, v in zip("AB", ("a", "x"), strict=True))
    wrong = f'<row r="2">{cells}<c r="D2" t="e"><v>#DIV/0!</v></c></row>'
    write_parts(tmp_path / "t.xlsx", workbook_parts({"Labs": sheet_xml(head + wrong)}))
    with pytest.raises(InputError, match=r"sheet Labs, row 2, column value: an error of the spreadsheet"):
        read_clinical(tmp_path, DataSettings(labs="t.xlsx"), small_history(tmp_path))


def test_missing_texts_are_missing(tmp_path: Path) -> None:
    text = "patient,date,specimen,value\na,2021-01-29,NA,ND\n"
    read = read_tables(tmp_path, {"mrd": text}, data=DataSettings(missing=("NA", "ND")))
    row = read.tables["mrd"].row(0, named=True)
    assert (row["specimen"], row["value"], row["value_bound"], row["detected"]) == (None, None, None, None)
    read = read_tables(tmp_path, {"mrd": text.replace("NA", "BM")}, data=DataSettings(missing=("a",)))
    assert read.tables["mrd"]["patient"].to_list() == [0]


def test_days_are_on_the_clock_of_the_events(tmp_path: Path) -> None:
    text = "patient,date,analyte,value,unit\na,2021-01-02T06:00,ANC,1,K/uL\na,2021-01-02 18:00:00Z,ANC,1,K/uL\n"
    frame, _ = one_table(tmp_path, "labs", text)
    assert frame["day"].to_list() == [DAY + 1.25, DAY + 1.75]
    text = "patient,day,analyte,value,unit\na,1.25,ANC,1,K/uL\na,2,ANC,1,K/uL\n"
    frame, _ = one_table(tmp_path, "labs", text, calendar=False)
    assert frame["day"].to_list() == [1.25, 2.0]


@pytest.mark.parametrize(
    ("calendar", "header", "fault"),
    [
        (True, "patient,day", "labs.csv, row 1: the events have dates, but here stands 'day'. Give the rows 'date'"),
        (False, "patient,date", "labs.csv, row 1: the events have days, but here stands 'date'."),
        (True, "patient,when", "no column 'date' or 'day'"),
        (True, "date", "column patient: there is no such column"),
    ],
)
def test_another_clock_is_refused(tmp_path: Path, calendar: bool, header: str, fault: str) -> None:
    assert fault in refused(tmp_path, "labs", f"{header},analyte\n", calendar=calendar)


def test_days_have_the_unit_of_the_study(tmp_path: Path) -> None:
    text = "patient,day,end_day,kind\na,2,3,icu\n"
    read = read_tables(tmp_path, {"support": text}, calendar=False, data=DataSettings(time_unit="weeks"))
    assert read.tables["support"].select("day", "end_day").row(0) == (14.0, 21.0)
    fault = refused(tmp_path, "support", text.replace("2,3", "2,soon"), calendar=False)
    assert fault.startswith("support.csv, row 2, column end_day: not a number")


def test_rows_without_a_whole_date_stay_and_are_found(tmp_path: Path) -> None:
    dates = ("", "2021-01", "2021-02-30", "2021-01-05")
    text = "patient,date,analyte,value,unit\n" + "".join(f"a,{date},ANC,1,K/uL\n" for date in dates)
    frame, found = one_table(tmp_path, "labs", text)
    assert frame["day"].to_list() == [None, None, None, DAY + 4]
    assert found["undated-row"].rows == (2, 3, 4)
    assert found["undated-row"].level == "warning"
    assert found["undated-row"].patient_rows == (2,)


def test_what_is_no_date_is_refused(tmp_path: Path) -> None:
    text = "patient,date,analyte\na,2021-01-05,ANC\na,5.1.2021,ANC\n"
    assert refused(tmp_path, "labs", text).startswith("labs.csv, row 3, column date: not a date.")
    for clock in ("25:00", "12:60", "12:30:60"):
        assert "not a date" in refused(tmp_path, "labs", text.replace("5.1.2021", f"2021-01-05T{clock}"))


def test_rows_of_unknown_patients_are_not_used(tmp_path: Path) -> None:
    text = "patient,date,analyte,value,unit\nz,2021-01-05,ANC,many,K/uL\na,2021-01-05,ANC,1,K/uL\nz,,ANC,,\n"
    frame, found = one_table(tmp_path, "labs", text)
    assert frame["patient"].to_list() == [0]
    unknown = found.pop("event-of-unknown-patient")
    assert (unknown.rows, unknown.level, found) == ((2, 4), "error", {})
    assert refused(tmp_path, "labs", text.replace("z,", ",")).startswith("labs.csv, row 2, column patient: no ident")


def test_rows_after_the_cutoff_are_dropped_and_its_day_counts(tmp_path: Path) -> None:
    text = "patient,date,analyte,value,unit\na,2021-01-05T23:00,ANC,1,K/uL\na,2021-01-06,ANC,2,K/uL\n"
    read = read_tables(tmp_path, {"labs": text}, cutoff=DAY + 4)
    assert read.tables["labs"]["value"].to_list() == [1.0]
    text = "patient,date,end_date,kind\na,2021-01-03,2021-01-20,steroid\na,2021-01-05T12:00,2021-01-06,steroid\n"
    read = read_tables(tmp_path, {"support": text}, cutoff=DAY + 4)
    assert read.tables["support"]["end_day"].to_list() == [DAY + 4, DAY + 4.5]


def test_words_are_spelled_as_the_schema_does(tmp_path: Path) -> None:
    text = "patient,date,specimen,method,call\na,2021-01-29,Bone marrow,Flow,NEG\nb,2021-01-29,,qPCR-IgTR,\n"
    frame, _ = one_table(tmp_path, "mrd", text)
    assert frame["specimen"].to_list() == ["bm", None]
    assert frame["method"].to_list() == ["mfc", "qpcr_igtr"]
    assert frame["call"].to_list() == ["negative", None]
    fault = refused(tmp_path, "mrd", text.replace("Flow", "eyes"))
    assert fault.startswith("mrd.csv, row 2, column method: not a word that is known. Write one of mfc, qpcr_igtr")
    assert "eyes" not in fault


def test_flags(tmp_path: Path) -> None:
    text = "patient,date,site,cns_signs,csf_blasts\na,2021-01-29,CSF,Yes,0\na,2021-01-30,CSF,,TRUE\n"
    frame, _ = one_table(tmp_path, "assessments", text)
    assert frame["cns_signs"].to_list() == [True, None]
    assert frame["csf_blasts"].to_list() == [False, True]
    assert "Write one of yes, no" in refused(tmp_path, "assessments", text.replace("Yes", "perhaps"))


@pytest.mark.parametrize(
    ("table", "text", "fault"),
    [
        ("labs", "patient,date,value,unit\na,2021-01-02,1,/uL\n", "row 1: no column 'analyte'"),
        ("labs", "patient,date,analyte,values\na,2021-01-02,ANC,1\n", "a column 'values' that is not known. Name"),
        ("labs", "patient,date,analyte,value\na,2021-01-02,,1\n", "row 2, column analyte: an empty cell"),
        ("support", "patient,date,kind\na,2021-01-02,\n", "row 2, column kind: an empty cell. Write one of temp"),
        ("gvhd", "patient,date,organ,stage\na,2021-01-02,skin,1.5\n", "row 2, column stage: not a whole number"),
        ("gvhd", "patient,date,organ,stage\na,2021-01-02,skin,<2\n", "row 2, column stage: not a number"),
        ("kinetics", "patient,date,assay,value\na,2021-01-02,cells_per_ul,5 /uL\n", "a unit where none belongs"),
        ("assessments", "patient,date,site,blasts,blasts_percent\na,2021-01-02,BM,1,1\n", "columns 'blasts' and 'bla"),
        ("assessments", "patient,date,site,anc,unit\na,2021-01-02,BM,1,K/uL\n", "Name it 'blasts_unit' or 'anc_unit'"),
        (
            "assessments",
            "patient,date,site,blasts_perc\na,2021-01-02,BM,1\n",
            "'blasts_perc' without a unit that is kno",
        ),
        ("labs", "patient,date,analyte,value,Unit\na,2021-01-02,ANC,1,K/uL\n", "Name it 'unit'"),
        ("support", "patient,date,end_date,end_day,kind\na,2021-01-02,,,icu\n", "both a column 'end_date' and"),
        ("support", "patient,date,end_day,kind\na,2021-01-02,3,icu\n", "have dates, but here stands 'end_day'"),
        ("labs", "patient,date,day,analyte\na,2021-01-02,1,ANC\n", "both a column 'date' and a column 'day'"),
        ("vitals", "patient,tme,temp_c\na,2021-01-02,38\n", "a column 'tme' that is not known. Name it 'time'"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, table: str, text: str, fault: str) -> None:
    assert fault in refused(tmp_path, table, text)


def test_other_columns_are_left_alone(tmp_path: Path) -> None:
    frame, _ = one_table(tmp_path, "gvhd", "patient,date,skin,remark\na,2021-01-02,2,x\n")
    assert frame["skin"].to_list() == [2.0]
    assert "remark" not in frame.columns


def test_bedside_columns_stay_text(tmp_path: Path) -> None:
    text = "patient,time,temp_c,o2_device\na,2021-01-02T06:00,38.4, HFNC\nb,,,\nz,2021-01-02,1,\n"
    frame, found = one_table(tmp_path, "vitals", text)
    assert frame.columns == ["patient", "day", "row", "time", "temp_c", "o2_device"]
    assert frame["temp_c"].to_list() == ["38.4", None]
    assert frame["o2_device"].to_list() == [" HFNC", None]
    assert frame["day"].to_list() == [DAY + 1.25, None]
    assert (found["undated-row"].rows, found["event-of-unknown-patient"].rows) == ((3,), (4,))


def test_times_at_the_bedside(tmp_path: Path) -> None:
    frame, _ = one_table(tmp_path, "neuro", "patient,date,time,ice\na,2021-01-02,18:00,9\na,2021-01-03,,9\n")
    assert frame["day"].to_list() == [DAY + 1.75, DAY + 2]
    frame, _ = one_table(tmp_path, "neuro", "patient,time,ice\na,36,9\n", calendar=False)
    assert frame["day"].to_list() == [1.5]
    assert "the times are hours" in refused(tmp_path, "neuro", "patient,time\na,36\n")
    assert "the times are dates" in refused(tmp_path, "neuro", "patient,time\na,2021-01-02\n", calendar=False)
    assert "both days and times" in refused(tmp_path, "neuro", "patient,day,time\na,1,30\n", calendar=False)
    assert "not a time of day" in refused(tmp_path, "neuro", "patient,date,time\na,2021-01-02,18:00\na,2021-01-02,x\n")


LAB = "patient,date,analyte,value,unit\n"
DOOR = [
    ("unknown-analyte", "labs", LAB + "a,2021-01-02,Troponin,1,ng/L\n", "troponin"),
    ("analyte-in-two-units", "labs", LAB + "a,2021-01-02,CRP,1,mg/L\na,2021-01-02,CRP,1,mg/dL\n", "crp"),
    ("negative-value", "labs", LAB + "a,2021-01-02,CRP,-1,mg/L\n", ""),
    ("value-out-of-range", "gvhd", "patient,date,organ,stage\na,2021-01-02,skin,5\n", ""),
    ("fraction-above-one", "assessments", "patient,date,site,blasts_percent\na,2021-01-02,BM,101\n", ""),
    ("platelets-above-2000", "labs", LAB + "a,2021-01-02,PLT,2001,K/uL\n", ""),
    ("platelets-above-2000", "assessments", "patient,date,site,platelets\na,2021-01-02,BM,150000\n", ""),
    ("anc-above-wbc", "labs", LAB + "a,2021-01-02T07:00,ANC,600,/uL\na,2021-01-02,WBC,0.5,K/uL\n", ""),
    ("likely-unit-error", "labs", LAB + "a,2021-01-02,CRP,61,mg/dL\n", "crp"),
    ("likely-unit-error", "labs", LAB + "a,2021-01-02,Fibrinogen,2.1,mg/dL\n", "fibrinogen"),
    ("likely-unit-error", "labs", LAB + "a,2021-01-02,Hb,90,g/dL\n", "hb"),
    ("lab-far-outside", "labs", LAB + "a,2021-01-02,ANC,10001,K/uL\n", "anc"),
    ("temperature-implausible", "vitals", "patient,time,temp_c\na,2021-01-02,29.9\n", ""),
    ("temperature-implausible", "support", "patient,date,kind,value\na,2021-01-02,temp,101\n", ""),
    ("mrd-is-overt-disease", "mrd", "patient,date,value_percent\na,2021-01-02,5.1\n", ""),
    ("mrd-detected-differs", "mrd", "patient,date,value,detected\na,2021-01-02,neg,yes\n", ""),
    ("dose-without-unit", "support", "patient,date,kind,dose\na,2021-01-02,tocilizumab,8\n", ""),
    ("support-ends-before-start", "support", "patient,date,end_date,kind\na,2021-01-02,2021-01-01,gcsf\n", ""),
    ("undated-row", "labs", LAB + "a,,CRP,1,mg/L\n", ""),
    ("event-of-unknown-patient", "labs", LAB + "q,2021-01-02,CRP,1,mg/L\n", ""),
]


def test_every_finding_has_a_table() -> None:
    assert {code for code, *_ in DOOR} == set(FOUND)


@pytest.mark.parametrize(("code", "table", "text", "about"), DOOR)
def test_what_is_found(tmp_path: Path, code: str, table: str, text: str, about: str) -> None:
    _, found = one_table(tmp_path, table, text)
    finding = found[code]
    assert (finding.level, finding.table) == (FOUND[code].level, f"{table}.csv")
    assert 2 in finding.rows
    assert finding.patient_rows == (() if code == "event-of-unknown-patient" else (2,))
    assert about in finding.message
    assert not re.search(r"\b(2021|150000|10001|101|5\.1)\b", finding.message)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("labs", LAB + "a,2021-01-02,PLT,2000,K/uL\na,2021-01-02,CRP,60,mg/dL\na,2021-01-02,Hb,90,g/L\n"),
        ("labs", LAB + "a,2021-01-02,ANC,0.5,K/uL\na,2021-01-02,WBC,0.5,K/uL\nb,2021-01-02,ANC,9,K/uL\n"),
        ("labs", LAB + "a,2021-01-02,ANC,<0.5,K/uL\na,2021-01-02,WBC,0.4,K/uL\na,2021-01-02,Fibrinogen,0,mg/dL\n"),
        ("mrd", "patient,date,value_percent\na,2021-01-02,5\na,2021-01-02,<10\n"),
        ("vitals", "patient,time,temp_c\na,2021-01-02,30\na,2021-01-02,43\n"),
        ("assessments", "patient,date,site,blasts_percent\na,2021-01-02,BM,100\n"),
    ],
)
def test_what_is_plausible_is_not_found(tmp_path: Path, table: str, text: str) -> None:
    assert one_table(tmp_path, table, text)[1] == {}


def test_what_is_impossible_is_unknown(tmp_path: Path) -> None:
    text = "patient,date,end_date,kind\na,2021-01-02,2021-01-01,gcsf\na,2021-01-02T09:00,2021-01-02,gcsf\n"
    frame, found = one_table(tmp_path, "support", text)
    assert frame["end_day"].to_list() == [None, DAY + 1]
    assert found["support-ends-before-start"].rows == (2,)
    frame, _ = one_table(tmp_path, "labs", LAB + "a,2021-01-02,CRP,-1,mg/L\na,2021-01-02,CRP,<5,mg/L\n")
    assert frame.select("value", "value_bound").rows() == [(None, None), (0.5, "<")]
    frame, _ = one_table(tmp_path, "gvhd", "patient,date,organ,stage\na,2021-01-02,skin,5\na,2021-01-02,skin,4\n")
    assert frame["stage"].to_list() == [None, 4.0]


def test_a_finding_names_the_rows_after_others_are_left_out(tmp_path: Path) -> None:
    text = LAB + "q,2021-01-02,CRP,1,mg/L\n\na,2021-01-02,Troponin,1,ng/L\nb,2021-01-02,CRP,61,mg/dL\n"
    frame, found = one_table(tmp_path, "labs", text)
    assert found["likely-unit-error"].rows == (5,)
    assert found["likely-unit-error"].patient_rows == (3,)
    assert frame.select("patient", "row").rows() == [(1, 5)]


def test_every_finding_and_table_is_documented() -> None:
    page = DOCS.read_text(encoding="utf-8")
    assert [code for code in FOUND if f"`{code}`" not in page] == []
    assert [name for name in schema() if f"`{name}`" not in page] == []
    columns = {column for table in schema().values() for column in table}
    assert [column for column in columns if f"`{column}`" not in page] == []


def test_the_frames_are_fit_for_a_history(tmp_path: Path) -> None:
    frame, _ = one_table(tmp_path, "kinetics", "patient,date,assay,value,lloq\na,2021-01-02,Copies/µg DNA,BLQ,50\n")
    assert frame.row(0, named=True) == {
        "patient": 0, "day": DAY + 1, "row": 2, "assay": "copies_per_ug", "specimen": None,
        "value": 50.0, "value_bound": "<", "lloq": 50.0,
    }  # fmt: skip
    assert frame.schema["patient"] == pl.Int64
