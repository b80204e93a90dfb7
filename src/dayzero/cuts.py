"""Data cuts: whether a report folder is still what its manifest says."""

import json
from pathlib import Path

from dayzero.errors import InputError
from dayzero.report.manifest import MANIFEST, file_digest, manifest_bytes


def verify(folder: Path) -> tuple[str, ...]:
    """Compare a report folder with its manifest.

    Parameters
    ----------
    folder
        The folder that ``dayzero report`` wrote.

    Returns
    -------
    tuple of str
        One sentence a file that differs; empty where every byte is as it was written.

    Raises
    ------
    InputError
        Where there is no manifest.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError("no manifest.json in this folder", mend="Name a folder that dayzero report wrote.")
    raw = path.read_bytes()
    try:
        content = json.loads(raw)
        sealed = isinstance(content, dict) and manifest_bytes(content) == raw
    except (ValueError, RecursionError):
        sealed = False
    if not sealed:
        return (f"{MANIFEST} is not as it was written.",)
    return tuple(line for name, digest in content["outputs"].items() if (line := _difference(folder, name, digest)))


def _difference(folder: Path, name: str, digest: str) -> str:
    path = folder / name
    if not path.is_file():
        return f"{name} is missing."
    return "" if file_digest(path) == digest else f"{name} is not as it was written."
