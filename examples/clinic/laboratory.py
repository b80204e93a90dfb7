"""The laboratory of the made-up cohort: counts, markers, and the cells that the product is against."""

from collections.abc import Iterator
from typing import Final

from numpy.random import Generator
from stories import RESPONSES, Patient, Word

Row = dict[str, object]


def labs(patient: Patient, rng: Generator) -> Iterator[Row]:
    """Yield laboratory values; each centre of two writes units of its own."""
    for row in _values(patient, rng):
        day, analyte, value, unit = row
        if day <= patient.end:
            yield {
                "patient": patient.name,
                "date": patient.on(day),
                "analyte": analyte,
                "value": value,
                "unit": unit,
                **LIMITS.get(analyte, {}),
            }


LIMITS: Final[dict[str, Row]] = {
    "ferritin": {"uln": 300},
    "ALT": {"uln": 40},
    "AST": {"uln": 40},
    "fibrinogen": {"lln": 180},
    "LDH": {"uln": 250},
}
Value = tuple[float, str, object, str]


def _values(patient: Patient, rng: Generator) -> Iterator[Value]:
    """Yield day, analyte, value and unit."""
    for infusion in patient.infusions:
        if not any(0 <= infusion.day - hsct.day < 45 for hsct in patient.words("hsct")):
            yield from _counts_after_infusion(patient, infusion, rng)
        yield from _markers(patient, infusion, rng)
    for hsct in patient.words("hsct"):
        yield from _counts_after_hsct(patient, hsct, rng)
    yield from _subsets(patient)


def _cells(patient: Patient, day: float, analyte: str, value: float) -> Value:
    """Return counts of blood cells in 1e9/L, or per uL at the second centre."""
    if patient.number % 2:
        return day, analyte, round(value, 2), "K/uL"
    return day, analyte, round(value * 1000), "/uL"


def _counts_after_infusion(patient: Patient, infusion: Word, rng: Generator) -> Iterator[Value]:
    first = infusion.day == 0
    low, very_low = patient.low if first else (5, 0)
    taken = {word.day for word in patient.words(*RESPONSES)}
    last = min(patient.until(infusion), infusion.day + 31)
    for since in range(last - infusion.day + 1 if last == patient.end else last - infusion.day):
        day = infusion.day + since
        if day in taken or (patient.name == "C31" and 5 < since < 17):
            continue
        anc = _neutrophils(since, low, very_low, rng)
        yield _cells(patient, day, "ANC", anc)
        yield _cells(patient, day, "WBC", anc * 1.3 + 0.2)
        if since % 2 == 0:
            yield _cells(patient, day, "PLT", _platelets(since, low, very_low, rng))
            yield _haemoglobin(patient, day, 8.6 + since / 15 + 0.6 * rng.random())
    for since in (45, 60, 75, 90):
        if infusion.day + since < patient.until(infusion) - 8:
            yield _cells(patient, infusion.day + since, "ANC", 1.7 + rng.random())
            yield _cells(patient, infusion.day + since, "PLT", 110 + 60 * rng.random())


def _neutrophils(since: int, low: int, very_low: int, rng: Generator) -> float:
    """Return neutrophils: at most .5 for ``low`` days from day 3, at most .1 for ``very_low`` from day 5."""
    if since < 3 and low < 30:
        return 0.7 + 0.6 * rng.random()
    if 5 <= since < 5 + very_low:
        return 0.02 + 0.06 * rng.random()
    if since < 3 + low:
        return 0.15 + 0.3 * rng.random()
    return 0.8 + min(since - low - 3, 8) / 6 + 0.5 * rng.random()


def _platelets(since: int, low: int, very_low: int, rng: Generator) -> float:
    if 5 <= since < 5 + low:
        return (14 if very_low else 34) + 5 * rng.random()
    return 62 + 30 * rng.random()


def _haemoglobin(patient: Patient, day: float, value: float) -> Value:
    if patient.number % 2:
        return day, "Hb", round(value, 1), "g/dL"
    return day, "Hb", round(value * 10), "g/L"


def _counts_after_hsct(patient: Patient, hsct: Word, rng: Generator) -> Iterator[Value]:
    neutrophils, platelets = int(hsct.detail(1)), int(hsct.detail(2))
    end = min((each.day for each in patient.words("hsct") if each.day > hsct.day), default=patient.end)
    for since in range(1, min(46, end - hsct.day)):
        day, over = hsct.day + since, since - (neutrophils or 999)
        anc = 0.55 + over / 4 + 0.2 * rng.random() if over >= 0 else 0.02 + 0.2 * rng.random()
        yield _cells(patient, day, "ANC", min(anc, 3.5))
        yield _cells(patient, day, "WBC", min(anc, 3.5) * 1.4 + 0.1)
        up = since - (platelets or 999)
        yield _cells(patient, day, "PLT", 22 + 3.5 * up + 3 * rng.random() if up >= 0 else 10 + 8 * rng.random())
        if since % 7 == 6:
            yield _haemoglobin(patient, day, (7.4 if not neutrophils else 8.8) + 0.4 * rng.random())
            yield day, "bilirubin", round(10 + 8 * rng.random(), 1), "umol/L"


def _markers(patient: Patient, infusion: Word, rng: Generator) -> Iterator[Value]:
    """Yield ferritin, CRP, interleukin 6, fibrinogen, ALT and LDH: the graver the CRS, the higher."""
    until = patient.until(infusion)
    words = [word for word in patient.words("crs") if infusion.day <= word.day <= until]
    grade, onset = (int(words[0].detail()), words[0].day) if words else (0, infusion.day + 3)
    stormy = [word for word in patient.words("iec_hs") if infusion.day <= word.day < until]
    for since in (0, 1, 3, 5, 7, 10, 14, 17, 21, 28):
        day = infusion.day + since
        if day > until:
            return
        wave = max(0.0, 1 - abs(day - onset - 2) / 7)
        iec = bool(stormy) and 0 <= day - stormy[0].day <= 12
        ferritin = 380 + 1500 * (0.5 + grade**1.3) * wave * 9 ** (rng.random() - 0.4)
        yield day, "ferritin", ">100000" if iec else round(ferritin), "ng/mL"
        crp = 4 + 40 * (0.4 + grade) * wave * 4 ** (rng.random() - 0.5)
        yield (day, "CRP", round(crp, 1), "mg/L") if patient.number % 2 else (day, "CRP", round(crp / 10, 2), "mg/dL")
        high = 6 * 6**grade * wave * 30 ** (rng.random() - 0.4)
        il6 = ">5000" if high > 5000 else "<2" if high < 2 else round(high, 1)
        yield day, "IL-6", il6, "pg/mL"
        yield day, "fibrinogen", round(95 if iec else 210 + 90 * rng.random()), "mg/dL"
        yield day, "ALT", round(460 if iec else 18 + 30 * rng.random()), "U/L"
        if patient.name != "C33":
            yield day, "AST", round(390 if iec else 16 + 24 * rng.random()), "U/L"
        yield day, "LDH", round(240 + 420 * grade * wave), "U/L"


def _subsets(patient: Patient) -> Iterator[Value]:
    """Yield B cells, or T and NK cells after products against CD7, at the visits of each infusion."""
    back = [word.day for word in patient.words("bcells")]
    for infusion in patient.infusions:
        stop = patient.until(infusion)
        later = [day for day in back if infusion.day < day < stop]
        days = {infusion.day + each for each in (28, 56, 91, 122, 183, 274, 365, 548, 731)}
        for day in sorted({*(each for each in days if each < stop - 6), *later}):
            if patient.disease == "T-ALL":
                yield from _t_cells(day, day - infusion.day)
            else:
                has = bool(later) and day >= later[0]
                yield day, "B cells", 84 + (day - later[0]) // 5 if has else "<1", "/uL"
                yield day, "IgG", 4.1 if has else 2.3, "g/L"


def _t_cells(day: int, since: int) -> Iterator[Value]:
    total = 30 if since < 40 else 60 + 2 * since
    yield day, "CD3", total, "/uL"
    yield day, "NK", 12 if since < 40 else 55 + since // 2, "/uL"
    yield day, "CD7-negative T cells", round(total * 0.9), "/uL"
    yield day, "CD7+ T cells", total - round(total * 0.9), "/uL"
