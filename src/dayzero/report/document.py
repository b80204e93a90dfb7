"""The report as files: html, json, csv and svg, the same bytes for the same page, and never half of them."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from dayzero import __version__
from dayzero.errors import Finding, InputError
from dayzero.estimate import concat
from dayzero.report.hypertext import Printed, print_sections, render_html
from dayzero.report.page import Page

_OURS: Final = re.compile(r"(tables|figures)/[a-z0-9-]+\.(csv|svg)")
_FORMULA: Final = r"^[=+\-@\t\r]"

__all__ = ["render_html", "report_files", "report_json", "to_csv", "write_report"]


def write_report(page: Page, out: Path) -> list[Path]:
    """Write ``report.html``, ``report.json``, ``tables/*.csv`` and ``figures/*.svg``.

    Everything is written beside ``out`` first and then moved into place, so that a fault leaves what was there. Files
    of the report before are replaced, or removed where this one has no such file; any other file stays.

    Parameters
    ----------
    page
        What to write.
    out
        The folder; made where it is not there.

    Returns
    -------
    list of Path
        The files written, in a fixed order.

    Raises
    ------
    InputError
        Where ``out`` is a file, or cannot be written to.
    """
    contents = report_files(page)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.resolve().parent) as folder:
            return _move(_write(contents, Path(folder)), out)
    except FileExistsError as error:
        raise InputError("the output folder is a file", mend="Name another folder with --out.") from error
    except PermissionError as error:
        raise InputError("the output folder cannot be written to", mend="Name another folder with --out.") from error


def report_files(page: Page) -> dict[str, str]:
    """Return the content of every file of the report by its path inside the folder."""
    printed = print_sections(page)
    files = {f"figures/{picture.name}.svg": f"{picture.svg}\n" for each in printed for picture in each.every_picture}
    files |= _tables(page, printed)
    names = ["report.html", "report.json", *files]
    return {"report.html": render_html(page, printed), "report.json": report_json(page, files=names), **files}


def _tables(page: Page, printed: tuple[Printed, ...]) -> dict[str, str]:
    tables = {"tables/patients.csv": page.table_one}
    for each in printed:
        section = each.section
        tables[f"tables/{each.key}.csv"] = section.estimates
        tables[f"tables/{each.key}-curves.csv"] = section.curves
        tables[f"tables/{each.key}-at-risk.csv"] = section.at_risk
    files = {name: to_csv(estimate.rows) for name, estimate in tables.items() if len(estimate)}
    listings = {f"tables/{each.key}-patients.csv": each.section.patients for each in printed}
    return files | {name: to_csv(rows) for name, rows in listings.items() if rows.height}


def to_csv(rows: pl.DataFrame) -> str:
    """Return the rows at full precision, text that a spreadsheet would run as a formula made inert.

    Numbers stay numbers; a text that starts with ``= + - @`` gets an apostrophe before it.
    """
    text = pl.col(pl.String)
    risky = text.str.contains(_FORMULA)
    return rows.with_columns(pl.when(risky).then(pl.lit("'") + text).otherwise(text).name.keep()).write_csv()


def report_json(page: Page, *, files: list[str]) -> str:
    """Return ``report.json``: the study, the findings one object a patient, the estimates one object a row."""
    rows = concat([section.estimates for section in page.sections])
    stamp = {"synthetic": True} if page.synthetic else {}
    content = {
        "dayzero": __version__,
        "study": {**page.facts, "title": page.title, "synthetic": page.synthetic},
        "findings": [item for finding in page.findings for item in _finding(finding)],
        "estimates": [{**row, **stamp} for row in rows.records()],
        "files": files,
    }
    return "{" + ",\n".join(f"{json.dumps(key)}: {_json(value)}" for key, value in content.items()) + "}\n"


def _json(value: object) -> str:
    """Return JSON, the items of a list a line each: quick to write, and legible."""
    if not isinstance(value, list) or not value:
        return json.dumps(value, allow_nan=False)
    return "[\n" + ",\n".join(json.dumps(item, allow_nan=False) for item in value) + "\n]"


def _finding(finding: Finding) -> Iterator[Mapping[str, Any]]:
    """Yield one object a patient, its own rows where they pair off, else all of them once; one alone without any."""
    paired = len(finding.rows) == len(finding.patient_rows)
    common = {"level": finding.level, "code": finding.code, "message": finding.message, "mend": finding.mend,
              "table": finding.table, "column": finding.column}  # fmt: skip
    for k, patient_row in enumerate(finding.patient_rows or (None,)):
        rows = finding.rows[k : k + 1] if paired else finding.rows if k == 0 else ()
        yield {**common, "patient_row": patient_row, "rows": list(rows)}


def _write(contents: Mapping[str, str], folder: Path) -> list[tuple[Path, str]]:
    written = []
    for name, text in contents.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append((path, name))
    return written


def _move(written: list[tuple[Path, str]], out: Path) -> list[Path]:
    """Put the files in place; then remove those of the report before that this one does not have."""
    stale = _files_of(out / "report.json") - {name for _, name in written}
    for path, name in written:
        target = out / name
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
    for name in sorted(stale):
        (out / name).unlink(missing_ok=True)
    for folder in (out / "tables", out / "figures"):
        if folder.is_dir() and not any(folder.iterdir()):
            shutil.rmtree(folder)
    return [out / name for _, name in written]


def _files_of(path: Path) -> set[str]:
    """Read which files a report before this one wrote; only names that such a report can have."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    names = content.get("files") if isinstance(content, dict) else None
    listed = names if isinstance(names, list) else []
    return {name for name in listed if isinstance(name, str) and _OURS.fullmatch(name)}
