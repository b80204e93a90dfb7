"""Virtual cohorts: a semi-Markov model of states, a ledger of courses, and the History that they would have left."""

from dayzero.simulate.cohort import Cohort, simulate_cohort
from dayzero.simulate.export import event_history, write_event_history
from dayzero.simulate.plan import Simulation
from dayzero.simulate.read import built_in, read_simulation
from dayzero.simulate.write import write_cohort

__all__ = [
    "Cohort",
    "Simulation",
    "built_in",
    "event_history",
    "read_simulation",
    "simulate_cohort",
    "write_cohort",
    "write_event_history",
]
