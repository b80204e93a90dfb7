"""What a reader must know of adherence: deviations, patients who were not eligible, criteria that nobody can check."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from dayzero.adherence import Adherence, Judged, eligible
from dayzero.errors import Finding
from dayzero.history import History
from dayzero.protocol import listed
from dayzero.spells import Bools

_SAID: Final = {
    "window": "outside the window, {planned}",
    "order": "not {planned}",
    "missing": "not given, {planned}, though the patients were alive, free of relapse and under observation",
    "dose": "with a dose outside {planned}",
    "product": "with another product than planned ({planned})",
    "lymphodepletion": "without {planned}",
    "decision": "given where the protocol asks for another condition ({planned})",
    "not_planned": "beyond the plan, before any relapse or progression",
}


def find_adherence(history: History, found: Adherence) -> tuple[Finding, ...]:
    """Return ``protocol-deviation``, ``not-eligible`` and ``eligibility-unknown``; no finding has a patient's value."""
    deviated = [_deviation(history, each) for each in found.judged if each.rule != "visit" and each.wrong.any()]
    return (*deviated, *_visits(history, found), *_not_eligible(history, found), *_not_known(history, found))


def _patients(history: History, who: Bools) -> tuple[int, ...]:
    return tuple(sorted(history.patient_rows[np.flatnonzero(who)].tolist()))


def _of(n: int, total: int) -> str:
    return f"{n} of {total} patient{'' if total == 1 else 's'}"


def _deviation(history: History, each: Judged) -> Finding:
    rows = tuple(sorted(int(row) for row in each.row[each.wrong] if row > 0))
    said = _SAID[each.rule].format(planned=each.planned)
    message = f"{each.course}: {_of(int(each.wrong.sum()), int(each.judged.sum()))} {said}."
    mend = "Correct the dates or the cells where they are wrong; else it is a deviation, and stays in the analysis."
    patients = _patients(history, each.wrong)
    table = "events" if rows else ""
    return Finding("note", "protocol-deviation", message, mend, table=table, rows=rows, patient_rows=patients)


def _visits(history: History, found: Adherence) -> Iterator[Finding]:
    """Yield one finding a series of visits."""
    series: dict[str, list[Judged]] = {}
    for each in found.judged:
        if each.rule == "visit" and each.wrong.any():
            series.setdefault(each.course.rpartition(", month ")[0], []).append(each)
    for name, months in series.items():
        missed = sum(int(each.wrong.sum()) for each in months)
        due = sum(int(each.judged.sum()) for each in months)
        who = np.any([each.wrong for each in months], axis=0)
        at = listed([each.course.rpartition(", month ")[2] for each in months])
        message = f"{name}: {missed} of {due} visits that were due in month {at} were missed."
        mend = "Add the assessments that were made."
        yield Finding("note", "protocol-deviation", message, mend, patient_rows=_patients(history, who))


def _not_eligible(history: History, found: Adherence) -> Iterator[Finding]:
    who = eligible(found.criteria, len(history)).no
    if not who.any():
        return
    failed = [each.criterion for each in found.criteria if each.passed.no.any()]
    names = listed([f"{each.criterion} ({each.kind})" for each in failed])
    message = f"{_of(int(who.sum()), len(history))} did not meet the protocol's eligibility: {names}."
    mend = "Check the cells; patients stay in the analysis, for leaving them out afterwards would choose."
    patients = _patients(history, who)
    yield Finding("warning", "not-eligible", message, mend, patient_rows=patients)


def _not_known(history: History, found: Adherence) -> Iterator[Finding]:
    nobody = [each for each in found.criteria if each.why]
    if nobody:
        reasons = "; ".join(f"{each.criterion.criterion} ({each.why})" for each in nobody)
        message = f"{len(nobody)} of {len(found.criteria)} criteria of eligibility are unknown of everybody: {reasons}."
        mend = "Add the columns or the events; what stands in words alone must be looked up."
        yield Finding("note", "eligibility-unknown", message, mend)
    for each in found.criteria:
        who = each.met.unknown
        if not each.why and who.any():
            what = each.criterion.criterion
            message = f"{what}: unknown of {_of(int(who.sum()), len(history))}, and counted neither way."
            column = each.criterion.column
            patients = _patients(history, who)
            mend = "Fill the cells in." if column else "Look the dates up."
            yield Finding("note", "eligibility-unknown", message, mend, patient_rows=patients, column=column)
