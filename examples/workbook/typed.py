"""The three sheets as a hospital typed them: headers in many languages, dates in four forms, the planted faults."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from cohort import Patient
from faults import FAULTS, Fault, Typed

GERMAN = range(14, 28)
"""Positions of the patients whose rows a colleague typed: dates as text, dd.mm.yyyy, and a decimal comma."""
SLASHES = range(40, 48)
"""Positions of the patients whose dates were pasted as text, yyyy/mm/dd."""
FULL_WIDTH = range(29, 36)
"""Positions of the patients whose age was typed in full-width digits."""
GAP_AFTER = 29
"""An empty row follows this patient."""
MERGED = "033"
"""The rows of this patient in the sheet MRD share one merged cell for the identifier."""

Row = dict[str, Typed]


@dataclass(frozen=True)
class Sheet:
    """One sheet: title, columns (key -> header, one text a header row), rows, and a row of totals.

    ``header_row`` is the first header row, counted from 1. A row that is None is left empty.
    """

    name: str
    title: str
    header_row: int
    columns: dict[str, tuple[str, ...]]
    rows: tuple[Row | None, ...]
    totals: bool = False

    @property
    def first_row(self) -> int:
        """The number of the first row of data, as a spreadsheet counts."""
        return self.header_row + len(next(iter(self.columns.values())))

    def letter(self, column: str) -> str:
        """Return the letter of a column (there are at most 26)."""
        return chr(ord("A") + list(self.columns).index(column))


@dataclass(frozen=True)
class Place:
    """Where a fault stands: ``rows`` as a spreadsheet counts, ``columns`` their letters, the own first."""

    sheet: str
    rows: tuple[int, ...]
    columns: tuple[str, ...]


PATIENTS = {
    "no": ("No.", ""),
    "patient": ("患者", "登録ID"),
    "sex": ("患者", "性別\n(1/2)"),
    "birth": ("患者", "生年月日"),
    "age": ("患者", "年龄"),
    "weight": ("患者", "体重 (kg)"),
    "diagnosis": ("诊断", "诊断日期"),
    "risk": ("诊断", "Cytogenetic risk"),
    "apheresis": ("CAR-T", "Apheresis  date"),
    "infusion": ("CAR-T", "回输日期"),
    "dose": ("CAR-T", "细胞剂量 (×10^6/kg)"),
    "lot": ("CAR-T", "Lot"),
    "crs": ("CRS", "発症日"),
    "crs_grade": ("CRS", "Grade"),
    "response": ("疗效", "评估日期"),
    "best": ("疗效", "Best response"),
    "infusion_2": ("CAR-T 2", "回输日期"),
    "transplanted": ("移植", "有無"),
    "hsct": ("移植", "日期"),
    "donor": ("移植", "Donor"),
    "weight_lb": ("移植", "Weight (lb)"),
    "engraftment": ("移植", "好中球生着日"),
    "relapse": ("再発", "再発日"),
    "status": ("转归", "生存/死亡"),
    "death": ("转归", "死亡日"),
    "comment": ("備考 / Comments", ""),
}
MRD = {
    "patient": ("患者ID",),
    "day": ("検査日",),
    "method": ("方法",),
    "result": ("結果",),
    "percent": ("MRD (%)",),
}
FOLLOW_UP = {
    "patient": ("ID",),
    "last_contact": ("Letzter Kontakt",),
    "status": ("Status",),
    "death": ("Todesdatum",),
    "cgvhd": ("cGVHD Datum",),
    "cgvhd_grade": ("cGVHD Grad",),
    "remark": ("Bemerkung",),
}
COMMENTS = (
    'fever day 3, "looked well", home on day 14',
    "転院、紹介状あり",
    "外院随访; letters 2, 5 and 7",
    'siehe Arztbrief, "kein Rezidiv"',
    "",
    "",
)


def sheets(patients: tuple[Patient, ...], faults: tuple[Fault, ...] = FAULTS) -> tuple[Sheet, ...]:
    """Return the three sheets as typed, with the faults given (none: as they should have been typed)."""
    title = "CAR-T → 移植 登録台帳 / ALL 2018–2023"
    return (
        Sheet("Patients", title, 2, PATIENTS, _patients(patients, faults), totals=True),
        Sheet("MRD", "", 1, MRD, tuple(_mrd(patients, faults))),
        Sheet("Follow-up", "Nachsorge, Stand 30.06.2024", 3, FOLLOW_UP, tuple(_follow_up(patients, faults))),
    )


def places(sheet_list: tuple[Sheet, ...], faults: tuple[Fault, ...] = FAULTS) -> dict[str, Place]:
    """Return where every planted fault stands, by its name."""
    by_name = {sheet.name: sheet for sheet in sheet_list}
    return {fault.name: _place(fault, by_name[fault.sheet]) for fault in faults}


def _place(fault: Fault, sheet: Sheet) -> Place:
    typed = [(sheet.first_row + i, row["patient"]) for i, row in enumerate(sheet.rows) if row]
    rows = [row for row, name in typed if name is not None and fault.patient in (f"{name:>03}", "")]
    if fault.name == "rows that are equal":  # one of them is right
        rows = rows[1:]
    columns = tuple(sheet.letter(column) for column in (fault.column, fault.against) if column)
    return Place(sheet.name, tuple(rows), columns)


def _whose(faults: tuple[Fault, ...], name: str) -> str | None:
    """Return the patient of a fault, or None where it is not planted."""
    return next((fault.patient for fault in faults if fault.name == name), None)


def _wrong(faults: tuple[Fault, ...], sheet: str, patient: str) -> Row:
    """Return what stands in the cells of a patient instead of the truth."""
    own = [f for f in faults if (f.sheet, f.patient) == (sheet, patient) and f.name != "rows that differ"]
    return {f.column: f.typed for f in own if f.typed is not None}


def _patients(patients: tuple[Patient, ...], faults: tuple[Fault, ...]) -> tuple[Row | None, ...]:
    rows: list[Row | None] = []
    last: list[Row] = []
    for i, person in enumerate(patients):
        if person.patient == _whose(faults, "one sheet only"):
            continue
        row = _patient_row(i, person) | _wrong(faults, "Patients", person.patient)
        rows.append(row)
        if person.patient == _whose(faults, "rows that are equal"):
            rows.append(dict(row))
        last += [
            row | {f.column: f.typed} for f in faults if (f.name, f.patient) == ("rows that differ", row["patient"])
        ]
        if i == GAP_AFTER:
            rows.append(None)
    return (*rows, *last)


def _patient_row(i: int, person: Patient) -> Row:
    day = _hand(i)
    response = person.of("response")
    crs = person.of("crs")
    transplanted = person.of("hsct") is not None
    return {
        "no": i + 1,
        "patient": person.patient,
        "sex": 1 if person.sex == "male" else 2,
        "birth": day(person.birth),
        "age": _full_width(person.age) if i in FULL_WIDTH else person.age,
        "weight": _comma(person.weight) if i in GERMAN else person.weight,
        "diagnosis": _day(person, "diagnosis", day),
        "risk": person.risk or "不明",
        "apheresis": _day(person, "apheresis", day),
        "infusion": "2022年12月10日" if person.patient == "019" else _day(person, "infusion", day, 1),
        "dose": _comma(person.dose) if i in GERMAN else person.dose,
        "lot": person.lot,
        "crs": _day(person, "crs", day),
        "crs_grade": int(crs.value) if crs else None,
        "response": _day(person, "response", day),
        "best": response.value if response else None,
        "infusion_2": _day(person, "infusion", day, 2),
        "transplanted": "あり" if transplanted else "なし",
        "hsct": _day(person, "hsct", day),
        "donor": person.donor or ("n.a." if i % 3 else None),
        "weight_lb": person.weight_lb,
        "engraftment": _day(person, "neutrophil_engraftment", day),
        "relapse": _day(person, "relapse", day),
        "status": "死亡" if person.of("death") else "生存",
        "death": _day(person, "death", day),
        "comment": COMMENTS[i % len(COMMENTS)] or None,
    }


def _mrd(patients: tuple[Patient, ...], faults: tuple[Fault, ...]) -> Iterator[Row | None]:
    for person in patients:
        if person.patient == _whose(faults, "one sheet only"):
            continue
        name: Typed = person.patient if _whose(faults, "zeros lost") is None else int(person.patient)
        for i, test in enumerate(person.mrd):
            yield {
                "patient": None if i and person.patient == MERGED else name,
                "day": test.day,
                "method": test.method,
                "result": "陽性" if test.positive else "陰性",
                "percent": "#N/A" if test.percent is None else _comma(test.percent) if i else test.percent,
            }


def _follow_up(patients: tuple[Patient, ...], faults: tuple[Fault, ...]) -> Iterator[Row | None]:
    german = _hand(GERMAN[0])
    for person in patients:
        cgvhd = person.of("cgvhd")
        row: Row = {
            "patient": person.patient,
            "last_contact": _day(person, "last_contact", german),
            "status": "verstorben" if person.of("death") else "lebt",
            "death": _day(person, "death", _hand(0)),
            "cgvhd": _day(person, "cgvhd", german),
            "cgvhd_grade": cgvhd.value if cgvhd else None,
            "remark": None,
        }
        yield row | _wrong(faults, "Follow-up", person.patient)


def _hand(i: int) -> Callable[[date], Typed]:
    """Return how the person who typed patient ``i`` wrote dates."""
    if i in GERMAN:
        return lambda day: f"{day:%d.%m.%Y}"
    return (lambda day: f"{day:%Y/%m/%d}") if i in SLASHES else (lambda day: day)


def _day(person: Patient, name: str, write: Callable[[date], Typed], number: int | None = None) -> Typed:
    event = person.of(name, number)
    return write(event.day) if event else None


def _comma(number: float) -> str:
    return str(number).replace(".", ",")


def _full_width(number: int) -> str:
    return "".join(chr(ord("０") + int(digit)) for digit in str(number))
