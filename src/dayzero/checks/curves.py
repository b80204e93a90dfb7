"""What a reader of a curve must know: deaths that are censored, and times at which hardly anybody is left."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from dayzero.checks.evidence import counted
from dayzero.endpoints import derive_spells
from dayzero.errors import Finding, Level
from dayzero.estimate import Estimate
from dayzero.history import History
from dayzero.protocol import Endpoint, listed, term_words
from dayzero.protocol.naming import is_non_relapse_mortality

FEW: Final = 5
SHARE: Final = 0.10
"""A rate on fewer patients at risk, or a smaller share of them, says little (clinical rule book 7.1)."""
DISEASE: Final = frozenset({"relapse", "progression"})


def not_competing(history: History, endpoint: Endpoint) -> tuple[Finding, ...]:
    """Find what ends the risk of an endpoint's event, and is censored instead of competing (guard CIF_NOT_KM).

    Parameters
    ----------
    history
        What happened.
    endpoint
        The endpoint of a curve, its definitions filled in.

    Returns
    -------
    tuple of Finding
        ``death-not-competing``: death is neither an event nor competing, and patients die without the event.
        ``relapse-not-competing``: a mortality that leaves out, or should by its name, the deaths after relapse.
    """
    if "death" not in (*endpoint.events, *endpoint.competing):
        return _found(history, endpoint, "death")
    cut = DISEASE & {term.name for term in endpoint.terms("censor_at")}
    mortality = endpoint.events == ("death",) and (bool(cut) or is_non_relapse_mortality(endpoint))
    rivals = {term.name for term in endpoint.terms("competing")}
    return _found(history, endpoint, "relapse") if mortality and not rivals & DISEASE else ()


def _found(history: History, endpoint: Endpoint, rival: str) -> tuple[Finding, ...]:
    n = _leaving_by(history, endpoint, rival)
    if not n:
        return ()
    event = listed([term_words(text) for text in endpoint.events], "or")
    code, ends = {
        "death": ("death-not-competing", f"died without {event}, and count as if they could still have it"),
        "relapse": ("relapse-not-competing", "relapsed first, and relapse does not compete"),
    }[rival]
    message = (
        f"{endpoint.name}: {counted(n, 'patient')} {ends}: 1 minus this curve (1 - KM) is not the cumulative "
        "incidence, it lies above it."
    )
    mend = f'Add competing = ["{rival}"] to the endpoint: the curve becomes the Aalen-Johansen estimate.'
    return (Finding("warning", code, message, mend),)


def _leaving_by(history: History, endpoint: Endpoint, rival: str) -> int:
    """Return how many patients would leave the endpoint by the rival, were it competing."""
    kept = tuple(text for text, term in zip(endpoint.censor_at, endpoint.terms("censor_at"), strict=True)
                 if not (rival == "relapse" and term.name in DISEASE))  # fmt: skip
    rivals = replace(endpoint, competing=(*endpoint.competing, rival), censor_at=kept)
    spells = derive_spells(history, rivals)
    return int(np.count_nonzero(spells.to == len(rivals.competing) + 1))


def few_at_risk(estimates: Estimate, *, name: str, asked: Collection[float]) -> tuple[Finding, ...]:
    """Find times at which fewer than five patients, or fewer than 10 % of them, are at risk (guard ATRISK_FLOOR).

    Where all others have had an event, and nobody was censored, a rate is a plain proportion: it is left alone.

    Parameters
    ----------
    estimates
        With rows ``n_at_risk`` at fixed times, and the ``n`` and ``n_events`` of each.
    name
        Of the endpoint.
    asked
        The times that the study asks for: their finding is a warning, that of times taken by default a note; and so is
        that of a cumulative incidence, whose patients leave the risk by the event that it counts.
    """
    rows = estimates.where(statistic="n_at_risk").rows
    floor = pl.max_horizontal(pl.lit(float(FEW)), SHARE * pl.col("n"))
    censored = pl.col("n") - pl.col("estimate") - pl.col("n_events").fill_null(0) > 0
    few = rows.filter((pl.col("estimate") < floor) & (censored | (pl.col("n") < FEW)))
    days = few["time"].unique().sort().to_list()
    if not days:
        return ()
    incidence = len(estimates.where(statistic="cumulative_incidence")) > 0
    level: Level = "warning" if set(days) & set(asked) and not incidence else "note"
    groups = rows["group"].n_unique()
    among = f", in one or more of {groups} groups" if groups > 1 else ""
    when = listed([f"{day:,.0f}" for day in days])
    message = (
        f"{name}: fewer than {FEW} patients, or than {100 * SHARE:.0f} % of them, are at risk on day {when}{among}: "
        "the rates there are marked, and say little."
    )
    return (Finding(level, "few-at-risk", message, "Print rates only as far as enough patients are followed."),)
