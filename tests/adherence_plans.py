"""Plans for the tests of adherence, and what is found against them."""

import polars as pl

from dayzero.adherence import deviations
from dayzero.history import History
from dayzero.protocol import Protocol, library
from dayzero.protocol.plan import Course

INFUSION = Course(name="infusion", event="infusion:1")
ASCT = Course(name="ASCT", event="hsct", after="infusion:1", window=(42.0, 56.0))
SECOND = Course(name="second", event="infusion:2", after="hsct", window=(2.0, 2.0))
SANDWICH = (INFUSION, ASCT, SECOND)


def planned(*courses: Course, **more: object) -> Protocol:
    return Protocol(definitions=library().definitions, courses=courses, **more)  # type: ignore[arg-type]


def named(cohort: History, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(cohort.patients["patient"].gather(frame["patient"]).alias("patient"))


def found(cohort: History, protocol: Protocol, rule: str = "") -> list[tuple[str, str, str]]:
    rows = named(cohort, deviations(cohort, protocol)).filter(pl.col("rule").is_in([rule] if rule else RULES))
    return [(str(a), str(b), str(c)) for a, b, c in rows.select("patient", "course", "rule").iter_rows()]


RULES = ("window", "order", "missing", "dose", "product", "lymphodepletion", "decision", "not_planned")
