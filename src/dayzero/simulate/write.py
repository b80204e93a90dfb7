"""A virtual cohort written as a study folder: what a hospital would send, and where every parameter comes from."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from dayzero.errors import InputError
from dayzero.settings import shown
from dayzero.simulate.analyses import analysis_tables
from dayzero.simulate.cohort import Cohort
from dayzero.simulate.plan import Simulation
from dayzero.simulate.toml_text import toml_table, toml_value
from dayzero.vocabulary import CORE_EVENTS

_CONVENTIONS: Final = (
    "Days are whole, half days rounded up. Clocks count from the entry into a state, or from the entry that started "
    "the clock that is named."
)


def write_cohort(cohort: Cohort, out: Path) -> list[Path]:
    """Write the tables of a cohort, ``study.toml`` and ``README.md`` into a new folder.

    The folder appears when everything is written, or not at all.

    Raises
    ------
    InputError
        Where the folder exists and is not empty, or cannot be written.
    """
    unwritable = InputError("the folder cannot be written", mend="Name another with --out.", file=shown(out.name))
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(f"{shown(out.name)!r} exists and is not empty", mend="Name a new folder with --out.")
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".dayzero-", dir=out.parent))
    except OSError:
        raise unwritable from None
    try:
        names = _write(cohort, scratch)
        scratch.chmod(0o755)
        if out.exists():
            out.rmdir()
        scratch.rename(out)
    except OSError:
        raise unwritable from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return [out / name for name in names]


def _write(cohort: Cohort, folder: Path) -> list[str]:
    tables = {"patients.csv": cohort.patients, "events.csv": cohort.events}
    if cohort.mrd is not None:
        tables["mrd.csv"] = cohort.mrd
    if cohort.kinetics is not None:
        tables["kinetics.csv"] = cohort.kinetics
    for name, frame in tables.items():
        frame.write_csv(folder / name)
    texts = {"study.toml": study_text(cohort), "README.md": readme_text(cohort)}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [*tables, *texts]


def study_text(cohort: Cohort) -> str:
    """Return the study file of a cohort; it is stamped synthetic."""
    simulation = cohort.simulation
    header = simulation.header
    course = f"; imposed: {simulation.strategies[cohort.impose].label}" if cohort.impose else ""
    study: dict[str, object] = {"title": f"{header.title} (virtual cohort{course})", "synthetic": True}
    study |= {"cutoff": header.cutoff} if header.cutoff else {}
    study |= {"protocol": header.protocol} if header.protocol else {}
    names = set(cohort.events["event"].unique()) | {w.event for state in simulation.states for w in state.events}
    names |= {mark.event for mark in simulation.marks}
    data: dict[str, object] = {"patients": "patients.csv", "events": "events.csv"}
    data |= {"mrd": "mrd.csv"} if cohort.mrd is not None else {}
    data |= {"kinetics": "kinetics.csv"} if cohort.kinetics is not None else {}
    data |= {"other_events": sorted(names - CORE_EVENTS)} if names - CORE_EVENTS else {}
    parts = [
        f"# A virtual cohort: {cohort.patients.height} patients, seed {cohort.seed}; README.md says what made it.",
        "# Run it:  dayzero report study.toml --out report\n",
        toml_table("[study]", study),
        toml_table("[data]", data),
        *_tables(simulation.study),
        *analysis_tables(cohort),
    ]
    return "\n".join(parts)


def _tables(study: Mapping[str, object]) -> Iterator[str]:
    definitions, endpoints = (study.get(key) for key in ("definitions", "endpoints"))
    if isinstance(definitions, Mapping) and definitions:
        yield toml_table("[definitions]", definitions)
    for name, table in (endpoints if isinstance(endpoints, Mapping) else {}).items():
        yield toml_table(f"[endpoints.{name}]", table)


def readme_text(cohort: Cohort) -> str:
    """Return what the cohort was made from: every parameter with its source, or the word assumed."""
    simulation = cohort.simulation
    header = simulation.header
    imposed = simulation.strategies[cohort.impose].label if cohort.impose else "nothing: the natural course"
    lines = [
        f"# {header.title}: a virtual cohort",
        "",
        "**Simulated. No patient is behind it; nothing about a treatment can be concluded from it.**",
        "",
        f"`dayzero simulate {simulation.name} --patients {cohort.patients.height} --seed {cohort.seed}"
        + (f" --impose {cohort.impose}`" if cohort.impose else "`"),
        "",
        f"Imposed: {imposed}.",
        *(["", header.note] if header.note else []),
        "",
        _CONVENTIONS,
        "",
        "| parameter | what | source |",
        "|---|---|---|",
        *(f"| {name} | {_cell(what)} | {_cell(source)} |" for name, what, source in parameters(simulation)),
        "",
    ]
    return "\n".join(lines)


def parameters(simulation: Simulation) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the value and the source of every table of parameters."""
    header = simulation.header
    entry = f"from {header.start}, over {header.accrual:g} days; cutoff {header.cutoff or 'none'}"
    yield "entry and follow-up", f"{entry}; dropout {header.dropout_per_year:g} a year", header.source
    for spec in simulation.covariates:
        yield f"covariate {spec.name}" + (" (hidden)" if spec.hidden else ""), _given(spec), spec.source
    for way in simulation.ways:
        table = way.table
        chosen = f"{table.decision}: {table.option}" if table.option else table.decision
        decision = f" (decision: {chosen}; {table.assignment})" if table.decision else ""
        yield f"{' or '.join(table.origins)} to {' or '.join(table.targets)}{decision}", _given(table), table.source
    for mark in simulation.marks:
        yield f"{mark.event} {mark.attribute}".strip() + f" of {' or '.join(mark.states)}", _given(mark), mark.source
    if simulation.mrd:
        yield "MRD", _given(simulation.mrd), simulation.mrd.source
    if simulation.kinetics:
        yield "kinetics (exploratory)", _given(simulation.kinetics), simulation.kinetics.source
    if simulation.last_seen:
        yield "last assessment of the disease", _given(simulation.last_seen), simulation.last_seen.source


def _given(spec: object) -> str:
    """Write what a table says beyond its name and source, defaults left out."""
    named = {"name", "source", "from_", "to", "decision", "option", "assignment", "event", "of", "attribute", "hidden"}
    fields = type(spec).__dataclass_fields__  # type: ignore[attr-defined]
    given = {}
    for name, field in fields.items():
        value = getattr(spec, name)
        if name not in named and value not in (field.default, {}, (), None):
            given[name] = _plain(value)
    return ", ".join(f"{name} = {toml_value(value)}" for name, value in given.items())


def _plain(value: object) -> object:
    """Return a value with dataclasses as tables, what is not given left out."""
    if hasattr(value, "__dataclass_fields__"):
        return {key: _plain(item) for key, item in vars(value).items() if item not in (None, {}, ())}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
