"""A small valid study, and the ways to break it: each case is one change and what the message must name."""

import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

STUDY = """\
[study]
title = "Second infusion"
synthetic = true
cutoff = 2023-12-31

[data]
patients = "patients.csv"
events = "events.csv"
other_events = ["listing"]
categorical = ["centre"]
missing = ["unknown"]

[definitions]
day_zero = "infusion:1"

[endpoints.lfs]
label = "Leukaemia-free survival"
origin = "response=CR|CRi after infusion:1"
events = ["relapse", "death"]
competing = []
censor_at = []

[[analysis]]
kind = "curve"
endpoint = "os"
by = "risk"
times = [182, 365]

[[analysis]]
kind = "cox"
endpoint = "lfs"
terms = ["risk", "age"]
ties = "efron"
strata = []
reference = { risk = "standard" }
"""

PATIENTS = """\
patient,age,risk,centre
Zx-001,41.717,standard,1901
Zx-002,23.929,high,1901
Zx-003,35.313,standard,1902
Zx-004,57.171,high,1902
Zx-005,19.191,standard,1901
Zx-006,62.323,high,1902
Zx-007,48.484,standard,1902
Zx-008,30.303,high,1901
"""

EVENTS = """\
patient,event,date,value
Zx-001,infusion,2017-01-11,
Zx-001,response,2017-02-09,CR
Zx-001,last_contact,2019-05-17,
Zx-002,infusion,2017-03-07,
Zx-002,response,2017-04-13,CRi
Zx-002,relapse,2017-09-19,
Zx-002,death,2018-01-29,
Zx-003,infusion,2017-05-23,
Zx-003,response,2017-06-21,CR
Zx-003,hsct,2017-08-15,
Zx-003,last_contact,2019-11-03,
Zx-004,infusion,2017-07-05,
Zx-004,response,2017-08-02,CR
Zx-004,death,2018-02-14,
Zx-005,infusion,2017-10-30,
Zx-005,response,2017-11-28,CR
Zx-005,relapse,2018-12-06,
Zx-005,last_contact,2019-12-20,
Zx-006,infusion,2018-01-16,
Zx-006,response,2018-02-13,CR
Zx-006,relapse,2018-05-08,
Zx-006,death,2018-10-26,
Zx-007,infusion,2018-03-22,
Zx-007,response,2018-04-19,CR
Zx-007,last_contact,2020-06-30,
Zx-008,infusion,2018-06-04,
Zx-008,response,2018-07-03,CR
Zx-008,last_contact,2020-07-22,
"""

# What identifies a patient in these tables; none of it may stand in a message.
PRIVATE = re.compile(r"Zx|\d\d\.\d{3}|190[12]|201[789]-\d\d|2020-0[67]")

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One broken study: the change, and the file, row, column and words that the message must have."""

    name: str
    change: Change
    file: str
    row: int | None = None
    column: str = ""
    words: str = ""


def write_study(folder: Path) -> Path:
    """Write the valid study; return its study file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("study.toml", STUDY), ("patients.csv", PATIENTS), ("events.csv", EVENTS)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "study.toml"


def swap(file: str, old: str, new: str) -> Change:
    """Replace the first occurrence of a text."""

    def change(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} does not stand in {file}: the case would test nothing"
        (folder / file).write_bytes(text.replace(old, new, 1).encode())

    return change


def fill(file: str, content: bytes | str) -> Change:
    """Replace the whole file."""
    return lambda folder: _write(folder / file, content)


def _write(path: Path, content: bytes | str) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def add(file: str, text: str) -> Change:
    """Append to the file."""
    return lambda folder: _write(folder / file, (folder / file).read_bytes() + text.encode())


def recode(file: str, encoding: str) -> Change:
    """Write the file in another encoding, with a letter that needs one."""

    def change(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8").replace("high", "hög", 1).replace("infusion", "infusión", 1)
        (folder / file).write_bytes(text.encode(encoding))

    return change


def _delete(file: str) -> Change:
    return lambda folder: (folder / file).unlink()


def _folder(file: str) -> Change:
    def change(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).mkdir()

    return change


def _pipe(folder: Path) -> None:
    (folder / "events.csv").unlink()
    os.mkfifo(folder / "events.csv")


def _loop(folder: Path) -> None:
    (folder / "events.csv").unlink()
    (folder / "events.csv").symlink_to("events.csv")


def _workbook(folder: Path) -> None:
    with zipfile.ZipFile(folder / "patients.csv", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")


def _huge_field(folder: Path) -> None:
    with (folder / "events.csv").open("ab") as stream:
        stream.write(b'Zx-008,death,2019-07-22,"')
        stream.truncate(1 << 30)


def _study(old: str, new: str, row: int | None, column: str, words: str) -> Case:
    return Case(f"study: {old[:20]!r} to {new[:20]!r}", swap("study.toml", old, new), "study.toml", row, column, words)


def _patients(old: str, new: str, row: int | None, column: str, words: str) -> Case:
    return Case(
        f"patients: {old[:20]!r} to {new[:20]!r}", swap("patients.csv", old, new), "patients.csv", row, column, words
    )


def _events(old: str, new: str, row: int | None, column: str, words: str) -> Case:
    return Case(f"events: {old[:20]!r} to {new[:20]!r}", swap("events.csv", old, new), "events.csv", row, column, words)


FILES = [
    Case("no study file", _delete("study.toml"), "study.toml", words="no such file"),
    Case("no patients file", _delete("patients.csv"), "patients.csv", words="no such file"),
    Case("no events file", _delete("events.csv"), "events.csv", words="no such file"),
    Case("events are a folder", _folder("events.csv"), "events.csv", words="folder"),
    Case("events are a pipe", _pipe, "events.csv", words="ordinary file"),
    Case("events are a loop", _loop, "events.csv", words="cannot be read"),
    Case("an empty study", fill("study.toml", ""), "study.toml", words="no settings"),
    Case("empty patients", fill("patients.csv", ""), "patients.csv", words="empty"),
    Case("blank events", fill("events.csv", "\n \n\n"), "events.csv", words="empty"),
    Case("a workbook", _workbook, "patients.csv", words="Excel"),
    Case("a PDF", fill("events.csv", b"%PDF-1.7\n\xe2\xe3"), "events.csv", words="PDF"),
    Case("a web page", fill("events.csv", "<!doctype html>\n<p>Sign in</p>"), "events.csv", words="web page"),
    Case("random bytes", fill("patients.csv", bytes(range(256)) * 40), "patients.csv", 1),
    Case("the study is a picture", fill("study.toml", b"\x89PNG\r\n\x1a\n\0\0"), "study.toml", 1, words="UTF-8"),
    Case("the study in UTF-16", recode("study.toml", "utf-16"), "study.toml", 1, words="UTF-8"),
    Case("Latin-1 patients", recode("patients.csv", "latin-1"), "patients.csv", 3, words="UTF-8"),
    Case("Latin-1 events", recode("events.csv", "latin-1"), "events.csv", 2, words="UTF-8"),
    Case("UTF-16 without a mark", recode("events.csv", "utf-16-le"), "events.csv", 1, words="NUL"),
    Case("a gigabyte in a field", _huge_field, "events.csv", 30, words="never closed"),
]

SETTINGS = [
    _study("[study]", "[study", 1, "", "never closed"),
    _study('title = "Second', "title = Second", 2, "", "not a value"),
    _study("synthetic = true", "synthetic = True", 3, "", "not a value"),
    _study("synthetic = true", 'synthetic = "true"', 3, "study.synthetic", "true or false"),
    _study("cutoff = 2023-12-31", "cutoff = 2023-13-31", 4, "", ""),
    _study("cutoff = 2023-12-31", 'cutoff = "2023-12-31"', 4, "study.cutoff", "not a date"),
    _study("cutoff =", "cutof =", 4, "study.cutof", "'cutoff'"),
    _study("[data]", "[dta]", 6, "dta", "'data'"),
    _study("[data]", "[study]", 6, "", "given twice"),
    _study('patients = "patients.csv"', "patients = 1", 7, "data.patients", "not text"),
    Case(
        "a file elsewhere", swap("study.toml", '"patients.csv"', '"../none.csv"'), "../none.csv", words="no such file"
    ),
    Case("a NUL in a name", swap("study.toml", '"events.csv"', '"\\u0000"'), "\\x00", words="cannot be read"),
    _study('"listing"', "7", 9, "data.other_events.0", "not text"),
    _study('["listing"]', '"listing"', 9, "data.other_events", "not a list"),
    _study('["unknown"]', '["unknown"]\ntime_unit = "day"', 12, "data.time_unit", "'days'"),
    _study("infusion:1", "infusion:", 13, "definitions", "not an event term"),
    _study("[endpoints.lfs]", "[endpoint.lfs]", 16, "endpoint", "'endpoints'"),
    _study("origin =", "orign =", 18, "endpoints.lfs.orign", "'origin'"),
    _study("origin =", "# origin =", 16, "endpoints.lfs.origin", "missing"),
    _study('["relapse", "death"]', "[]", 19, "endpoints.lfs.events", "at least one event"),
    _study('["relapse", "death"]', '"relapse"', 19, "endpoints.lfs.events", "not a list"),
    _study("competing = []", 'competing = ["death"]', 20, "endpoints.lfs.competing", "competes with itself"),
    _study("competing = []", "competing = []\ncompeting = []", 21, "", "given twice"),
    _study("[[analysis]]", "[analysis]", 29, "", "given twice"),
    _study('kind = "curve"', 'kind = "curv"', 24, "analysis", "kind"),
    _study('kind = "curve"\n', "", 23, "analysis", "kind"),
    _study('endpoint = "os"', 'endpoint = "oss"', 25, "analysis", "'oss'"),
    _study('endpoint = "os"', 'endpiont = "os"', 25, "analysis.0.endpiont", "'endpoint'"),
    _study('by = "risk"', 'by = "rsik"', 26, "", "'risk'"),
    _study("times = [182, 365]", 'times = ["182"]', 27, "analysis.0.times.0", "not a number"),
    _study("times = [182, 365]", "times = [182, 365", 29, "", ""),
    _study("times = [182, 365]", f"times = {'[' * 5000}", None, "", "nested"),
    _study('ties = "efron"', 'ties = "efrn"', 33, "analysis.1.ties", "'efron'"),
    _study('terms = ["risk", "age"]', "terms = []", 32, "analysis.1.terms", "no terms"),
    _study('terms = ["risk", "age"]', 'terms = ["rsk"]', 32, "analysis", "'risk'"),
    _study('{ risk = "standard" }', "{ risk = 1 }", 35, "analysis.1.reference.risk", "not text"),
    _study("strata = []", 'strata = ["center"]', 34, "analysis", "'centre'"),
    Case("a key of many parts", add("study.toml", "a." * 30_000 + "a = 1\n"), "study.toml", 36, words="too many parts"),
    Case("a large study file", add("study.toml", "#" * 5_000_000), "study.toml", words="5 MB"),
]


def _strategy(lines: str, row: int, column: str, words: str) -> Case:
    """Append a comparison; ``row`` counts the lines given, -2 being its head, where a key is missing."""
    text = f'\n[[analysis]]\nkind = "strategy"\nendpoint = "lfs"\n{lines}\n'
    column = f"analysis.2.{column}" if column else ""
    return Case(f"strategy: {lines[-30:]!r}", add("study.toml", text), "study.toml", 39 + row, column, words)


HSCT = 'treatment = "hsct"\n'
STRATEGIES = [
    _strategy("grace = 60", -2, "treatment", "neither a treatment nor an exposure"),
    _strategy(f'{HSCT}exposure = "response=CR"', 1, "treatment", "both a treatment and an exposure"),
    _strategy('treatment = "hcst"', 1, "treatment", "'hsct'"),
    _strategy('treatment = { event = "hsct", wile = "response=CR" }', 1, "treatment.wile", "'while'"),
    _strategy('treatment = { event = "hsct", while = "respons=CR" }', 1, "treatment", "'response'"),
    _strategy('treatment = { while = "response=CR" }', 1, "treatment.event", "missing"),
    _strategy('treatment = "relapse="', 1, "treatment", "not an event term"),
    _strategy(f'{HSCT}methods = ["time_dependant"]', 2, "methods.0", "'time_dependent'"),
    _strategy(f'{HSCT}methods = ["naive", "naive"]', 2, "methods", "twice"),
    _strategy(f'{HSCT}methods = ["naive"]\nprimary = "naive"', 3, "primary", "cannot be quoted"),
    _strategy(f'{HSCT}primary = "sequential"', 2, "primary", "none of the methods"),
    _strategy(f'{HSCT}methods = ["landmark"]', -2, "landmarks", "no landmarks"),
    _strategy(f"{HSCT}landmarks = [-30]", 2, "landmarks", "before day zero"),
    _strategy(f"{HSCT}grace = -1", 2, "grace", "before day zero"),
    _strategy(f"{HSCT}graces = [60, -60]", 2, "graces", "before day zero"),
    _strategy(f"{HSCT}horizon = 0", 2, "horizon", "no day"),
    _strategy(f"{HSCT}truncate = 0.2", 2, "truncate", "quantile"),
    _strategy(f"{HSCT}bootstrap = 1", 2, "bootstrap", "one resample"),
    _strategy(f'{HSCT}comparator = "nevr"', 2, "comparator", "'never'"),
    _strategy(f'{HSCT}adjust = ["rsik"]', 2, "adjust", "'risk'"),
    _strategy(f'{HSCT}adjust = ["hsct"]', 2, "adjust", "no baseline column"),
    _strategy(f'{HSCT}time_varying = ["relaps"]', 2, "time_varying", "'relapse'"),
    _strategy(f'{HSCT}cluster = "center"', 2, "cluster", "'centre'"),
    _strategy(f"{HSCT}grece = 60", 2, "grece", "'grace'"),
    _strategy('exposure = "response=CR"', -2, "landmarks", "no landmarks"),
    _strategy(
        'exposure = "response=CR"\nlandmarks = [28]\nmethods = ["naive"]', 3, "methods", "an exposure is a state"
    ),
]

TABLES = [
    _patients("patient,age", "Patient,age", 1, "patient", "'Patient'"),
    _patients("patient,age,risk,centre\n", "", 1, "patient", "no such column"),
    _patients("risk,centre", "risk,risk", 1, "risk", "one name"),
    _patients("risk,centre", "risk,", 1, "", "column 4 is empty"),
    _patients("41.717,", "41.717,x,", 2, "", "5 fields where the header has 4"),
    _patients(",high,1902", ",high", 5, "", "3 fields where the header has 4"),
    _patients("Zx-003", '"Zx-003', 4, "", "never closed"),
    _patients("Zx-003", "", 4, "patient", "no identifier"),
    _patients("Zx-004", "Zx\0004", 5, "", "NUL"),
    _patients("risk,centre", "risk;centre", 2, "", "4 fields where the header has 3"),
    _patients("centre", "center", None, "", "'centre'"),
    _events("event,date", "evnt,date", 1, "event", "'evnt'"),
    _events("date,value", "dat,value", 1, "", "date"),
    _events("date,value", "date,day", 1, "", "date"),
    _events("2017-02-09", "09.02.2017", 3, "date", "not a date"),
    _events("2017-02-09,CR", "2017-02-09,CR,", 3, "", "5 fields where the header has 4"),
    _events("2017-02-09,CR", '2017-02-09,"CR" ok', 3, "", "middle of a field"),
    _events("Zx-001,response,2017-02-09,CR", "\n\nZx-001,response", 5, "", "2 fields where the header has 4"),
    _events("Zx-002,relapse", "Zx-002,relapsed", 7, "event", "relapse"),
    _events("Zx-002,relapse", "Zx-002,", 7, "event", "no event name"),
    _events("Zx-002,relapse,", "Zx-002,relapse\r,", 7, "", "carriage return"),
    _events("date,value", "day,value", 2, "day", "not a number"),
    Case("number in words", lambda folder: _numbered(folder, "second"), "events.csv", 2, "number", "whole number"),
    Case("separators mixed", fill("events.csv", "patient;event,date\n"), "events.csv", 1, words="column"),
    Case("no separator", fill("events.csv", "patient event date\n"), "events.csv", 1, "patient", "separated"),
]  # fmt: skip


def _numbered(folder: Path, number: str) -> None:
    lines = (folder / "events.csv").read_text(encoding="utf-8").splitlines()
    _write(folder / "events.csv", "\n".join([lines[0] + ",number", *(f"{line},{number}" for line in lines[1:])]) + "\n")


CASES = [*FILES, *SETTINGS, *STRATEGIES, *TABLES]
