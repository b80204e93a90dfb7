"""Tumour, CAR-T cells and loss of the antigen as a system of rates, in logarithms. Exploratory.

Source: Liu 2022, J Immunother Cancer 10:e005360 (a model of B-ALL under CAR-T cells, cells per uL and days): tumour
with the antigen grows logistically and is killed by activated CAR-T cells, which expand on it; naive CAR-T cells are
activated by it; tumour without the antigen is killed as a bystander.

In linear space the system cannot be integrated (values of 1e-10 beside 1e4): tumours are carried as logarithms. A
deterministic tumour never reaches zero, so that a nadir below one cell would regrow: an extinction rule decides.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from dayzero.errors import InputError
from dayzero.simulate.random import Floats

Bools = npt.NDArray[np.bool_]
BLOOD_UL: Final = 5e6
"""Volume in which a concentration of cells per uL is counted: five litres of blood."""
LOWEST_LOG: Final = -700.0


@dataclass(frozen=True)
class Rates:
    """Parameters of one patient, or of many where the fields are arrays; a day, cells per uL.

    Attributes
    ----------
    tumour_growth, capacity
        Logistic growth of the tumour with the antigen.
    kill, kill_half
        Killing per activated CAR-T cell, and the tumour at which it is half.
    expand, expand_half, contract
        Expansion of activated cells on the tumour, the tumour at which it is half, and their loss.
    activate, activate_half, naive_loss
        Activation of naive CAR-T cells, the tumour at which it is half, and their loss.
    negative_growth, negative_capacity, switch
        Growth of the tumour without the antigen, its capacity, and the rate at which the antigen is lost.
    bystander, bystander_half
        By what the killing of tumour without the antigen is divided, and the tumour at which it is half.
    """

    tumour_growth: float | Floats = 0.069
    capacity: float | Floats = 2939.0
    kill: float | Floats = 22.72
    kill_half: float | Floats = 5891.0
    expand: float | Floats = 1.62
    expand_half: float | Floats = 638.0
    contract: float | Floats = 0.12
    activate: float | Floats = 0.65
    activate_half: float | Floats = 1808.0
    naive_loss: float | Floats = 3e-5
    negative_growth: float | Floats = 0.1
    negative_capacity: float | Floats = 2939.0
    switch: float | Floats = 0.0
    bystander: float | Floats = 7.9
    bystander_half: float | Floats = 5956.0

    def __post_init__(self) -> None:
        """Refuse rates below 0."""
        if any(np.any(np.asarray(getattr(self, field.name)) < 0) for field in fields(self)):
            raise InputError("a rate below 0", mend="Write every rate of the tumour's model from 0.")


def rates_of_change(state: Floats, rates: Rates) -> Floats:
    """Return (4, n) the changes a day of log tumour, activated cells, naive cells, log tumour without the antigen."""
    tumour, negative = np.exp(state[0]), np.exp(state[3])
    active, naive = state[1], state[2]
    activated = rates.activate * tumour / (tumour + rates.activate_half) * naive
    lost = np.exp(np.minimum(state[0] - state[3], 50.0)) * rates.switch
    return np.stack(
        [
            rates.tumour_growth * (1 - tumour / rates.capacity) - rates.kill * active / (tumour + rates.kill_half),
            rates.expand * tumour / (tumour + rates.expand_half) * active + activated - rates.contract * active,
            -activated - rates.naive_loss * naive,
            rates.negative_growth * (1 - negative / rates.negative_capacity)
            + lost
            - rates.kill / rates.bystander * active / (negative + rates.bystander_half),
        ]
    )


def integrate(start: Floats, days: Floats, rates: Rates, *, step: float = 0.02) -> Floats:
    """Integrate the system by Runge-Kutta's fourth-order method, every patient at once.

    Parameters
    ----------
    start
        (4, n) tumour, activated cells, naive cells, tumour without the antigen on day 0, cells per uL.
    days
        (k,) days asked for, increasing from 0 or later.
    rates
        Of the patients.
    step
        Days a step, at most.

    Returns
    -------
    numpy.ndarray
        (k, 4, n) log tumour, activated, naive, log tumour without the antigen.
    """
    tiny = np.exp(LOWEST_LOG)
    state = np.stack([np.log(np.maximum(start[0], tiny)), start[1], start[2], np.log(np.maximum(start[3], tiny))])
    found, now = [], 0.0
    for day in days:
        steps = int(np.ceil((day - now) / step - 1e-9))
        for _ in range(steps):
            state = _step(state, (day - now) / steps, rates)
        now = float(day)
        found.append(state)
    return np.array(found)


def _step(state: Floats, h: float, rates: Rates) -> Floats:
    one = rates_of_change(state, rates)
    two = rates_of_change(state + h / 2 * one, rates)
    three = rates_of_change(state + h / 2 * two, rates)
    four = rates_of_change(state + h * three, rates)
    new: Floats = state + h / 6 * (one + 2 * two + 2 * three + four)
    new[0], new[3] = np.maximum(new[0], LOWEST_LOG), np.maximum(new[3], LOWEST_LOG)
    return new


def extinction_probability(cells: Floats, birth: float, death: float) -> Floats:
    """Return how probably a linear birth-death process from so many cells dies out: ``(death / birth) ** cells``.

    Source: Kendall 1948. Where deaths are at least as frequent as births it is 1.

    Examples
    --------
    >>> extinction_probability(np.array([1.0, 2.0]), birth=0.2, death=0.1)
    array([0.5 , 0.25])
    """
    if death >= birth:
        return np.ones(len(cells))
    with np.errstate(divide="ignore"):
        return np.asarray(np.power(death / birth, np.asarray(cells, float)))


def extinct(log_nadir: Floats, uniform: Floats, *, birth: float, death: float) -> Bools:
    """Return (n,) whether a tumour dies out at its nadir: below one cell in the blood always, else by chance.

    Parameters
    ----------
    log_nadir
        (n,) logarithm of its lowest concentration, cells per uL.
    uniform
        (n,) random numbers between 0 and 1.
    birth, death
        Of one cell, a day, at the nadir.
    """
    cells = np.exp(np.minimum(log_nadir + np.log(BLOOD_UL), 700.0))
    return np.asarray((cells < 1) | (uniform < extinction_probability(cells, birth, death)))
