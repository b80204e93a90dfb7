"""A made-up cohort of the sandwich: what each patient did stands in the patient's name."""

from pathlib import Path

PROTOCOL = """
[protocol]
name = "made-up-sandwich"
title = "A made-up sandwich"
[[courses]]
name = "first infusion"
event = "infusion:1"
product = "hCART19s: humanised"
targets = ["CD19"]
dose = { value = 1e6, unit = "cells/kg", lowest = 0.8e6, highest = 1.2e6, column = "dose_per_kg" }
lymphodepletion = "fludarabine, cyclophosphamide"
[[courses]]
name = "autologous transplant"
event = "hsct"
origin = "autologous"
after = "infusion:1"
window = [42, 56]
[[courses]]
name = "second infusion"
event = "infusion:2"
after = "hsct"
window = [2, 2]
[[eligibility]]
criterion = "age below 70 years"
column = "age"
below = 70
[[eligibility]]
criterion = "earlier transplant"
kind = "exclusion"
event = "hsct"
before = "infusion:1"
[[eligibility]]
criterion = "ECOG below 2"
column = "ecog"
below = 2
[[visits]]
name = "MRD"
table = "mrd"
after = ["infusion:1", "infusion:2"]
months = [1, 3]
windows = [[3, 7]]
"""

TRANSPLANTS = {"T41": 41, "T42": 42, "T56": 56, "T57": 57, "T63": 63}
"""Patient to day of the transplant; each has the second infusion two days later."""
SECONDS = {"S1": 1, "S2": 2, "S3": 3}
"""Patient to days from the transplant on day 49 to the second infusion."""
OTHERS = ("NOASCT", "DIED20", "RELAPSE30", "SHORT", "HIGH", "NOLD", "EARLY2", "THIRD", "NEVER", "SCREENED")


def _course(patient: str, hsct: int, second: int) -> list[str]:
    return [
        f"{patient},lymphodepletion,-5,,,",
        f"{patient},infusion,0,,1000000,hCART19s",
        f"{patient},mrd,30,negative,,",
        f"{patient},hsct,{hsct},,,",
        f"{patient},infusion,{second},,,",
        f"{patient},mrd,{second + 33},negative,,",
        f"{patient},last_contact,400,,,",
    ]


def _others() -> list[str]:
    start = {name: [f"{name},lymphodepletion,-5,,,", f"{name},infusion,0,,1000000,hCART19s"] for name in OTHERS}
    high = _course("HIGH", 49, 51)
    high[1] = "HIGH,infusion,0,,1300000,hCART19s"
    return [
        *start["NOASCT"], "NOASCT,last_contact,400,,,",
        *start["DIED20"], "DIED20,death,20,,,",
        *start["RELAPSE30"], "RELAPSE30,relapse,30,,,", "RELAPSE30,hsct,90,,,", "RELAPSE30,last_contact,400,,,",
        *start["SHORT"], "SHORT,last_contact,50,,,",
        *high,
        *_course("NOLD", 49, 51)[1:],
        *_course("EARLY2", 49, 40),
        *_course("THIRD", 49, 51), "THIRD,infusion,120,,,",
        "NEVER,apheresis,-40,,,", "NEVER,death,-10,,,",
        "SCREENED,enrolment,-50,,,", "SCREENED,last_contact,-45,,,",
    ]  # fmt: skip


def write_cohort(folder: Path, *, protocol: str = "protocol.toml", analyses: str = "") -> Path:
    """Write the study into a folder and return its study file."""
    patients = [*TRANSPLANTS, *SECONDS, *OTHERS]
    ages = {"T41": "71", "T42": ""}
    events = [line for name, day in TRANSPLANTS.items() for line in _course(name, day, day + 2)]
    events += [line for name, gap in SECONDS.items() for line in _course(name, 49, 49 + gap)]
    events += [*_others(), *(f"{name},enrolment,-50,,," for name in patients if name != "SCREENED")]
    events += [f"{name},apheresis,-40,,," for name in patients if name not in ("SCREENED", "NEVER")]
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{name},{ages.get(name, '30')}" for name in patients]
    (folder / "patients.csv").write_text("\n".join(["patient,age", *rows]) + "\n")
    header = "patient,event,day,value,dose_per_kg,product"
    (folder / "events.csv").write_text("\n".join([header, *events]) + "\n")
    (folder / "protocol.toml").write_text(PROTOCOL)
    study = f'[study]\ntitle = "A made-up sandwich"\nsynthetic = true\nprotocol = "{protocol}"\n'
    path = folder / "study.toml"
    path.write_text(f'{study}\n[[analysis]]\nkind = "adherence"\n{analyses}')
    return path
