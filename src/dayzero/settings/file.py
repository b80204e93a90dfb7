"""What every reader of a file shares: may it be opened, and how are names from it shown in a message."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from dayzero.errors import InputError

MAX_SHOWN: Final = 40
_COMPARED: Final = 100  # characters of a name that count when names are compared


def shown(text: str) -> str:
    r"""Return text fit for a one-line message: control characters escaped, at most 40 characters.

    Examples
    --------
    >>> shown("a\tb")
    'a\\tb'
    """
    head = text[: MAX_SHOWN + 1]
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in head)
    return safe if len(safe) <= MAX_SHOWN else safe[: MAX_SHOWN - 3] + "..."


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that looks most like this one, ignoring case, or None where nothing does.

    Examples
    --------
    >>> nearest("Endpiont", ["endpoint", "events"])
    'endpoint'
    """
    folded = {known[:_COMPARED].casefold(): known for known in names}
    close = difflib.get_close_matches(name[:_COMPARED].casefold(), folded, n=1)
    return folded[close[0]] if close else None


def open_fault(error: OSError | ValueError, *, file: str) -> InputError:
    """Return the line to print where a file cannot be opened or read."""
    if isinstance(error, FileNotFoundError):
        return InputError("there is no such file", mend="Check its name and its folder.", file=shown(file))
    if isinstance(error, IsADirectoryError):
        return InputError("this is a folder, not a file", mend="Name a file in it.", file=shown(file))
    if isinstance(error, PermissionError):
        return InputError("the file may not be read", mend="Ask for permission to read it.", file=shown(file))
    return InputError("the file cannot be read", mend="Check its name and its disk.", file=shown(file))


def file_size(path: Path, *, file: str) -> int:
    """Return the size of an ordinary file in bytes.

    Parameters
    ----------
    path
        Where it is.
    file
        Its name in messages.

    Raises
    ------
    InputError
        Where there is none, where it is a folder or a device, or may not be looked at.
    """
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise open_fault(error, file=file) from None
    if path.is_dir():
        raise open_fault(IsADirectoryError(), file=file)
    if not path.is_file():
        raise InputError("this is not an ordinary file", mend="Name a text file.", file=shown(file))
    return size
