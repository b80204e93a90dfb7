"""The fifteen guards of the clinical rule book (10): each fires in a cohort that commits the mistake, not in its twin.

Checked as a user checks them: ``dayzero check``, and ``dayzero report`` with its report.json.
"""

import json
import re
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import pytest

from acceptance.findings.made_up import (
    Change,
    MadeUp,
    Row,
    add,
    column,
    drop,
    edit,
    event,
    on,
    several,
    sound,
    transplanted,
    with_cutoff,
    with_settings,
)
from dayzero.cli import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Guard:
    """A guard: the code of its finding, the change that commits the mistake, and the twin that does not."""

    name: str
    code: str
    level: str
    mistake: Change
    twin: Change


def analysis(kind: str, **settings: str) -> str:
    """Return the table of an analysis; the settings stand as they are written in TOML."""
    lines = [f"{key} = {value}" for key, value in settings.items()]
    return "\n".join(["\n[[analysis]]", f'kind = "{kind}"', *lines, ""])


def endpoint(name: str, origin: str, events: str, **more: str) -> str:
    """Return the table of an endpoint."""
    lines = [f"{key} = {value}" for key, value in more.items()]
    return "\n".join([f"\n[endpoints.{name}]", f'origin = "{origin}"', f"events = {events}", *lines, ""])


def curves(*names: str) -> str:
    """Return a curve of each endpoint."""
    return "".join(analysis("curve", endpoint=f'"{name}"') for name in names)


def published(**cells: str) -> str:
    """Return a published figure."""
    table = {"id": "figure 1", "quote": "as printed", **cells}
    lines = [f"{key} = {value if key == 'n' else json.dumps(value)}" for key, value in table.items()]
    return "\n".join(["\n[[published]]", *lines, ""])


def ratio(figure: str, lower: str, upper: str, p: str) -> str:
    """Return a published hazard ratio."""
    return published(kind="ratio", figure=figure, lower=lower, upper=upper, interval="confidence", p=p)


def rate(figure: str, lower: str, upper: str, n: int) -> str:
    """Return a published rate."""
    cells = {"figure": figure, "lower": lower, "upper": upper, "interval": "confidence", "unit": "%"}
    return published(kind="km_rate", **cells, n=str(n), n_basis="printed")


def every(kind: str, /, **cells: str) -> Change:
    """Change cells of all events of one kind."""
    return lambda study: replace(
        study, events=tuple({**row, **cells} if row["event"] == kind else row for row in study.events)
    )


def without(*kinds: str) -> Change:
    """Remove all events of some kinds."""
    return several(*(drop(i, *kinds) for i in range(1, 41)))


CR = "response=CR after infusion:1"
RELAPSE_DEATH = '["relapse", "death"]'
LFS_OF_RELAPSE = endpoint("lfs", CR, '["relapse"]')
NO_DEATH = endpoint("lfs", "infusion:1", '["relapse"]')
EFS = endpoint("efs", "infusion:1", RELAPSE_DEATH)
CUT = endpoint("lfs", CR, RELAPSE_DEATH, censor_at='["hsct"]')
KEPT = endpoint("lfs_kept", CR, RELAPSE_DEATH) + curves("lfs_kept")
CIR = endpoint("cir", CR, '["relapse"]')
HIGH = column("high", lambda i: "yes" if i > 20 else "no")
BY_HIGH = analysis("curve", endpoint='"os"', by='"high"')
LATE = several(*(edit(i, "last_contact", date=on(i, 1200)) for i in (2, 4, 6)))
CUTOFF = on(40, 700)
CRS = event(5, "crs", 3, "2")
SEIZURE = event(5, "neurotoxicity", 6, "seizure")
RESPONSE = analysis("response")
SCALE = every("response", scale="eln-2024")
FOLLOW_UP = {"kind": "followup", "figure": "500", "lower": "600", "interval": "range", "unit": "days"}

GUARDS = (
    Guard(
        "NO_POSTBASELINE_GROUPS", "column-known-later", "error",
        column("group", lambda i: "CART+HSCT" if transplanted(i) else "CART"),
        column("group", lambda i: "A" if i % 3 else "B"),
    ),
    Guard(
        "NO_POSTBASELINE_GROUPS",
        "column-known-later",
        "error",
        column("arm", lambda i: "CART+HSCT" if transplanted(i) else "CART2" if i % 4 else "CART1"),
        column("arm", lambda i: "ABC"[i % 3]),
    ),
    Guard(
        "IDENTITY_LFS_CIR_NRM", "identity-lfs-cir-nrm", "warning",
        with_settings(LFS_OF_RELAPSE + curves("relapse", "nrm")),
        with_settings(curves("relapse", "nrm")),
    ),
    Guard(
        "LFS_LE_OS", "identity-curve-order", "error",
        with_settings(NO_DEATH),
        with_settings(endpoint("lfs", "infusion:1", RELAPSE_DEATH)),
    ),
    Guard("LFS_LE_OS", "survival-without-death", "warning", with_settings(LFS_OF_RELAPSE), with_settings("")),
    Guard("LFS_LE_OS", "os-event-missed", "warning", with_settings(CUT), with_settings("")),
    Guard(
        "CR_SET_LABEL", "response-criteria-not-stated", "warning",
        with_settings(RESPONSE),
        several(with_settings(RESPONSE), SCALE),
    ),
    Guard(
        "CR_SET_LABEL", "response-criteria-mixed", "warning",
        several(with_settings(RESPONSE), SCALE, edit(7, "response", scale="nccn")),
        several(with_settings(RESPONSE), SCALE),
    ),
    Guard(
        "CR_SET_LABEL", "response-set-mixed", "note",
        several(with_settings(RESPONSE), SCALE, edit(7, "response", value="CRi"), edit(8, "response", value="CRh")),
        several(with_settings(RESPONSE), SCALE, edit(7, "response", value="CRi")),
    ),
    Guard(
        "EFS_NONRESP_RULE", "efs-without-non-response", "warning",
        with_settings(EFS + curves("efs")),
        with_settings(EFS + 'non_response = "assessment"\nresponse = "response=CR"\n' + curves("efs")),
    ),
    Guard("HSCT_STRATEGY_PRINTED", "hsct-censored-alone", "note", with_settings(CUT), with_settings(CUT + KEPT)),
    Guard(
        "CIF_NOT_KM", "death-not-competing", "warning",
        with_settings(CIR + curves("cir")),
        with_settings(CIR + 'competing = ["death"]\n' + curves("cir")),
    ),
    Guard(
        "CIF_NOT_KM", "relapse-not-competing", "warning",
        with_settings(endpoint("nrm", CR, '["death"]', censor_at='["relapse"]') + curves("nrm")),
        with_settings(curves("nrm")),
    ),
    Guard(
        "CUTPOINT_CORRECTED", "cut-point-searched", "warning",
        several(HIGH, with_settings(BY_HIGH)),
        several(HIGH, with_settings('\n[data]\nknown_cuts = ["high"]\n' + BY_HIGH)),
    ),
    Guard(
        "DENOMINATOR_TABLE", "denominators-missing", "note",
        several(with_settings(RESPONSE), without("apheresis")),
        with_settings(RESPONSE),
    ),
    Guard(
        "FOLLOWUP_POSSIBLE", "potential-follow-up", "error",
        several(with_cutoff(CUTOFF), column("follow_up_days", lambda i: "3000" if i == 8 else "600")),
        several(with_cutoff(CUTOFF), column("follow_up_days", lambda _: "600")),
    ),
    Guard(
        "FOLLOWUP_POSSIBLE", "printed-follow-up-impossible", "warning",
        several(with_cutoff(CUTOFF), with_settings(published(**FOLLOW_UP, upper="1,770"))),
        several(with_cutoff(CUTOFF), with_settings(published(**FOLLOW_UP, upper="1,340"))),
    ),
    Guard(
        "HR_CI_COHERENT", "printed-ratio-incoherent", "warning",
        with_settings(ratio("6.055", "1.624", "18.933", "0.004")),
        with_settings(ratio("0.250", "0.068", "0.915", "0.036")),
    ),
    Guard("SCALE_TAG", "scale-not-stated", "warning", add(CRS), add({**CRS, "scale": "penn"})),
    Guard(
        "SEIZURE_ICANS3", "seizure-below-grade-3", "error",
        add(SEIZURE, event(5, "icans", 6, "2")),
        add(SEIZURE, event(5, "icans", 6, "3")),
    ),
    Guard(
        "ATRISK_FLOOR", "few-at-risk", "warning",
        several(LATE, with_settings(analysis("curve", endpoint='"os"', times="[365, 1095]"))),
        with_settings(analysis("curve", endpoint='"os"', times="[365]")),
    ),
    Guard(
        "VAR_NOT_SE", "printed-interval-narrow", "warning",
        with_settings(rate("48.1", "46.1", "50.1", 27)),
        with_settings(rate("48.1", "28.7", "65.2", 27)),
    ),
)  # fmt: skip
NAMES = """NO_POSTBASELINE_GROUPS IDENTITY_LFS_CIR_NRM LFS_LE_OS CR_SET_LABEL EFS_NONRESP_RULE HSCT_STRATEGY_PRINTED
CIF_NOT_KM CUTPOINT_CORRECTED DENOMINATOR_TABLE FOLLOWUP_POSSIBLE HR_CI_COHERENT SCALE_TAG SEIZURE_ICANS3 ATRISK_FLOOR
VAR_NOT_SE""".split()


def reported(study: MadeUp, folder: Path) -> set[tuple[str, str]]:
    """Report a study; return the code and level of each finding."""
    code = main(["report", str(study.write(folder)), "--out", str(folder / "out")])
    found = json.loads((folder / "out/report.json").read_text())["findings"]
    assert code == int(any(each["level"] == "error" for each in found))
    return {(each["code"], each["level"]) for each in found}


def page(folder: Path) -> str:
    """Return the text of a report, without its marks."""
    text = re.sub(r"<style.*?</style>|<[^>]+>", " ", (folder / "out/report.html").read_text(), flags=re.DOTALL)
    return " ".join(unescape(text).split())


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.code)
def test_a_guard_fires_on_the_mistake(tmp_path: Path, guard: Guard) -> None:
    assert (guard.code, guard.level) in reported(guard.mistake(sound()), tmp_path)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.code)
def test_a_guard_is_silent_on_the_clean_twin(tmp_path: Path, guard: Guard) -> None:
    assert guard.code not in {code for code, _ in reported(guard.twin(sound()), tmp_path)}


def test_every_guard_of_the_rule_book_is_here_and_in_the_documentation() -> None:
    assert sorted({guard.name for guard in GUARDS}) == sorted(NAMES)
    text = (ROOT / "docs/findings.md").read_text()
    for guard in GUARDS:
        (line,) = re.findall(rf"^\| `{guard.name}` \|.*\[{guard.code}\].*", text, flags=re.MULTILINE)
        assert f"| {guard.level} |" in line, line


ON_CHECK = [
    guard for guard in GUARDS if not re.match("identity|response|denominators|few|(death|relapse)-not", guard.code)
]


@pytest.mark.parametrize("guard", ON_CHECK, ids=lambda guard: guard.code)
def test_what_the_data_and_the_study_file_show_is_found_without_a_report(
    tmp_path: Path, guard: Guard, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(guard.mistake(sound()).write(tmp_path))]) in (0, 1)
    assert guard.code in capsys.readouterr().out


# --- refusals, and what is printed ------------------------------------------------------------------------------------


def refused(study: MadeUp, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line with which a report is refused."""
    assert main(["report", str(study.write(folder)), "--out", str(folder / "out")]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    return line


def test_groups_known_later_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    group = column("group", lambda i: "CART+HSCT" if transplanted(i) else "CART")
    study = several(group, with_settings(analysis("curve", endpoint='"os"', by='"group"')))(sound())
    assert "'group' is no baseline column" in refused(study, tmp_path, capsys)


def test_event_free_survival_of_responders_is_refused_under_that_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = with_settings(endpoint("efs", CR, RELAPSE_DEATH) + curves("efs"))(sound())
    line = refused(study, tmp_path, capsys)
    assert "study.toml, row" in line
    assert "only responders are in it" in line
    assert main(["check", str(tmp_path / "study.toml")]) == 1
    assert "efs-of-responders" in capsys.readouterr().out


def test_a_label_that_names_another_set_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = analysis("response", sets='{ "CR/CRi" = "response=CR|CRi|MLFS" }')
    assert "names another set" in refused(with_settings(sets)(sound()), tmp_path, capsys)


HANDLED = {
    "does not end follow-up (treatment policy)": with_settings(""),
    "Follow-up is cut at transplantation": with_settings(CUT),
    "transplantation competes with it": with_settings(endpoint("lfs", CR, RELAPSE_DEATH, competing='["hsct"]')),
    "relapse, death from any cause or transplantation": with_settings(
        endpoint("lfs", CR, '["relapse", "death", "hsct"]')
    ),
}


@pytest.mark.parametrize("words", HANDLED)
def test_what_a_transplant_does_is_printed(tmp_path: Path, words: str) -> None:
    reported(HANDLED[words](sound()), tmp_path)
    assert words.casefold() in page(tmp_path).casefold()


KINDS = {
    "cox": analysis("cox", endpoint='"os"', terms='["age"]'),
    "fine_gray": analysis("fine_gray", endpoint='"relapse"', terms='["age"]'),
    "rmst": analysis("rmst", endpoint='"os"', horizon="365"),
    "outcome": analysis("outcome", event='"relapse"', within="300"),
    "multistate": analysis("multistate", origin='"infusion:1"', states='{ sick = ["relapse"], dead = ["death"] }'),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_section_says_what_a_transplant_does(tmp_path: Path, kind: str) -> None:
    study = with_settings(KINDS[kind])(sound())
    reported(study, tmp_path)
    assert "end follow-up (treatment policy)" in page(tmp_path)


def test_few_at_risk_are_marked(tmp_path: Path) -> None:
    times = with_settings(analysis("curve", endpoint='"os"', times="[365, 1095]"))
    reported(several(LATE, times)(sound()), tmp_path)
    assert "† Fewer than 5 patients at risk, or than 10 % of them." in page(tmp_path)


def test_every_denominator_stands_beside_a_rate(tmp_path: Path) -> None:
    rows = add({**event(5, "apheresis", -41), "patient": "P05"})
    reported(several(rows, with_settings(RESPONSE))(sound()), tmp_path)
    text = page(tmp_path).casefold()
    assert all(word in text for word in ("apheresed", "infused", "evaluable", "transplanted"))


# --- a cohort like that of Chen and others 2021 (seed 004): made up from its skeleton ---------------------------------


def seed_004() -> MadeUp:
    """Return 28 patients in three groups formed by what came later, with the definitions that gave its figures."""
    groups = [*["CART+HSCT"] * 10, *["CART2"] * 7, *["CART1"] * 11]
    patients = tuple(
        {"patient": f"P{i:02}", "group": group, "mrd": str(3 * i), "mrd_high": "yes" if i >= 14 else "no"}
        for i, group in enumerate(groups, start=1)
    )
    return MadeUp(
        patients,
        tuple(row for i, group in enumerate(groups, start=1) for row in course_004(i, group)),
        settings=endpoint("lfs", "response=CR after infusion:1", '["relapse"]')
        + analysis("curve", endpoint='"lfs"', times="[365, 1095]")
        + analysis("curve", endpoint='"os"', by='"mrd_high"', times="[1095]")
        + curves("relapse", "nrm")
        + ratio("6.055", "1.624", "18.933", "0.004"),
    )


def course_004(i: int, group: str) -> list[Row]:
    """Return the events of one patient."""
    rows = [event(i, "infusion", 0), event(i, "crs", 4, "3"), event(i, "response", 28, "CR")]
    if group == "CART+HSCT":
        rows += [event(i, "hsct", 63), *([event(i, "relapse", 63 + 30 * i)] if i < 4 else [])]
        return [*rows, event(i, "death", 150 + 40 * i) if i in (5, 6, 7) else event(i, "last_contact", 1300 + 10 * i)]
    if group == "CART2":
        rows += [event(i, "relapse", 189 + i), event(i, "infusion", 220 + i)]
    return [*rows, event(i, "death", 260 + 20 * i)]


def test_a_cohort_like_that_of_seed_004(tmp_path: Path) -> None:
    found = reported(seed_004(), tmp_path)
    assert {code for code, _ in found} >= {
        "column-known-later",
        "survival-without-death",
        "identity-lfs-cir-nrm",
        "death-not-competing",
        "cut-point-searched",
        "few-at-risk",
        "scale-not-stated",
        "printed-ratio-incoherent",
    }
