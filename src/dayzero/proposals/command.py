"""What ``dayzero map`` does: read files, propose, and write a study file or add to one."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dayzero.errors import InputError
from dayzero.io.files import read_grids
from dayzero.proposals.edits import add_to
from dayzero.proposals.questions import Question, open_questions
from dayzero.proposals.text import study_text
from dayzero.proposals.workbook import Proposal, Source, propose
from dayzero.settings import open_fault, read_toml


@dataclass(frozen=True)
class Written:
    """What was proposed, and what became of it.

    Attributes
    ----------
    proposal
        The proposal for the files as they are.
    is_new
        Whether the study file was written anew; otherwise it was added to.
    columns, sheets
        How many are new in a study file that was there.
    questions
        What is open in it now.
    """

    proposal: Proposal
    is_new: bool
    columns: int
    sheets: int
    questions: tuple[Question, ...]


def write_proposal(files: Sequence[Path], out: Path, *, encoding: str = "", separator: str = "") -> Written:
    """Propose how files become a study, and write it; a study file that is there keeps every line.

    Parameters
    ----------
    files
        Workbooks or text files.
    out
        The study file.
    encoding, separator
        How text files are written, where they do not tell.

    Raises
    ------
    InputError
        Where a file cannot be read, or the study file not be written or added to.
    """
    if not files:
        raise InputError("no file is named", mend="Name a workbook: dayzero map cohort.xlsx --out study.toml")
    before = _text(out)
    proposal = propose([source for path in files for source in _sources(path, out, encoding, separator)])
    if before is None:
        _write(out, study_text(proposal, name=out.name, title=files[0].stem))
        return Written(proposal, True, 0, 0, open_questions(out))
    added = add_to(before, proposal, file=out.name)
    if added.text != before:
        _write(out, added.text)
    return Written(proposal, False, added.columns, added.sheets, open_questions(out))


def _sources(path: Path, out: Path, encoding: str, separator: str) -> list[Source]:
    grids = read_grids(path, name=path.name, encoding=encoding, separator=separator)
    return [Source(_relative(path, out), grid) for grid in grids]


def _relative(path: Path, out: Path) -> str:
    """Return a file's path from the study file's folder; absolute where there is none (another drive)."""
    try:
        return Path(os.path.relpath(path, out.parent)).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _text(out: Path) -> str | None:
    """Return the study file as it stands, line ends and all; None where there is none."""
    if not out.exists():
        return None
    read_toml(out)
    return out.read_bytes().decode("utf-8")


def _write(out: Path, text: str) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise open_fault(error, file=out.name) from None
