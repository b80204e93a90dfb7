"""Table 1: the patients at baseline."""

from collections.abc import Mapping
from typing import Any, Final

from dayzero.estimate import Estimate
from dayzero.report.formats import NONE, count, percent, plain, printable
from dayzero.report.labels import column_label, group_labels, split_group
from dayzero.report.tables import Row, Table

_NUMERIC: Final = "median"
_Cells = Mapping[tuple[str | None, str | None, str], dict[str, Any]]


def table_one(estimate: Estimate) -> Table | None:
    """Lay out the rows of a description: median and range of numbers, counts and per cent of levels, missing values.

    Parameters
    ----------
    estimate
        Rows ``median``, ``lower_quartile``, ``upper_quartile``, ``minimum``, ``maximum`` of a numeric column (its name
        is the ``term``), ``count`` and ``proportion`` of a level (``term`` is ``column=value``) and ``missing`` of a
        column, overall (``group`` null) and by group.
    """
    rows = estimate.rows
    if not rows.height:
        return None
    groups = rows["group"].unique(maintain_order=True).to_list()
    cells: _Cells = {(row["term"], row["group"], row["statistic"]): row for row in estimate.records()}
    columns = list(dict.fromkeys(_column(row["term"], row["statistic"]) for row in estimate.records()))
    lines = [line for column in columns for line in _variable(column, groups, cells)]
    names = group_labels(groups)
    by = {split_group(group)[0] for group in groups if group}
    note = "Numbers: median (quartiles; range). Levels: patients (% of those with a value)."
    note += f" Groups by {column_label(', '.join(sorted(by)))}." if by else ""
    return Table("Patients at baseline", ("", *names.values()), tuple(lines), note)


def _column(term: str | None, statistic: str) -> str:
    """Return the column that a row describes: a level's term is ``column=value``."""
    text = term or ""
    return split_group(text)[0] or text if statistic in {"count", "proportion"} else text


def _variable(column: str, groups: list[str | None], cells: _Cells) -> list[Row]:
    """Lines of one baseline column."""
    if (column, None, _NUMERIC) in cells or any((column, group, _NUMERIC) in cells for group in groups):
        lines = [Row(column_label(column), tuple(_summary(column, group, cells) for group in groups))]
    else:
        levels = dict.fromkeys(t for t, _, s in cells if s == "count" and t and t.startswith(f"{column}="))
        lines = [Row(column_label(column))]
        lines += [Row(_level(t, column), tuple(_share(t, group, cells) for group in groups), 1) for t in levels]
    missing = [cells.get((column, group, "missing"), {}).get("estimate") for group in groups]
    return [*lines, Row("missing", tuple(map(count, missing)), 1)] if any(missing) else lines


def _level(term: str, column: str) -> str:
    return printable(split_group(term, column)[1]) or "(empty)"


def _summary(column: str, group: str | None, cells: _Cells) -> str:
    names = (_NUMERIC, "lower_quartile", "upper_quartile", "minimum", "maximum")
    found = [cells.get((column, group, name), {}).get("estimate") for name in names]
    if found[0] is None:
        return NONE
    median, lower, upper, least, most = map(plain, found)
    return f"{median} ({lower}–{upper}; {least}–{most})"


def _share(term: str, group: str | None, cells: _Cells) -> str:
    number = cells.get((term, group, "count"), {}).get("estimate")
    share = cells.get((term, group, "proportion"), {}).get("estimate")
    return NONE if number is None else f"{count(number)} ({percent(share)})"
