"""The architecture as a test: a module may import only from layers below its own, absolute or relative."""

import ast
from collections.abc import Iterator
from pathlib import Path

LAYERS = """
cli web
design calibration cuts selftest doctor
study
analyses
identities strategies cutpoints evidence
estimators checks proposals adherence
grading endpoints simulate io report examples
protocol history spells estimate record
settings vocabulary
errors
""".split("\n")[1:-1]
DEPTH = {name: depth for depth, line in enumerate(LAYERS) for name in line.split()}
ROOT = Path(__file__).parents[1] / "src/dayzero"


def imported(file: Path, root: Path = ROOT) -> Iterator[str]:
    """Yield the rooms that a file imports from."""
    package = ("dayzero", *file.relative_to(root).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            full = [*base, *(node.module or "").split(".")] if node.module else [*base]
            if full[:1] == ["dayzero"]:
                yield from (full[1:2] or [alias.name for alias in node.names])
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("dayzero."))


def faults(root: Path) -> list[str]:
    """Return every import that does not point down."""
    return [
        f"{file.relative_to(root)} may not import {target}"
        for file in sorted(root.rglob("*.py"))
        if file.parent != root or file.stem != "__init__"
        for me in [file.relative_to(root).with_suffix("").parts[0]]
        for target in imported(file, root)
        if target != me and DEPTH.get(me, -1) >= DEPTH.get(target, 99)
    ]


def test_imports_point_down() -> None:
    assert faults(ROOT) == []


def test_an_import_that_points_up_is_seen(tmp_path: Path) -> None:
    (tmp_path / "spells.py").write_text("from dayzero.study import run\nimport dayzero.estimate\n")
    assert faults(tmp_path) == ["spells.py may not import study", "spells.py may not import estimate"]


def test_every_room_has_a_layer() -> None:
    rooms = {p.stem for p in ROOT.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert {room for room in rooms if not room.startswith("__")} <= set(DEPTH)
