from pathlib import Path

import pytest

from dayzero.errors import InputError
from dayzero.protocol import Definitions, Endpoint, Protocol, definition, library, read_protocol

EXPECTED = {
    "os", "efs", "efs_assessment", "efs_window_end", "rfs", "lfs", "dfs", "dor", "relapse", "nrm", "grfs",
    "grfs_refined", "crfs", "time_to_hsct", "neutrophil_engraftment", "platelet_engraftment",
    "platelet_engraftment_50", "leukocyte_engraftment", "graft_failure", "agvhd_2_4", "agvhd_3_4", "cgvhd",
    "cgvhd_moderate", "sos", "infection", "second_cancer", "b_cell_recovery", "mrd_negativity", "mrd_relapse",
    "mrd_efs", "second_response",
}  # fmt: skip


def test_the_library_knows_the_endpoints_of_the_field() -> None:
    assert set(library().endpoints) == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_library_endpoint_is_complete_and_says_what_it_is(name: str) -> None:
    endpoint = library().endpoint(name)
    assert endpoint.name == name
    assert "{" not in " ".join(endpoint.all_terms())
    words = definition(endpoint)
    assert words.startswith("From the first ")
    assert words.endswith(".")


def test_definitions_reach_the_terms_of_the_library(tmp_path: Path) -> None:
    file = tmp_path / "protocol.toml"
    file.write_text('[protocol]\ntitle = "T"\n[definitions]\nday_zero = "hsct"\ncr = "response=CR after {day_zero}"\n')
    protocol = read_protocol(file)
    assert protocol.title == "T"
    assert protocol.endpoint("os").origin == "hsct"
    assert protocol.endpoint("rfs").origin == "response=CR after hsct"


def test_a_table_of_the_same_name_replaces_a_library_endpoint(tmp_path: Path) -> None:
    file = tmp_path / "protocol.toml"
    file.write_text('[endpoints.os]\norigin = "enrolment"\nevents = ["death"]\n')
    assert read_protocol(file).endpoint("os") == Endpoint(name="os", origin="enrolment", events=("death",))


def test_a_protocol_knows_which_definitions_were_written(tmp_path: Path) -> None:
    """A default that somebody wrote is stated, one that nobody wrote is not; another than the default always is."""
    file = tmp_path / "protocol.toml"
    file.write_text('[protocol]\ntitle = "T"\n[definitions]\ncrs = "astct-2019"\n')
    protocol = read_protocol(file)
    assert [protocol.states(key) for key in ("crs", "icans", "agvhd")] == [True, False, False]
    assert Protocol(definitions=Definitions(icans="other")).states("icans")


def test_what_is_day_zero_does_not_compete_with_what_follows_it(tmp_path: Path) -> None:
    file = tmp_path / "protocol.toml"
    assert library().endpoint("b_cell_recovery").competing == ("death", "relapse", "hsct", "infusion:2")
    file.write_text('[protocol]\ntitle = "T"\n[definitions]\nday_zero = "infusion:2"\n')
    assert read_protocol(file).endpoint("b_cell_recovery").competing == ("death", "relapse", "hsct")


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "protocol.toml"
    file.write_text('[endpoints.os]\norigin = "enrolment"\nevnts = ["death"]\n')
    with pytest.raises(InputError, match="events") as error:
        read_protocol(file)
    assert error.value.row == 3


def test_censoring_at_transplant_is_called_hypothetical() -> None:
    cut = Endpoint(name="efs", label="EFS", origin="infusion:1", events=("relapse", "death"), censor_at=("hsct",))
    assert "hypothetical" in definition(cut)
    assert "Transplantation does not end follow-up" not in definition(cut)


def test_an_endpoint_without_events_is_refused() -> None:
    with pytest.raises(InputError, match="at least one event"):
        Endpoint(origin="hsct", events=())


def test_an_event_cannot_compete_with_itself() -> None:
    with pytest.raises(InputError, match="competes with itself"):
        Endpoint(origin="hsct", events=("death",), competing=("death",))


def test_non_response_needs_a_window() -> None:
    with pytest.raises(InputError, match="assessed_by"):
        Endpoint(origin="hsct", events=("death",), non_response="day0", assessed_by=0)
