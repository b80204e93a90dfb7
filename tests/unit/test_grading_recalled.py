"""docs/grading/recalled.md lists what was recalled and not held against a source, as the editions themselves say it."""

import os
import re
from pathlib import Path

from dayzero.grading.editions import Edition, editions

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/grading/recalled.md"
EDITIONS = ROOT / "src/dayzero/grading/editions"
HEAD = """# What was recalled

> For study reporting; not for treatment decisions; not a medical device.

Rules that were recalled and not held against a source, by edition, as the editions in `src/dayzero/grading/editions/`
mark them: `read = false` for an edition as a whole, **[P]** for single rules. Compare them with the paper before a
grade that rests on them is published. This page is made from the editions, and `tests/unit/test_grading_recalled.py`
holds it to them (`WRITE_RECALLED=1` writes it anew).
"""


def lines_of(scale: str, edition: Edition) -> list[str]:
    """Return what an edition says was recalled: why it is not read, and each line that is marked."""
    text = (EDITIONS / scale / f"{edition.name}.toml").read_text("utf-8").splitlines()
    said = next(line.partition("#")[2].strip() for line in text if line.startswith("read ="))
    marked = [line.strip() for line in text if "[P]" in line and not line.startswith(("read =", "source ="))]
    if edition.read and not marked and "[P]" not in edition.source + said:
        return []
    state = "read, but for what is marked [P]" if edition.read else "recalled"
    why = f" ({said})" if said and (not edition.read or "[P]" in said) else ""
    return [f"- `{edition.name}`: {state}{why}. Source: {edition.source}", *(f"    - `{line}`" for line in marked)]


def page() -> str:
    parts = [HEAD]
    for scale in sorted(folder.name for folder in EDITIONS.iterdir() if folder.is_dir()):
        found = [line for edition in editions(scale).values() for line in lines_of(scale, edition)]
        if found:
            parts.append(f"## `{scale}`\n\n" + "\n".join(found) + "\n")
    return "\n".join(parts)


def test_the_page_is_what_the_editions_say() -> None:
    if os.environ.get("WRITE_RECALLED"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_edition_that_was_not_read_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for scale in (folder.name for folder in EDITIONS.iterdir() if folder.is_dir()):
        for edition in editions(scale).values():
            section = text.partition(f"## `{scale}`\n")[2].partition("\n## ")[0]
            assert edition.read or f"`{edition.name}`: recalled" in section


def test_the_index_names_every_page_and_every_command() -> None:
    from dayzero.grading import graders
    from dayzero.study.one_table import typed_graders

    text = (ROOT / "docs/grading.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\(grading/([a-z-]+)\.md\)", text))
    assert linked == {file.stem for file in (ROOT / "docs/grading").glob("*.md")}
    index = text.partition("### Every grader")[2].partition("###")[0]
    named = set(re.findall(r"^\| `([a-z-]+)` \|", index, re.MULTILINE))
    assert named == {*graders(), *typed_graders()}
