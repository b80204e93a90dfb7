"""The page: one self-contained HTML file that asks for nothing from anywhere and runs no script."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from dayzero import __version__
from dayzero.errors import Finding
from dayzero.report.formats import listed, plural, printable
from dayzero.report.kinds import Drawing, Part, kind_of
from dayzero.report.page import FlowStep, Page, Section
from dayzero.report.palette import DARK
from dayzero.report.svg import to_svg
from dayzero.report.table_one import table_one
from dayzero.report.tables import Table, follow_up

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

LEVELS: Final = {"error": "Errors", "warning": "Warnings", "note": "Notes"}
_MOST_ROWS: Final = 12
FILES: Final = resources.files("dayzero.report") / "templates"


@dataclass(frozen=True)
class Picture:
    """A drawn figure: its file's name, its caption, its SVG element."""

    name: str
    title: str
    svg: str


@dataclass(frozen=True)
class PrintedPart:
    """A part of a section as the template prints it."""

    heading: str
    sentences: tuple[str, ...]
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]
    details: tuple[Table, ...]


@dataclass(frozen=True)
class Printed:
    """A section as the template prints it."""

    key: str
    section: Section
    heading: str
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]
    details: tuple[Table, ...]
    settings: Mapping[str, str]
    parts: tuple[PrintedPart, ...]
    box: str

    @property
    def every_picture(self) -> tuple[Picture, ...]:
        """Those of the section and of its parts."""
        return (*self.pictures, *(picture for part in self.parts for picture in part.pictures))


def slug(text: str) -> str:
    """Return a name that is safe in a file name, an id and an address.

    Examples
    --------
    >>> slug("Overall survival, 1st"), slug("../急性")
    ('overall-survival-1st', 'x')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "x"


def print_sections(page: Page) -> tuple[Printed, ...]:
    """Write and draw every section of a page.

    Raises
    ------
    InternalError
        Where the report does not know the kind of a section.
    """
    return tuple(_printed(k, section, page.synthetic) for k, section in enumerate(page.sections, start=1))


def _printed(number: int, section: Section, synthetic: bool) -> Printed:
    kind = kind_of(section)
    key = f"{number:02d}-{slug(f'{section.kind} {section.name}')}"
    stamp = "SIMULATED DATA. " if synthetic else ""

    def drawn(drawings: Iterable[Drawing]) -> tuple[Picture, ...]:
        return tuple(_picture(drawing, key, stamp) for drawing in drawings)

    def printed(part: Part) -> PrintedPart:
        return PrintedPart(
            part.heading, part.sentences, drawn(part.drawings), _present(part.tables), _present(part.details)
        )

    return Printed(
        key=key,
        section=section,
        heading=section.heading,
        sentences=kind.sentences(section),
        warnings=kind.warnings(section),
        pictures=drawn(kind.drawings(section)),
        tables=_present(kind.tables(section)),
        details=_present(kind.details(section)),
        settings={name: _setting(value) for name, value in section.settings.items() if _setting(value)},
        parts=tuple(printed(part) for part in kind.parts(section)),
        box=kind.box,
    )


def _picture(drawing: Drawing, key: str, stamp: str) -> Picture:
    name = f"{key}-{slug(drawing.name)}"
    svg = to_svg(
        drawing.draw(synthetic=bool(stamp)),
        key=f"f{name}",
        title=drawing.title,
        description=stamp + drawing.description,
    )
    return Picture(name, drawing.title, svg)


def _present(tables: Iterable[Table | None]) -> tuple[Table, ...]:
    return tuple(table for table in tables if table)


def _setting(value: object) -> str:
    """Write a setting as people read it; empty where it was not made."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {_setting(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_setting(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def render_html(page: Page, printed: tuple[Printed, ...] | None = None) -> str:
    """Return the whole report as one HTML file.

    Parameters
    ----------
    page
        What to print.
    printed
        Its sections where they have been printed already.

    Returns
    -------
    str
        Without script and without any address outside; the policy allows the one style sheet, by its digest.
    """
    from markupsafe import Markup

    css = style_sheet()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    text = template("report.html.j2").render(
        page=page,
        printed=printed if printed is not None else print_sections(page),
        css=Markup(css),  # noqa: S704  # our own file
        digest=digest,
        markup=Markup,
        version=__version__,
        findings=_by_level(page.findings),
        found=summary_of(page.findings),
        table_one=table_one(page.table_one),
        follow_up=follow_up(page.sections),
        definitions=_definitions(page.sections),
        flow_sentence=flow_sentence(page.flow) if page.flow else "",
    )
    return f"{text}\n"


@lru_cache(maxsize=2)
def template(name: str) -> "Template":
    """Return a template of a page: what is not ours is escaped, and what cannot be printed is taken out."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_finalize
    )
    environment.filters["slug"] = slug
    environment.filters["places"] = places
    environment.filters["unbroken"] = unbroken
    return environment.from_string((FILES / name).read_text(encoding="utf-8"))


_RANGE: Final = re.compile(r"\d[\d.]*–\d[\d.]*")


def unbroken(text: str) -> "Markup":
    """Keep the two limits of an interval on one line.

    Examples
    --------
    >>> str(unbroken("0.56 (0.31–0.99) & more"))
    '0.56 (<span class="whole">0.31–0.99</span>) &amp; more'
    """
    from markupsafe import Markup, escape

    return Markup(_RANGE.sub(r'<span class="whole">\g<0></span>', str(escape(printable(text)))))  # noqa: S704  # escaped before


def _finalize(value: Any) -> Any:
    """Take what cannot be printed out of every text that is not our own markup."""
    return printable(value) if type(value) is str else value


@lru_cache(maxsize=1)
def style_sheet() -> str:
    """Return the style sheet, with the colours of the figures on a dark page."""
    dark = "".join(f'[{name}="{light}"]{{{name}:{colour}}}\n' for light, colour in DARK.items()
                   for name in ("fill", "stroke"))  # fmt: skip
    css = (FILES / "report.css").read_text(encoding="utf-8")
    return f"{css}@media screen and (prefers-color-scheme:dark){{\n{dark}}}\n"


def _by_level(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Group findings by level, the gravest first; levels without any are left out."""
    found = list(findings)
    grouped = {name: [item for item in found if item.level == level] for level, name in LEVELS.items()}
    return {name: items for name, items in grouped.items() if items}


def summary_of(findings: Iterable[Finding]) -> str:
    """Count the findings of each level.

    Examples
    --------
    >>> summary_of([Finding("note", "a", "x"), Finding("error", "b", "y"), Finding("note", "c", "z")])
    '1 error, 2 notes'
    """
    return (
        ", ".join(plural(len(items), name[:-1].lower()) for name, items in _by_level(findings).items()) or "no findings"
    )


def places(finding: Finding) -> str:
    """Say where a finding is, without listing thousands of rows.

    Examples
    --------
    >>> places(Finding("error", "event-after-death", "x", table="events.csv", rows=(4, 9)))
    'events.csv, rows 4 and 9'
    """
    where = [finding.table] if finding.table else []
    patients = finding.patient_rows if finding.patient_rows != finding.rows else ()
    for what, rows in (("row", finding.rows), ("patient row", patients)):
        if rows:
            shown = [str(row) for row in rows[:_MOST_ROWS]]
            shown += [plural(len(rows) - _MOST_ROWS, "other")] if len(rows) > _MOST_ROWS else []
            where.append(f"{what}{'s' if len(rows) > 1 else ''} {listed(shown)}")
    where += [f"column {finding.column}"] if finding.column else []
    return ", ".join(where)


def _definitions(sections: Iterable[Section]) -> dict[str, str]:
    """Map each definition to its endpoint's label, once."""
    return {section.definition: _defined(section) for section in sections if section.definition}


def _defined(section: Section) -> str:
    return f"{section.label} (hypothetical)" if section.hypothetical else section.label


def flow_sentence(flow: Sequence[FlowStep]) -> str:
    """Say the flow in one line where it has no branch that loses anybody; empty where a tree must be drawn.

    Examples
    --------
    >>> flow_sentence([FlowStep("in the patients table", 137), FlowStep("analysed for survival", 137)])
    '137 patients are in the patients table; all of them are analysed for survival.'
    """
    if len(flow) > 2 or any(step.n != flow[0].n or step.reasons for step in flow[1:]):
        return ""
    number = f"{flow[0].n:,} {'patient is' if flow[0].n == 1 else 'patients are'}"
    everybody = f"{number} {flow[0].label}"
    return f"{everybody}; all of them are {flow[1].label}." if len(flow) > 1 else f"{everybody}."
