"""The study: a protocol and histories in, findings, estimates and pages out. It alone knows the order of steps."""

from dayzero.study.model import Analysis, Header, Results, Study
from dayzero.study.read import read_study
from dayzero.study.run import check_study, endpoints_of, run
from dayzero.study.save_mapped import save_mapped

__all__ = ["Analysis", "Header", "Results", "Study", "check_study", "endpoints_of", "read_study", "run", "save_mapped"]
