"""CAR-T cell kinetics in blood: exponential growth to a peak, then a decline in two phases. Exploratory.

Source: Stein 2019, CPT Pharmacometrics Syst Pharmacol 8:285 (doi 10.1002/psp4.12388), tisagenlecleucel in 90 children
and young adults with B-ALL; the figures were read in two independent public encodings of its Table 1, which disagree on
whether the variability is a standard deviation or a variance: a named choice here.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from dayzero.simulate.random import Floats, Keys, uniforms

Spread = Literal["sd", "variance"]


@dataclass(frozen=True)
class Expansion:
    """The kinetics of one patient, or of many where the fields are arrays.

    Attributes
    ----------
    fold
        Growth from the value at day 0, as extrapolated, to the peak.
    t_max
        Day of the peak.
    c_max
        Transgene copies per ug of genomic DNA at the peak.
    alpha, beta
        Rates of the fast and of the slow decline, a day.
    slow_share
        Share of the peak that declines slowly.
    """

    fold: float | Floats = 3900.0
    t_max: float | Floats = 9.3
    c_max: float | Floats = 24_000.0
    alpha: float | Floats = 0.16
    beta: float | Floats = 0.0032
    slow_share: float | Floats = 0.0079

    @property
    def growth(self) -> float | Floats:
        """Rate of growth, a day: ``ln(fold) / t_max``."""
        return np.log(self.fold) / self.t_max

    @property
    def start(self) -> float | Floats:
        """Copies at day 0, as extrapolated: ``c_max / fold``."""
        return self.c_max / self.fold

    @property
    def doubling_time(self) -> float | Floats:
        """Days in which the cells double before the peak."""
        return np.asarray(np.log(2) / self.growth)

    @property
    def half_lives(self) -> tuple[float | Floats, float | Floats]:
        """Half-lives of the fast and of the slow decline, days."""
        return np.log(2) / self.alpha, np.log(2) / self.beta

    def at(self, day: float | Floats) -> Floats:
        """Return the copies per ug on each day; the arguments are broadcast.

        ``start * exp(growth * t)`` before the peak; after it ``c_max * ((1 - f) exp(-alpha u) + f exp(-beta u))``, u
        being the days since the peak and f the share that declines slowly.
        """
        day = np.asarray(day, float)
        since = np.maximum(day - self.t_max, 0.0)
        falling = (1 - self.slow_share) * np.exp(-self.alpha * since) + self.slow_share * np.exp(-self.beta * since)
        rising = self.start * np.exp(self.growth * np.minimum(day, self.t_max))
        return np.where(day < self.t_max, rising, self.c_max * falling)


SPREAD: Final = {"fold": 2.4, "t_max": 0.38, "c_max": 0.65, "alpha": 0.91, "slow_share": 0.80, "beta": 0.86}
"""Variability between patients of the logarithm of each parameter, as printed."""
BURDEN: Final = 0.22
DOSE: Final = 0.093
"""Effects on ln c_max of ln(burden / 19 %) and ln(dose / 3.1e6 per kg): neither was significant in the source."""


def virtual_expansions(
    keys: Keys, *, burden: Floats, dose_per_kg: Floats, spread: Spread = "sd", first_draw: int = 0
) -> Expansion:
    """Return the kinetics of virtual patients.

    Parameters
    ----------
    keys
        (n,) as :func:`dayzero.simulate.random.patient_keys` returns them.
    burden
        (n,) tumour in the marrow, a fraction.
    dose_per_kg
        (n,) CAR-T cells per kg.
    spread
        Whether the printed variability is a standard deviation (default) or a variance.
    first_draw
        Number of the first of six draws.
    """
    from scipy.special import ndtri

    typical = vars(Expansion())
    drawn = {}
    for place, (name, printed) in enumerate(SPREAD.items()):
        sd = np.sqrt(printed) if spread == "variance" else printed
        drawn[name] = typical[name] * np.exp(sd * ndtri(uniforms(keys, first_draw + place)))
    shift = BURDEN * np.log(np.maximum(burden, 1e-6) / 0.19) + DOSE * np.log(dose_per_kg / 3.1e6)
    drawn["c_max"] = drawn["c_max"] * np.exp(shift)
    drawn["slow_share"] = np.minimum(drawn["slow_share"], 1.0)
    drawn["fold"] = np.maximum(drawn["fold"], 1.0 + 1e-9)
    return Expansion(**drawn)
