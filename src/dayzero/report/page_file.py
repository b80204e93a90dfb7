"""One page as one file: written beside its place first, so that a fault leaves what was there."""

import tempfile
from pathlib import Path

from dayzero.errors import InputError


def write_page(text: str, path: Path) -> None:
    """Write a page into a file, which is replaced as a whole.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.resolve().parent) as folder:
            new = Path(folder) / "page.html"
            new.write_text(text, encoding="utf-8", newline="\n")
            new.replace(path)
    except OSError as error:
        raise InputError("the page cannot be written there", mend="Name another file with --out.") from error
