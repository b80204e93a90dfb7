"""Findings about a sheet that its table alone does not show: hidden sheets and rows, formulas without a value."""

import numpy as np

from dayzero.errors import Finding
from dayzero.io.grid import letters
from dayzero.io.preflight_sheet import SheetFacts


def workbook_findings(facts: SheetFacts, where: str, *, is_hidden: bool) -> tuple[Finding, ...]:
    """Return the findings of a sheet.

    Parameters
    ----------
    facts
        What stands in it.
    where
        The sheet, as messages name it.
    is_hidden
        Whether it is not shown.
    """
    found = []
    if is_hidden:
        found.append(Finding("note", "hidden-sheet", "The sheet is hidden; it is read like any other.", table=where))
    if facts.hidden_rows:
        message = "Rows are hidden, by hand or by a filter; they are read like any other."
        found.append(Finding("note", "hidden-rows", message, table=where, rows=tuple(facts.hidden_rows)))
    columns, rows = facts.uncalculated.columns, facts.uncalculated.rows
    for column in np.unique(columns).tolist():
        message = "Formulas have no value, because no spreadsheet program has computed them: their cells are empty."
        mend = "Open the workbook in a spreadsheet program and save it."
        at = tuple(rows[columns == column].tolist())
        code = "formula-without-value"
        found.append(Finding("error", code, message, mend=mend, table=where, rows=at, column=letters(column)))
    return tuple(found)
