"""The page and its files: self-contained, inert, the same bytes every time, and never half written."""

import base64
import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import pytest

from dayzero.errors import Finding, InputError, InternalError
from dayzero.estimate import concat, make_estimate
from dayzero.protocol import Endpoint
from dayzero.report import FlowStep, Page, Section, document, render_html, report_files, write_report
from dayzero.report.document import to_csv
from dayzero.report.hypertext import places
from report_sections import cox_section, incidence_section, survival_section

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}"


def page(**changes):
    given = {
        "title": "A study",
        "facts": {"Patients": "41", "Data cutoff": "2021-01-01"},
        "findings": (
            Finding(
                "error",
                "event-after-death",
                "2 events after death.",
                table="events.csv",
                rows=(3, 9),
                patient_rows=(2, 5),
            ),
            Finding("note", "nothing-special", "No patient is concerned."),
        ),
        "flow": (FlowStep("in the file", 43), FlowStep("transplanted", 41, ("2 without a transplant",))),
        "table_one": make_estimate("count", term="sex=f", estimate=4.0),
        "sections": (survival_section(), incidence_section(), cox_section()),
        "provenance": {"Versions": {"dayzero": "0.1.0"}},
    }
    return Page(**{**given, **changes})


class Outline(HTMLParser):
    """Collects what a reader, or a browser, meets."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.headings, self.open, self.text = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(int(tag[1]))

    def handle_data(self, data):
        self.text.append(data)

    def values(self, name):
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def html():
    return render_html(page())


def test_the_page_has_the_same_bytes_every_time(html):
    assert render_html(page()) == html


def test_the_policy_allows_the_one_style_sheet_and_nothing_else(html):
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    (css,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert (
        policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_there_is_no_script_no_style_attribute_and_no_address_outside(html):
    outline = Outline(html)
    assert "script" not in outline.tags
    assert not outline.values("style")
    assert not [name for _, name, _ in outline.attributes if name.startswith("on")]
    assert all(value.startswith(("#", "data:,")) for value in (*outline.values("href"), *outline.values("src")))
    assert set(re.findall(r"https?://[^\"' <]*", html)) == {"http://www.w3.org/2000/svg"}


def test_ids_are_unique_and_every_link_leads_somewhere(html):
    outline = Outline(html)
    ids = outline.values("id")
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in outline.values("href") if value.startswith("#")} <= set(ids)
    named = {name for value in outline.values("aria-labelledby") for name in value.split()}
    assert named <= set(ids)


def test_headings_come_in_order_and_tables_have_captions_and_scopes(html):
    outline = Outline(html)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(outline.headings, outline.headings[1:], strict=False))
    assert outline.tags.count("caption") == outline.tags.count("table")
    assert outline.values("scope").count("row") > 0
    assert outline.tags.count("th") == len(outline.values("scope"))
    for landmark in ("header", "nav", "main"):
        assert outline.tags.count(landmark) == 1


def test_the_page_says_what_it_must(html):
    text = " ".join(" ".join(Outline(html).text).split())
    for words in (
        "43 in the file", "2 without a transplant", "event-after-death", "The data have errors.", "58.3 (49.6–66.0)",
        "not for treatment decisions; not a medical device", "2021-01-01", "Log-rank test",
    ):  # fmt: skip
        assert words in text


@pytest.mark.parametrize("place", ["title", "fact", "finding", "group", "flow", "provenance", "term", "note"])
def test_text_from_the_data_stays_text(place):
    changes = {
        "title": {"title": EVIL},
        "fact": {"facts": {EVIL: EVIL}},
        "finding": {"findings": (Finding("error", EVIL, EVIL, table=EVIL, mend=EVIL),)},
        "group": {"sections": (survival_section((EVIL, "low"), by=EVIL),)},
        "flow": {"flow": (FlowStep(EVIL, 1, (EVIL,)),)},
        "provenance": {"provenance": {EVIL: {EVIL: EVIL}}},
        "term": {"sections": (cox_section(terms=(f"{EVIL}={EVIL}", "age")),)},
        "note": {"sections": (survival_section(notes=(EVIL,), title=EVIL, definition=EVIL),)},
    }[place]
    html = render_html(page(**changes))
    outline = Outline(html)
    assert {"script", "img"} & set(outline.tags) == set()
    assert not [name for _, name, _ in outline.attributes if name.startswith("on")]
    assert "49" not in re.findall(r"\{\{.*?\}\}|>49<", html)
    assert "alert(1)" in " ".join(outline.text)


def test_characters_that_cannot_be_printed_do_not_break_the_page():
    html = render_html(page(title="a\x00b\ud800c\u202ed"))
    assert "<h1>a\ufffdb\ufffdc\ufffdd</h1>" in html
    html.encode("utf-8")


def test_simulated_data_are_stamped_on_page_figures_and_rows():
    files = report_files(page(synthetic=True))
    assert '<p class="stamp">Simulated data</p>' in files["report.html"]
    assert all("SIMULATED DATA" in text for name, text in files.items() if name.endswith(".svg"))
    content = json.loads(files["report.json"])
    assert content["study"]["synthetic"] is True
    assert all(row["synthetic"] is True for row in content["estimates"])
    plain = report_files(page())
    assert "SIMULATED" not in "".join(plain.values()).upper()
    assert "synthetic" not in json.loads(plain["report.json"])["estimates"][0]


def test_an_analysis_censored_at_a_treatment_is_titled_hypothetical():
    cut = Endpoint(name="os", label="Overall survival", origin="infusion", events=("death",), censor_at=("hsct",))
    html = render_html(page(sections=(survival_section(endpoint=cut),)))
    assert "Overall survival (hypothetical: censored at transplantation)</h3>" in html
    assert "Overall survival (hypothetical)</dt>" in html


def test_a_page_of_nothing():
    html = render_html(Page("Empty"))
    assert "The checks of the data found nothing to report." in html
    assert '<a href="#findings">no findings</a>' in html
    assert 'href="#results"' not in html


def test_populations_branch_off_from_everybody():
    steps = (
        FlowStep("in the file", 2043),
        FlowStep("analysed for a", 2043),
        FlowStep("analysed for b", 41, ("2,002 without it",)),
    )
    html = render_html(page(flow=steps))
    tree = html[html.index('<div class="flow">') : html.index("2,002 without it")]
    assert tree.count("<li>") == 3  # two branches, one reason
    assert tree.index("2,043</span> in the file") < tree.index('<ul class="branches">')


def test_a_flow_that_loses_nobody_is_one_sentence():
    html = render_html(page(flow=(FlowStep("in the file", 2043), FlowStep("analysed for a and b", 2043))))
    assert "<p>2,043 patients are in the file; all of them are analysed for a and b.</p>" in html
    assert '<div class="flow">' not in html
    assert "<p>1 patient is in the file.</p>" in render_html(page(flow=(FlowStep("in the file", 1),)))


def test_findings_say_what_to_do_where_and_where_to_read_on(html):
    mended = Finding("warning", "late-visit", "3 visits are late.", "Ask the centre.", "events.csv", (3, 9), (3, 9))
    text = " ".join(" ".join(Outline(render_html(page(findings=(mended,)))).text).split())
    assert "Warnings: 1" in text
    assert "3 visits are late. To mend it: Ask the centre. events.csv, rows 3 and 9" in text
    assert "docs/findings.md" in text
    assert "patient rows" not in text
    assert "1 error, 1 note" in " ".join(Outline(html).text)


def test_the_second_line_of_a_cell_is_a_line_of_its_own(html):
    assert '58.3 (49.6–66.0)<br><span class="more">80 at risk, 8 events</span>' in html


def test_an_interval_is_not_broken_between_lines_and_text_stays_text():
    html = render_html(page(sections=(survival_section(("<b>1–2</b>", "low")),)))
    assert '<span class="whole">49.6–66.0</span>' in html
    assert "<b>" not in html
    assert "&lt;span" not in html


def test_an_unknown_kind_is_a_bug():
    with pytest.raises(InternalError, match="cannot print the analysis kind 'oracle'"):
        render_html(page(sections=(Section("oracle", "?"),)))


def test_json_keeps_the_contract():
    value = 0.1 + 0.2
    rows = concat([make_estimate("survival", analysis=0, kind="curve", endpoint="os", time=365.0, estimate=value, n=3)])
    content = json.loads(report_files(page(sections=(survival_section(estimates=rows),)))["report.json"])
    (row,) = content["estimates"]
    assert list(row) == [
        "analysis", "kind", "endpoint", "method", "group", "term", "statistic", "time", "estimate", "std_error",
        "lower", "upper", "p_value", "df", "n", "n_events", "warning",
    ]  # fmt: skip
    assert row["estimate"] == value
    assert row["lower"] is None
    assert content["dayzero"]
    assert content["study"]["title"] == "A study"
    found = [(item["level"], item["code"], item["patient_row"]) for item in content["findings"]]
    assert found == [
        ("error", "event-after-death", 2),
        ("error", "event-after-death", 5),
        ("note", "nothing-special", None),
    ]
    assert [item["rows"] for item in content["findings"]] == [[3], [9], []]


def test_csv_keeps_numbers_and_makes_formulas_inert():
    rows = make_estimate(
        "survival", group=["=1+1", "-x", "@a", "+b", "a=b"], estimate=[-0.1, 0.1 + 0.2, 1e-9, 2.0, None]
    )
    read = list(csv.DictReader(io.StringIO(to_csv(rows.rows))))
    assert [row["group"] for row in read] == ["'=1+1", "'-x", "'@a", "'+b", "a=b"]
    assert [float(row["estimate"]) for row in read[:4]] == [-0.1, 0.1 + 0.2, 1e-9, 2.0]
    assert read[4]["estimate"] == ""


def test_files_are_written_and_written_again(tmp_path):
    out = tmp_path / "report"
    first = write_report(page(), out)
    names = [path.relative_to(out).as_posix() for path in first]
    assert names[:2] == ["report.html", "report.json"]
    assert "figures/01-curve-os-survival.svg" in names
    assert {
        "tables/01-curve-os.csv",
        "tables/01-curve-os-curves.csv",
        "tables/01-curve-os-at-risk.csv",
        "tables/patients.csv",
    } <= set(names)
    assert sorted(p for p in out.rglob("*") if p.is_file()) == sorted(first)
    content = {path: path.read_bytes() for path in first}
    assert {path: path.read_bytes() for path in write_report(page(), out)} == content
    assert list(tmp_path.iterdir()) == [out]


def test_a_smaller_report_leaves_no_stale_file_and_takes_none_of_the_users(tmp_path):
    out = tmp_path / "report"
    write_report(page(), out)
    mine = [out / "notes.txt", out / "tables" / "mine.csv", tmp_path / "figures" / "a.svg"]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    record = json.loads((out / "report.json").read_text())
    record["files"] += ["notes.txt", "../figures/a.svg", "figures/../../figures/a.svg", 7]
    (out / "report.json").write_text(json.dumps(record))
    written = write_report(page(sections=()), out)
    assert sorted(p for p in out.rglob("*") if p.is_file()) == sorted([*written, *mine[:2]])
    assert mine[2].is_file()


def test_a_fault_leaves_what_was_there(tmp_path, monkeypatch):
    out = tmp_path / "report"
    before = {path: path.read_bytes() for path in write_report(page(), out)}

    def fail(contents, folder):
        (folder / "report.html").write_text("half")
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(document, "_write", fail)
    with pytest.raises(RuntimeError, match="disk"):
        write_report(page(title="Another"), out)
    assert {path: path.read_bytes() for path in before} == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    out = tmp_path / "report"
    out.write_text("mine")
    with pytest.raises(InputError, match="the output folder is a file"):
        write_report(page(), out)
    assert out.read_text() == "mine"


def test_places_are_named_without_listing_thousands():
    finding = Finding("error", "x", "y", table="events.csv", rows=tuple(range(2, 5000)), patient_rows=(7,))
    text = places(finding)
    assert text.startswith("events.csv, rows 2, 3, 4")
    assert text.endswith("13 and 4986 others, patient row 7")


def test_a_report_of_six_figures_is_small():
    sections = (
        survival_section(),
        incidence_section(),
        incidence_section(by=""),
        survival_section(by=""),
        cox_section(),
    )
    files = report_files(page(sections=sections))
    assert sum(name.endswith(".svg") for name in files) == 6
    assert len(files["report.html"].encode()) < 300_000
