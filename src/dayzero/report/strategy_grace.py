"""Clone-censor-weight under other grace periods, on the page: what hangs on the choice of the days."""

from collections.abc import Callable, Mapping
from typing import Final

from dayzero.report.footnotes import explain, footnotes, mark
from dayzero.report.formats import NONE, Number, days_as, percent
from dayzero.report.labels import split_group
from dayzero.report.page import Section
from dayzero.report.strategy_rows import GRACE, Record, absent
from dayzero.report.strategy_tables import ratio_cell
from dayzero.report.tables import Row, Table, duration_unit, rows_of

CONTRASTS: Final = ("hazard_ratio", "risk_difference", "rmst_difference")


def grace_periods(section: Section) -> Table | None:
    """Clone-censor-weight under other grace periods, a line each; none where no other was asked for."""
    found = [row for row in rows_of(section, *CONTRASTS) if row["kind"] == GRACE]
    marks, unit = footnotes(found), duration_unit(section)
    lines = []
    for group in dict.fromkeys(row["group"] for row in found):
        row_of = {row["statistic"]: row for row in found if row["group"] == group}
        cells = (
            ratio_cell(row_of.get("hazard_ratio"), marks),
            _gap(row_of.get("risk_difference"), marks, percent),
            _gap(row_of.get("rmst_difference"), marks, lambda value: days_as(value, unit)),
        )
        lines.append(Row(f"{split_group(group, 'grace')[1]} days", cells))
    header = ("Grace period", f"Hazard ratio\n({section.confidence})", "Risk difference\npoints",
              f"RMST difference\n{unit}")  # fmt: skip
    read = "Without a bootstrap: the ratio's limits take the weights as known, the differences have none."
    return (
        Table("Clone-censor-weight, other grace periods", header, tuple(lines), explain(marks, read)) if lines else None
    )


def _gap(row: Record | None, marks: Mapping[str, str], write: Callable[[Number], str]) -> str:
    if row is None:
        return NONE
    return absent(row) + mark(row, marks) if row["estimate"] is None else write(row["estimate"]).replace("-", "−")
