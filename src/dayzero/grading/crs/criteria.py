"""What a grade of CRS may rest on: criteria as three-valued statements about each row of a bedside table.

Editions name them in their rules. They are nested where a scale is: a vasopressor is hypotension, high flow is oxygen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from dayzero.grading.crs.table import fio2
from dayzero.grading.table import Bedside
from dayzero.grading.truth import Bools, Floats, Truth, above, assumed_no, at_least

HIGH_FLOW: Final = ("facemask", "non_rebreather", "venturi", "hfnc")
NIV: Final = ("cpap", "bipap")
ROOM_AIR: Final = 0.21


@dataclass(frozen=True)
class Signs:
    """The signs of each row, by one edition's limits.

    Attributes
    ----------
    table
        The bedside table.
    limits
        The edition's thresholds by name.
    """

    table: Bedside
    limits: Mapping[str, float]

    @cached_property
    def unattributed(self) -> Truth:
        """No other cause was named; an empty cell is taken for none (an assumption)."""
        return ~assumed_no(self.table.flag("other_cause"))

    @cached_property
    def fever(self) -> Truth:
        """Fever that no other cause explains."""
        return at_least(self.table.number("temp_c"), self.limits["fever"]) & self.unattributed

    @cached_property
    def vasopressin(self) -> Truth:
        """Vasopressin runs."""
        return self.table.flag("vasopressin")

    @cached_property
    def any_pressor(self) -> Truth:
        """A vasopressor, or vasopressin alone."""
        return at_least(self.table.number("vasopressors"), 1) | self.vasopressin

    @cached_property
    def two_pressors(self) -> Truth:
        """Two vasopressors at once, vasopressin not counted."""
        return at_least(self.table.number("vasopressors"), 2)

    @cached_property
    def two_pressors_of_any_kind(self) -> Truth:
        """Two vasopressors at once, vasopressin counted."""
        return self.two_pressors | (at_least(self.table.number("vasopressors"), 1) & self.vasopressin)

    @cached_property
    def high_dose(self) -> Truth:
        """A high dose for long enough; with vasopressin, the lower limit."""
        nee, limits = self.table.number("pressor_nee"), self.limits
        enough = at_least(nee, limits["nee"]) | (self.vasopressin & at_least(nee, limits["nee_with_vasopressin"]))
        return self.any_pressor & enough & at_least(self.table.number("pressor_hours"), limits["pressor_hours"])

    @cached_property
    def hypotension(self) -> Truth:
        """Hypotension, or what is given against it."""
        return self.table.flag("hypotension") | self.any_pressor

    @cached_property
    def fluids(self) -> Truth:
        """Hypotension treated with fluids."""
        return self.hypotension & self.table.flag("fluids")

    @cached_property
    def intubated_otherwise(self) -> Bools:
        """Intubated for another reason than hypoxia; no reason given is taken for hypoxia (an assumption)."""
        return self.table.is_any("o2_device", "imv").yes & self.table.is_any("intubation_reason", "other").yes

    def _device(self, *words: str) -> Truth:
        """One of the devices, unless it is a tube for another reason: then only where the patient needs oxygen.

        How much cannot be told from a tube that is in for another reason: above room air it is unknown.
        """
        device = self.table.is_any("o2_device", *words)
        if "imv" not in words or not self.intubated_otherwise.any():
            return device
        air = ~above(fio2(self.table), ROOM_AIR)
        tube = self.intubated_otherwise
        return Truth(device.yes & ~tube, np.where(tube, air.yes, device.no))

    @cached_property
    def ventilator(self) -> Truth:
        """Intubated and ventilated for hypoxia."""
        return self._device("imv")

    @cached_property
    def positive_pressure(self) -> Truth:
        """CPAP, BiPAP, or ventilated."""
        return self._device(*NIV, "imv")

    @cached_property
    def high_flow(self) -> Truth:
        """A mask, or more than low flow through a cannula, or positive pressure."""
        flow = self.table.number("o2_flow_l_min")
        cannula = self.table.is_any("o2_device", "nasal_cannula")
        return self._device(*HIGH_FLOW, *NIV, "imv") | (cannula & above(flow, self.limits["low_flow"]))

    @cached_property
    def oxygen(self) -> Truth:
        """Any oxygen."""
        return self._device("blow_by", "nasal_cannula", *HIGH_FLOW, *NIV, "imv")

    @cached_property
    def estimated(self) -> Bools:
        """Return where FiO2 is estimated from the flow through a cannula."""
        cannula = self.table.is_any("o2_device", "nasal_cannula").yes
        return cannula & self.table.missing("fio2") & ~self.table.missing("o2_flow_l_min")

    @cached_property
    def inspired(self) -> Floats:
        """FiO2, or where only the flow through a cannula is known .21 + .04 a litre, at most .44."""
        guess = np.minimum(0.44, ROOM_AIR + 0.04 * self.table.number("o2_flow_l_min"))
        return np.where(self.estimated, guess, fio2(self.table))

    @cached_property
    def high_fio2(self) -> Truth:
        """Oxygen at the limit or above."""
        return self.oxygen & at_least(self.inspired, self.limits["high_fio2"])

    @cached_property
    def symptoms(self) -> Truth:
        """Fever, hypotension or oxygen."""
        return self.fever | self.hypotension | self.oxygen

    @cached_property
    def hospitalised(self) -> Truth:
        """In hospital with a symptom."""
        return self.symptoms & self.table.flag("hospitalised")

    @cached_property
    def intervention(self) -> Truth:
        """A symptom that is treated."""
        given = self.fever & self.table.flag("antipyretic_or_anticytokine")
        return self.hypotension | self.oxygen | given

    @cached_property
    def sequelae(self) -> Truth:
        """In hospital with organ toxicity."""
        return self.table.flag("hospitalised") & self.toxicity("organ_grade", 2)

    @cached_property
    def death(self) -> Truth:
        """Death of CRS; an empty cell is taken for no (an assumption)."""
        return assumed_no(self.table.flag("died_of_crs"))

    def toxicity(self, column: str, grade: int) -> Truth:
        """Return whether a CTCAE grade is at least so high."""
        return at_least(self.table.number(column), grade)

    @cached_property
    def quiet(self) -> Truth:
        """Without fever, hypotension and oxygen."""
        return ~(at_least(self.table.number("temp_c"), self.limits["fever"]) | self.hypotension | self.oxygen)


@dataclass(frozen=True)
class Criterion:
    """A criterion: how it is computed, what it is called as a driver, and the columns that it needs."""

    holds: Callable[[Signs], Truth]
    driver: str
    columns: tuple[str, ...]


_PRESSORS: Final = ("vasopressors", "vasopressin")
_DOSE: Final = (*_PRESSORS, "pressor_nee", "pressor_hours")
_DEVICE: Final = ("o2_device", "fio2_of_tube")
_FEVER: Final = ("temp_c",)


def _organ(column: str, grade: int) -> Criterion:
    return Criterion(lambda signs: signs.toxicity(column, grade), "organ_toxicity", (column,))


CRITERIA: Final[Mapping[str, Criterion]] = {
    "fever": Criterion(lambda s: s.fever, "fever", _FEVER),
    "hypotension": Criterion(lambda s: s.hypotension, "hypotension", ("hypotension", *_PRESSORS)),
    "any_pressor": Criterion(lambda s: s.any_pressor, "hypotension", _PRESSORS),
    "two_pressors": Criterion(lambda s: s.two_pressors, "hypotension", ("vasopressors",)),
    "two_pressors_of_any_kind": Criterion(lambda s: s.two_pressors_of_any_kind, "hypotension", _PRESSORS),
    "high_dose": Criterion(lambda s: s.high_dose, "hypotension", _DOSE),
    "fluids": Criterion(lambda s: s.fluids, "hypotension", ("hypotension", *_PRESSORS, "fluids")),
    "oxygen": Criterion(lambda s: s.oxygen, "hypoxia", _DEVICE),
    "high_flow": Criterion(lambda s: s.high_flow, "hypoxia", (*_DEVICE, "o2_flow_l_min")),
    "positive_pressure": Criterion(lambda s: s.positive_pressure, "hypoxia", _DEVICE),
    "ventilator": Criterion(lambda s: s.ventilator, "hypoxia", _DEVICE),
    "high_fio2": Criterion(lambda s: s.high_fio2, "hypoxia", ("o2_device", "fio2")),
    "symptoms": Criterion(lambda s: s.symptoms, "symptoms", (*_FEVER, "hypotension", *_PRESSORS, *_DEVICE)),
    "hospitalised": Criterion(
        lambda s: s.hospitalised, "hospitalised", ("hospitalised", *_FEVER, "hypotension", *_PRESSORS, *_DEVICE)
    ),
    "intervention": Criterion(
        lambda s: s.intervention,
        "treatment",
        ("hypotension", *_PRESSORS, *_DEVICE, *_FEVER, "antipyretic_or_anticytokine"),
    ),
    "sequelae": Criterion(lambda s: s.sequelae, "organ_toxicity", ("hospitalised", "organ_grade")),
    "organ_2": _organ("organ_grade", 2),
    "organ_3": _organ("organ_grade", 3),
    "organ_4": _organ("organ_grade", 4),
    "transaminase_2": _organ("transaminase_grade", 2),
    "transaminase_3": _organ("transaminase_grade", 3),
    "transaminase_4": _organ("transaminase_grade", 4),
    "death": Criterion(lambda s: s.death, "death", ("died_of_crs",)),
}
