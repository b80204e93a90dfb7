"""Proportional hazards models on the page."""

from functools import partial
from typing import Final

from dayzero.report.cox_table import hazard_ratios, model_tests
from dayzero.report.forest import draw_forest
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.labels import in_sentence
from dayzero.report.page import Section
from dayzero.report.tables import rows_of
from dayzero.report.words import describe_model


def _drawings(section: Section) -> tuple[Drawing, ...]:
    if not any(row["estimate"] is not None for row in rows_of(section, "hazard_ratio")):
        return ()
    title = f"Hazard ratios of {in_sentence(section.label)}, with their confidence intervals."
    return (Drawing("forest", title, " ".join(describe_model(section)) or title, partial(draw_forest, section)),)


KIND: Final = Kind(
    sentences=describe_model,
    drawings=_drawings,
    tables=lambda section: (hazard_ratios(section), model_tests(section)),
    details=lambda _: (),
)
