"""Laws between estimates, checked after every run: what must be true of any cohort, whatever the data say.

Exact, for each endpoint with competing events (clinical rule book 5.2):

- the probabilities of all states sum to 1;
- event-free survival, estimated on its own by Kaplan-Meier, is 1 minus the sum of the cumulative incidences:
  RFS(t) = 1 - CIR(t) - NRM(t).

Of pairs of endpoints with one origin and one population, where the events of one include those of the other:

- no patient has the larger endpoint later than the smaller one (a relapse-free survivor has survived);
- its curve lies nowhere above: an error where nobody is censored before that day, a warning where somebody is,
  because then the two Kaplan-Meier curves weigh their patients differently. A survival that is called free of
  something is held against overall survival even where it leaves deaths out.

Of endpoints that are read as parts of one whole, relapse-free survival, relapse and non-relapse mortality:

- RFS(t) = 1 - CIR(t) - NRM(t), where they are of one cohort; a warning where they are defined for several.

And of every table: the patients of the groups are those of the test between them.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, permutations
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import Finding
from dayzero.estimate import Estimate
from dayzero.estimators.curves.aalen_johansen import fit_aalen_johansen
from dayzero.protocol import Endpoint
from dayzero.protocol.naming import is_free_survival
from dayzero.spells import CENSORED, Spells

TOLERANCE: Final = 1e-12
CURVES: Final = ("survival", "cumulative_incidence")
Floats = npt.NDArray[np.float64]
Derived = tuple[Endpoint, Spells]


def check_identities(derived: Sequence[Derived]) -> tuple[Finding, ...]:
    """Return every law that does not hold among the endpoints of a run.

    Parameters
    ----------
    derived
        The endpoints, each once, with their spells.
    """
    alone = [finding for _, spells in derived for finding in _check_sums(spells)]
    pairs = [finding for small, large in permutations(derived, 2) for finding in _check_order(small, large)]
    return (*alone, *pairs, *_check_parts(derived))


def check_denominators(estimates: Estimate) -> tuple[Finding, ...]:
    """Return every comparison whose groups do not add up to the patients compared.

    Parameters
    ----------
    estimates
        The rows of one analysis.
    """
    curves = estimates.rows.filter(pl.col("statistic").is_in(CURVES) & pl.col("group").is_not_null())
    sums = curves.group_by("endpoint", "statistic", "term", "time", maintain_order=True).agg(pl.col("n").sum())
    within = pl.col("method").fill_null("").str.contains("stratified")  # patients without a stratum are in no test
    tests = estimates.rows.filter(pl.col("statistic").is_in(("logrank", "gray")) & pl.col("group").is_null() & ~within)
    wrong = [endpoint for endpoint, n in tests.select("endpoint", "n").iter_rows() if (sums["n"] != n).any()]
    return tuple(
        Finding("error", "identity-denominators", f"{name}: the groups do not add up to the patients compared.")
        for name in dict.fromkeys(wrong)
    )


def _check_sums(spells: Spells) -> list[Finding]:
    fit = fit_aalen_johansen(spells)
    found = []
    if not np.allclose(fit.probability.sum(axis=1), 1.0, rtol=0, atol=TOLERANCE * len(fit.times)):
        found.append(_broken("states-sum-to-one", spells, "the probabilities of its states do not sum to 1"))
    if len(spells.states) > 2:
        together = replace(spells, to=np.where(spells.to == CENSORED, CENSORED, 1), states=("event-free", "any"))
        survival = fit_aalen_johansen(together).at(fit.times)[:, 0]
        rest = 1.0 - fit.probability[:, 1:].sum(axis=1)
        if not np.allclose(survival, rest, rtol=0, atol=TOLERANCE * len(fit.times)):
            words = "event-free survival is not 1 minus the sum of the cumulative incidences"
            found.append(_broken("incidences-sum", spells, words))
    return found


def _broken(code: str, spells: Spells, words: str) -> Finding:
    return Finding("error", f"identity-{code}", f"{spells.name}: {words}.", mend="This is a bug of dayzero: report it.")


def _check_order(small: Derived, large: Derived) -> list[Finding]:
    """Compare two endpoints, the second of which counts every event of the first and more."""
    (few, few_spells), (many, many_spells) = small, large
    if not _is_part(few, many) or few_spells.n == 0 or many_spells.n == 0:
        return []
    if few_spells.patients["patient"].to_list() != many_spells.patients["patient"].to_list():
        return []
    found = []
    later = (many_spells.stop > few_spells.stop) & (few_spells.to == 1)
    if later.any():
        words = f"{int(later.sum())} patients have an event of {few.title} before they leave {many.title}"
        found.append(Finding("error", "identity-event-order", f"{words}."))
    return [*found, *_check_curves(small, large)]


def _is_part(few: Endpoint, many: Endpoint) -> bool:
    """Return whether the second of two endpoints differs in that it counts more, or is called a survival that does."""
    same = (few.origin, few.population, few.entry) == (many.origin, many.population, many.entry)
    more = set(few.events) < set(many.events) or (set(few.events) == set(many.events) and bool(many.non_response))
    more = more or (few.events == ("death",) and is_free_survival(many))
    plain = not (few.competing or many.competing or few.censor_at or many.censor_at or few.non_response)
    return same and more and plain


def _check_curves(small: Derived, large: Derived) -> list[Finding]:
    (few, few_spells), (many, many_spells) = small, large
    upper, lower = fit_aalen_johansen(few_spells), fit_aalen_johansen(many_spells)
    times = np.union1d(upper.times, lower.times)
    above = lower.at(times)[:, 0] > upper.at(times)[:, 0] + TOLERANCE * len(times)
    if not above.any():
        return []
    day = float(times[np.argmax(above)])
    censored = min(_first_censored(few_spells), _first_censored(many_spells))
    reason = "it counts more events" if "death" in many.events else "by its name every death is an event of it"
    words = f"{many.title} lies above {few.title} from day {day:g} on, although {reason}"
    if day <= censored:
        return [Finding("error", "identity-curve-order", f"{words}, and nobody is censored before that day.")]
    reason = "with patients censored earlier the two estimates may cross; read them together"
    return [Finding("warning", "identity-curve-order", f"{words}: {reason}.")]


def _check_parts(derived: Sequence[Derived]) -> list[Finding]:
    """Hold survival free of relapse against each relapse and death that compete; one that adds up is enough."""
    parts = [(one, two) for one, two in permutations(derived, 2) if _compete(one[0], two[0])]
    wholes = [whole for whole in derived if _is_whole(whole[0])]
    found = [[_check_whole(whole, one, two) for whole in wholes] for one, two in parts]
    return [finding for against in found if all(against) for finding in chain.from_iterable(against)]


def _compete(relapse: Endpoint, death: Endpoint) -> bool:
    """Return whether the event of each is the competing event of the other: relapse, and death without it."""
    named = "death" in death.events and bool({"relapse", "progression"} & {t.name for t in relapse.terms("events")})
    return named and set(relapse.events) == set(death.competing) and set(death.events) == set(relapse.competing)


def _is_whole(endpoint: Endpoint) -> bool:
    """Return whether an endpoint is, or is called, survival free of relapse; non-response is no part of the sum."""
    names = {term.name for term in endpoint.terms("events")}
    relapse = bool(names & {"relapse", "progression"}) and names <= {"relapse", "progression", "death"}
    counted = "death" in names or is_free_survival(endpoint)
    return relapse and counted and not (endpoint.competing or endpoint.non_response)


def _check_whole(whole: Derived, relapse: Derived, death: Derived) -> list[Finding]:
    fits = [fit_aalen_johansen(spells) for _, spells in (whole, relapse, death) if spells.n]
    if len(fits) < 3:
        return []
    times = np.unique(np.concatenate([fit.times for fit in fits]))
    times = times[times <= min(float(spells.stop.max()) for _, spells in (whole, relapse, death))]
    free, cir, nrm = fits[0].at(times)[:, 0], fits[1].at(times)[:, 1], fits[2].at(times)[:, 1]
    off = np.abs(free - (1.0 - cir - nrm))
    if not np.any(off > TOLERANCE * max(len(times), 1)):
        return []
    worst = int(np.argmax(off))
    names = f"{whole[0].name}, {relapse[0].name} and {death[0].name}"
    words = (
        f"{names} are read as parts of one whole, but on day {times[worst]:g} {whole[0].name} differs from 1 minus the "
        f"other two by {100 * off[worst]:.1f} percentage points: they differ in what they count, in whom, or from when."
    )
    mend = "Give the three one origin, population and censoring, and let the survival count relapse and any death."
    return [Finding("warning", "identity-lfs-cir-nrm", words, mend)]


def _first_censored(spells: Spells) -> float:
    return float(spells.stop[spells.to == CENSORED].min(initial=np.inf))
