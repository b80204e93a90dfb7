"""The bedside tables of the made-up cohort: vital signs, nursing of the nervous system, support."""

from collections.abc import Iterator
from typing import Final

from numpy.random import Generator
from stories import Patient, Word

Row = dict[str, object]
CALM: Final[Row] = {
    "hypotension": "no", "vasopressors": 0, "vasopressin": "no", "o2_device": "none", "fio2": 0.21,
    "antipyretic_or_anticytokine": "no", "fluids": "no", "organ_grade": 0, "transaminase_grade": 0,
    "hospitalised": "yes",
}  # fmt: skip
CANNULA: Final[Row] = {"o2_device": "nasal_cannula", "o2_flow_l_min": 2, "fio2": 0.28}
LOW: Final[Row] = {"hypotension": "yes", "fluids": "yes"}
PRESSOR: Final[Row] = {**LOW, "vasopressors": 1, "pressor_nee": 8, "pressor_hours": 12, **CANNULA, "organ_grade": 2}
PRESSORS: Final[Row] = {**PRESSOR, "vasopressors": 2, "pressor_nee": 26, "pressor_hours": 20, "organ_grade": 3}
BIPAP: Final[Row] = {**PRESSOR, "o2_device": "bipap", "o2_flow_l_min": None, "fio2": 0.6, "organ_grade": 3}
TUBE: Final[Row] = {**PRESSORS, "o2_device": "imv", "o2_flow_l_min": None, "fio2": 0.8, "intubation_reason": "hypoxia"}

COURSES: Final[dict[str, tuple[tuple[int, int, Row], ...]]] = {
    "1": (),
    "2": ((24, 44, {**LOW, "organ_grade": 1}),),
    "3": ((20, 32, LOW), (32, 60, PRESSOR)),
    "4": ((20, 36, PRESSOR), (36, 72, PRESSORS)),
    "bipap": ((20, 40, PRESSOR), (40, 84, BIPAP)),
    "fatal": ((20, 60, PRESSORS), (60, 999, TUBE)),
    "noflow": ((24, 44, {**CANNULA, "o2_flow_l_min": None, "fio2": None}),),
    "tocilizumab": ((40, 64, LOW),),
    "vasopressin": ((20, 32, LOW), (32, 60, {**PRESSOR, "vasopressin": "yes", "pressor_nee": 18})),
}
"""By grade, or by how it was: from hour, to hour after the onset, and what stands in the rows."""

FEVER_HOURS: Final = {"1": 40, "2": 56, "3": 72, "4": 96, "5": 999}


def vitals(patient: Patient, rng: Generator) -> Iterator[Row]:
    """Yield the vital signs: every four hours for two weeks after an infusion, twice a day for a third."""
    for infusion in patient.infusions:
        crs = _of(patient, infusion, "crs")
        if crs is not None and crs.detail(1) == "logged":
            continue
        last = min(patient.until(infusion), infusion.day + 21)
        hours = [*range(8, 14 * 24, 4), *range(14 * 24, 21 * 24, 12)]
        for hour in hours:
            day = infusion.day + hour / 24
            if day < last:
                course = patient.number_of("infusion", day)
                yield {"patient": patient.name, "time": patient.on(day), "course": course, **_signs(crs, day, rng)}
        if crs is not None and crs.detail(1) == "fatal":
            died = {"patient": patient.name, "time": patient.on(last), "course": 1, "died_of_crs": "yes"}
            yield {**CALM, **TUBE, **died, "temp_c": 39.1}


def _of(patient: Patient, infusion: Word, what: str) -> Word | None:
    """Return what of a kind followed an infusion."""
    until = patient.until(infusion)
    later = [word for word in patient.words(what) if infusion.day <= word.day and word.day < until]
    return later[0] if later else None


def _signs(crs: Word | None, day: float, rng: Generator) -> Row:
    calm = {**CALM, "temp_c": round(36.4 + 0.9 * rng.random(), 1)}
    if crs is None:
        return calm
    since = round((day - crs.day) * 24) - 8
    if since < 0:
        return calm
    how = crs.detail(1) if crs.detail(1) in COURSES else crs.detail()
    fever = 20 if how == "tocilizumab" else FEVER_HOURS[crs.detail()]
    hot: Row = {"temp_c": round(38.2 + 1.6 * rng.random(), 1)} if since < fever else {}
    given: Row = {"antipyretic_or_anticytokine": "yes"} if since >= 8 else {}
    return {**calm, **hot, **given, **next((row for a, b, row in COURSES[how] if a <= since < b), {})}


GRADES: Final[dict[str, Row]] = {
    "0": {"ice": 10, "capd": 0},
    "1": {"ice": 8, "capd": 5},
    "2": {"ice": 5, "capd": 7, "consciousness": "voice"},
    "3": {"ice": 2, "capd": 11, "consciousness": "tactile"},
    "4": {"ice": 0, "capd": None, "consciousness": "unrousable"},
    "seizure": {"ice": 5, "capd": 8, "consciousness": "voice", "seizure": "brief"},
}


def neuro(patient: Patient) -> Iterator[Row]:
    """Yield the nervous system: twice a day for two weeks after an infusion; nobody looked after C30."""
    for infusion in () if patient.name == "C30" else patient.infusions:
        icans = _of(patient, infusion, "icans")
        for half in range(28):
            day = infusion.day + half / 2 + 1 / 3
            if day >= patient.until(infusion):
                break
            found = GRADES["0"] if icans is None else GRADES[_stage(icans, day)]
            row: Row = {
                "patient": patient.name,
                "time": patient.on(day),
                "age": patient.age,
                "seizure": "none",
                "course": patient.number_of("infusion", day),
                "motor_weakness": "no",
                "cerebral_oedema": "none",
                "consciousness": "alert",
                **found,
            }
            yield {**row, "capd" if patient.age >= 12 else "ice": None}


def _stage(icans: Word, day: float) -> str:
    """Return the row's grade: the highest for a day, and lower ones around it."""
    since, grade = day - icans.day, int(icans.detail())
    if not 0 <= since < grade + 1:
        return "0"
    if 1 <= since < 2 or grade == 1:
        return icans.detail(1) or icans.detail()
    return "1"


def support(patient: Patient, rng: Generator) -> Iterator[Row]:
    """Yield treatments and support; of C07 the vital signs, too, with temperatures in Fahrenheit."""
    for crs in patient.words("crs"):
        yield from _rescue(patient, crs)
        if crs.detail(1) == "logged":
            yield from _log(patient, crs, rng)
    for icans in patient.words("icans"):
        if int(icans.detail()) > 1:
            yield _given(patient, "steroid", icans.day + 0.5, icans.day + 3.5, agent="dexamethasone", dose=10)
            yield _given(patient, "antiepileptic", icans.day, icans.day + 14, agent="levetiracetam", dose=500)
    for infusion in patient.infusions:
        yield _given(patient, "hospital", infusion.day, min(infusion.day + 21, patient.end))
    yield from _transfusions(patient)


def _given(patient: Patient, kind: str, day: float, end: float | None = None, **more: object) -> Row:
    row: Row = {"patient": patient.name, "date": patient.on(day), "kind": kind, **more}
    if "dose" in row:
        row["dose_unit"] = "mg"
    return row if end is None else {**row, "end_date": patient.on(min(end, patient.end))}


def _rescue(patient: Patient, crs: Word) -> Iterator[Row]:
    """Yield what was given against CRS, after its first fever."""
    grade, first = int(crs.detail()), crs.day + 1 / 3
    if grade >= 2:
        yield _given(patient, "tocilizumab", first + 2 / 3, agent="tocilizumab", dose=8 * patient.weight)
    if grade >= 3:
        yield _given(patient, "tocilizumab", first + 1.5, agent="tocilizumab", dose=8 * patient.weight)
        yield _given(patient, "steroid", first + 1.5, first + 4, agent="methylprednisolone", dose=patient.weight)
        yield _given(patient, "icu", first + 1, first + 5)


def _log(patient: Patient, crs: Word, rng: Generator) -> Iterator[Row]:
    """Yield temperatures and pressures every six hours, oxygen, and a vasopressor for a day: CRS 3."""
    for step in range(1, 4 * 14):
        day = step / 4
        since = (day - crs.day) * 24
        hot, low = 0 <= since < 72, 20 <= since < 60
        heat = round((100.9 if hot else 97.4) + 1.3 * rng.random(), 1)
        yield _given(patient, "temp", day, value=heat, unit="F")
        yield _given(patient, "sbp", day, value=int((78 if low else 104) + 8 * rng.random()), unit="mmHg")
    start = crs.day + 1.25
    yield _given(patient, "vasopressor", start, start + 1, agent="noradrenaline", dose=4)
    yield _given(patient, "o2", start, start + 1, device="nasal_cannula", flow=2)
    yield _given(patient, "fluids", start - 0.25, start)


def _transfusions(patient: Patient) -> Iterator[Row]:
    for day in (7, 10, 14) if patient.low[1] else ():
        yield _given(patient, "transfusion_platelets", day)
    for hsct in patient.words("hsct"):
        recovery = int(hsct.detail(2))
        last = min(recovery - 8 if recovery else 41, patient.until(hsct) - hsct.day)
        for since in range(2, last + 1, 3):
            yield _given(patient, "transfusion_platelets", hsct.day + since)
        yield _given(patient, "gcsf", hsct.day + 5, hsct.day + (int(hsct.detail(1)) or 28), agent="filgrastim")
        if not recovery:
            yield _given(patient, "transfusion_rbc", hsct.day + 27)
