"""``dayzero doctor`` the way a data manager runs it: a page to print, sorted, without a patient's value."""

import re
from pathlib import Path

import pytest

from acceptance.findings.cases import CASES
from acceptance.findings.made_up import MadeUp, add, edit, event, on, several, sound, with_settings
from dayzero.cli import main

LFS = """synthetic = true
[endpoints.lfs]
label = "Leukaemia-free survival"
origin = "response=CR after infusion:1"
events = ["relapse", "death"]
"""
PLANTED = (
    "event-after-death",
    "lymphodepletion-after-infusion",
    "value-implausible",
    "duplicate-patient",
    "crs-window",
)


def faulty() -> MadeUp:
    """Return a study with many faults: of forty patients a few have one each."""
    changes = [case.fires for case in CASES if case.code in PLANTED]
    dates = (
        edit(15, "death", date=on(15, 640)[:7]),
        edit(30, "relapse", date=on(30, 250)[:4]),
        edit(35, "relapse", date=""),
        add({**event(5, "crs", 3, "1"), "date": ""}),
    )
    return several(*changes, *dates, with_settings(LFS))(sound())


def boxes(text: str) -> int:
    return text.count('class="box"')


def test_a_sound_study_has_nothing_to_look_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(sound().write(tmp_path))]) == 0
    assert "Nothing to look up" in capsys.readouterr().out


def test_errors_end_in_exit_code_1_and_warnings_in_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(faulty().write(tmp_path / "errors"))]) == 1
    (warned,) = [case for case in CASES if case.code == "crs-window"]
    assert main(["doctor", str(warned.fires(sound()).write(tmp_path / "warnings"))]) == 0
    out = capsys.readouterr().out
    assert "CRS window" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_folder_that_is_no_study_is_an_input_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(tmp_path)]) == 2
    assert "study.toml" in capsys.readouterr().err


def test_the_page_says_everything_and_carries_no_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "pages/doctor.html"
    assert main(["doctor", str(faulty().write(tmp_path / "study")), "--out", str(out)]) == 1
    text = out.read_text(encoding="utf-8")
    for code in (*PLANTED, "partial-date", "missing-date"):
        assert f"<code>{code}</code>" in text
    assert "Simulated data" in text
    body = text[text.index("<body") :].replace("2021-03-25", "")  # how a date is written, in words
    printed = body + capsys.readouterr().out.replace("2021-03-25", "")
    assert not re.search(r"\bP\d\d\b|\b\d{4}-\d\d(-\d\d)?\b|\bnegative\b|\bfemale\b", printed)
    assert "<script" not in text
    assert not re.search(r"(src|href)=\"(?!#|data:)", text)
    assert "default-src 'none'" in text


def test_the_page_has_a_tick_box_for_every_row(tmp_path: Path) -> None:
    out = tmp_path / "doctor.html"
    main(["doctor", str(faulty().write(tmp_path / "study")), "--out", str(out)])
    text = out.read_text(encoding="utf-8")
    (rows,) = re.findall(r"<dt>Rows to look at</dt><dd>([\d,]+)</dd>", text)
    assert boxes(text) == int(rows) > 10


def test_the_order_is_that_of_the_changes(tmp_path: Path) -> None:
    out = tmp_path / "doctor.html"
    main(["doctor", str(faulty().write(tmp_path / "study")), "--out", str(out)])
    table = re.findall(r'<tr><th scope="row"><a href="#i\d+">\d+</a></th><td>(.*?)</td><td>(.*?)</td>', out.read_text())
    moved = ["→" in changes for _, changes in table]
    assert moved == sorted(moved, reverse=True)
    assert any(moved)
    assert not all(moved)
    assert dict(table)["Missing date: CRS"] == "Nothing that is printed."
    assert dict(table)["Duplicate patient"] == "2 rows in no analysis."


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    study = str(faulty().write(tmp_path / "study"))
    for name in ("a.html", "b.html"):
        main(["doctor", study, "--out", str(tmp_path / name)])
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_page_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    code = main(["doctor", str(sound().write(tmp_path / "study")), "--out", str(tmp_path / "file/doctor.html")])
    assert code == 2
    assert "--out" in capsys.readouterr().err


MAPPED = """
[study]
title = "Mapped"

[map]
missing = ["?"]

[[map.sheet]]
file = "cohort.csv"
header = 2
patient = "ID"

[map.sheet.columns]
weight = "Body | Weight (kg)"

[[map.sheet.events]]
event = "infusion"
date = "CAR-T | 回输日期"

[[map.sheet.events]]
event = "death"
date = "End | Death"

[[map.sheet.events]]
event = "last_contact"
date = "End | Seen"

[[analysis]]
kind = "curve"
endpoint = "os"
times = [100]
"""


def test_a_mapped_study_is_looked_up_in_its_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["ID,Body,CAR-T,End,", ",Weight (kg),回输日期,Death,Seen"]
    for i in range(12):
        death = {0: "2020-03-01", 1: "2020-04"}.get(i, "")
        weight = 400 if i == 7 else 60 + i
        lines.append(f"X{i:02},{weight},2020-01-{i + 1:02},{death},{'2020-12-' if not death else '2020-02-'}{i + 1:02}")
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(MAPPED, encoding="utf-8")
    out = tmp_path / "doctor.html"
    assert main(["doctor", str(tmp_path), "--out", str(out)]) == 1
    text = out.read_text(encoding="utf-8")
    assert "X01" not in text + capsys.readouterr().out
    places = re.findall(r'<p class="place">(.*?)</p>\n<ul class="rows">\n(.*?)</ul>', text, flags=re.DOTALL)
    rows = {place: re.findall(r"row (\d+)", listed) for place, listed in places}
    assert rows["cohort.csv, column D (End | Death)"] == ["4"]
    assert rows["cohort.csv, column Body | Weight (kg)"] == ["10"]
