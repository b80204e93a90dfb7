"""The page of ``dayzero protocols show``: a protocol as one HTML file, its timeline drawn."""

import base64
import hashlib
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from dayzero import __version__
from dayzero.protocol.plan_words import (
    NOT_STATED,
    criterion_words,
    decision_words,
    dose_words,
    given_words,
    visit_words,
    when_words,
)
from dayzero.report.hypertext import FILES, style_sheet, template
from dayzero.report.page_file import write_page
from dayzero.report.protocol_timeline import Lane, Timeline, timeline_of
from dayzero.report.protocol_view import ProtocolView, figure_words, what_words, who_words

_LEFT: Final = 310.0  # where day zero stands, in units of the drawing
_RIGHT: Final = 985.0
_TOP: Final = 44.0
_LINE: Final = 15.0  # between lines of small text
_LETTERS: Final = 47  # of a line of small text


@dataclass(frozen=True)
class DrawnMark:
    """A visit on the drawing: its place, and the ends of its window."""

    x: float
    start: float
    end: float


@dataclass(frozen=True)
class DrawnLane:
    """A lane on the drawing.

    Attributes
    ----------
    lane
        What is drawn.
    top, middle
        Of the lane, from the top of the drawing.
    indent
        Of its words.
    details
        Its small text, a line each.
    start, end
        Of its bar.
    marks
        Of its visits.
    """

    lane: Lane
    top: float
    middle: float
    indent: float
    details: tuple[str, ...]
    start: float
    end: float
    marks: tuple[DrawnMark, ...]

    @property
    def height(self) -> float:
        """Of the lane, with room for its words."""
        return 36.0 + _LINE * len(self.details)


@dataclass(frozen=True)
class Drawing:
    """The timeline on the drawing: lanes, and ticks with their words."""

    lanes: tuple[DrawnLane, ...]
    ticks: tuple[tuple[float, str], ...]
    height: float
    right: float = _RIGHT
    top: float = _TOP


def draw_plan(timeline: Timeline) -> Drawing:
    """Return where everything of the timeline stands on a drawing 1,000 units wide."""
    lanes: list[DrawnLane] = []
    top = _TOP + 8
    for lane in timeline.lanes:
        drawn = _lane(lane, timeline, top)
        lanes.append(drawn)
        top += drawn.height
    ticks = tuple((_x(day, timeline), words) for day, words in timeline.ticks)
    return Drawing(tuple(lanes), ticks, top)


def _lane(lane: Lane, timeline: Timeline, top: float) -> DrawnLane:
    end = _RIGHT - 6 if lane.last is None else _x(lane.last, timeline)
    indent = 20.0 * lane.level
    return DrawnLane(
        lane=lane,
        top=top,
        middle=top + 17,
        indent=indent,
        details=tuple(textwrap.wrap(lane.detail, _LETTERS - 3 * lane.level)),
        start=_x(lane.first, timeline),
        end=end,
        marks=tuple(
            DrawnMark(_x(mark.day, timeline), _x(mark.day - mark.before, timeline), _x(mark.day + mark.after, timeline))
            for mark in lane.marks
        ),
    )


def _x(day: float, timeline: Timeline) -> float:
    return round(_LEFT + (_RIGHT - 10 - _LEFT) * timeline.place(day), 1)


def describe(timeline: Timeline) -> str:
    """Return the timeline in words, for those who do not see it."""
    return " ".join(f"{lane.label}: {lane.detail}." for lane in timeline.lanes)


def render_protocol(view: ProtocolView) -> str:
    """Return the page as one HTML file, without script and without any address outside."""
    from markupsafe import Markup

    css = _style_sheet()
    timeline = timeline_of(view.protocol)
    text = template("protocol.html.j2").render(
        view=view,
        plan=view.protocol,
        timeline=timeline,
        drawing=draw_plan(timeline),
        description=describe(timeline),
        words=_WORDS,
        not_stated=NOT_STATED,
        css=Markup(css),  # noqa: S704  # our own files
        digest=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
        version=__version__,
    )
    return f"{text}\n"


_WORDS: Final[Mapping[str, object]] = {
    "when": when_words,
    "dose": dose_words,
    "given": given_words,
    "decision": decision_words,
    "criterion": criterion_words,
    "visit": visit_words,
    "figure": figure_words,
    "what": what_words,
    "who": who_words,
}


def write_protocol(view: ProtocolView, path: Path) -> None:
    """Write the page into a file, which is replaced as a whole.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    write_page(render_protocol(view), path)


@lru_cache(maxsize=1)
def _style_sheet() -> str:
    return style_sheet() + (FILES / "protocol.css").read_text(encoding="utf-8")
