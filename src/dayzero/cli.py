"""The command line: parse, call, print.

Exit codes: 0 done; 1 the data have findings of level error; 2 the input cannot be used (one line says why); 3 a bug.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from dayzero.errors import DayzeroError, Finding, InputError

app = typer.Typer(
    name="dayzero",
    help="A study engine for sequential cell therapy in acute leukaemia.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
protocols_app = typer.Typer(help="The built-in protocols: list them, or print one as a page.")
app.add_typer(protocols_app, name="protocols")
OutOption = Annotated[Path, typer.Option("--out", help="Folder that receives the report.")]


@app.command()
def report(
    study: Annotated[Path, typer.Argument(help="The study file, or the folder that holds study.toml.")],
    out: OutOption = Path("report"),
    mapped: Annotated[
        Path | None, typer.Option("--save-mapped", help="Folder that receives the tables that [map] makes.")
    ] = None,
) -> int:
    """Run a study and write its report."""
    from dayzero.study import read_study, run, save_mapped

    console = Console(stderr=True, highlight=False, markup=False)
    with console.status("Reading the study"):
        read = read_study(study)
    if mapped is not None:
        sys.stdout.write(f"Mapped tables: {save_mapped(read, mapped)[0].parent}\n")
    results = run(read, progress=_progress(console))
    with console.status("Writing the report"):
        results.write(out)
    _print_findings(console, results.findings)
    sys.stdout.write(f"Report: {out / 'report.html'}\n")
    return 1 if any(f.level == "error" for f in results.findings) else 0


@app.command()
def check(study: Annotated[Path, typer.Argument(help="The study file, or the folder that holds study.toml.")]) -> int:
    """Check the data of a study and print what was found."""
    from rich.table import Table

    from dayzero.checks import findings_table
    from dayzero.study import check_study, read_study

    read = read_study(study)
    findings = check_study(read)
    table = Table("Level", "Finding", "What, and how to mend it", show_lines=True)
    for level, code, where, what, mend in findings_table(findings):
        table.add_row(level, f"{code}\n{where}".strip(), f"{what} {mend}".strip())
    console = Console(highlight=False, markup=False)
    if read.mapped is not None:
        console.print(_sizes(len(read.mapped.patients.rows), read.mapped.counts()))
    console.print(table if findings else "Nothing found.")
    return 1 if any(finding.level == "error" for finding in findings) else 0


@app.command()
def doctor(
    study: Annotated[Path, typer.Argument(help="The study file, or the folder that holds study.toml.")],
    out: Annotated[Path | None, typer.Option("--out", help="HTML file to write: the same list, to print.")] = None,
) -> int:
    """Print what to look up in the data of a study, first what would change its results most."""
    from rich.table import Table

    from dayzero.doctor import examine
    from dayzero.report.doctor_page import rows_words, write_doctor
    from dayzero.study import read_study

    console = Console(highlight=False, markup=False)
    with Console(stderr=True).status("Holding the results against the data"):
        page = examine(read_study(study))
    table = Table("", "What, and where", "What it would change", show_lines=True)
    for number, item in enumerate(page.items, start=1):
        what = f"{item.level}: {item.heading}\n{rows_words(item.places)}".strip()
        table.add_row(str(number), what, "\n".join(item.changes))
    console.print(table if page.items else "Nothing to look up.")
    if out is not None:
        write_doctor(page, out)
        sys.stdout.write(f"To print: {out}\n")
    return 1 if any(item.level == "error" for item in page.items) else 0


@app.command("map")
def propose_mapping(
    files: Annotated[list[Path] | None, typer.Argument(help="Workbooks (.xlsx, .ods) or text files (.csv).")] = None,
    out: Annotated[Path, typer.Option("--out", help="The study file to write, or to add to.")] = Path("study.toml"),
    check: Annotated[bool, typer.Option("--check", help="Say what is still open in the study file.")] = False,
    encoding: Annotated[str, typer.Option(help="Of text files that do not tell: cp932, gb18030, cp1252.")] = "",
    separator: Annotated[str, typer.Option(help="Of text files that do not tell.")] = "",
) -> int:
    """Propose how the sheets of a hospital become a study, with reasons; a study file that is there keeps its edits."""
    from dayzero.proposals import open_questions, questions_page, write_proposal, written_page

    if check:
        questions = open_questions(out)
        sys.stdout.write(questions_page(questions, file=out.name))
        return 1 if questions else 0
    written = write_proposal(files or [], out, encoding=encoding, separator=separator)
    sys.stdout.write(written_page(written, file=out.name))
    return 0


@app.command()
def new(folder: Annotated[Path, typer.Argument(help="Folder to write; it must not exist or be empty.")]) -> int:
    """Write a commented template of a study, with made-up data, that runs."""
    from dayzero.examples import write_template

    write_template(folder)
    sys.stdout.write(f"Written. Now run: dayzero report {folder / 'study.toml'} --out {folder / 'report'}\n")
    return 0


@app.command()
def demo(
    out: OutOption = Path("demo"),
    study: Annotated[Literal["bmt", "heart"], typer.Option("--study", help="Which of the two.")] = "bmt",
) -> int:
    """Write a study on real data, and report it: 137 bone marrow transplants, or the Stanford heart transplants."""
    from dayzero.examples import write_demo

    write_demo(out, study)
    return report(out / "study.toml", out / "report")


@app.command()
def simulate(
    name: Annotated[str, typer.Argument(help="A built-in simulation, or the path of a file; docs/simulate.md.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write; it must not exist or be empty.")],
    patients: Annotated[int, typer.Option("--patients", help="How many.", min=1, max=1_000_000)] = 100,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same cohort.")] = 1,
    impose: Annotated[str | None, typer.Option("--impose", help="A strategy of the file, for everybody.")] = None,
) -> int:
    """Simulate a virtual cohort and write it as a study folder, which dayzero report runs."""
    from dayzero.simulate import read_simulation, simulate_cohort, write_cohort

    cohort = simulate_cohort(read_simulation(name), patients, seed=seed, impose=impose)
    write_cohort(cohort, out)
    sys.stdout.write(f"Written. Now run: dayzero report {out / 'study.toml'} --out {out / 'report'}\n")
    return 0


@app.command()
def grade(
    name: Annotated[str, typer.Argument(help="What is graded: crs, icans, ...; docs/grading.md lists them.")],
    table: Annotated[Path, typer.Argument(help="The bedside table: text with a header, one row a patient and time.")],
    scale: Annotated[str, typer.Option("--scale", help="The edition; for crs also all.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a patient and course.")] = False,
    support: Annotated[Path | None, typer.Option("--support", help="For engraftment: transfusions.")] = None,
) -> int:
    """Grade one table: the highest grade a patient and course, with bounds, drivers and what is missing."""
    from dayzero.grading import DISCLAIMER, grade_table, to_json, to_text
    from dayzero.io.csv import read_csv
    from dayzero.study.one_table import grade_one_table, rows_json, rows_text, typed_graders

    if name in typed_graders():
        rows = grade_one_table(name, table, scale=scale, support=support)
        sys.stdout.write(rows_json(rows) if as_json else rows_text(rows))
        sys.stderr.write(f"{DISCLAIMER}\n")
        return 0
    read = read_csv(table, name=table.name)
    results = grade_table(name, read.frame, scale=scale, file=read.name, rows=read.rows)
    sys.stdout.write(to_json(results) if as_json else to_text(results))
    sys.stderr.write(f"{DISCLAIMER}\n")
    return 0


@protocols_app.callback(invoke_without_command=True)
def protocols(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> int:
    """List the built-in protocols; `show NAME` prints one as a page."""
    from dayzero.protocol import builtin_names
    from dayzero.report.protocol_view import listing_json, listing_text, read_view

    if context.invoked_subcommand is None:
        views = [read_view(name) for name in builtin_names()]
        _say(listing_json(views) if as_json else listing_text(views))
    return 0


@protocols_app.command("show")
def show_protocol(
    name: Annotated[str, typer.Argument(help="A built-in name, or a protocol file.")],
    out: Annotated[Path | None, typer.Option("--out", help="HTML file to write: the same page, drawn.")] = None,
) -> int:
    """Print a protocol as a page, its timeline drawn."""
    from dayzero.report.protocol_page import write_protocol
    from dayzero.report.protocol_text import protocol_text
    from dayzero.report.protocol_view import read_view

    view = read_view(name)
    _say(protocol_text(view))
    if out is not None:
        write_protocol(view, out)
        sys.stdout.write(f"\nPage: {out}\n")
    return 0


@app.command()
def verify(folder: Annotated[Path, typer.Argument(help="A folder that dayzero report wrote.")]) -> int:
    """Compare a report folder with its manifest, byte by byte."""
    from dayzero.cuts import verify as differences

    found = differences(folder)
    sys.stdout.write("".join(f"{line}\n" for line in found) or "Every file is as it was written.\n")
    return 1 if found else 0


@app.command()
def selftest() -> int:
    """Compute the reference figures on this installation and hold them against R."""
    from dayzero.selftest import run_selftest, selftest_page

    figures = run_selftest()
    sys.stdout.write(selftest_page(figures))
    return 0 if all(figure.holds for figure in figures) else DayzeroError.exit_code


@app.command("version")
def print_version() -> int:
    """Print the version."""
    sys.stdout.write(f"dayzero {version('dayzero')}\n")
    return 0


def _say(text: str) -> None:
    """Print text, what the terminal's encoding lacks replaced."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def _progress(console: Console) -> Callable[[str], None]:
    """Return what prints each step as it begins: on a terminal, where somebody is waiting."""
    return lambda words: console.print(f"  {words}", style="dim") if console.is_terminal else None


def _sizes(patients: int, events: Mapping[str, int]) -> str:
    """Say how large mapped tables are."""
    names = ", ".join(f"{name} {n:,}" for name, n in events.items())
    return f"Mapped: {patients:,} patients, {sum(events.values()):,} events: {names}."


def _print_findings(console: Console, findings: Sequence[Finding]) -> None:
    from dayzero.checks.table import place

    colours = {"error": "red", "warning": "yellow", "note": "dim"}
    for finding in findings:
        where = f"{place(finding)}: " if finding.rows else ""
        console.print(f"{finding.level}: {where}{finding.message} {finding.mend}", style=colours[finding.level])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv
        The arguments; by default those of the process.
    """
    try:
        code = app(args=None if argv is None else list(argv), prog_name="dayzero", standalone_mode=False)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except typer.TyperException as error:
        sys.stderr.write(f"dayzero: {' '.join(error.format_message().split())} See dayzero --help.\n")
        return InputError.exit_code
    except typer.Abort:
        sys.stderr.write("Stopped.\n")
        return InputError.exit_code
    except Exception as error:  # the last line of defence: a bug is one line, too
        if os.environ.get("DAYZERO_TRACEBACK"):
            raise
        sys.stderr.write(f"dayzero: a bug ({type(error).__name__}). Set DAYZERO_TRACEBACK=1 to see where.\n")
        return DayzeroError.exit_code
    return int(code or 0)


if __name__ == "__main__":
    sys.exit(main())
