"""The report: estimates in, pages out. Nothing here computes a statistic."""

from dayzero.report.axis import TimeAxis, time_axis
from dayzero.report.document import render_html, report_files, write_report
from dayzero.report.figures import draw_cumulative_incidence, draw_survival
from dayzero.report.forest import draw_forest
from dayzero.report.page import FlowStep, Page, Section
from dayzero.report.tables import Row, Table

__all__ = [
    "FlowStep",
    "Page",
    "Row",
    "Section",
    "Table",
    "TimeAxis",
    "draw_cumulative_incidence",
    "draw_forest",
    "draw_survival",
    "render_html",
    "report_files",
    "time_axis",
    "write_report",
]
