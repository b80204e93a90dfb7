"""A proposed mapping: workbooks in, a study file out, with the reason and the confidence of every line.

No network and no model of language: the cells, and the words of ``names.toml``. What cannot be known is asked.
"""

from dayzero.proposals.command import Written, write_proposal
from dayzero.proposals.edits import Added, add_to
from dayzero.proposals.page import questions_page, written_page
from dayzero.proposals.questions import Question, open_questions
from dayzero.proposals.text import study_text
from dayzero.proposals.workbook import Proposal, Source, propose

__all__ = [
    "Added",
    "Proposal",
    "Question",
    "Source",
    "Written",
    "add_to",
    "open_questions",
    "propose",
    "questions_page",
    "study_text",
    "write_proposal",
    "written_page",
]
