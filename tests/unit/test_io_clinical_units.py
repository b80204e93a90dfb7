"""Units at the door (rule book 0.1), and values that are censored or no numbers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinical_files import one_table, read_tables
from dayzero.errors import InputError
from dayzero.io.clinical.schema import analyte_names, analytes, schema
from dayzero.io.clinical.units import dimensions, plain_unit, unit_named

LAB = "patient,date,analyte,value,unit\n"


def lab(folder: Path, analyte: str, value: str, unit: str) -> float | None:
    frame, _ = one_table(folder, "labs", f'{LAB}a,2021-01-02,{analyte},{value},"{unit}"\n')
    return frame["value"][0]


def refused(folder: Path, name: str, text: str) -> str:
    with pytest.raises(InputError) as error:
        read_tables(folder, {name: text})
    return str(error.value)


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "canonical"),
    [
        ("ANC", "500", "/uL", 0.5),
        ("ANC", "500", "/µL", 0.5),
        ("neutrophils", "500", "cells/mm3", 0.5),
        ("anc", "0.5", "x10^9/L", 0.5),
        ("anc", "0.5", "10E9/L", 0.5),
        ("wbc", "0.5", "K/uL", 0.5),
        ("wbc", "0.5", "G/L", 0.5),
        ("plt", "20000", "per uL", 20.0),
        ("alc", "200", "/mm³", 0.2),
        ("Hb", "90", "g/L", 9.0),
        ("haemoglobin", "9", "g/dL", 9.0),
        ("HGB", "5", "mmol/L", 8.055),
        ("bilirubin", "34.2", "µmol/L", 2.0),
        ("direct bilirubin", "17.1", "umol/L", 1.0),
        ("CRP", "30", "mg/L", 3.0),
        ("C-reactive protein", "3", "mg/dL", 3.0),
        ("ferritin", "650", "ug/L", 650.0),
        ("ferritin", "1000", "pmol/L", 445.0),
        ("fibrinogen", "1.5", "g/L", 150.0),
        ("TG", "3", "mmol/L", 265.71),
        ("creatinine", "88.4", "umol/L", 1.0),
        ("LDH", "5", "ukat/L", 300.0),
        ("SGPT", "40", "IU/L", 40.0),
        ("IL-6", "5", "ng/L", 5.0),
        ("IFN-gamma", "2", "ng/mL", 2000.0),
        ("sCD25", "2400", "U/mL", 2400.0),
        ("D-dimer", "500", "ng/mL FEU", 0.5),
        ("D dimer", "0.5", "mg/L", 0.5),
        ("IgG", "400", "mg/dL", 4.0),
        ("B cells", "0.05", "10^9/L", 50.0),
        ("CD19", "50", "/uL", 50.0),
        ("b_cells_percent", "10", "%", 10.0),
        ("b_cells_percent", "0.1", "fraction", 10.0),
        ("CD3+", "50", "cells/µl", 50.0),
        ("ANC", "0", "", 0.0),
    ],
)
def test_table_0_1(tmp_path: Path, analyte: str, value: str, unit: str, canonical: float) -> None:
    assert lab(tmp_path, analyte, value, unit) == pytest.approx(canonical, rel=1e-12, abs=0)


def test_thresholds_survive_the_conversion_exactly(tmp_path: Path) -> None:
    assert lab(tmp_path, "ANC", "500", "/uL") == 0.5
    assert lab(tmp_path, "PLT", "20000", "/uL") == 20.0
    assert lab(tmp_path, "CRP", "30", "mg/L") == 3.0
    text = "patient,date,kind,value,value_unit\na,2021-01-02,temp,100.4,F\na,2021-01-02,temp,100.39,°F\n"
    frame, _ = one_table(tmp_path, "support", text)
    assert frame["value"][0] == 38.0
    assert frame["value"][1] < 38.0
    whole = {"96.8": 36.0, "98.6": 37.0, "102.2": 39.0, "103.1": 39.5, "104": 40.0}
    rows = "".join(f"a,2021-01-02,temp,{written},F\n" for written in whole)
    frame, _ = one_table(tmp_path, "support", f"patient,date,kind,value,value_unit\n{rows}")
    assert frame["value"].to_list() == list(whole.values())
    frame, _ = one_table(tmp_path, "mrd", "patient,date,value,unit\n" + "".join(
        f"a,2021-01-02,{value},percent\n" for value in ("0.01", "0.001", "1", "5", "25")))  # fmt: skip
    assert frame["value"].to_list() == [1e-4, 1e-5, 0.01, 0.05, 0.25]


@pytest.mark.parametrize(
    ("analyte", "unit", "fault"),
    [
        ("CRP", "pmol/L", "row 2, column unit: a unit, but not one of crp. Write one of mg/dL, mg/L, g/L."),
        ("CRP", "furlong", "row 2, column unit: not a unit that is known. Write one of mg/dL"),
        ("CRP", "", "row 2, column value: a quantity without a unit. Write one of mg/dL, mg/L, g/L into a col"),
        ("sIL2R", "pg/mL", "a unit, but not one of soluble IL-2 receptor"),
        ("D-dimer", "ng/mL DDU", "not a unit that is known"),
        ("Hb", "mg/dL", "a unit, but not one of haemoglobin"),
    ],
)
def test_a_unit_that_cannot_be_is_refused(tmp_path: Path, analyte: str, unit: str, fault: str) -> None:
    message = refused(tmp_path, "labs", f"{LAB}a,2021-01-02,{analyte},7777,{unit}\n")
    assert fault in message
    assert "7777" not in message
    assert "furlong" not in message


def test_a_fraction_without_a_unit_is_ambiguous(tmp_path: Path) -> None:
    text = "patient,date,value\na,2021-01-02,1e-4\na,2021-01-03,0.01\n"
    message = refused(tmp_path, "mrd", text)
    assert message.startswith("mrd.csv, row 3, column value: neither a fraction nor percent by name. Write one of frac")
    assert "'value_unit'" in message
    message = refused(tmp_path, "assessments", "patient,date,site,blasts\na,2021-01-02,BM,4\n")
    assert "row 2, column blasts: neither a fraction" in message


@pytest.mark.parametrize(
    ("header", "cells", "value"),
    [
        ("value,unit", "0.01,%", 1e-4),
        ("value,unit", "0.01,percent", 1e-4),
        ("value,unit", "1e-4,fraction", 1e-4),
        ("value,value_unit", "1,1e-4", 1e-4),
        ("value,unit", "100,per 10^6", 1e-4),
        ("value_percent", "0.01", 1e-4),
        ("value_fraction", "0.0001", 1e-4),
        ("value", "0.01%", 1e-4),
        ("value", "1E-4", 1e-4),
        ("value", "1 x10^-4", 1e-4),
        ("value", "0", 0.0),
        ("value_percent,unit", "0.0001,fraction", 1e-4),
        ("value,unit", "0.01%,fraction", 1e-4),
    ],
)
def test_where_a_unit_may_stand(tmp_path: Path, header: str, cells: str, value: float) -> None:
    frame, _ = one_table(tmp_path, "mrd", f"patient,date,{header}\na,2021-01-02,{cells}\n")
    assert frame["value"].to_list() == [value]
    assert frame["value_bound"].to_list() == [""]


def test_counts_of_an_assessment_are_in_1e9_unless_said_otherwise(tmp_path: Path) -> None:
    text = "patient,date,site,anc,platelets_per_ul\na,2021-01-02,BM,1.2,100000\n"
    frame, _ = one_table(tmp_path, "assessments", text)
    assert frame.select("anc", "platelets").rows() == [(1.2, 100.0)]


@pytest.mark.parametrize(
    ("cell", "value", "bound", "detected"),
    [
        ("<0.01", 1e-4, "<", None),
        ("< 0.01", 1e-4, "<", None),
        ("<0.01%", 1e-4, "<", None),
        (">1", 0.01, ">", None),
        (">ULOQ", None, ">", None),
        ("<LOD", 1e-4, "<", False),
        ("neg", 1e-4, "<", False),
        ("Not detected", 1e-4, "<", False),
        ("ND", 1e-4, "<", False),
        ("BLQ", 2e-4, "<", None),
        ("<LLOQ", 2e-4, "<", None),
        ("PNQ", 2e-4, "<", True),
        ("positive", None, None, True),
        ("", None, None, None),
        ("0.5", 0.005, "", None),
    ],
)
def test_what_stands_in_place_of_mrd(
    tmp_path: Path, cell: str, value: float | None, bound: str | None, detected: bool | None
) -> None:
    text = f"patient,date,value,unit,lod,loq\na,2021-01-02,{cell},percent,0.01,0.02\n"
    frame, _ = one_table(tmp_path, "mrd", text)
    assert frame.select("value", "value_bound", "detected").row(0) == (value, bound, detected)


def test_without_a_limit_what_is_not_detected_has_no_value(tmp_path: Path) -> None:
    text = "patient,date,value,loq_percent\na,2021-01-02,neg,\na,2021-01-02,neg,0.01\na,2021-01-02,BLQ,\n"
    frame, _ = one_table(tmp_path, "mrd", text)
    assert frame.select("value", "value_bound", "detected").rows() == [
        (None, "<", False), (1e-4, "<", False), (None, "<", None),
    ]  # fmt: skip


def test_what_was_detected_by_the_column_stays(tmp_path: Path) -> None:
    text = "patient,date,value,detected\na,2021-01-02,1e-5,yes\na,2021-01-02,neg,no\na,2021-01-02,neg,yes\n"
    frame, found = one_table(tmp_path, "mrd", text)
    assert frame["detected"].to_list() == [True, False, None]
    assert found["mrd-detected-differs"].rows == (4,)


def test_at_most_is_below_the_next_number(tmp_path: Path) -> None:
    text = f"{LAB}a,2021-01-02,IL6,<=5,pg/mL\na,2021-01-02,IL6,≥5,pg/mL\n"
    frame, _ = one_table(tmp_path, "labs", text)
    assert frame["value"].to_list() == [np.nextafter(5, 6), np.nextafter(5, 4)]
    assert frame["value_bound"].to_list() == ["<", ">"]


@pytest.mark.parametrize("cell", ['"1,200"', "1.2.3", "high", "nan", "inf", "--", "1 200", "<", "1e999"])
def test_what_is_no_number_is_refused(tmp_path: Path, cell: str) -> None:
    message = refused(tmp_path, "labs", f"{LAB}a,2021-01-02,CRP,{cell},mg/L\n")
    assert message.startswith("labs.csv, row 2, column value: not a number.")
    assert cell.strip('"') not in message.removesuffix(".") or cell in {"<", "--"}


def test_limits_are_converted_with_their_value(tmp_path: Path) -> None:
    text = "patient,date,analyte,value,uln,lln,unit\na,2021-01-02,fibrinogen,1.2,4,2,g/L\n"
    frame, _ = one_table(tmp_path, "labs", text)
    assert frame.select("value", "uln", "lln").row(0) == (120.0, 400.0, 200.0)


def test_every_dimension_is_one(tmp_path: Path) -> None:
    for dimension in dimensions().values():
        canonical = dimension.spellings[plain_unit(dimension.canonical)]
        assert (canonical.zero, canonical.times, canonical.by) == (0, 1, 1)
        assert all(spelling == plain_unit(spelling) for spelling in dimension.spellings)
    named = {c.dimension for table in schema().values() for c in table.values()} - {"", "analyte"}
    assert named | {a.dimension for a in analytes().values()} == set(dimensions())


def test_no_name_means_two_analytes() -> None:
    names = [name for a in analytes().values() for name in (a.name, *a.also)]
    assert sorted(names) == sorted(set(names))
    assert all(name == name.lower() and " " not in name and "-" not in name for name in analyte_names())


WRITTEN = [(a, unit) for a, known in analytes().items() for unit in dimensions()[known.dimension].names]
EASY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = st.floats(min_value=1e-3, max_value=1e5, allow_subnormal=False)


@EASY
@given(st.sampled_from(WRITTEN), NUMBERS, st.sampled_from(["", "<", ">"]), st.booleans())
def test_changing_the_unit_leaves_the_value(
    tmp_path: Path, written: tuple[str, str], value: float, sign: str, in_cell: bool
) -> None:
    analyte, unit = written
    dimension = dimensions()[analytes()[analyte].dimension]
    into = unit_named(dimension, unit)
    assert into is not None
    other = repr(value * into.by / into.times + into.zero)
    cells = f"{sign}{other} {unit}," if in_cell and not unit[0].isdigit() else f"{sign}{other},{unit}"
    text = f"{LAB}a,2021-01-02,{analyte},{sign}{value!r},{dimension.canonical}\na,2021-01-02,{analyte},{cells}\n"
    frame, _ = one_table(tmp_path, "labs", text)
    assert frame["value"][1] == pytest.approx(frame["value"][0], rel=1e-12, abs=0)
    assert frame["value_bound"].to_list() == [sign, sign]


@EASY
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["anc", "crp", "il6"]), st.sampled_from(["1", "<2", ">3", ">ULOQ", "nd", ""]),
            st.sampled_from(["2021-01-02", "2021-01-03T04:00", ""]), st.sampled_from("abz"),
        ),
        min_size=1, max_size=8,
    ),
    st.randoms(),
)  # fmt: skip
def test_the_order_of_rows_does_not_matter(tmp_path: Path, rows: list[tuple[str, ...]], order: object) -> None:
    unit = {"anc": "K/uL", "crp": "mg/L", "il6": "pg/mL"}
    lines = [f"{patient},{date},{analyte},{value},{unit[analyte]}\n" for analyte, value, date, patient in rows]
    shuffled = list(range(len(lines)))
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    plain, found = one_table(tmp_path, "labs", LAB + "".join(lines))
    mixed, again = one_table(tmp_path, "labs", LAB + "".join(lines[k] for k in shuffled))
    place = {k + 2: n for n, k in enumerate(shuffled, 2)}
    moved = plain.with_columns(plain["row"].replace_strict(place, return_dtype=plain["row"].dtype)).sort("row")
    assert moved.equals(mixed.sort("row"))
    assert {code: tuple(sorted(place[row] for row in f.rows)) for code, f in found.items()} == {
        code: f.rows for code, f in again.items()
    }


@EASY
@given(st.sampled_from(["<", ">"]), NUMBERS, st.sampled_from(sorted(analytes())))
def test_what_is_censored_stays_so(tmp_path: Path, sign: str, value: float, analyte: str) -> None:
    unit = dimensions()[analytes()[analyte].dimension].canonical
    frame, _ = one_table(tmp_path, "labs", f"{LAB}a,2021-01-02,{analyte},{sign} {value!r},{unit}\n")
    assert frame.select("value", "value_bound").row(0) == (value, sign)
