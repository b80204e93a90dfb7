"""Settings: TOML files and their tables; every fault is one line with file, row, key and mend."""

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import pytest

from dayzero.errors import InputError
from dayzero.protocol import Treatment as TreatmentInState
from dayzero.settings import KeyPath, Toml, nearest, parse_settings, read_toml, row_of, shown


@dataclass(frozen=True)
class Compared:
    treatment: str | TreatmentInState = ""


def toml_of(text: str) -> Toml:
    return Toml("study.toml", text, tomllib.loads(text))


def read(folder: Path, content: bytes | str) -> Toml:
    path = folder / "study.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_toml(path)


# --- reading ------------------------------------------------------------------------------------------------------


def test_a_file_is_read(tmp_path: Path) -> None:
    toml = read(tmp_path, '\ufeff[study]\r\ntitle = "移植"\r\n')
    assert toml.file == "study.toml"
    assert toml.table == {"study": {"title": "移植"}}


SYNTAX = {
    "a = 1\n\na = 2\n": (3, "given twice"),
    "[a]\nb = 1\n[a]\n": (3, "table is given twice"),
    "a = {b = 1, b = 2}\n": (1, "key is given twice"),
    "a = {}\n[a.b]\n": (2, "table is given twice"),
    "[a]\nb = {}\n\nb.c = 1\n": (4, "already closed"),
    "a = 1 b = 2\n": (1, "after the value"),
    "\na\n": (2, "without a value"),
    "\n= 1\n": (2, "not a setting"),
    "a. = 1\n": (1, "not a key"),
    "a = yes\n": (1, "not a value"),
    "\na = \n": (2, "not a value"),
    "a = 2021-02-30\n": (1, "not a date"),
    "a = [1, 2\n\n": (1, "never closed"),
    "a = {b = 1\n": (1, "never closed"),
    "[a\nb = 1\n": (1, "never closed"),
    "[[a]\nb = 1\n": (1, "never closed"),
    'a = "x\nb = 1\n': (1, "never closed"),
    'a = "x': (1, "never closed"),
    'a = 1\nb = """x\n\n': (2, "never closed"),
    "a = '''x": (1, "never closed"),
    'a = "C:\\path"\n': (1, "backslash"),
    'a = "\\uZZZZ"\n': (1, "not TOML"),
    'a = "\x01"\n': (1, "control character"),
    f"a = {'9' * 5000}\n": (None, "too many digits"),
    "a = 1\rb = 2\n": (1, "after the value"),
    "b = 1\n" + ".".join("a" * 20_000) + " = 1\n": (2, "too many parts"),
    "b = 1\n[" + "a . " * 20_000 + "a]\n": (2, "too many parts"),
    'b = {"a".' + "'a'." * 20_000 + "a = 1}\n": (1, "too many parts"),
    "a = " + "[" * 65 + "]" * 65: (None, "nested more than"),
    "a = " + "[" * 100_000: (None, "nested more than"),
    "a = " + "{a = " * 100_000: (None, "nested more than"),
    "": (None, "no settings"),
    " \n# words\n": (None, "no settings"),
}


@pytest.mark.parametrize("text", SYNTAX, ids=lambda text: repr(text[:16]))
def test_what_is_no_toml(tmp_path: Path, text: str) -> None:
    row, words = SYNTAX[text]
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert time.perf_counter() - start < 1
    assert words in caught.value.fault
    assert (caught.value.file, caught.value.row) == ("study.toml", row)
    assert caught.value.mend


@pytest.mark.parametrize(
    ("content", "row"), [("a = 1\nb = 'Ångström'\n".encode("latin-1"), 2), ("a = 1\n".encode("utf-16"), 1)]
)
def test_another_encoding(tmp_path: Path, content: bytes, row: int) -> None:
    with pytest.raises(InputError, match="UTF-8") as caught:
        read(tmp_path, content)
    assert caught.value.row == row


def test_too_large(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="5 MB"):
        read(tmp_path, b"#" * 5_000_001)


@pytest.mark.parametrize(
    ("name", "words"), [("none.toml", "no such file"), ("", "a folder"), ("x" * 300, "cannot be read"), ("\0", "read")]
)
def test_what_is_no_file(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_toml(tmp_path / name)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "study.toml").write_text("a = 1\n")

    def deny(*args: object, **kwargs: object) -> bytes:
        raise PermissionError

    monkeypatch.setattr(Path, "read_bytes", deny)
    with pytest.raises(InputError, match="may not be read"):
        read_toml(tmp_path / "study.toml")


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "study.toml")
    with pytest.raises(InputError, match="ordinary file"):
        read_toml(tmp_path / "study.toml")


def test_importing_is_cheap() -> None:
    code = "import sys, dayzero.settings; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- rows ---------------------------------------------------------------------------------------------------------

STUDY = r'''# a comment with [brackets] and = signs
top = 1.5
[study]
title = "a # no comment, [no] = table"
"quoted key".'other' = 2021-01-01T10:30:00.5Z

long = """
[not.a.table]
x = 1 ""\""" """"
[endpoints.lfs]  # [endpoints.no]
events = [
  "relapse",  # the first
  "death",
]
raw = <<<
y = 2<<<
[[analysis]]
kind = "cox"
reference = { risk = 1.5, age.of = [1, { deep = -1e5 }], last = {} }
[analysis.sub]
x = 1

[[analysis]]
kind = "curve"
times = [365, 1095.5,
  730]
sub.y = true
[[analysis.list]]
[[analysis.list]]
z = 0xF
'''.replace("<<<", "'''")

ROWS: Mapping[KeyPath, int] = {
    ("top",): 2,
    ("study",): 3,
    ("study", "title"): 4,
    ("study", "quoted key"): 5,
    ("study", "quoted key", "other"): 5,
    ("study", "long"): 7,
    ("endpoints",): 10,
    ("endpoints", "lfs"): 10,
    ("endpoints", "lfs", "events"): 11,
    ("endpoints", "lfs", "events", 0): 12,
    ("endpoints", "lfs", "events", 1): 13,
    ("endpoints", "lfs", "raw"): 15,
    ("analysis",): 17,
    ("analysis", 0): 17,
    ("analysis", 0, "kind"): 18,
    ("analysis", 0, "reference", "risk"): 19,
    ("analysis", 0, "reference", "age", "of", 1, "deep"): 19,
    ("analysis", 0, "reference", "last"): 19,
    ("analysis", 0, "sub"): 20,
    ("analysis", 0, "sub", "x"): 21,
    ("analysis", 1): 23,
    ("analysis", 1, "times", 0): 25,
    ("analysis", 1, "times", 1): 25,
    ("analysis", 1, "times", 2): 26,
    ("analysis", 1, "sub", "y"): 27,
}


@pytest.fixture(scope="module")
def study() -> Toml:
    return toml_of(STUDY)


@pytest.mark.parametrize("path", ROWS, ids=str)
def test_the_row_of_a_key(study: Toml, path: KeyPath) -> None:
    assert study.rows[path] == row_of(study, path) == ROWS[path]


def paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from paths(child, (*path, key))


def test_every_key_has_a_row_and_no_row_is_of_another(study: Toml) -> None:
    assert set(study.rows) == set(paths(study.table))


def test_an_absent_key_has_the_row_of_its_table(study: Toml) -> None:
    assert row_of(study, ("analysis", 1, "endpoint")) == 23
    assert row_of(study, ("nothing", "here")) is None


# --- tables -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Treatment:
    event: str
    while_: str = ""
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cox:
    endpoint: str
    ties: Literal["efron", "breslow", "exact"] = "efron"
    terms: tuple[str, ...] = ()
    times: Annotated[tuple[float, ...], "days"] = ()
    grace: float = 90.0
    bootstrap: int = 0
    robust: bool = False
    cutoff: date | None = None
    reference: Mapping[str, str] = field(default_factory=dict)
    treatment: str | Treatment = ""
    arms: Mapping[str, Treatment] = field(default_factory=dict)
    pair: tuple[float, float] = (0.0, 1.0)
    limit: float | Literal["none"] = "none"
    steps: tuple[Treatment, ...] = ()
    mixed: tuple[int, Treatment] | None = None

    def __post_init__(self) -> None:
        if self.bootstrap < 0:
            raise ValueError("bootstrap must not be negative.")
        if self.grace < 0:
            raise InputError("a grace period before day zero", mend="Give days after it.", column="grace")
        if self.pair[0] > self.pair[1]:
            raise InputError("the pair is upside down", mend="Turn it round.")


HEAD = 'title = "x"\n[[analysis]]\nendpoint = "lfs"\n'


def cox(lines: str, *, head: str = HEAD) -> Cox:
    toml = toml_of(head + lines)
    (table,) = toml.table["analysis"]  # type: ignore[misc]
    return parse_settings(Cox, table, toml=toml, path=("analysis", 0))


def test_a_table_becomes_a_dataclass() -> None:
    lines = """
    ties = "exact"
    terms = ["risk", "age"]
    times = [365, 730.5]
    grace = 60
    cutoff = 2021-01-01
    reference = { risk = "low" }
    treatment = { event = "hsct", while = "response=CR", before = ["relapse"] }
    arms.treat.event = "hsct"
    limit = 3
    steps = [{ event = "a" }]
    mixed = [1, { event = "b" }]
    """
    assert cox(lines) == Cox(
        "lfs",
        ties="exact",
        terms=("risk", "age"),
        times=(365.0, 730.5),
        grace=60.0,
        cutoff=date(2021, 1, 1),
        reference={"risk": "low"},
        treatment=Treatment("hsct", "response=CR", ("relapse",)),
        arms={"treat": Treatment("hsct")},
        limit=3.0,
        steps=(Treatment("a"),),
        mixed=(1, Treatment("b")),
    )


def test_the_result_is_the_plain_dataclass() -> None:
    assert type(cox("treatment.event = 'x'").treatment) is Treatment


FAULTS = {
    "endpiont = 'x'": (4, "analysis.0.endpiont", "unknown key 'endpiont'", "Did you mean 'endpoint'?"),
    "qqq = 'x'": (4, "analysis.0.qqq", "unknown key 'qqq'", "The keys here are endpoint, ties, terms"),
    "bootstrap = 'x'\n\nqqq = 1": (6, "analysis.0.qqq", "unknown key", ""),
    "bootstrap = '500'": (4, "analysis.0.bootstrap", "'500' is not a whole number", "without quotation marks"),
    "bootstrap = 5.0": (4, "analysis.0.bootstrap", "5.0 is not a whole number", ""),
    "bootstrap = true": (4, "analysis.0.bootstrap", "true is not a whole number", ""),
    "grace = '90'": (4, "analysis.0.grace", "'90' is not a number", ""),
    "grace = true": (4, "analysis.0.grace", "true is not a number", ""),
    "grace = nan": (4, "analysis.0.grace", "nan is not a finite number", ""),
    "robust = 1": (4, "analysis.0.robust", "1 is not true or false", ""),
    "robust = 'yes'": (4, "analysis.0.robust", "'yes' is not true or false", ""),
    "cutoff = '2021-01-01'": (4, "analysis.0.cutoff", "is not a date", "without quotation marks"),
    "cutoff = 2021": (4, "analysis.0.cutoff", "2021 is not a date", ""),
    "terms = 'age'": (4, "analysis.0.terms", "'age' is not a list", "brackets"),
    "terms = ['age',\n  3]": (5, "analysis.0.terms.1", "3 is not text", "quotation marks"),
    "ties = 'efrn'": (4, "analysis.0.ties", "'efrn' is not one of the choices", "'efron'? The choices are 'efron'"),
    "ties = 3": (4, "analysis.0.ties", "3 is not one of the choices", "The choices are"),
    "limit = 'no'": (4, "analysis.0.limit", "'no' is not a number or one of the choices", "'none'"),
    "reference = { risk = 1 }": (4, "analysis.0.reference.risk", "1 is not text", ""),
    "reference = 'low'": (4, "analysis.0.reference", "'low' is not a table", ""),
    "treatment = 3": (4, "analysis.0.treatment", "3 is not text or a table", ""),
    "treatment = [1]": (4, "analysis.0.treatment", "a list is not text or a table", ""),
    "treatment = { evnt = 'x' }": (4, "analysis.0.treatment.evnt", "unknown key", "'event'? The keys here"),
    "treatment = { event = 'x', while_ = 'x' }": (4, "analysis.0.treatment.while_", "unknown key", "'while'"),
    "treatment = { event = 1 }": (4, "analysis.0.treatment.event", "1 is not text", ""),
    "arms.a = {}": (4, "analysis.0.arms.a.event", "this key is missing", "Add it"),
    "arms.a = { event = 'x', x = 1 }": (4, "analysis.0.arms.a.x", "unknown key", "event, while, before"),
    "steps = [{ event = 'x' },\n{ x = 1 }]": (5, "analysis.0.steps.1.x", "unknown key", "event, while, before"),
    "mixed = [1, { event = 'x', x = 1 }]": (4, "analysis.0.mixed.1.x", "unknown key", "event, while, before"),
    "pair = [1]": (4, "analysis.0.pair.1", "missing", ""),
    "pair = [1, 2, 3]": (4, "analysis.0.pair", "at most 2 items", ""),
    "pair = [2, 1]": (2, "analysis.0", "upside down", "Turn it round."),
    "\n\ngrace = -1": (6, "analysis.0.grace", "a grace period before day zero", "Give days after it."),
    "bootstrap = -1": (2, "analysis.0", "bootstrap must not be negative", ""),
    f"ties = '{'long' * 30}'": (4, "analysis.0.ties", "longl...'", ""),
    f"{'k' * 90} = 1": (4, f"analysis.0.{'k' * 37}...", f"'{'k' * 37}...'", ""),
}  # fmt: skip


@pytest.mark.parametrize("lines", FAULTS, ids=lambda lines: lines[:24])
def test_a_fault_has_its_row_its_key_and_its_mend(lines: str) -> None:
    row, column, words, mend = FAULTS[lines]
    with pytest.raises(InputError) as caught:
        cox(lines)
    assert (caught.value.file, caught.value.row, caught.value.column) == ("study.toml", row, column)
    assert words in caught.value.fault
    assert mend in caught.value.mend
    assert caught.value.mend
    assert "pydantic" not in str(caught.value)


def test_a_missing_key_has_the_row_of_its_table() -> None:
    with pytest.raises(InputError, match="this key is missing") as caught:
        cox("", head="\n[[analysis]]\n")
    assert (caught.value.row, caught.value.column) == (2, "analysis.0.endpoint")


def test_a_value_where_a_table_should_stand() -> None:
    toml = toml_of("study = 3\n")
    with pytest.raises(InputError, match="3 is not a table") as caught:
        parse_settings(Treatment, toml.table["study"], toml=toml, path=("study",))
    assert (caught.value.row, caught.value.column) == (1, "study")


def test_the_whole_file_is_a_table_too() -> None:
    toml = toml_of("evnt = 'x'\n")
    with pytest.raises(InputError, match="'event'") as caught:
        parse_settings(Treatment, toml.table, toml=toml, path=())
    assert caught.value.column == "evnt"


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("treatment = { event = '[' }", "analysis.0.treatment.event"),
        ("treatment.event = 'hsct'\ntreatment.while = '['", "analysis.0.treatment.while"),
        ("treatment.event = 'hsct'\ntreatment.before = ['relapse', '[']", "analysis.0.treatment.before"),
    ],
)
def test_a_fault_that_a_table_inside_finds_in_itself(line: str, column: str) -> None:
    toml = toml_of(f"[[analysis]]\n{line}\n")
    table = toml.table["analysis"][0]  # type: ignore[index]
    with pytest.raises(InputError, match="not an event term") as caught:
        parse_settings(Compared, table, toml=toml, path=("analysis", 0))
    assert (caught.value.row, caught.value.column) == (1 + len(line.splitlines()), column)


def test_a_treatment_is_a_term_or_a_table() -> None:
    lines = "treatment = 'hsct'", "treatment = { event = 'hsct', while = 'response=CR', before = ['relapse'] }"
    found = [parse_settings(Compared, toml.table, toml=toml).treatment for toml in map(toml_of, lines)]
    assert found == ["hsct", TreatmentInState("hsct", "response=CR", ("relapse",))]


@pytest.mark.parametrize(
    ("value", "words", "mend"),
    [
        ("{ event = 'hsct', whlie = 'x' }", "unknown key 'whlie'", "'while'? The keys here are event, while, before."),
        ("{ event = 'hsct', while_ = 'x' }", "unknown key 'while_'", "'while'?"),
        ("{ while = 'relapse' }", "this key is missing", "Add it."),
        ("{ event = 'hsct', before = 'relapse' }", "'relapse' is not a list", "brackets"),
        ("true", "true is not text or a table", ""),
    ],
)
def test_a_wrong_treatment_is_one_line(value: str, words: str, mend: str) -> None:
    toml = toml_of(f"treatment = {value}\n")
    with pytest.raises(InputError) as caught:
        parse_settings(Compared, toml.table, toml=toml)
    assert words in caught.value.fault
    assert mend in caught.value.mend
    assert caught.value.row == 1
    assert "\n" not in str(caught.value)


# --- words --------------------------------------------------------------------------------------------------------


def test_shown() -> None:
    assert shown("plain 移植") == "plain 移植"
    assert shown("a\x1b[0m\r\n\u2028") == "a\\x1b[0m\\r\\n\\u2028"
    assert shown("x" * 40) == "x" * 40
    assert len(shown("x" * 41)) == len(shown("\n" * 41)) == 40


def test_nearest() -> None:
    assert nearest("Paitent", ["event", "patient"]) == "patient"
    assert nearest("zzz", ["event", "patient"]) is None
    assert nearest("x" * 10**6, ["x" * 10**6]) == "x" * 10**6
