"""The doctor: what to look up in the data of a study, sorted by what it would change in the results."""

from itertools import accumulate
from typing import Final

from dayzero.doctor.changes import Case, Change, change_of
from dayzero.doctor.concerns import Concern, concerns_of
from dayzero.doctor.questions import answer, questions_of, texts_of
from dayzero.report.doctor_page import DoctorPage, Item
from dayzero.report.formats import sentence_case
from dayzero.report.labels import column_label
from dayzero.study import Study, endpoints_of

__all__ = ["examine"]

MOST_RUNS: Final = 200
MOST_EVENTS: Final = 20_000_000
"""Events that all runs together may look at."""
LEVELS: Final = {"error": 0, "warning": 1, "note": 2}


def examine(study: Study) -> DoctorPage:
    """Hold a study's numbers against what was found in its data.

    Parameters
    ----------
    study
        As read.

    Returns
    -------
    DoctorPage
        What to look up, first what moves the numbers farthest: the rates of every curve on its first day, and the
        hazard ratios of every Cox model. Neither identifiers nor values of patients are on it.

    Notes
    -----
    At most 200 runs, fewer where there are more than 100,000 events.
    """
    questions = questions_of(study)
    case = Case(
        history=study.history,
        endpoints=tuple(endpoints_of(study)),
        texts=texts_of(study),
        protocol=study.protocol,
        questions=questions,
        now=answer(questions, study.history, protocol=study.protocol),
    )
    concerns = sorted(concerns_of(study), key=lambda each: LEVELS[each.finding.level])
    runs = accumulate(2 if each.undated else 1 for each in concerns)
    most = min(MOST_RUNS, MOST_EVENTS // max(study.history.events.height, 1))
    changes = [(each, change_of(each, case, run=n <= most)) for each, n in zip(concerns, runs, strict=True)]
    changes.sort(key=lambda pair: (-pair[1].size, -pair[1].lost, LEVELS[pair[0].finding.level]))
    return DoctorPage(
        title=study.header.title,
        items=tuple(_item(*pair) for pair in changes),
        numbers=tuple((number.words, number.write(value)) for number, value in case.now.items()),
        facts={"Data": ", ".join(list(study.inputs)[1:]), "Patients": f"{len(study.history):,}"},
        synthetic=study.header.synthetic,
    )


def _item(concern: Concern, change: Change) -> Item:
    finding = concern.finding
    name = sentence_case(column_label(finding.code.replace("-", "_")))
    return Item(
        level=finding.level,
        code=finding.code,
        heading=f"{name}: {column_label(concern.event)}" if concern.event else name,
        what=finding.message,
        mend=finding.mend,
        changes=change.words,
        moves=change.size > 0 or change.lost > 0,
        places=concern.places,
    )
