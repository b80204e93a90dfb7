"""What was done to the truth when it was typed: every planted fault, as data.

``typed`` stands in the cell instead of the truth. A fault without ``typed`` concerns whole rows, and
``make_workbook.py`` knows what to do by its name.
"""

from dataclasses import dataclass
from datetime import date

Typed = str | float | date | None


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes
    ----------
    name
        What it is called here and in the README.
    sheet, patient, column
        Where it stands; the column by the its key in ``typed.py``.
    what
        One line for people.
    found_as
        The finding that must point at the place.
    typed
        What the cell holds.
    spoils
        Events, baseline columns and attributes of the patient whose true value can no longer be read.
    against
        The column that it contradicts, where the finding may stand as well: nobody can know which of two is wrong.
    mended_by
        Beginning of the line of ``study.toml`` that mends it; the fault is found while the line is not there.
    """

    name: str
    sheet: str
    patient: str
    column: str
    what: str
    found_as: str
    typed: Typed = None
    spoils: tuple[str, ...] = ()
    against: str = ""
    mended_by: str = ""


FAULTS = (
    Fault(
        "death of the living",
        "Patients",
        "016",
        "death",
        "a date of death, but the column beside says alive",
        typed=date(2024, 1, 9),
        found_as="date-without-event",
    ),
    Fault(
        "death on two dates",
        "Follow-up",
        "052",
        "death",
        "ten days after the date of death in the sheet Patients",
        typed=date(2019, 9, 14),
        found_as="event-on-two-dates",
    ),
    Fault(
        "before birth",
        "Patients",
        "021",
        "diagnosis",
        "2007 for 2017: the patient was born in 2011",
        typed="26.07.2007",
        found_as="birth-after-event",
        spoils=("diagnosis",),
        against="birth",
    ),
    Fault(
        "infusion after death",
        "Patients",
        "044",
        "infusion",
        "2023 for 2022: the patient died in between",
        typed="2023/12/05",
        found_as="event-after-death",
        spoils=("infusion",),
    ),
    Fault(
        "partial date",
        "Patients",
        "034",
        "relapse",
        "the day is not known",
        typed="2023-12",
        found_as="partial-date",
        spoils=("relapse",),
    ),
    Fault(
        "year only",
        "Patients",
        "013",
        "diagnosis",
        "neither day nor month are known",
        typed="2020",
        found_as="partial-date",
        spoils=("diagnosis",),
    ),
    Fault(
        "rows that differ",
        "Patients",
        "045",
        "risk",
        "a second row for the patient, with another risk",
        typed="high",
        found_as="baseline-differs",
        spoils=("risk",),
    ),
    Fault(
        "rows that are equal",
        "Patients",
        "023",
        "patient",
        "the row of the patient stands there twice",
        found_as="event-twice",
    ),
    Fault(
        "one sheet only",
        "Follow-up",
        "060",
        "patient",
        "a patient who is not in the sheet Patients",
        found_as="patient-in-one-sheet",
        spoils=tuple("sex age weight risk diagnosis apheresis infusion crs response mrd".split()),
    ),
    Fault(
        "serial number",
        "Follow-up",
        "005",
        "last_contact",
        "a number, where the column holds dates as text: the day as Excel counts it",
        typed=45453,
        found_as="date-is-a-number",
        spoils=("last_contact",),
    ),
    Fault(
        "era date",
        "Patients",
        "007",
        "hsct",
        "a year of the Japanese calendar",
        typed="令和3年8月15日",
        found_as="japanese-era",
        spoils=("hsct",),
    ),
    Fault(
        "date made of a code",
        "Patients",
        "014",
        "lot",
        "the lot was 3-12, and Excel made 12 March of it",
        typed=date(2018, 3, 12),
        found_as="excel-dates-among-codes",
        spoils=("lot",),
    ),
    Fault(
        "relapse before remission",
        "Patients",
        "040",
        "relapse",
        "27 November 2018 for 27 April 2020: before the first remission",
        typed=date(2018, 11, 27),
        found_as="relapse-without-remission",
        spoils=("relapse",),
    ),
    Fault(
        "impossible date",
        "Patients",
        "039",
        "infusion",
        "30 February",
        typed="2021-02-30",
        found_as="impossible-date",
        spoils=("infusion",),
    ),
    Fault(
        "unit slip",
        "Patients",
        "041",
        "weight",
        "pounds in the column of kilograms",
        typed=180.1,
        found_as="value-implausible",
        spoils=("weight",),
    ),
    Fault(
        "transplant a year early",
        "Patients",
        "011",
        "hsct",
        "2022 for 2023: before the infusion, and engraftment 385 days later",
        typed=date(2022, 6, 17),
        found_as="year-slip",
        spoils=("hsct",),
    ),
    Fault(
        "no, with a date",
        "Patients",
        "036",
        "hsct",
        "a date of transplant, but the column beside says no",
        typed=date(2023, 2, 1),
        found_as="date-without-event",
    ),
    Fault(
        "unknown code",
        "Patients",
        "048",
        "sex",
        "neither 1 nor 2",
        typed=9,
        found_as="value-not-coded",
        spoils=("sex",),
    ),
    Fault(
        "broken formula",
        "Patients",
        "057",
        "weight_lb",
        "#REF! instead of a number",
        typed="#REF!",
        found_as="error-cell",
        spoils=("weight_lb",),
    ),
    Fault(
        "zeros lost",
        "MRD",
        "",
        "patient",
        "numbers instead of texts: 7 is not 007",
        found_as="patient-in-one-sheet",
        mended_by="digits = 3",
    ),
)
"""In no order that matters."""
