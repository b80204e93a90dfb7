"""Broken studies through the command line: one line that says where, exit code 2, nothing written, nobody's value."""

import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from broken_studies import CASES, PRIVATE, Case, write_study
from dayzero.cli import main
from dayzero.errors import InputError
from dayzero.study import read_study

MUTANTS = int(os.environ.get("DAYZERO_MUTANTS", "2000"))


def test_the_study_is_valid_before_it_is_broken(tmp_path: Path) -> None:
    assert main(["report", str(write_study(tmp_path / "study")), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "report.html").is_file()


def test_the_cases_are_many_and_differ() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_study(tmp_path: Path, case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    study, out = write_study(tmp_path / "study"), tmp_path / "out"
    case.change(study.parent)
    start = time.perf_counter()
    code = main(["report", str(study), "--out", str(out)])
    seconds = time.perf_counter() - start
    stdout, stderr = capsys.readouterr()
    assert code == 2, stderr
    assert stdout == ""
    assert stderr.count("\n") == 1, stderr
    assert "Traceback" not in stderr
    assert case.file in stderr
    assert (f"row {case.row}" in stderr) if case.row else ("row" not in stderr.split(":")[0])
    assert case.column in stderr.split(":")[0]
    assert case.words in stderr
    assert not PRIVATE.search(stderr)
    assert not out.exists()
    assert seconds < 5


# --- mutants ------------------------------------------------------------------------------------------------------

PARTS = (
    *(b'"', b"'", b"\0", b",", b";", b"\t", b"\n", b"\r", b"\r\n", b"\xff", b"\xe9", b"\xef\xbb\xbf", b"\xe7\xa7\xbb"),
    *(
        b"[",
        b"]",
        b"[[",
        b"]]",
        b"{",
        b"}",
        b"=",
        b".",
        b"#",
        b"'''",
        b'"""',
        b"\\",
        b" ",
        b"|",
        b":",
        b">=",
        b"@",
        b"*",
    ),
    *(b"-1", b"0", b"1e999", b"nan", b"inf", b"9" * 400, b"2021-02-30", b"9999-12-31", b"0001-01-01", b"2021", b"true"),
    *(b"\x1b[2J", b"../", b"=1+1", b"{cr}"),
)


def _slice(data: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randrange(len(data) + 1)
    return start, min(len(data), start + draw.choice((1, 1, 2, 5, 20, 200)))


def edit(data: bytes, draw: random.Random) -> bytes:
    start, stop = _slice(data, draw)
    return data[:start] + draw.randbytes(draw.randint(1, 3)) + data[stop:]


def insert(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data) + 1)
    return data[:start] + draw.choice(PARTS) + data[start:]


def overwrite(data: bytes, draw: random.Random) -> bytes:
    start, stop = _slice(data, draw)
    return data[:start] + draw.choice(PARTS) + data[stop:]


def delete(data: bytes, draw: random.Random) -> bytes:
    start, stop = _slice(data, draw)
    return data[:start] + data[stop:]


def duplicate(data: bytes, draw: random.Random) -> bytes:
    start, stop = _slice(data, draw)
    return data[:stop] + data[start:stop] * draw.choice((1, 1, 3, 50)) + data[stop:]


def truncate(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def swap_cells(data: bytes, draw: random.Random) -> bytes:
    cells = re.split(rb"([,\n=\[\] ])", data)
    one, two = draw.randrange(len(cells)), draw.randrange(len(cells))
    cells[one], cells[two] = cells[two], cells[one]
    return b"".join(cells)


def repeat_line(data: bytes, draw: random.Random) -> bytes:
    lines = data.split(b"\n")
    lines.insert(draw.randrange(len(lines)), draw.choice(lines))
    return b"\n".join(lines)


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    edit,
    insert,
    overwrite,
    delete,
    duplicate,
    truncate,
    swap_cells,
    repeat_line,
)


def mutate(study: Path, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        path = study.parent / draw.choice(("study.toml", "patients.csv", "events.csv"))
        path.write_bytes(draw.choice(MUTATIONS)(path.read_bytes(), draw))


def refusal(study: Path) -> str | None:
    """Read a study; return why it is refused, None where it is read."""
    try:
        read_study(study)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("hundred", range((MUTANTS + 99) // 100))
def test_mutants_are_read_or_refused(tmp_path: Path, hundred: int) -> None:
    refused = 0
    for seed in range(100 * hundred, 100 * hundred + 100):
        study = write_study(tmp_path / "study")
        mutate(study, seed)
        start = time.perf_counter()
        try:
            line = refusal(study)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
        assert time.perf_counter() - start < 5, seed
        if line is not None:
            refused += 1
            assert "\n" not in line, seed
            assert not PRIVATE.search(line), (seed, line)
    assert 10 < refused < 100, "mutants that are all refused, or all read, test nothing"


@pytest.mark.parametrize("seed", range(0, MUTANTS, 100))
def test_mutants_through_the_command_line(tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    study = write_study(tmp_path / "study")
    mutate(study, seed)
    code = main(["report", str(study), "--out", str(tmp_path / "out")])
    assert code in {0, 1, 2}, capsys.readouterr().err
    assert (tmp_path / "out" / "report.json").is_file() == (code < 2)
