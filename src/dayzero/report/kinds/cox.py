"""Proportional hazards models on the page."""

from functools import partial
from typing import Final

from dayzero.report.cox_curves import adjusted_differences, model_measures, predicted_survival
from dayzero.report.cox_table import hazard_ratios, model_tests
from dayzero.report.figures import draw_survival
from dayzero.report.forest import draw_forest
from dayzero.report.kinds.kind import Drawing, Kind
from dayzero.report.labels import in_sentence
from dayzero.report.page import Section
from dayzero.report.tables import rows_of
from dayzero.report.words import describe_model


def _drawings(section: Section) -> tuple[Drawing, ...]:
    return (*_forest(section), *_adjusted(section))


def _forest(section: Section) -> tuple[Drawing, ...]:
    if not any(row["estimate"] is not None for row in rows_of(section, "hazard_ratio")):
        return ()
    title = f"Hazard ratios of {in_sentence(section.label)}, with their confidence intervals."
    return (Drawing("forest", title, " ".join(describe_model(section)) or title, partial(draw_forest, section)),)


def _adjusted(section: Section) -> tuple[Drawing, ...]:
    if not section.curves.rows.height:
        return ()
    heading = f"{section.label}, adjusted"
    title = f"{heading}: the average of the model’s predictions had everybody been in the group."
    said = f"{title} The table below has the numbers."
    return (Drawing("adjusted-survival", title, said, partial(draw_survival, section, heading=heading)),)


KIND: Final = Kind(
    sentences=describe_model,
    drawings=_drawings,
    tables=lambda section: (
        hazard_ratios(section),
        model_tests(section),
        model_measures(section),
        predicted_survival(section),
        adjusted_differences(section),
    ),
    details=lambda _: (),
)
