"""The manifest: what went into a report folder and what came out, with the sha256 of every file."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

MANIFEST: Final = "manifest.json"


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, read in blocks."""
    digest = sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_manifest(folder: Path, files: Iterable[Path], facts: Mapping[str, object]) -> Path:
    """Write ``manifest.json`` beside the files of a report.

    Parameters
    ----------
    folder
        The report folder.
    files
        The files written, inside the folder.
    facts
        What else a reader needs to run it again: inputs with their sha256, versions, command, seed.

    Returns
    -------
    Path
        The manifest. It carries no time of day: two equal runs write equal manifests.
    """
    outputs = {path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(files)}
    path = folder / MANIFEST
    path.write_bytes(manifest_bytes({**facts, "outputs": outputs}))
    return path


def manifest_bytes(content: Mapping[str, object]) -> bytes:
    """Return the one way in which a manifest is written, its own sha256 under ``manifest``."""
    body = {key: value for key, value in content.items() if key != "manifest"}
    sealed = {**body, "manifest": sha256(_json(body)).hexdigest()}
    return _json(sealed)


def _json(content: Mapping[str, object]) -> bytes:
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()
