"""The protocols that come with dayzero: one file each in ``dayzero/protocols``."""

import os
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

from dayzero.errors import InputError
from dayzero.settings import nearest, shown

_FOLDER: Final = Path(str(resources.files("dayzero"))) / "protocols"


@lru_cache(maxsize=1)
def builtin_names() -> tuple[str, ...]:
    """Return the names of the built-in protocols, sorted; ``NAME.simulation.toml`` stands beside ``NAME.toml``."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml") if "." not in path.stem))


def protocol_file(name: str, folder: Path = Path()) -> Path:
    """Return the file of a protocol.

    Parameters
    ----------
    name
        A built-in name, or a path.
    folder
        That a relative path starts from.

    Raises
    ------
    InputError
        Where it is neither a built-in name nor the path of something.
    """
    if name in builtin_names():
        return _FOLDER / f"{name}.toml"
    path = folder / name
    if not path.suffix and not os.path.lexists(path):
        guess = nearest(name, builtin_names())
        question = f"Did you mean {guess!r}? " if guess else ""
        mend = f"{question}The built-in ones are {', '.join(builtin_names())}; or name a file."
        raise InputError(f"no protocol {shown(name)!r}", mend=mend)
    return path
