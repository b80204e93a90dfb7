"""A proposal run again: a person's edits survive, byte by byte; only what is new in the files is added."""

import tomllib
from collections.abc import Sequence

import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.io.grid import DATE, EMPTY, TEXT, Grid, letters
from dayzero.proposals import Proposal, Source, add_to, propose, study_text
from dayzero.proposals.questions import questions_in
from dayzero.settings import Toml

DAYS = ("2021-01-25", "2021-02-03", "2021-03-04")


def grid(headers: Sequence[str], rows: Sequence[Sequence[str | None]], sheet: str = "Patients") -> Grid:
    names = [letters(n + 1) for n in range(len(headers))]
    cells = [list(headers), *rows]
    frame = {n: pl.Series([row[k] for row in cells], dtype=pl.String) for k, n in enumerate(names)}
    kinds = {n: pl.Series([_kind(row[k]) for row in cells], dtype=pl.UInt8) for k, n in enumerate(names)}
    return Grid("cohort.xlsx", sheet, pl.DataFrame(frame), pl.DataFrame(kinds))


def _kind(cell: str | None) -> int:
    return EMPTY if cell is None else DATE if cell in DAYS else TEXT


def proposal(*grids: Grid) -> Proposal:
    return propose([Source("cohort.xlsx", g) for g in grids])


def rows(*columns: str | None) -> list[list[str | None]]:
    return [[f"P{k}", *(column or DAYS[k] for column in columns)] for k in range(3)]


FIRST = grid(("ID", "HSCT date", "Sex"), rows(None, "m"))
GROWN = grid(("ID", "HSCT date", "Sex", "Date of death", "Age", "Shoe size"), rows(None, "m", None, "61", "42"))
TEXT_OF_FIRST = study_text(proposal(FIRST), name="study.toml", title="cohort")


def edited() -> str:
    """The proposal after a person has worked on it."""
    text = TEXT_OF_FIRST.replace('title = "cohort"', "title = '''A \"study\"\n[map]\n# of ours'''")
    text = text.replace("# synthetic = true", "synthetic = true   # made up, asked on Friday")
    text = text.replace('event = "hsct" ', 'event="boost"\t')
    text = "\n".join(line for line in text.split("\n") if not line.startswith("sex ="))
    own = "[endpoints.mine]  # ours\norigin = 'hsct'\nevents = [\n  'death',  # all\n]\n\n# end"
    return f"# kept by Ms. K.\n\n{text}\n{own}"


def without_added(old: str, new: str) -> bool:
    """Whether every line of the old text is in the new one, in order and unchanged."""
    lines = iter(new.split("\n"))
    return all(line in lines for line in old.split("\n"))


def test_nothing_new_changes_nothing() -> None:
    for text in (TEXT_OF_FIRST, edited(), edited().replace("\n", "\r\n"), "\ufeff" + edited()):
        assert add_to(text, proposal(FIRST), file="study.toml").text == text


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_new_columns_are_added_where_they_belong_and_nothing_else_changes(end: str, mark: str) -> None:
    text = mark + edited().replace("\n", end)
    added = add_to(text, proposal(GROWN), file="study.toml")
    assert without_added(text, added.text)
    assert added.columns == 3
    if end == "\r\n":
        assert added.text.count("\n") == added.text.count("\r\n")
    table = tomllib.loads(added.text.removeprefix("\ufeff").replace("\r\n", "\n"))
    (sheet,) = table["map"]["sheet"]
    assert sheet["columns"] == {"age": "Age"}, "the line for sex was deleted, and stays so"
    assert [event["event"] for event in sheet["events"]] == ["boost", "death"]
    assert "# NEW:" in added.text
    assert '# shoe_size = "Shoe size"' in added.text
    again = add_to(added.text, proposal(GROWN), file="study.toml")
    assert again.text == added.text


def test_the_lines_added_are_the_only_difference() -> None:
    text = edited()
    new = add_to(text, proposal(GROWN), file="study.toml").text.split("\n")
    old = text.split("\n")
    kept, k = [], 0
    for line in new:
        if k < len(old) and line == old[k]:
            kept.append(line)
            k += 1
    assert "\n".join(kept) == text
    assert len(new) - len(old) < 20


def test_a_new_sheet_is_added_after_the_others() -> None:
    mrd = grid(("ID", "MRD date"), rows(None), sheet="MRD")
    added = add_to(edited(), proposal(FIRST, mrd), file="study.toml")
    table = tomllib.loads(added.text)
    assert [sheet["sheet"] for sheet in table["map"]["sheet"]] == ["Patients", "MRD"]
    assert (added.sheets, added.columns) == (1, 0)
    assert table["endpoints"]["mine"]["events"] == ["death"]
    assert add_to(added.text, proposal(FIRST, mrd), file="study.toml").text == added.text


def test_a_sheet_that_was_deleted_stays_deleted() -> None:
    mrd = grid(("ID", "MRD date"), rows(None), sheet="MRD")
    text = study_text(proposal(FIRST, mrd), name="study.toml", title="cohort")
    start = text.index("[[map.sheet]]", text.index("[[map.sheet]]") + 1)
    text = text[:start] + text[text.index("[[analysis]]") :]
    assert add_to(text, proposal(FIRST, mrd), file="study.toml").text == text


def test_a_new_column_beside_an_old_date_is_added_as_a_comment() -> None:
    grown = grid(("ID", "HSCT date", "Sex", "Donor"), rows(None, "m", "haplo"))
    added = add_to(TEXT_OF_FIRST, proposal(grown), file="study.toml").text
    assert '# attributes.donor = "Donor"' in added
    assert tomllib.loads(added) == tomllib.loads(TEXT_OF_FIRST)


def test_a_name_that_the_person_took_is_not_taken_again() -> None:
    text = TEXT_OF_FIRST.replace("sex =", "age =")
    added = add_to(text, proposal(GROWN), file="study.toml").text
    assert (
        tomllib.loads(added)["map"]["sheet"][0]["columns"]["age"]
        == tomllib.loads(text)["map"]["sheet"][0]["columns"]["age"]
    )


def test_settings_are_asked_for_by_new_columns_alone() -> None:
    text = [["P1", "2021-01-25", "m", "1.2.2021"], ["P2", "2021-02-03", "m", "3.4.2021"]]
    grown = grid(("ID", "HSCT date", "Sex", "Date of death"), text)
    added = add_to(TEXT_OF_FIRST, proposal(grown), file="study.toml").text
    assert tomllib.loads(added)["map"]["date_order"] == "?"


def test_a_study_without_a_mapping_gets_one() -> None:
    text = "[study]\ntitle = 'x'\n"
    added = add_to(text, proposal(FIRST), file="study.toml")
    assert added.text.startswith(text)
    assert tomllib.loads(added.text)["map"]["sheet"][0]["patient"] == "ID"


def test_a_file_with_its_sheets_in_one_line_is_left_alone() -> None:
    text = '[map]\nsheet = [{ file = "a.xlsx", sheet = "A", patient = "ID" }]\n'
    with pytest.raises(InputError, match="nothing can be added"):
        add_to(text, proposal(FIRST), file="study.toml")


def questions(text: str) -> list[tuple[int, str]]:
    return [(q.row, q.setting) for q in questions_in(Toml("study.toml", text, tomllib.loads(text)))]


def test_what_is_open() -> None:
    text = (
        '[map]\ndate_order = "?"  # OPEN: which?\nmissing = ["?"]\n[[map.sheet]]\npatient = "ID"  # OPEN: answered\n'
        '# OPEN: on its own\n[map.sheet.columns]\nsex = { column = "Sex", codes = { "1" = "?", "2" = "female" } }\n'
        '[[map.sheet.events]]\nevent = "x"\nwhen = { column = "y", is = ["?"] }\n'
    )
    assert questions(text) == [(2, "date_order"), (6, ""), (8, "sex"), (11, "when")]


def test_nothing_is_open_when_all_is_answered() -> None:
    assert questions('[map]\ndate_order = "dmy"  # OPEN: which?\n# not OPEN: at all\n') == []
