"""Table 1: the patients at baseline."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dayzero.estimate import Estimate
from dayzero.report.formats import NONE, count, percent, plain, plural, printable, sentence_case
from dayzero.report.labels import column_label, group_labels, split_group
from dayzero.report.tables import Row, Table

_NUMERIC: Final = "median"
_Groups = Sequence[str | None]
_Cells = Mapping[tuple[str | None, str | None, str], dict[str, Any]]


def table_one(estimate: Estimate) -> Table | None:
    """Lay out the rows of a description: median, quartiles and range of numbers, counts of levels, missing values.

    Parameters
    ----------
    estimate
        Rows ``median``, ``lower_quartile``, ``upper_quartile``, ``minimum``, ``maximum`` of a numeric column (its name
        is the ``term``), ``count`` and ``proportion`` of a level (``term`` is ``column=value``) and ``missing`` of a
        column, overall (``group`` null) and by group; ``n`` counts the group's patients with a value.

    Returns
    -------
    Table or None
        The groups' sizes stand in the header; None where there is nothing to describe.
    """
    rows = estimate.rows
    if not rows.height:
        return None
    groups: _Groups = rows["group"].unique(maintain_order=True).to_list()
    cells: _Cells = {(row["term"], row["group"], row["statistic"]): row for row in estimate.records()}
    columns = list(dict.fromkeys(_column(row["term"], row["statistic"]) for row in estimate.records()))
    lines = [line for column in columns for line in _variable(column, groups, cells)]
    sizes = _sizes(cells)
    header = tuple(f"{name}\nn = {sizes[group]}" if group in sizes else name
                   for group, name in group_labels(groups).items())  # fmt: skip
    by = column_label(", ".join(sorted({split_group(group)[0] for group in groups if group})))
    caption = f"Patients at baseline, by {by}" if by else "Patients at baseline"
    return Table(caption, ("", *header), tuple(lines), _note(lines, sizes, by))


def _column(term: str | None, statistic: str) -> str:
    """Return the column that a row describes: a level's term is ``column=value``."""
    text = term or ""
    return split_group(text)[0] or text if statistic in {"count", "proportion"} else text


def _sizes(cells: _Cells) -> dict[str | None, int]:
    """Return the size of each group: its patients with a value of some column, and those without."""
    return {group: row["n"] + int(row["estimate"]) for (_, group, statistic), row in cells.items()
            if statistic == "missing" and row["n"] is not None}  # fmt: skip


def _note(lines: Sequence[Row], sizes: Mapping[str | None, int], by: str) -> str:
    """Say what the denominators are where they are not the sizes in the header."""
    notes = []
    if any(line.name == _MISSING for line in lines):
        notes.append("Percentages are of the patients with a value.")
    without = sizes.get(None, 0) - sum(n for group, n in sizes.items() if group is not None)
    if by and without > 0:
        notes.append(f"{plural(without, 'patient')} without a value of {by}: in the first column only.")
    return " ".join(notes)


_MISSING: Final = "missing"


def _variable(column: str, groups: _Groups, cells: _Cells) -> list[Row]:
    """Lines of one baseline column."""
    name = sentence_case(column_label(column))
    if any((column, group, _NUMERIC) in cells for group in groups):
        summaries = tuple(_summary(column, group, cells) for group in groups)
        lines = [Row(f"{name}, median (quartiles)\nrange", summaries)]
    else:
        levels = dict.fromkeys(t for t, _, s in cells if s == "count" and t and t.startswith(f"{column}="))
        lines = [Row(f"{name}, n (%)")]
        lines += [Row(_level(t, column), tuple(_share(t, group, cells) for group in groups), 1) for t in levels]
    missing = [cells.get((column, group, "missing"), {}).get("estimate") for group in groups]
    return [*lines, Row(_MISSING, tuple(map(count, missing)), 1)] if any(missing) else lines


def _level(term: str, column: str) -> str:
    return printable(split_group(term, column)[1]) or "(empty)"


def _summary(column: str, group: str | None, cells: _Cells) -> str:
    names = (_NUMERIC, "lower_quartile", "upper_quartile", "minimum", "maximum")
    found = [cells.get((column, group, name), {}).get("estimate") for name in names]
    if found[0] is None:
        return NONE
    median, lower, upper, least, most = map(plain, found)
    return f"{median} ({lower}–{upper})\n{least}–{most}"


def _share(term: str, group: str | None, cells: _Cells) -> str:
    number = cells.get((term, group, "count"), {}).get("estimate")
    share = cells.get((term, group, "proportion"), {}).get("estimate")
    return NONE if number is None else f"{count(number)} ({percent(share)})"
