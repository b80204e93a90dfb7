"""Write the tables of a made-up cohort: forty infused patients, four who were apheresed and never infused.

Run ``python make.py`` in this folder; the files are the same each time. ``stories.py`` holds what happened,
``bedside.py``, ``laboratory.py``, ``marrows.py`` and ``donor_cells.py`` what was measured of it, ``truth.py`` what
grades must find again. Nobody in it has lived.
"""

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from bedside import neuro, support, vitals
from donor_cells import gvhd, kinetics
from laboratory import labs
from marrows import assessments, mrd
from numpy.random import default_rng
from stories import REPORTED_OTHERWISE, RESPONSES, Patient, Word, patients

HERE = Path(__file__).parent
SEED: Final = 7
Row = Mapping[str, object]

SCALES: Final = {"crs": "astct-2019", "icans": "astct-2019", "agvhd": "magic", "cgvhd": "nih-2014"}
UNDATED: Final = {("C07", "bridging"): "2020-07", ("C17", "bridging"): "", ("C29", "second_cancer"): "2023"}
"""Events whose date is partial, or missing."""

COLUMNS: Final = {
    "patients": "patient sex age weight disease risk blasts",
    "events": "patient event date value scale course course_kind product targets origin dose_per_kg kind donor graft "
    "site antigen cause reason agent",
    "vitals": "patient time course temp_c hypotension vasopressors vasopressin o2_device o2_flow_l_min fio2 "
    "antipyretic_or_anticytokine fluids pressor_nee pressor_hours organ_grade transaminase_grade hospitalised "
    "intubation_reason died_of_crs",
    "neuro": "patient time course age ice capd consciousness seizure motor_weakness cerebral_oedema",
    "support": "patient date end_date kind agent value unit dose dose_unit flow device",
    "labs": "patient date analyte value unit uln lln",
    "assessments": "patient date site blasts method cellularity emd_site emd_status imaging csf_wbc csf_rbc csf_blasts "
    "cns_signs anc anc_unit platelets platelets_unit transfusion_independent chimerism cd19 cd22 cd7 lineage_switch",
    "mrd": "patient date specimen method value unit detected lod loq cells",
    "gvhd": "patient date kind skin liver upper_gi lower_gi organ stage systemic_is fev1_percent",
    "kinetics": "patient date specimen assay value lloq",
}


def write(folder: Path) -> None:
    """Write every table into a folder."""
    for name, rows in tables().items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS[name].split(), restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def tables() -> dict[str, Iterable[Row]]:
    """Return the rows of every table, by its name."""
    cohort = patients()
    drawn = {"vitals": vitals, "labs": labs, "support": support, "kinetics": kinetics}
    told = {"patients": _baseline, "events": events, "neuro": neuro, "assessments": assessments, "mrd": mrd}
    every: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    for patient in cohort:
        for place, (name, make) in enumerate(drawn.items()):
            every[name] += make(patient, default_rng([SEED, place, patient.number]))
        for name, tell in {**told, "gvhd": gvhd}.items():
            every[name] += tell(patient)
    every["labs"].append({"patient": "C10", "date": "", "analyte": "ferritin", "value": 2210, "unit": "ng/mL"})
    every["labs"].append({"patient": "C10", "date": "2021", "analyte": "CRP", "value": 12, "unit": "mg/L"})
    return {name: every[name] for name in COLUMNS}


def _baseline(patient: Patient) -> Iterator[Row]:
    risk = "high" if patient.blasts >= 50 else "standard"
    yield {
        "patient": patient.name,
        "sex": patient.sex,
        "age": patient.age,
        "weight": patient.weight,
        "disease": patient.disease,
        "risk": risk,
        "blasts": "" if patient.never else patient.blasts,
    }


def events(patient: Patient) -> Iterator[Row]:
    """Yield the events as the site reported them."""
    for day, what, more in sorted(_told(patient), key=lambda each: each[0]):
        date = UNDATED.get((patient.name, what), patient.on(day))
        yield {"patient": patient.name, "event": what, "date": date, **more}


def _told(patient: Patient) -> Iterator[tuple[int, str, Row]]:
    before = -patient.vein_to_vein
    yield before - 9, "enrolment", {}
    yield before, "apheresis", {"reason": patient.never.replace("_", " ")}
    if not patient.never:
        if patient.number % 3:
            yield before + 8, "bridging", {}
        yield -5, "lymphodepletion", {"agent": "fludarabine and cyclophosphamide"}
    for number, infusion in enumerate(patient.infusions, 1):
        if number > 1 and not any(0 <= infusion.day - hsct.day < 14 for hsct in patient.words("hsct")):
            yield infusion.day - 5, "lymphodepletion", {"agent": "fludarabine and cyclophosphamide"}
        yield infusion.day, "infusion", _product(patient, infusion)
    for word in patient.story:
        if word.what == "hsct":
            yield word.day - 6, "lymphodepletion", {"agent": "conditioning"}
        if word.what not in ("infusion", "miss", "bcells", "lost"):
            yield _event(patient, word)
    if not patient.words("death"):
        yield patient.end, "last_contact", {}


def _product(patient: Patient, infusion: Word) -> Row:
    targets = infusion.detail()
    dose = round((0.5 + patient.number * 7 % 11 / 4) * 1e6)
    product = f"{targets.replace('/', '-')} CAR-T"
    return {"product": product, "targets": targets, "origin": patient.origin, "dose_per_kg": dose}


def _event(patient: Patient, word: Word) -> tuple[int, str, Row]:
    """Return an event of the story, with its attributes."""
    what = "response" if word.what in RESPONSES else word.what
    return word.day, what, _attributes(patient, word)


def _attributes(patient: Patient, word: Word) -> Row:
    how, what = word.detail(), word.what
    donor = {"donor": how, "kind": "allogeneic"} if how != "auto" else {"kind": "autologous"}
    plain: dict[str, Row] = {
        "iec_hs": {"value": how, "scale": "hines-2023"},
        "relapse": {"site": how, "antigen": word.detail(1).replace("_", " ")},
        "hsct": {**donor, "graft": "blood"},
        "dli": {"origin": "donor"},
        "infection": {"value": how, "kind": word.detail(1), "scale": "ctcae-5"},
        "death": {"cause": how},
        "new_therapy": {"agent": how},
    }
    if what in SCALES:
        course = patient.number_of("infusion", word.day) if what in ("crs", "icans") else 1
        return {"value": _reported(patient, what, course, how), "scale": SCALES[what]}
    if what in RESPONSES:
        value = _reported(patient, what, word.day, what)
        return {"value": "NR" if value == "failure" else value, "scale": "eln-2024"}
    return plain.get(what, {})


def _reported(patient: Patient, what: str, which: int, truth: str) -> str:
    return REPORTED_OTHERWISE.get((patient.name, what, which), truth)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
