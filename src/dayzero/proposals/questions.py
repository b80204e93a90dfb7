"""What is still open in a study file: settings with the value ``"?"``, and lines that begin with ``# OPEN:``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dayzero.proposals.lines import OPEN
from dayzero.settings import Toml, read_toml, unanswered


@dataclass(frozen=True)
class Question:
    """Something that only a person can say.

    Attributes
    ----------
    row
        The line of the study file.
    setting
        The key that is open; empty for a question that stands alone.
    text
        What is asked.
    """

    row: int
    setting: str
    text: str

    def __str__(self) -> str:
        """Return one line."""
        return f"row {self.row}, {self.setting}: {self.text}" if self.setting else f"row {self.row}: {self.text}"


def open_questions(path: Path) -> tuple[Question, ...]:
    """Return what is open in a study file, by line.

    A setting is open while its value, or a part of it, is ``"?"``; the comment beside it may stay when it is answered.
    A line of its own that begins with ``# OPEN:`` is open until it is deleted.

    Raises
    ------
    InputError
        Where the file cannot be read.
    """
    return questions_in(read_toml(path))


def questions_in(toml: Toml) -> tuple[Question, ...]:
    """Return what is open in a study file that was read."""
    lines = toml.text.removeprefix("\ufeff").split("\n")
    found = {}
    for row, line in enumerate(lines, 1):
        if line.lstrip().startswith(OPEN):
            found[row] = Question(row, "", _asked(line))
    for path in unanswered(toml.table, ()):
        row = next((toml.rows[path[:n]] for n in range(len(path), 0, -1) if path[:n] in toml.rows), 1)
        setting = next((str(step) for step in reversed(path) if isinstance(step, str) and step not in _PARTS), "")
        if path[-1] not in _PARTS and "codes" in path:
            setting = str(path[path.index("codes") - 1])
        found.setdefault(row, Question(row, setting, _asked(lines[row - 1])))
    return tuple(found[row] for row in sorted(found))


_PARTS: Final = frozenset({"codes", "is", "column", "text"})


def _asked(line: str) -> str:
    _, found, question = line.partition(OPEN)
    return question.strip() if found else 'answer the "?"'
