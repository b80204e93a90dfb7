"""The mapped tables as files, with a study file that reads them: the same study without its workbook."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final

from dayzero.errors import InputError, InternalError
from dayzero.protocol import builtin_names
from dayzero.settings import Toml
from dayzero.study.model import Study

STUDY_FILE: Final = "study.toml"


def save_mapped(study: Study, folder: Path) -> tuple[Path, ...]:
    """Write the mapped tables, and the study file without its ``[map]``, into a folder.

    The study that they make has the same history, so its report has the same estimates.

    Parameters
    ----------
    study
        As read, with a mapping.
    folder
        Made where it is not there. Files of these names in it are replaced.

    Returns
    -------
    tuple of Path
        The study file, the patients and the events table, and the protocol where the study has a file of its own.

    Raises
    ------
    InputError
        Where the study has no mapping, a table's name leads out of the folder, or the folder is that of the study.
    """
    if study.mapped is None:
        raise InputError("the study has no [map]", mend="Leave --save-mapped out: its tables are files already.")
    if folder.resolve() == study.folder.resolve():
        raise InputError("the mapped tables would replace the study file", mend="Name another folder.")
    files = {STUDY_FILE: without_map(study.toml).encode()}
    for table in (study.mapped.patients, study.mapped.events):
        files[table.name] = table.frame.write_csv().encode()
    own = study.header.protocol not in ("", *builtin_names())
    if own and not PurePath(study.header.protocol).is_absolute():
        files[study.header.protocol] = (study.folder / study.header.protocol).read_bytes()
    return _written(files, folder)


def without_map(toml: Toml) -> str:
    r"""Return the text of a study file without its ``[map]``; everything else stays as it is, comments too.

    Examples
    --------
    >>> from dayzero.settings import Toml
    >>> text = "[map]\ndecimal = ','\n[study]\ntitle = 'A'  # ours\n"
    >>> without_map(Toml("study.toml", text, {"map": {"decimal": ","}, "study": {"title": "A"}}))
    "[study]\ntitle = 'A'  # ours\n"
    """
    begins: dict[int, object] = {}
    for path, row in toml.rows.items():
        begins.setdefault(row, path[0])
    kept: list[str] = []
    comments: list[str] = []  # at the end of [map]: they may belong to what follows
    owner: object = None
    for row, line in enumerate(toml.text.split("\n"), 1):
        owner = begins.get(row, owner)
        if owner != "map":
            kept += [*comments, line]
            comments = []
        else:
            comments = [*comments, line] if line.startswith("#") else []
    text = "\n".join(kept)
    if _table(text) != {key: value for key, value in toml.table.items() if key != "map"}:
        raise InternalError("the study file cannot be written without its [map]")
    return text


def _table(text: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _written(files: Mapping[str, bytes], folder: Path) -> tuple[Path, ...]:
    for name in files:
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
            mend = "Name the tables and the protocol without leading to another folder."
            raise InputError(f"{json.dumps(name)} leads out of the folder", mend=mend)
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError:
        raise InputError("the folder cannot be written to", mend="Name another with --save-mapped.") from None
    return tuple(folder / name for name in files)
