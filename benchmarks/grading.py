"""Grading hourly vitals: ``python -m benchmarks.grading [PATIENTS]``; 10,000 patients x 30 days by default.

Makes a table of text in memory and grades it in a process of one thread, twice: as a bedside table under one scale, and
as the table ``vitals`` of a study, in courses, under all scales, with episodes and hours. Prints the seconds of
processor time and the memory at its peak, the table included.
"""

import os
import resource
import subprocess
import sys
import time

HOURS = 720


def table(patients: int):
    import numpy as np
    import polars as pl

    rng, n = np.random.default_rng(1), patients * HOURS

    def words(names: list[str], share: list[float]) -> pl.Series:
        codes = rng.choice(len(names), size=n, p=share).astype(np.uint32)
        return pl.Series(codes).replace_strict(dict(enumerate(names)), return_dtype=pl.String)

    number = pl.Series(np.repeat(np.arange(patients), HOURS))
    temperature = pl.Series(rng.normal(37.2, 0.5, n).round(1))
    return pl.DataFrame(
        {
            "patient": number.cast(pl.String),
            "time": pl.Series(np.tile(np.arange(HOURS), patients)).cast(pl.String),
            "temp_c": temperature.cast(pl.String),
            "hypotension": words(["false", "true"], [0.97, 0.03]),
            "vasopressors": words(["0", "1", "2"], [0.98, 0.015, 0.005]),
            "vasopressin": words(["false", "true"], [0.99, 0.01]),
            "o2_device": words(["none", "nasal_cannula", "hfnc", "imv"], [0.9, 0.07, 0.02, 0.01]),
            "o2_flow_l_min": words(["2", "4", "6", "10", ""], [0.3, 0.3, 0.2, 0.1, 0.1]),
            "antipyretic_or_anticytokine": words(["false", "true"], [0.5, 0.5]),
        }
    )


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def work(patients: int) -> None:
    from dayzero.grading.crs.grade import CrsRows, crs_results
    from dayzero.grading.crs.table import read_crs
    from dayzero.grading.editions import edition

    frame = table(patients)
    print(f"{frame.height:,} rows x {frame.width} columns of text, {frame.estimated_size('mb'):.0f} MiB")
    made = peak()
    began = time.process_time()
    bedside = read_crs(frame)
    typed = time.process_time()
    results = crs_results(CrsRows(bedside, edition("crs")))
    graded = time.process_time()
    print(f"typing {typed - began:.1f} s, grading {graded - typed:.1f} s, {len(results):,} results")
    print(f"peak {peak():.2f} GiB, with the table made before any reading {made:.2f} GiB")


def in_a_study(patients: int) -> None:
    import numpy as np
    import polars as pl

    from dayzero.grading.crs.history import derive_crs
    from dayzero.history import EVENT_COLUMNS, History
    from dayzero.protocol import Definitions

    drawn, n = table(patients), patients * HOURS
    keys = {
        "patient": np.repeat(np.arange(patients), HOURS),
        "day": np.tile(np.arange(HOURS) / 24, patients),
        "row": np.arange(2, n + 2),
    }
    vitals = pl.DataFrame(keys).hstack(drawn.drop("patient", "time").get_columns())
    del drawn
    kinds = {"patient": pl.Int64, "day": pl.Float64, "number": pl.Int64, "row": pl.Int64}
    events = {name: [None] * patients for name in EVENT_COLUMNS}
    events |= {"patient": range(patients), "event": ["infusion"] * patients, "day": [0.0] * patients}
    events |= {"source": ["reported"] * patients, "row": range(2, patients + 2)}
    history = History(
        patients=pl.DataFrame({"patient": [str(i) for i in range(patients)]}),
        patient_rows=np.arange(patients),
        events=pl.DataFrame(events, schema={name: kinds.get(name, pl.String) for name in EVENT_COLUMNS}),
        end=np.full(patients, 60.0),
        calendar=False,
        tables={"vitals": vitals},
    )
    made, began = peak(), time.process_time()
    results = derive_crs(history, Definitions()).results["crs"]
    print(f"in a study: grading under all scales {time.process_time() - began:.1f} s, {results.height:,} results")
    print(f"peak {peak():.2f} GiB, with the table made before any reading {made:.2f} GiB")


def main(patients: int) -> None:
    one = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for part in WORK:
        command = [sys.executable, "-m", "benchmarks.grading", part, str(patients)]
        subprocess.run(command, env=os.environ | one, check=True)


WORK = {"--work": work, "--study": in_a_study}


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in WORK:
        WORK[sys.argv[1]](int(sys.argv[2]))
    else:
        main(int((sys.argv[1:] or ["10000"])[0]))
