"""One made-up study a finding in which it is found, and one near miss in which it is not."""

from dataclasses import dataclass

from acceptance.findings.made_up import (
    Change,
    add,
    column,
    drop,
    duplicate,
    edit,
    event,
    name,
    on,
    several,
    transplanted,
    with_cutoff,
    with_settings,
)


@dataclass(frozen=True)
class Case:
    """What fires a finding, in whom, what else follows from it, and what looks alike but is sound."""

    code: str
    level: str
    fires: Change
    near_miss: Change
    who: tuple[int, ...] = ()
    table: str = "events.csv"
    also: tuple[str, ...] = ()


LFS = """
[endpoints.lfs]
origin = "response=CR after infusion:1"
events = ["relapse", "death"]
"""
FROM_INFUSION = LFS.replace("response=CR after infusion:1", "infusion:1")
GVHD = """
[endpoints.lfs]
origin = "hsct"
events = ["agvhd>=2"]
competing = ["death"]
"""
GVHD_OF_DONORS = GVHD.replace('"hsct"', '"hsct[kind=allo]"')
B_CELLS = FROM_INFUSION.replace('"relapse", "death"', '"b_cell_recovery"')
LAST = on(40, 640)  # the last day of the study: patient 40 dies
CUTOFF = on(37, 692)
BEYOND = (37, 38, 39)


def labelled(endpoint: str, label: str) -> str:
    """Return the endpoint's table with a label."""
    return f'{endpoint}label = "{label}"\n'


READING = (
    Case(
        "duplicate-patient",
        "error",
        fires=duplicate(4, age="99"),
        near_miss=several(
            duplicate(4, patient="P4"),
            add({**event(4, "infusion", 0), "patient": "P4"}, {**event(4, "last_contact", 9), "patient": "P4"}),
        ),
        who=(4, 4),
        table="patients.csv",
        also=("event-of-unknown-patient",),
    ),
    Case(
        "event-of-unknown-patient",
        "error",
        fires=add({**event(4, "crs", 3, "1", scale="penn"), "patient": "p04"}),
        near_miss=add(event(4, "crs", 3, "1", scale="penn")),
        who=(0,),
    ),
    Case(
        "missing-date",
        "error",
        fires=add({**event(5, "crs", 3, "1", scale="penn"), "date": ""}),
        near_miss=add(event(5, "crs", 3, "")),
        who=(5,),
    ),
    Case(
        "partial-date",
        "error",
        fires=add({**event(5, "crs", 3, "1", scale="penn"), "date": on(5, 3)[:7]}),
        near_miss=add({**event(5, "crs", 3, "1", scale="penn"), "date": on(5, 3) + "T08:30"}),
        who=(5,),
    ),
    Case(
        "impossible-date",
        "error",
        fires=add({**event(5, "crs", 3, "1", scale="penn"), "date": "2019-02-29"}),
        near_miss=add({**event(5, "crs", 3, "1", scale="penn"), "date": "2020-02-29"}),
        who=(5,),
    ),
)

FOLLOW_UP = (
    Case(
        "no-follow-up",
        "error",
        fires=drop(8, "last_contact"),
        near_miss=several(drop(8, "last_contact"), add(event(8, "death", 700))),
        who=(8,),
        table="patients.csv",
    ),
    Case(
        "event-after-death",
        "error",
        fires=add(event(7, "infection", 701)),
        near_miss=add(event(7, "infection", 700)),
        who=(7,),
    ),
    Case(
        "event-after-last-contact",
        "error",
        fires=add(event(8, "infection", 701)),
        near_miss=add(event(8, "infection", 700)),
        who=(8,),
    ),
    Case(
        "event-after-cutoff",
        "note",
        fires=with_cutoff(CUTOFF),
        near_miss=with_cutoff(max(on(39, 700), LAST)),
        table="",
        also=("follow-up-beyond-cutoff",),
    ),
    Case(
        "follow-up-beyond-cutoff",
        "note",
        fires=with_cutoff(CUTOFF),
        near_miss=with_cutoff(on(39, 700)),
        who=BEYOND,
        table="patients.csv",
        also=("event-after-cutoff",),
    ),
    Case(
        "potential-follow-up",
        "error",
        fires=several(with_cutoff(on(39, 700)), column("follow_up_days", lambda i: "1820" if i == 1 else "600")),
        near_miss=several(with_cutoff(on(39, 700)), column("follow_up_days", lambda i: "1500" if i == 1 else "600")),
        who=(1,),
        table="patients.csv",
        also=("column-known-later",),
    ),
)

REPEATS = (
    Case(
        "repeated-death",
        "error",
        fires=add(event(7, "death", 690)),
        near_miss=add(event(7, "death", 700, "infection")),
        who=(7, 7),
    ),
    Case(
        "duplicate-event",
        "warning",
        fires=add(event(9, "mrd", 300, "negative")),
        near_miss=add(event(9, "mrd", 300, "positive")),
        who=(9, 9),
    ),
    Case(
        "number-out-of-order",
        "error",
        fires=several(edit(2, "infusion", number="2"), add(event(2, "infusion", 330, number="1"))),
        near_miss=several(edit(2, "infusion", number="1"), add(event(2, "infusion", 330, number="2"))),
        who=(2,),
    ),
)

ORDER = (
    Case(
        "lymphodepletion-after-infusion",
        "error",
        fires=several(drop(2, "lymphodepletion"), add(event(2, "lymphodepletion", 3))),
        near_miss=add(event(2, "lymphodepletion", 320)),  # before a second infusion that never came
        who=(2,),
    ),
    Case(
        "lymphodepletion-window",
        "warning",
        fires=several(add(event(2, "lymphodepletion", 314)), add(event(2, "infusion", 330))),
        near_miss=several(add(event(2, "lymphodepletion", 316)), add(event(2, "infusion", 330))),
        who=(2,),
    ),
    Case(
        "apheresis-after-infusion",
        "warning",
        fires=edit(2, "apheresis", date=on(2, 9)),
        near_miss=add(event(2, "apheresis", 300)),  # for a second product
        who=(2,),
    ),
    Case(
        "relapse-without-remission",
        "warning",
        fires=several(edit(20, "response", value="NR"), drop(20, "hsct")),
        near_miss=several(edit(25, "response", value="NR")),  # transplanted before the relapse
        who=(20,),
    ),
    Case(
        "engraftment-before-transplant",
        "error",
        fires=edit(3, "neutrophil_engraftment", date=on(3, 80)),
        near_miss=edit(3, "neutrophil_engraftment", date=on(3, 90)),
        who=(3,),
    ),
    Case(
        "gvhd-without-transplant",
        "warning",
        fires=add(event(2, "agvhd", -20, "2", scale="magic")),
        near_miss=add(event(2, "cgvhd", 400, "mild")),  # after the CAR-T infusion
        who=(2,),
    ),
    Case(
        "scale-not-stated",
        "warning",
        fires=add(event(2, "crs", 3, "2")),
        near_miss=several(
            add(event(2, "crs", 3, "2"), event(4, "crs", 3, "0"), event(6, "icans", 3, "", scale="")),
            with_settings('\n[definitions]\ncrs = "astct-2019"\n'),
        ),
        who=(2,),
    ),
    Case(
        "event-before-diagnosis",
        "warning",
        fires=add(event(2, "infection", -401)),
        near_miss=add(event(2, "infection", -400)),
        who=(2,),
    ),
)

TWICE = (
    Case(
        "repeated-event",
        "warning",
        fires=add(event(2, "diagnosis", -380)),
        near_miss=several(add(event(20, "response", 260, "CR")), add(event(20, "relapse", 300))),
        who=(2, 2),
    ),
    Case(
        "duplicate-differs",
        "warning",
        fires=add(event(9, "mrd", 300, "positive")),
        near_miss=add(event(9, "mrd", 301, "positive")),
        who=(9, 9),
    ),
    Case(
        "patient-without-events",
        "warning",
        fires=duplicate(4, patient="P41"),
        near_miss=several(duplicate(4, patient="P41"), add({**event(4, "infusion", 0), "patient": "P41"})),
        who=(41,),
        table="patients.csv",
        also=("no-follow-up",),
    ),
)

INTERVALS = (
    Case(
        "engraftment-window",
        "warning",
        fires=edit(3, "neutrophil_engraftment", date=on(3, 191)),
        near_miss=edit(3, "neutrophil_engraftment", date=on(3, 190)),
        who=(3,),
    ),
    Case(
        "crs-window",
        "warning",
        fires=add(event(2, "crs", 61, "1", scale="penn"), event(4, "crs", -1, "1", scale="penn")),
        near_miss=add(*(event(i, "crs", day, "1", scale="penn") for i, day in ((2, 60), (4, 0), (3, 91)))),
        who=(2, 4),
    ),
    Case(
        "transplant-years-later",
        "warning",
        fires=several(
            drop(8, "last_contact"), add(event(8, "hsct", 1827), event(8, "mrd", 1828), event(8, "death", 1829))
        ),
        near_miss=several(
            drop(8, "last_contact"), add(event(8, "hsct", 1826), event(8, "mrd", 1828), event(8, "death", 1829))
        ),
        who=(8,),
        also=("date-beyond-others",),
    ),
    Case(
        "year-slip",
        "warning",
        fires=edit(8, "response", date=on(8, 28 + 365)),
        near_miss=edit(8, "response", date=on(8, 28 + 200)),
        who=(8,),
    ),
)

DATES = (
    Case(
        "default-date",
        "error",
        fires=edit(8, "diagnosis", date="1970-01-01"),
        near_miss=edit(8, "diagnosis", date="2017-01-01"),
        who=(8,),
    ),
    Case(
        "shared-date",
        "warning",
        fires=several(*(edit(i, "diagnosis", date="2016-05-03") for i in range(1, 9))),
        near_miss=several(*(edit(i, "diagnosis", date=f"2016-05-{i // 2 + 1:02}") for i in range(1, 9))),
        who=tuple(range(1, 9)),
    ),
    Case(
        "dates-filled-in",
        "warning",
        fires=several(*(edit(i, "apheresis", date=f"{on(i, -40)[:8]}15") for i in range(10, 25))),
        near_miss=several(*(edit(i, "apheresis", date=f"{on(i, -40)[:8]}15") for i in range(10, 14))),
        who=tuple(i for i in range(1, 41) if 10 <= i < 25 or on(i, -40).endswith("-15")),
    ),
    Case(
        "date-beyond-others",
        "warning",
        fires=edit(8, "last_contact", date=on(39, 700 + 367)),
        near_miss=edit(8, "last_contact", date=on(39, 700 + 365)),
        who=(8,),
        also=("censoring-gap",),
    ),
)

BASELINE = (
    Case(
        "birth-after-event",
        "error",
        fires=column("birth_date", lambda i: "2017-12-30" if i == 1 else "1990-01-01"),
        near_miss=column("birth_date", lambda i: "" if i == 1 else "1990-01-01"),
        who=(1,),
        table="patients.csv",
        also=("age-against-birth",),
    ),
    Case(
        "age-against-birth",
        "warning",
        fires=column("birth_date", lambda i: f"{1998 - i - (i == 5) * 10}-01-01"),
        near_miss=column("birth_date", lambda i: f"{1998 - i - (i == 5)}-01-01"),
        who=(5,),
        table="patients.csv",
    ),
    Case(
        "value-implausible",
        "warning",
        fires=column("weight", lambda i: "154" if i == 5 else str(60 + i / 4)),
        near_miss=column("weight", lambda i: "120" if i == 5 else str(60 + i / 4)),
        who=(5,),
        table="patients.csv",
    ),
)

COLUMNS = (
    Case(
        "column-known-later",
        "error",
        fires=column("group", lambda i: "A" if transplanted(i) or i == 2 else "B"),
        near_miss=column("group", lambda i: "A" if transplanted(i) != (i % 5 == 0) else "B"),
        table="patients.csv",
    ),
    Case(
        "column-almost-numeric",
        "warning",
        fires=column("bmi", lambda i: {4: "NA", 5: "unknown"}.get(i, str(20 + i / 10))),
        near_miss=column("bmi", lambda i: {4: "NA", 5: "unknown", 6: "?", 7: "-"}.get(i, str(20 + i / 10))),
        who=(4, 5),
        table="patients.csv",
    ),
)

ENDPOINTS = (
    Case(
        "os-event-missed",
        "warning",
        fires=with_settings(LFS + 'censor_at = ["hsct"]\n'),
        near_miss=with_settings(LFS),
        who=tuple(i for i in range(1, 41) if transplanted(i) and (i % 5 == 0 or i % 7 == 0)),
        table="patients.csv",
        also=("hsct-censored-alone",),
    ),
    Case(
        "censoring-gap",
        "warning",
        fires=several(drop(8, "last_contact"), add(event(8, "last_contact", 600 + 183))),
        near_miss=several(drop(8, "last_contact"), add(event(8, "last_contact", 600 + 182))),
        who=(8,),
        table="patients.csv",
    ),
)

NAMES = (
    Case(
        "efs-of-responders",
        "error",
        fires=with_settings(labelled(LFS, "Event-free survival")),
        near_miss=with_settings(labelled(LFS, "Leukaemia-free survival")),
        table="",
    ),
    Case(
        "efs-without-non-response",
        "warning",
        fires=with_settings(labelled(FROM_INFUSION, "Event-free survival")),
        near_miss=with_settings(labelled(FROM_INFUSION, "Event-free survival") + 'non_response = "day0"\n'),
        table="",
    ),
    Case(
        "survival-without-death",
        "warning",
        fires=with_settings(LFS.replace(', "death"', "")),
        near_miss=with_settings(LFS),
        table="",
    ),
    Case(
        "gvhd-of-autologous",
        "note",
        fires=several(edit(3, "hsct", kind="auto"), with_settings(GVHD)),
        near_miss=several(edit(3, "hsct", kind="allo"), edit(5, "hsct", kind="auto"), with_settings(GVHD_OF_DONORS)),
        who=(3,),
        also=("column-known-later", "survival-without-death"),  # lfs is another endpoint here
    ),
    Case(
        "b-cells-not-targeted",
        "note",
        fires=several(edit(3, "infusion", targets="CD7"), with_settings(B_CELLS)),
        near_miss=several(edit(3, "infusion", targets="CD19/CD7"), with_settings(B_CELLS)),
        who=(3,),
        also=("survival-without-death",),
    ),
    Case(
        "response-after-other-therapy",
        "note",
        fires=several(add(event(2, "new_therapy", 14)), with_settings(LFS)),
        near_miss=several(add(event(2, "new_therapy", 28), event(4, "new_therapy", 0)), with_settings(LFS)),
        who=(2,),
    ),
    Case(
        "hsct-censored-alone",
        "note",
        fires=with_settings(LFS + 'censor_at = ["hsct"]\n'),
        near_miss=with_settings(LFS + 'censor_at = ["hsct:2"]\n'),
        table="",
        also=("os-event-missed",),
    ),
)

CHECKED = (*FOLLOW_UP, *REPEATS, *TWICE, *ORDER, *INTERVALS, *DATES, *BASELINE, *COLUMNS, *ENDPOINTS, *NAMES)
CASES = (*READING, *CHECKED)


def names(case: Case) -> list[str]:
    """Return the identifiers of the patients in whom a case is found; ``p04`` is the unknown one."""
    return [name(number) if number else "p04" for number in case.who]
