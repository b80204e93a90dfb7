"""SOS, infections and second cancers through ``dayzero report``: cumulative incidence, by grade and by kind."""

import json

import pytest

from dayzero.cli import main

# Ten patients, infused on day 0; a transplant on day 50 of the first five. All but one are followed to day 500.
INFUSED = "".join(f"p{i},infusion,0,,\n" for i in range(10))
TRANSPLANTED = "".join(f"p{i},hsct,50,,\n" for i in range(5))
END = "".join(f"p{i},last_contact,500,,\n" for i in range(9)) + "p9,death,20,,\n"
EVENTS = """p0,sos,65,4,
p1,infection,10,3,viral
p1,infection,90,4,bacterial
p2,infection,30,2,bacterial
p3,infection,40,2,viral
p3,infection,60,3,viral
p4,second_cancer,300,,t_cell
"""
STUDY = """
[study]
synthetic = true
[data]
[endpoints.severe]
origin = "infusion:1"
events = ["infection>=3"]
competing = ["death"]
[endpoints.viral]
origin = "infusion:1"
events = ["infection[kind=viral]"]
competing = ["death"]
[endpoints.severe_viral]
origin = "infusion:1"
events = ["infection>=3[kind=viral]"]
competing = ["death"]
"""
# By endpoint: patients, patients with the event by day 365, of whom how many by day 50. Nobody is censored before.
EXPECTED = {
    "sos": (5, 1, 1),
    "infection": (10, 3, 3),
    "second_cancer": (10, 1, 0),
    "severe": (10, 2, 1),
    "viral": (10, 2, 2),
    "severe_viral": (10, 2, 1),
}


@pytest.fixture(scope="module")
def estimates(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    folder = tmp_path_factory.mktemp("events")
    (folder / "patients.csv").write_text("patient\n" + "".join(f"p{i}\n" for i in range(10)))
    (folder / "events.csv").write_text(f"patient,event,day,value,kind\n{INFUSED}{TRANSPLANTED}{EVENTS}{END}")
    analyses = "".join(f'[[analysis]]\nkind = "curve"\nendpoint = "{name}"\ntimes = [50, 365]\n' for name in EXPECTED)
    (folder / "study.toml").write_text(STUDY + analyses)
    main(["report", str(folder), "--out", str(folder / "out")])
    found: list[dict[str, object]] = json.loads((folder / "out/report.json").read_text())["estimates"]
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_each_is_a_cumulative_incidence_with_death_competing(name: str, estimates: list[dict[str, object]]) -> None:
    n, late, early = EXPECTED[name]
    of = [row for row in estimates if row["endpoint"] == name and row["statistic"] == "cumulative_incidence"]
    mine = {row["time"]: row for row in of if row["term"] != "death"}
    assert {row["n"] for row in mine.values()} == {n}
    assert mine[50]["estimate"] == pytest.approx(early / n)
    assert mine[365]["estimate"] == pytest.approx(late / n)
