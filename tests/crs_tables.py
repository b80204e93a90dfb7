"""Made-up bedside tables of CRS: complete ones at random, and ones written row by row."""

import numpy as np
import polars as pl

DEVICES = "none blow_by nasal_cannula facemask non_rebreather venturi hfnc cpap bipap imv".split()
WELL = {
    "time": "0",
    "temp_c": "37.0",
    "hypotension": "no",
    "vasopressors": "0",
    "vasopressin": "no",
    "o2_device": "none",
    "o2_flow_l_min": "0",
    "antipyretic_or_anticytokine": "no",
    "died_of_crs": "no",
    "fio2": "0.21",
    "pressor_nee": "0",
    "pressor_hours": "0",
    "fluids": "no",
    "organ_grade": "0",
    "transaminase_grade": "0",
    "hospitalised": "no",
    "other_cause": "no",
    "intubation_reason": "hypoxia",
}


def bedside(*rows: dict[str, str | None]) -> pl.DataFrame:
    """Return rows that are well but for what is named; None leaves a cell empty. One patient unless named."""
    return pl.DataFrame([{"patient": "P1"} | WELL | row for row in rows], infer_schema_length=None)


def random_table(rng: np.random.Generator, patients: int = 60, rows: int = 5) -> pl.DataFrame:
    """Return complete rows, every value as likely as it takes to meet every rule."""
    n = patients * rows

    def pick(words: list[str], share: list[float] | None = None) -> list[str]:
        return rng.choice(words, size=n, p=share).tolist()

    hours = np.cumsum(rng.choice([4, 12, 24, 48], size=(patients, rows)), axis=1).ravel()
    return pl.DataFrame(
        {
            "patient": np.repeat([f"P{i}" for i in range(patients)], rows),
            "time": hours.astype(str),
            "temp_c": pick(["36.8", "37.9", "38.0", "39.5"], [0.5, 0.2, 0.1, 0.2]),
            "hypotension": pick(["no", "yes"], [0.7, 0.3]),
            "vasopressors": pick(["0", "1", "2"], [0.8, 0.1, 0.1]),
            "vasopressin": pick(["no", "yes"], [0.8, 0.2]),
            "o2_device": pick(DEVICES, [0.55] + [0.05] * 9),
            "o2_flow_l_min": pick(["1", "4", "6", "7", "30"]),
            "antipyretic_or_anticytokine": pick(["no", "yes"], [0.7, 0.3]),
            "died_of_crs": pick(["no", "yes"], [0.97, 0.03]),
            "fio2": pick(["0.21", "0.3", "0.4", "0.8"]),
            "pressor_nee": pick(["2", "12", "25"]),
            "pressor_hours": pick(["1", "3", "9"]),
            "fluids": pick(["no", "yes"]),
            "organ_grade": pick(["0", "1", "2", "3", "4"], [0.8, 0.05, 0.05, 0.05, 0.05]),
            "transaminase_grade": pick(["0", "1", "2", "3", "4"], [0.8, 0.05, 0.05, 0.05, 0.05]),
            "hospitalised": pick(["no", "yes"]),
            "other_cause": pick(["no", "yes"], [0.95, 0.05]),
            "intubation_reason": pick(["hypoxia", "seizure"], [0.8, 0.2]),
        }
    )
