"""Mutants of small files: each is read or refused in one line; nothing crashes, hangs or eats the memory.

300 mutants of a workbook in every run, 2,000 with HYPOTHESIS_PROFILE=laws; fewer of formats that pure Python reads.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from properties import mutants

MANY = os.environ.get("HYPOTHESIS_PROFILE") == "laws"
BATCH = 100
COUNTS = {"xlsx": 2000 if MANY else 300, "ods": 500 if MANY else 100, "csv": 500 if MANY else 100}
BATCHES = [(kind, first) for kind, count in COUNTS.items() for first in range(0, count, BATCH)]


@pytest.mark.parametrize(("kind", "first"), BATCHES)
def test_a_mutant_is_read_or_refused(kind: str, first: int, tmp_path: Path) -> None:
    command = [sys.executable, mutants.__file__ or "", kind, str(first), str(first + BATCH), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"seed {results[-1]['seed'] if results else first}: {done.stderr[-2000:]}"
    finished = [result for result in results if "outcome" in result]
    assert [result["seed"] for result in finished] == list(range(first, first + BATCH))
    assert [result for result in finished if result["outcome"] not in ("read", "refused")] == []
    assert max(result["seconds"] for result in finished) < 5
    assert max(result["peak"] for result in finished) < 1 << 30
    assert {result["outcome"] for result in finished} == {"read", "refused"}, "mutants that are all alike try nothing"


@pytest.mark.parametrize("kind", COUNTS)
def test_the_sound_file_is_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{kind}"
    path.write_bytes(mutants.original(kind, tmp_path))
    assert mutants._outcome(path) == "read"


def test_a_mutant_comes_from_its_seed(tmp_path: Path) -> None:
    sound = mutants.original("csv", tmp_path)
    made = [mutants.mutant(sound, "csv", seed) for seed in range(50)]
    assert made == [mutants.mutant(sound, "csv", seed) for seed in range(50)]
    assert len(set(made)) > 40
