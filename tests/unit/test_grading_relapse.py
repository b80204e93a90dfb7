"""Relapse in ALL by site, antigen and definition: rule book 4.5."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from dayzero.grading.response import derive_response
from dayzero.protocol import Definitions
from response_study import graded, marrow, study

FULL = {"anc": 1.5, "platelets": 150.0}
INFUSION = {"event": "infusion", "day": 0.0, "targets": "CD19/CD22"}
CR = marrow(28.0, 0.01, **FULL)
FIND = ("day", "kind", "site")


def relapses(rows, events=(INFUSION,), *, mrd=None, **words):
    return graded(study(events, assessments=rows, mrd=mrd), **words).graded["relapse"]


@pytest.mark.parametrize(
    ("definition", "at", "below"),
    [("eln-2024", 0.05, 0.0499), ("nccn", 0.0501, 0.05), ("iwg-2010", 0.25, 0.2499), ("seed-004", 0.05, 0.0499)],
)
def test_thresholds(definition, at, below):
    assert relapses([CR, marrow(90.0, at)], relapse=definition).select(FIND).rows() == [(90.0, "relapse", "bm")]
    assert relapses([CR, marrow(90.0, below)], relapse=definition).is_empty()


def test_seed_004_counts_any_blasts_after_a_marrow_without():
    rows = [marrow(28.0, 0.0, **FULL), marrow(90.0, 0.02)]
    assert relapses(rows, relapse="seed-004")["day"].to_list() == [90.0]
    assert relapses(rows).is_empty()


PAEDIATRIC = [  # MRD, blasts by microscopy and by biopsy in the first marrow; blasts and MRD in the second; relapse
    (0.25, None, None, None, None, True),
    (0.249, 0.01, None, None, None, True),
    (0.249, 0.009, None, None, None, False),
    (0.05, None, None, 0.01, 0.01, True),
    (0.05, None, None, 0.009, 0.01, False),
    (0.0499, 0.01, 0.01, None, None, True),
    (0.0499, 0.01, None, None, None, False),
    (0.01, 0.01, None, 0.01, 0.01, True),
    (0.0099, 0.01, 0.01, 0.01, 0.01, False),
]


@pytest.mark.parametrize(("mrd", "smear", "biopsy", "smear2", "mrd2", "found"), PAEDIATRIC)
def test_paediatric_patterns(mrd, smear, biopsy, smear2, mrd2, found):  # noqa: PLR0917
    rows = [CR, marrow(90.0, smear, method="morphology")]
    samples = [{"day": 90.0, "status": "positive", "value": mrd}]
    if biopsy is not None:
        rows.append(marrow(90.0, biopsy, method="biopsy"))
    if smear2 is not None:
        rows.append(marrow(104.0, smear2, method="morphology"))
        samples.append({"day": 104.0, "status": "positive", "value": mrd2})
    overt = relapses(rows, mrd=samples, relapse="paediatric-2022").filter(pl.col("kind") == "relapse")
    assert overt["day"].to_list() == ([90.0] if found else [])  # the first sample's day, not the confirmation's


def test_without_a_remission_it_is_progression():
    rows = [marrow(-3.0, 0.2), marrow(28.0, 0.3), marrow(60.0, 0.9)]
    assert relapses(rows).select(FIND).rows() == [(28.0, "progression", "bm")]
    assert relapses([marrow(-3.0, 0.3), marrow(28.0, 0.3)]).is_empty()


def test_progression_before_a_late_remission_stays():
    rows = [marrow(-3.0, 0.2), marrow(28.0, 0.3), marrow(60.0, 0.01, **FULL), marrow(200.0, 0.5), marrow(210.0, 0.9)]
    assert relapses(rows).select("day", "kind").rows() == [(28.0, "progression"), (200.0, "relapse")]


def test_a_reported_remission_counts():
    events = [INFUSION, {"event": "response", "day": 28.0, "value": "CRi"}]
    assert relapses([marrow(90.0, 0.6)], events)["kind"].to_list() == ["relapse"]
    assert relapses([marrow(90.0, 0.6)])["kind"].to_list() == []


def test_a_remission_of_unknown_counts_is_one():
    assert relapses([marrow(28.0, 0.01), marrow(90.0, 0.6)])["kind"].to_list() == ["relapse"]


def test_the_first_abnormal_sample_is_the_day_and_the_next_confirms():
    found = relapses([CR, marrow(90.0, 0.06), marrow(100.0, 0.7)])
    assert found.select("day", "confirmed").rows() == [(90.0, True)]
    assert relapses([CR, marrow(90.0, 0.06), marrow(100.0, 0.01)])["confirmed"].to_list() == [False]
    assert relapses([CR, marrow(90.0, 0.06)])["confirmed"].to_list() == [None]


def test_a_second_relapse_needs_a_second_remission():
    events = [INFUSION, {"event": "infusion", "day": 100.0}]
    rows = [CR, marrow(90.0, 0.6), marrow(98.0, 0.7), marrow(128.0, 0.01, **FULL), marrow(200.0, 0.5)]
    found = relapses(rows, events)
    assert found.select("day", "course").rows() == [(90.0, 1), (200.0, 2)]


def emd(day, status, site="node", **more):
    return {"day": day, "site": "emd", "emd_status": status, "emd_site": site, **more}


def fluid(day, wbc=2.0, **more):
    return {"day": day, "site": "csf", "csf_wbc": wbc, "csf_rbc": 0.0, "csf_blasts": True, **more}


@pytest.mark.parametrize(
    ("rows", "site", "isolated"),
    [
        ([marrow(90.0, 0.01), emd(90.0, "pd")], "emd", True),
        ([marrow(90.0, 0.01), emd(91.0, "pd", "left testis")], "testis", True),
        ([marrow(90.0, 0.01), fluid(92.0, 6.0)], "cns", True),
        ([fluid(92.0, 6.0)], "cns", None),
        ([marrow(90.0, 0.3), fluid(92.0, 6.0)], "bm+cns", False),
        ([marrow(90.0, 0.01), emd(90.0, "pd", "brain")], "cns", True),
        ([marrow(90.0, 0.01), fluid(90.0, cns_signs=True)], "cns", True),
        ([{"day": 90.0, "site": "pb", "blasts": 0.1}], "bm", None),
        ([marrow(90.0, 0.3), emd(90.0, "none"), fluid(90.0, 0.0) | {"csf_blasts": False}], "bm", True),
    ],
)
def test_sites(rows, site, isolated):
    found = relapses([CR, *rows])
    assert found.select("kind", "site", "isolated").rows() == [("relapse", site, isolated)]


def test_mrd_in_the_marrow_leaves_an_isolated_cns_relapse_and_is_recorded():
    mrd = [{"day": 90.0, "status": "positive", "value": 1e-3}]
    row = relapses([CR, marrow(90.0, 0.01), fluid(90.0, 6.0)], mrd=mrd).row(0, named=True)
    assert (row["isolated_cns"], row["mrd_status"]) == (True, "positive")


def test_cns2_needs_a_second_sample():
    clear = fluid(100.0) | {"csf_blasts": False}
    assert relapses([CR, fluid(90.0)]).is_empty()
    assert relapses([CR, fluid(90.0), clear, fluid(120.0)]).is_empty()
    assert relapses([CR, fluid(90.0), fluid(100.0)]).select("day", "site", "confirmed").rows()[0][:2] == (90.0, "cns")


@pytest.mark.parametrize(
    ("columns", "antigen", "tested"),
    [
        ({"cd19": "negative", "cd22": "positive"}, "negative", True),
        ({"cd19": "dim"}, "dim", True),
        ({"cd19": "not_tested", "cd22": "positive"}, "not_tested", False),
        ({}, "not_tested", False),
        ({"cd19": "positive", "lineage_switch": True}, "lineage_switch", True),
    ],
)
def test_antigen_of_the_first_target(columns, antigen, tested):
    row = relapses([CR, marrow(90.0, 0.6, **columns)]).row(0, named=True)
    assert (row["antigen"], row["tested"], row["target"]) == (antigen, tested, "cd19")


def test_two_findings_of_one_antigen_are_mixed():
    rows = [CR, marrow(90.0, 0.6, cd19="negative"), emd(90.0, "pd", cd19="positive")]
    assert relapses(rows)["antigen"].to_list() == ["mixed"]


def test_antigen_of_a_cd7_product():
    events = [{**INFUSION, "targets": "CD7"}]
    found = relapses([CR, marrow(90.0, 0.6, cd19="positive", cd7="negative")], events)
    assert found.select("target", "antigen").rows() == [("cd7", "negative")]


def sample(day, status, value=None):
    return {"day": day, "status": status, "value": value}


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        ([(28.0, "negative"), (90.0, "positive", 1e-4), (104.0, "positive", 5e-4)], [(90.0, True)]),
        ([(28.0, "negative"), (90.0, "positive", 1e-4), (104.0, "negative")], [(90.0, False)]),
        ([(28.0, "negative"), (90.0, "positive", 1e-4)], [(90.0, None)]),
        ([(28.0, "negative"), (90.0, "below_quantification", 5e-5), (104.0, "negative")], []),
        ([(90.0, "positive", 1e-3), (104.0, "positive", 1e-3)], []),  # never negative: no loss
        ([(28.0, "indeterminate"), (90.0, "positive", 1e-3), (104.0, "positive", 1e-3)], []),
    ],
)
def test_mrd_relapse_after_negativity_in_two_samples(samples, found):
    history = graded(study([INFUSION], assessments=[CR], mrd=[sample(*each) for each in samples]))
    rows = history.graded["relapse"]
    assert rows.select("day", "confirmed").rows() == found
    assert rows["kind"].to_list() == ["mrd_relapse"] * len(found)
    events = history.named("mrd_relapse")
    assert events["day"].to_list() == [day for day, confirmed in found if confirmed]
    assert history.named("relapse").is_empty()


def test_an_overt_relapse_confirms_the_mrd_relapse_before_it():
    mrd = [sample(28.0, "negative"), sample(90.0, "positive", 1e-3)]
    assert relapses([CR, marrow(120.0, 0.4)], mrd=mrd).select("day", "kind", "confirmed").rows() == [
        (90.0, "mrd_relapse", True),
        (120.0, "relapse", None),
    ]
    cleared = [*mrd, sample(100.0, "negative")]
    assert relapses([CR, marrow(120.0, 0.4)], mrd=cleared)["confirmed"].to_list() == [False, None]


def test_mrd_at_an_overt_relapse_is_no_mrd_relapse():
    mrd = [sample(28.0, "negative"), sample(88.0, "positive", 0.3), sample(95.0, "positive", 0.3)]
    assert relapses([CR, marrow(90.0, 0.4)], mrd=mrd)["kind"].to_list() == ["relapse"]


@pytest.mark.parametrize(("negative_again", "found"), [(False, []), (True, [260.0])])
def test_a_new_remission_that_was_never_negative_has_no_mrd_relapse(negative_again, found):
    rows = [CR, marrow(150.0, 0.4), marrow(230.0, 0.01, **FULL), marrow(260.0, 0.01, **FULL)]
    first = sample(230.0, "negative") if negative_again else sample(230.0, "positive", 0.003)
    mrd = [sample(28.0, "negative"), first, sample(260.0, "positive", 0.006)]
    kinds = relapses(rows, (INFUSION, {"event": "infusion", "day": 200.0}), mrd=mrd)
    assert kinds.filter(kind="mrd_relapse")["day"].to_list() == found


@pytest.mark.parametrize(("day", "kept"), [(60.0, False), (120.0, False), (121.0, True)])
def test_a_derived_relapse_replaces_a_reported_one_within_30_days(day, kept):
    history = graded(study([INFUSION, {"event": "relapse", "day": day}], assessments=[CR, marrow(90.0, 0.6)]))
    assert sorted(history.named("relapse")["source"].to_list()) == (["derived", "reported"] if kept else ["derived"])
    assert history.superseded == (frozenset() if kept else {3})


@pytest.mark.parametrize(("reported", "day"), [(60.0, 60.0), (90.0, 90.0), (110.0, 90.0)])
def test_a_relapse_is_dated_by_its_first_sign_and_keeps_both_sites(reported, day):
    told = study([INFUSION, {"event": "relapse", "day": reported}], assessments=[CR, marrow(90.0, 0.6)])
    site = pl.when(pl.col("event") == "relapse").then(pl.lit("cns")).alias("site")
    found = graded(replace(told, events=told.events.with_columns(site))).named("relapse", ("site",))
    assert found["day"].to_list() == [day]
    assert found["site"].to_list() == ["bm+cns" if reported <= 90 else "bm"]


def test_disease_after_a_reported_relapse_is_that_relapse():
    events = [INFUSION, {"event": "relapse", "day": 50.0}]
    assert relapses([CR, marrow(90.0, 0.6)], events).filter(pl.col("kind") == "relapse").is_empty()
    again = relapses([CR, marrow(80.0, 0.01, **FULL), marrow(90.0, 0.6)], events)
    assert again["kind"].to_list() == ["relapse"]


def test_a_reported_relapse_confirms():
    events = [INFUSION, {"event": "relapse", "day": 100.0}]
    assert relapses([CR, marrow(90.0, 0.06)], events)["confirmed"].to_list() == [True]


def test_a_reported_relapse_is_never_removed_without_a_derived_one():
    history = study([INFUSION, {"event": "relapse", "day": 300.0}], assessments=[CR])
    found = derive_response(history, Definitions())
    assert found.superseded == ()
    assert [(each.level, each.code, each.rows) for each in found.findings] == [
        ("note", "relapse-not-in-assessments", (3,))
    ]


def test_relapse_events_carry_site_and_course():
    history = graded(study([INFUSION, {"event": "hsct", "day": 60.0}], assessments=[CR, marrow(90.0, 0.6)]))
    event = history.named("relapse", ("value", "site", "antigen", "course_kind", "course", "scale")).row(0, named=True)
    assert (event["day"], event["value"], event["course_kind"], event["course"]) == (90.0, "bm", "hsct", "1")
    assert (event["antigen"], event["scale"]) == ("not_tested", "eln-2024")


def test_percent_of_an_antigen_is_over_tested_relapses():
    events = [{"patient": i, **INFUSION} for i in range(4)]
    status = ["negative", "positive", "not_tested", None]
    rows = [{"patient": i, **row} for i in range(4) for row in (CR, marrow(90.0, 0.6, cd19=status[i]))]
    found = graded(study(events, assessments=rows, n=4)).graded["relapse"].filter("tested")
    assert (found["antigen"] == "negative").mean() == 0.5


def test_shifting_every_date_shifts_relapses():
    rows = [CR, marrow(90.0, 0.6), marrow(120.0, 0.01, **FULL)]
    moved = [{**row, "day": row["day"] + 500.0} for row in rows]
    first, second = relapses(rows), relapses(moved, [{**INFUSION, "day": 500.0}])
    assert first.drop("day").equals(second.drop("day"))
    assert (second["day"] - first["day"] == 500.0).all()


def test_as_of_a_day_later_rows_change_nothing_before_it():
    rng = np.random.default_rng(11)
    days, blasts = np.arange(10) * 30.0 + 10, np.where(rng.random((40, 10)) < 0.6, 0.01, 0.5)
    rows = [{"patient": i, **marrow(days[j], float(blasts[i, j]), **FULL)} for i, j in np.ndindex(blasts.shape)]
    events = [{"patient": i, **INFUSION} for i in range(40)]
    whole = graded(study(events, assessments=rows, n=40)).graded
    cut = graded(study(events, assessments=[row for row in rows if row["day"] <= 160.0], n=40)).graded
    early = pl.col("day") <= 160.0
    for name, kept in (("relapse", ["patient", "day", "kind", "site"]), ("response", ["patient", "day", "category"])):
        assert whole[name].filter(early).select(kept).equals(cut[name].select(kept))
    assert whole["relapse"].height > 40


def test_each_relapse_follows_a_remission_and_a_higher_threshold_finds_no_more():
    rng = np.random.default_rng(12)
    rows = [
        {"patient": i, **marrow(30.0 * j + 28, float(rng.choice([0.0, 0.02, 0.06, 0.3])), **FULL)}
        for i in range(60)
        for j in range(6)
    ]
    events = [{"patient": i, **INFUSION} for i in range(60)]
    found = {
        name: graded(study(events, assessments=rows, n=60), relapse=name).graded for name in ("eln-2024", "iwg-2010")
    }
    first = {
        name: each["relapse"].filter(pl.col("kind") == "relapse").group_by("patient").agg(pl.col("day").min())
        for name, each in found.items()
    }
    both = first["iwg-2010"].join(first["eln-2024"], on="patient", how="left")
    assert (both["day_right"] <= both["day"]).all()
    good = found["eln-2024"]["response"].filter(pl.col("category") == "CR").group_by("patient").agg(pl.col("day").min())
    since = first["eln-2024"].join(good, on="patient", how="left")
    assert (since["day_right"] < since["day"]).all()
