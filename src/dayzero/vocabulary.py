"""The names of events that every study and every protocol may use; others are declared."""

from typing import Final

CORE_EVENTS: Final = frozenset(
    """diagnosis enrolment apheresis bridging lymphodepletion infusion hsct dli boost response mrd relapse progression
    death last_contact crs icans agvhd cgvhd neutrophil_engraftment platelet_engraftment graft_failure infection
    second_cancer new_therapy neurotoxicity icaht iec_hs sos mrd_relapse b_cell_recovery leukocyte_engraftment
    platelet_engraftment_50""".split()
)
