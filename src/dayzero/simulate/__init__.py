"""Virtual cohorts: a semi-Markov model of states, a ledger of courses, and the History that they would have left."""
