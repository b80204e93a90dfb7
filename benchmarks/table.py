"""The table as text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.run import Cell

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
LABELS = {
    "dayzero": "dayzero",
    "rust": "Rust `survival`",
    "lifelines": "lifelines",
    "sksurv": "scikit-survival",
    "r": "R",
}
WORDS = {
    "make_spells": "make the table of spells",
    "kaplan_meier": "Kaplan-Meier with SE",
    "aalen_johansen": "Aalen-Johansen with SE, 2 events",
    "logrank": "log-rank, 3 groups",
    "gray": "Gray, 3 groups, 2 events",
    "cox": "Cox, Efron, 5 covariates",
    "bootstrap": "1,000 bootstrap Cox fits",
}


def lines(rows: list[tuple[str, str, int, dict[str, Cell]]], *, minimum: bool) -> list[str]:
    """Return the table: for dayzero time and memory, for a peer time, ratio to dayzero, memory and difference."""
    head = "| task | times | patients | " + " | ".join(LABELS.values()) + " |"
    body = []
    for task, kind, n, cells in rows:
        ours = cells["dayzero"].time(minimum=minimum)
        texts = [_text(cells[peer], ours, minimum=minimum) for peer in LABELS]
        body.append(f"| {WORDS[task]} | {kind} | {n:,} | " + " | ".join(texts) + " |")
    return [head, "|---|---|---:|" + "---|" * len(LABELS), *body]


def _text(cell: Cell, ours: float, *, minimum: bool) -> str:
    if cell.fault:
        return cell.fault
    time = cell.time(minimum=minimum)
    parts = [_seconds(time)]
    if cell.difference is not None:
        parts.append(f"**{_ratio(time / ours)}**")
    if cell.peak is not None:
        parts.append(f"{cell.peak:.0f} MiB")
    if cell.difference is not None:
        parts.append(f"{cell.difference:.0e}" if cell.difference else "0")
    return ", ".join(parts)


def _ratio(ratio: float) -> str:
    return f"× {ratio:.2g}" if ratio < 100 else f"× {ratio:.0f}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def write(path: Path, text: str) -> None:
    """Put the text between the marks of a file."""
    whole = path.read_text()
    before, rest = whole.split(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")
