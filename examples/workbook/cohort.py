"""Sixty made-up patients with acute lymphoblastic leukaemia: CAR-T cells, then for some a transplant.

This is the truth that the workbook was made from, before anybody typed it. Nobody in it has lived.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from math import log
from random import Random

SEED = 20240630
PATIENTS = 60
DATA_LOCK = date(2024, 6, 30)
KG_PER_LB = 0.45359237


@dataclass(frozen=True)
class Event:
    """One thing that happened on one day; ``value`` and ``number`` as in an events table."""

    name: str
    day: date
    value: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Mrd:
    """One measurement of residual disease."""

    day: date
    method: str
    positive: bool
    percent: float | None


@dataclass(frozen=True)
class Patient:
    """One patient: what was known on day zero, and what happened; texts are empty where nobody knows."""

    patient: str
    sex: str
    birth: date
    age: int
    weight: float
    risk: str
    dose: float
    lot: str
    donor: str
    weight_lb: float | None
    events: tuple[Event, ...]
    mrd: tuple[Mrd, ...]

    def of(self, name: str, number: int | None = None) -> Event | None:
        """Return the event of a name, or None."""
        return next((e for e in self.events if e.name == name and (number is None or e.number == number)), None)


def cohort(seed: int = SEED) -> tuple[Patient, ...]:
    """Return the patients, the same for the same seed."""
    rng = Random(seed)  # noqa: S311  (made-up patients, no secrets)
    return tuple(_patient(rng, f"{i:03}") for i in range(1, PATIENTS + 1))


def tidy_patients(patients: tuple[Patient, ...]) -> list[dict[str, object]]:
    """Return the patients table of the contract, one row a patient."""
    return [{"patient": p.patient, "sex": p.sex, "age": p.age, "weight": p.weight, "risk": p.risk} for p in patients]


def tidy_events(patients: tuple[Patient, ...]) -> list[dict[str, object]]:
    """Return the events table of the contract, one row an event."""
    events = [(p.patient, event) for p in patients for event in p.events]
    mrd = [(p.patient, Event("mrd", m.day, "positive" if m.positive else "negative")) for p in patients for m in p.mrd]
    return [
        {"patient": name, "event": e.name, "date": e.day.isoformat(), "value": e.value, "number": e.number or ""}
        for name, e in (*events, *mrd)
    ]


def _patient(rng: Random, name: str) -> Patient:
    infusion = date(2018, 3, 1) + timedelta(days=rng.randrange(1900))
    birth = infusion - timedelta(days=rng.randrange(9 * 365, 66 * 365))
    age = infusion.year - birth.year - ((infusion.month, infusion.day) < (birth.month, birth.day))
    weight = round(min(30 + 3 * (age - 9), 68) + rng.gauss(0, 6), 1)
    risk = "high" if rng.random() < 0.4 else "standard"
    events = _course(rng, infusion, risk)
    before = infusion - timedelta(days=rng.randrange(27, 41))
    diagnosis = before - timedelta(days=rng.randrange(400, 1100))
    events = [Event("diagnosis", max(diagnosis, birth + timedelta(days=365))), Event("apheresis", before), *events]
    transplanted = any(e.name == "hsct" for e in events)
    end = events[-1].day
    return Patient(
        patient=name,
        sex=rng.choice(("male", "female")),
        birth=birth,
        age=age,
        weight=weight,
        risk="" if int(name) % 23 == 8 else risk,  # of a few nobody knows
        dose=round(rng.uniform(0.5, 3.0), 1),
        lot=f"{rng.choice('ABC')}{rng.randrange(10, 99)}-{rng.randrange(1, 9)}",
        donor=rng.choice(("HLA-id sibling", "haplo", "URD 10/10")) if transplanted else "",
        weight_lb=round((weight - rng.uniform(0, 4)) / KG_PER_LB, 1) if transplanted else None,
        events=tuple(events),
        mrd=_mrd(rng, events, end),
    )


def _course(rng: Random, infusion: date, risk: str) -> list[Event]:
    """Return what happened from the infusion on, by day; the last row is the end of follow-up."""
    events = [Event("infusion", infusion, number=1)]
    if rng.random() < 0.75:
        onset = infusion + timedelta(days=rng.randrange(1, 11))
        events.append(Event("crs", onset, str(rng.choices((1, 2, 3, 4), (45, 35, 15, 5))[0])))
    response = rng.choices(("CR", "CRi", "NR"), (62, 20, 18))[0]
    assessed = infusion + timedelta(days=rng.randrange(27, 33))
    events.append(Event("response", assessed, response))
    lock = min(DATA_LOCK, infusion + timedelta(days=2200)) - timedelta(days=rng.randrange(5, 60))
    if response == "NR":
        return _ended(events, lock, death=assessed + _after(rng, 190, least=20))
    hsct = assessed + timedelta(days=rng.randrange(25, 90)) if rng.random() < 0.62 else None
    relapse = assessed + _after(rng, 650 if risk == "high" else 1500, least=30)
    if hsct and relapse > hsct:
        relapse = hsct + _after(rng, 1700 if risk == "high" else 4200, least=40)
    else:
        hsct = None
    nrm = (hsct or assessed) + _after(rng, 2600 if hsct else 7000, least=35)
    if hsct:
        events += _transplant(rng, hsct, min(relapse, nrm, lock))
    if relapse >= min(nrm, lock):
        return _ended(events, lock, death=nrm)
    events.append(Event("relapse", relapse))
    again = relapse + timedelta(days=rng.randrange(30, 60))
    second = rng.random() < 0.35
    death = relapse + _after(rng, 520 if second else 260, least=75)
    if second and again < lock:
        events.append(Event("infusion", again, number=2))
    return _ended(events, lock, death=death)


def _transplant(rng: Random, hsct: date, end: date) -> list[Event]:
    events = [Event("hsct", hsct), Event("neutrophil_engraftment", hsct + timedelta(days=rng.randrange(12, 27)))]
    cgvhd = hsct + timedelta(days=rng.randrange(110, 300))
    if rng.random() < 0.4 and cgvhd < end:
        events.append(Event("cgvhd", cgvhd, rng.choice(("mild", "moderate", "severe"))))
    return events


def _ended(events: list[Event], lock: date, death: date) -> list[Event]:
    last = Event("death", death) if death < lock else Event("last_contact", lock)
    return [*sorted(events, key=lambda e: e.day), last]


def _after(rng: Random, mean: float, *, least: int) -> timedelta:
    return timedelta(days=least + int(-mean * log(1 - rng.random())))


def _mrd(rng: Random, events: list[Event], end: date) -> tuple[Mrd, ...]:
    day_of = {e.name: e.day for e in events if e.number != 2}
    value = next(e.value for e in events if e.name == "response")
    relapse = day_of.get("relapse", end)
    visits = (0, 60, 150, 330) if value != "NR" else (0,)
    rows = []
    for late in visits:
        day = day_of["response"] + timedelta(days=late)
        if day > min(end, relapse):
            break
        positive = value == "NR" or rng.random() < 0.15
        percent = round(10 ** rng.uniform(-2, 0), 3) if positive else None
        rows.append(Mrd(day, rng.choice(("FCM", "NGS")), positive, percent))
    return tuple(rows)
