"""Reading a large workbook: ``python -m benchmarks.readers [ROWS]``; needs the dev extra for XlsxWriter.

Writes a workbook of five columns (identifier, event, date, number, whole number), reads it in a process of its own with
dayzero (every cell looked at, then text, kinds and places) and with calamine alone (nothing looked at, every value a
Python object), and prints the median seconds of three runs, without the start of Python, and the memory at its peak.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import xlsxwriter

RUNS = 3
WORKER = """
import json, resource, sys, time
from pathlib import Path
{setup}
began = time.perf_counter()
{read}
seconds = time.perf_counter() - began
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
PEERS = {
    "dayzero": ("from dayzero.io.files import read_grids", 'grids = read_grids(Path(sys.argv[1]), name="t.xlsx")'),
    "calamine alone": (
        "from python_calamine import CalamineWorkbook",
        "rows = CalamineWorkbook.from_path(sys.argv[1]).get_sheet_by_index(0).to_python()",
    ),
}


def write(path: Path, rows: int) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet, day = book.add_worksheet("Events"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["patient", "event", "date", "value", "number"])
        for n in range(1, rows):
            sheet.write_string(n, 0, f"P{n % 99_991:06}")
            sheet.write_string(n, 1, ("infusion", "hsct", "last_contact")[n % 3])
            sheet.write_number(n, 2, 42_000 + n % 2_500, day)
            sheet.write_number(n, 3, round(n * 0.7919 % 100, 2))
            sheet.write_number(n, 4, n % 7)


def measure(peer: str, path: Path) -> tuple[float, float]:
    setup, read = PEERS[peer]
    command = [sys.executable, "-c", WORKER.format(setup=setup, read=read), str(path)]
    runs = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(RUNS)]
    return median(seconds for seconds, _ in runs), max(peak for _, peak in runs)


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.xlsx"
        write(path, rows)
        print(f"{rows:,} rows x 5 columns, {path.stat().st_size / 2**20:.0f} MiB")
        for peer in PEERS:
            seconds, peak = measure(peer, path)
            print(f"{peer:15} {seconds:6.2f} s {peak:6.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
