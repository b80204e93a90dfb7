"""Write a made-up cohort of 28 that agrees with what a published paper says of its patients.

The paper is Chen 2021, Front Immunol 12:755549. Nobody here is a patient: days were chosen so that every fact that can
be true together is, and README.md lists those that cannot. Run ``python make.py``; it writes patients.csv, events.csv
and mrd.csv beside itself.
"""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
CUTOFF = date(2021, 1, 1)


class Course(NamedTuple):
    """One patient: days count from the first infusion; those of relapse and transplant as the paper counts them."""

    sex: str
    age: int
    blasts: float
    infused: str
    crs: int
    crs_day: int
    cr: int | None = 28
    mrd: str = "negative"
    hsct: int | None = None
    relapse: int | None = None
    antigen: str = "positive"
    second: int | None = None
    second_cr: int | None = None
    second_relapse: int | None = None
    death: int | None = None
    cause: str = "relapse"
    followed: int | None = None
    agvhd: tuple[int, int] | None = None
    engrafted: tuple[int, int] | None = None
    seizure: int | None = None


TRANSPLANTED = (
    # relapses 30, 44 and 399 days after transplantation; four deaths, three of them without relapse; six alive
    Course("female", 19, 12.0, "2016-08-10", 1, 6, hsct=63, relapse=93, death=240, engrafted=(14, 18)),
    Course("male", 19, 35.0, "2017-10-12", 2, 7, hsct=58, relapse=102, followed=1177, engrafted=(16, 20)),
    Course("female", 31, 8.0, "2017-08-16", 1, 5, hsct=70, relapse=469, followed=1234, engrafted=(15, 21)),
    Course(
        "male", 15, 22.0, "2016-09-20", 3, 6, hsct=66, death=150, cause="infection", engrafted=(25, 36), agvhd=(3, 26)
    ),
    Course("female", 27, 41.0, "2017-02-14", 2, 4, hsct=61, death=300, cause="gvhd", engrafted=(17, 22), agvhd=(4, 40)),
    Course("female", 22, 5.0, "2018-03-01", 1, 8, hsct=55, death=600, cause="infection", engrafted=(12, 14)),
    Course("male", 12, 60.0, "2016-05-06", 2, 6, hsct=63, followed=1701, engrafted=(11, 12), agvhd=(2, 45)),
    Course("female", 36, 18.0, "2019-07-31", 1, 6, hsct=90, followed=520, engrafted=(13, 19)),
    Course("male", 22, 30.0, "2017-08-10", 3, 3, hsct=49, followed=1240, engrafted=(18, 23), seizure=7),
    Course("female", 29, 15.0, "2016-12-14", 0, 0, hsct=104, followed=1479, engrafted=(20, 30)),
)
REINFUSED = (
    # the first relapse 92 to 719 days after remission, median 189; three second remissions, of 38, 92 and 120 days
    Course("male", 17, 72.0, "2016-06-15", 3, 5, relapse=120, second=127, death=200),
    Course("female", 44, 55.0, "2016-11-02", 2, 7, mrd="positive", relapse=148, second=155, death=260),
    Course("female", 20, 66.0, "2017-04-19", 2, 6, relapse=178, second=186, death=340),
    Course(
        "male",
        20,
        80.0,
        "2017-06-28",
        1,
        9,
        relapse=217,
        second=225,
        second_cr=253,
        second_relapse=291,
        death=482,
        cause="relapse",
    ),
    Course(
        "female",
        33,
        25.0,
        "2018-01-17",
        2,
        6,
        relapse=278,
        second=285,
        second_cr=313,
        second_relapse=405,
        death=610,
        cause="relapse",
    ),
    Course(
        "female",
        9,
        48.0,
        "2018-05-23",
        1,
        6,
        relapse=428,
        second=436,
        second_cr=464,
        second_relapse=584,
        death=790,
        cause="relapse",
    ),
    Course("male", 52, 10.0, "2016-10-05", 2, 1, relapse=747, antigen="negative", second=755, death=960),
)
NEITHER = (
    # eight remissions: seven relapses 30 to 449 days later, median 149, and one death in remission on day 24
    Course("female", 61, 92.0, "2016-07-20", 5, 2, cr=None, death=14, cause="crs"),
    Course("male", 38, 88.0, "2017-03-15", 4, 4, cr=14, death=24, cause="haemorrhage"),
    Course("male", 47, 95.0, "2017-11-08", 3, 3, cr=None, death=90, cause="progression"),
    Course("female", 28, 85.0, "2018-08-29", 2, 20, cr=None, death=130, cause="progression"),
    Course("male", 18, 70.0, "2018-10-17", 3, 5, mrd="positive", relapse=58, death=180),
    Course("female", 21, 68.0, "2016-09-07", 2, 6, mrd="positive", relapse=98, death=236),
    Course(
        "male",
        13,
        64.0,
        "2019-02-20",
        1,
        7,
        mrd="positive",
        relapse=138,
        antigen="negative",
        death=310,
        cause="relapse",
    ),
    Course("female", 55, 40.0, "2019-04-10", 2, 6, relapse=177, death=420),
    Course("female", 22, 33.0, "2017-09-13", 3, 6, relapse=228, death=500),
    Course("male", 16, 28.0, "2018-11-14", 1, 8, relapse=408, death=640),
    Course("female", 8, 20.0, "2018-02-07", 2, 6, mrd="positive", relapse=477, death=720),
)
EVERYBODY = TRANSPLANTED + REINFUSED + NEITHER
VISITS = (30, 61, 91, 183, 365, 548, 731, 1096, 1461)
HEADER = (
    "patient",
    "event",
    "date",
    "value",
    "cause",
    "antigen",
    "scale",
    *"kind product targets origin dose_per_kg".split(),
)
PRODUCT = {"product": "hCART19s", "targets": "CD19", "origin": "autologous", "dose_per_kg": 1000000}


def events(course: Course) -> list[dict[str, object]]:
    """Return what happened to a patient, by day."""
    rows: list[dict[str, object]] = [
        {"event": "lymphodepletion", "day": -5},
        {"event": "infusion", "day": 0, **PRODUCT},
    ]
    if course.crs:
        rows.append({"event": "crs", "day": course.crs_day, "value": course.crs, "scale": "not stated"})
    if course.seizure:
        rows.append({"event": "neurotoxicity", "day": course.seizure, "value": "convulsion", "scale": "ctcae-4.03"})
    if course.cr is not None:
        rows.append({"event": "response", "day": course.cr, "value": "CR", "scale": "cr-regardless-of-counts"})
    elif course.death and course.death > 28:
        rows.append({"event": "response", "day": 28, "value": "failure", "scale": "cr-regardless-of-counts"})
    rows += _transplant(course) + _relapse(course)
    end = course.death if course.death is not None else course.followed
    rows.append({"event": "death" if course.death else "last_contact", "day": end})
    rows[-1] |= {"cause": course.cause} if course.death else {}
    return sorted(rows, key=lambda row: int(str(row["day"])))


def _transplant(course: Course) -> list[dict[str, object]]:
    if course.hsct is None:
        return []
    rows: list[dict[str, object]] = [{"event": "hsct", "day": course.hsct, "kind": "allo"}]
    white, platelets = course.engrafted or (0, 0)
    rows.append({"event": "leukocyte_engraftment", "day": course.hsct + white})
    rows.append({"event": "platelet_engraftment", "day": course.hsct + platelets})
    if course.agvhd:
        rows.append({"event": "agvhd", "day": course.hsct + course.agvhd[1], "value": course.agvhd[0]})
    return rows


def _relapse(course: Course) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    if course.relapse is not None:
        rows.append({"event": "relapse", "day": course.relapse, "antigen": course.antigen})
    if course.second is not None:
        rows.append({"event": "lymphodepletion", "day": course.second - 5})
        rows.append({"event": "infusion", "day": course.second, **PRODUCT})
        rows.append({"event": "crs", "day": course.second + 5, "value": 1, "scale": "not stated"})
        again = {"event": "response", "scale": "cr-regardless-of-counts"}
        failed = course.second_cr is None
        rows.append({**again, "day": course.second_cr or course.second + 28, "value": "failure" if failed else "CR"})
    if course.second_relapse is not None:
        rows.append({"event": "relapse", "day": course.second_relapse, "antigen": "positive"})
    return rows


def samples(course: Course) -> list[dict[str, object]]:
    """Return the MRD samples of the first remission, on the schedule of the infusion, then of the transplant."""
    if course.cr is None:
        return []
    end = min(day for day in (course.relapse, course.death, course.followed) if day is not None)
    moved = end if course.hsct is None else min(course.hsct, end)
    again = [] if course.hsct is None else [course.hsct + day for day in VISITS if course.hsct + day < end]
    days = [course.cr, *(day for day in VISITS if course.cr < day < moved), *again]
    return [{"day": day, "value": "<0.01" if course.mrd == "negative" else "0.08"} for day in days]


def write() -> None:
    """Write the three tables."""
    patients, dated, mrd = [], [], []
    for number, course in enumerate(EVERYBODY, 1):
        name, zero = f"X{number:02}", date.fromisoformat(course.infused)
        baseline = {"sex": course.sex, "age": course.age, "marrow_blasts": course.blasts, "cd19": "positive"}
        patients.append({"patient": name, **baseline, "disease_status": "relapsed", "ecog": number % 2})
        for row in events(course):
            day = zero + timedelta(days=int(str(row.pop("day"))))
            if day <= CUTOFF:
                dated.append({"patient": name, "date": day.isoformat(), **row})
        for sample in samples(course):
            day = zero + timedelta(days=int(str(sample.pop("day"))))
            common = {"specimen": "bm", "method": "mfc", "unit": "percent", "lod": "0.01"}
            mrd.append({"patient": name, "date": day.isoformat(), **common, **sample})
    _table("patients.csv", tuple(patients[0]), patients)
    _table("events.csv", HEADER, dated)
    _table("mrd.csv", ("patient", "date", "specimen", "method", "value", "unit", "lod"), mrd)


def _table(name: str, header: tuple[str, ...], rows: list[dict[str, object]]) -> None:
    with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, header, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    write()
