"""The study: a protocol and histories in, findings, estimates and pages out. It alone knows the order of steps."""

from dayzero.study.model import Analysis, Header, Results, Study
from dayzero.study.read import read_study
from dayzero.study.run import run

__all__ = ["Analysis", "Header", "Results", "Study", "read_study", "run"]
