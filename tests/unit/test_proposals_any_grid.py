"""Whatever stands in a sheet: a proposal is made, it is TOML, and the mapping can read it."""

import re
import tomllib

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.io.grid import BOOLEAN, DATE, EMPTY, ERROR, NUMBER, TEXT, Grid, letters
from dayzero.io.mapping.apply import map_tables
from dayzero.io.mapping.declared import read_settings
from dayzero.io.tables import DataSettings
from dayzero.proposals import Source, add_to, propose, study_text
from dayzero.settings import Toml, unanswered

WORDS = [
    *"ID 患者番号 回输日期 第二次回输 移植 移植日 死亡日 生存/死亡 Status".split(),
    *"Sex 性別 Age MRD 結果 Name Comment Donor".split(),
    *(
        "CR date",
        "Relapse (y/n)",
        "Relapse date",
        "Letzter Kontakt",
        "Todesdatum",
        "Event",
        "Date",
        "Grade",
        "CRS",
        "日期",
    ),
    *("Dose (x10^6/kg)", "Weight (lb)", "移植 | Date", "Date of death", "@A", 'a = "b"', "# x", "\n", "'"),
]
CODES = [
    "1",
    "2",
    "0",
    "男",
    "女",
    "yes",
    "no",
    "あり",
    "なし",
    "alive",
    "dead",
    "CR",
    "NR",
    "+",
    "-",
    "n.a.",
    "不明",
    "?",
    "移植",
]
DATES = [
    "2021-03-25",
    "25.3.2021",
    "3/25/21",
    "2021/3/5",
    "2021-03",
    "令和3年5月1日",
    "31.02.2021",
    "44280",
    "2021",
    "1.2.2021",
]
CELLS = st.one_of(
    st.none(),
    st.sampled_from(CODES),
    st.sampled_from(DATES),
    st.sampled_from(WORDS),
    st.text(max_size=8),
    st.integers(-5, 99_999).map(str),
    st.from_regex(r"\A[A-Z]{2}[0-9]{4}\Z"),
)


@st.composite
def grids(draw: st.DrawFn, name: str = "S") -> Grid:
    """Any cells, often below rows that look like headers, sometimes in columns of one sort."""
    columns = draw(st.integers(1, 6))
    head = draw(st.lists(st.lists(st.sampled_from([*WORDS, None]), min_size=columns, max_size=columns), max_size=3))
    sorts = [draw(st.sampled_from([CELLS, st.sampled_from(CODES), st.sampled_from(DATES)])) for _ in range(columns)]
    body = [[draw(sort) for sort in sorts] for _ in range(draw(st.integers(0, 8)))]
    rows = [*head, *body]
    cells = [[draw(_kinds(text)) for text in row] for row in rows]
    names = [letters(n + 1) for n in range(columns)]
    frame = {n: pl.Series([row[k][0] for row in cells], dtype=pl.String) for k, n in enumerate(names)}
    kinds = {n: pl.Series([row[k][1] for row in cells], dtype=pl.UInt8) for k, n in enumerate(names)}
    merged = draw(st.sampled_from([(), (((1, 1), (1, columns)),), (((2, 1), (2, 2)),)]))
    first = draw(st.sampled_from([1, 1, 3]))
    return Grid("cohort.xlsx", name, pl.DataFrame(frame), pl.DataFrame(kinds), first_row=first, merged=merged)


def _kinds(text: str | None) -> st.SearchStrategy[tuple[str | None, int]]:
    if text is None:
        return st.sampled_from([(None, EMPTY), (None, EMPTY), (None, ERROR)])
    kinds = [TEXT, TEXT, TEXT]
    if re.fullmatch("-?[0-9]+", text):
        kinds += [NUMBER] * 3
    if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        kinds += [DATE] * 3
    return st.sampled_from([(text, kind) for kind in kinds] + ([("TRUE", BOOLEAN)] if text == "yes" else []))


RANDOM = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@RANDOM
@given(st.lists(grids(), min_size=1, max_size=2))
def test_any_grid_gives_a_study_file_that_the_mapping_reads(sheets: list[Grid]) -> None:
    sheets = [Grid(g.file, f"S{k}", g.frame, g.kinds, g.first_row, merged=g.merged) for k, g in enumerate(sheets)]
    proposal = propose([Source(grid.file, grid) for grid in sheets])
    text = study_text(proposal, name="study.toml", title="cohort")
    toml = Toml("study.toml", text, tomllib.loads(text))
    again = add_to(text, proposal, file="study.toml")
    assert again.text == text
    if any(unanswered(toml.table["map"], ("map",))) or not any(sheet.events for sheet in proposal.sheets):
        return
    mapping = read_settings(toml.table["map"], toml)
    by_name = {grid.sheet: grid for grid in sheets}
    map_tables(mapping, [by_name[sheet.sheet] for sheet in mapping.sheet], DataSettings(), toml)


@RANDOM
@given(grids(), grids())
def test_a_sheet_that_grows_keeps_every_line_that_was_there(before: Grid, after: Grid) -> None:
    text = study_text(propose([Source(before.file, before)]), name="s.toml", title="t")
    try:
        added = add_to(text, propose([Source(after.file, after)]), file="s.toml")
    except InputError:
        raise AssertionError from None
    tomllib.loads(added.text)
    lines = iter(added.text.split("\n"))
    assert all(line in lines for line in text.split("\n")), "a line is lost, changed or out of order"


@RANDOM
@given(grids())
def test_no_identifier_and_no_date_of_a_patient_is_written(grid: Grid) -> None:
    text = study_text(propose([Source(grid.file, grid)]), name="study.toml", title="cohort")
    text = text.replace("# cutoff = 2024-12-31", "")
    assert not re.search(r"[A-Z]{2}[0-9]{4}", text)
    assert not re.search(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|25\.3\.2021|3/25/21|2021/3/5|令和|44280", text)
