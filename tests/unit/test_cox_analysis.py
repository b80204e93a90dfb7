"""The kind ``cox`` from a study file to its section: penalty, terms, predictions, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from cohorts import history
from dayzero.analyses.context import Context
from dayzero.analyses.cox import CoxSettings, run_cox
from dayzero.errors import InputError
from dayzero.protocol import Endpoint, Protocol
from dayzero.report.cox_table import hazard_ratios
from dayzero.report.kinds import kind_of
from dayzero.report.page import Section


def context(folder: Path, n: int = 60) -> Context:
    random = np.random.default_rng(8)
    lines, patients = ["patient event day"], ["patient,risk,age"]
    for k in range(n):
        stop = int(random.integers(30, 900))
        lines += [f"{k:03} infusion 0", f"{k:03} {random.choice(['death', 'last_contact'])} {stop}"]
        lines += [f"{k:03} hsct {stop // 2}"] if k % 3 == 0 else []
        patients.append(f"{k:03},{'high' if k % 2 else 'low'},{int(random.integers(18, 70))}")
    endpoints = {
        "os": Endpoint(name="os", origin="infusion", events=("death",)),
        "tx": Endpoint(name="tx", origin="infusion", events=("hsct",), competing=("death",)),
    }
    table = "\n".join(patients) + "\n"
    return Context(history(folder, "\n".join(lines), patients=table), Protocol(endpoints=endpoints))


def run(folder: Path, *, n: int = 60, **settings: object) -> Section:
    return run_cox(CoxSettings(**{"endpoint": "os", "terms": ("risk", "age"), **settings}), context(folder, n))


def methods(section: Section, statistic: str) -> list[str]:
    return section.estimates.where(statistic=statistic).rows["method"].unique().sort().to_list()


def test_by_default_the_assumptions_are_tested_and_pairs_are_counted(tmp_path: Path) -> None:
    section = run(tmp_path)
    assert section.estimates.where(statistic="proportional_hazards").rows["term"].to_list() == ["risk", "age", "GLOBAL"]
    assert methods(section, "concordance") == ["harrell"]
    assert methods(section, "hazard_ratio") == ["efron"]
    assert section.settings["ties"] == "efron"


def test_firth_has_its_method_and_breslows_ties_unless_efrons_are_named(tmp_path: Path) -> None:
    section = run(tmp_path, penalty="firth")
    assert methods(section, "hazard_ratio") == ["firth"]
    assert section.settings["ties"] == "breslow"
    assert not len(section.estimates.where(statistic="proportional_hazards"))
    assert methods(run(tmp_path, penalty="firth", ties="efron"), "hazard_ratio") == ["firth, efron"]


def test_few_events_are_warned_of_on_each_ratio_of_the_model(tmp_path: Path) -> None:
    section = run(tmp_path, n=16)
    size = section.estimates.where(statistic="events_per_variable", kind="cox")
    assert size.rows["warning"][0].startswith("few_events_per_variable: ")
    together = section.estimates.where(statistic="hazard_ratio", kind="cox").rows["warning"]
    assert all("few_events_per_variable" in text for text in together)
    enough = run(tmp_path, n=200).estimates.where(statistic="hazard_ratio", kind="cox").rows["warning"]
    assert enough.to_list() == [None, None]


def test_treatments_in_products_and_with_time(tmp_path: Path) -> None:
    section = run(tmp_path, terms=("risk", "hsct*age", "hsct:after(200)", "age:log(t)"))
    terms = section.estimates.where(statistic="hazard_ratio", kind="cox").rows["term"].to_list()
    assert terms == ["risk=low", "hsct", "age", "hsct:age", "hsct:after(200)", "age:log(t)"]
    alone = section.estimates.where(statistic="hazard_ratio", kind="cox_univariable").rows["term"].to_list()
    assert alone == ["risk=low", "hsct", "age"]
    assert section.estimates.rows["n"].unique().to_list() == [60]
    assert any("Hsct" in note or "HSCT" in note for note in section.notes)


def test_predicted_and_adjusted_survival_are_on_the_page(tmp_path: Path) -> None:
    patient = {"risk": "high", "age": 40}
    section = run(tmp_path, adjusted="risk", predict=(patient,), times=(200.0, 400.0), tau=500.0)
    groups = section.estimates.where(statistic="survival").rows["group"].unique(maintain_order=True).to_list()
    assert groups == ["risk=high, age=40", "risk=high", "risk=low"]
    assert methods(section, "concordance") == ["harrell", "uno"]
    captions = [table.caption for table in kind_of(section).tables(section) if table is not None]
    assert "Measures of the model" in captions
    assert any("predicted by the model" in caption for caption in captions)
    assert any("Differences of adjusted" in caption for caption in captions)
    drawn = {drawing.name: drawing for drawing in kind_of(section).drawings(section)}
    words = [text.get_text() for text in drawn["adjusted-survival"].draw().findobj() if hasattr(text, "get_text")]
    assert any("adjusted" in word for word in words)


def test_a_table_names_products_and_splines(tmp_path: Path) -> None:
    table = hazard_ratios(run(tmp_path, terms=("rcs(age,3)*risk",)))
    assert table is not None
    names = [row.name for row in table.rows]
    assert names == [
        "Age, spline (to be read together)", "function 1", "function 2", "Risk (reference: high)", "low",
        "Age, spline × risk (product)", "function 1, low", "function 2, low",
    ]  # fmt: skip


@pytest.mark.parametrize(("settings", "message"), [
    ({"adjusted": "risk"}, "on no day"),
    ({"times": (-1.0,)}, "before day zero"),
    ({"endpoint": "tx", "adjusted": "risk", "times": (100.0,)}, "where events compete"),
    ({"terms": ("risk", "rcs(age,9)")}, "3 to 7 knots"),
    ({"terms": ("risk*agee",)}, "neither a baseline column nor an event"),
    ({"tau": 300.0, "terms": ("hsct", "age")}, "Uno's concordance is not defined"),
    ({"penalty": "firth", "cluster": "risk", "terms": ("age",)}, "no robust standard errors"),
])  # fmt: skip
def test_settings_that_cannot_be_used(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path, **settings)
