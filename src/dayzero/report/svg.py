"""A matplotlib figure as an SVG that may stand in a page under a strict content-security policy.

matplotlib's own SVG carries a document type and metadata with foreign addresses, a style sheet, style attributes (which
such a policy forbids), and names that clash when two figures share a page. Here the same drawing has presentation
attributes, its own names, a title and a description, and no more digits than a screen can show.
"""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from dayzero.report.formats import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK: Final = "{http://www.w3.org/1999/xlink}href"
_NUMBER: Final = re.compile(r"-?\d+\.\d+")
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_DROPPED: Final = (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style")
_MEASURES: Final = frozenset({"x", "y", "transform", "viewBox"})
_DEFAULTS: Final = {"opacity": "1", "stroke-dashoffset": "0", "stroke-miterlimit": "100000"}


def to_svg(figure: "Figure", *, key: str, title: str, description: str) -> str:
    """Return the figure as one ``svg`` element, the same bytes for the same figure.

    Parameters
    ----------
    figure
        Made by a ``draw_`` function.
    key
        A name that no other figure of the page has: it prefixes every id.
    title, description
        Read aloud by a screen reader.
    """
    root = ET.fromstring(_drawn(figure))  # noqa: S314  # our own drawing, not somebody's file
    for parent in root.iter():
        for child in [child for child in parent if child.tag in _DROPPED]:
            parent.remove(child)
    used = _references(root)
    for element in root.iter():
        _plain_attributes(element, key, used)
    _announce(root, key, title, description)
    ET.register_namespace("", _SVG)
    return ET.tostring(_without_shells(root), encoding="unicode")


def _drawn(figure: "Figure") -> bytes:
    import warnings

    import matplotlib as mpl

    file = io.BytesIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "dayzero", "path.simplify": True}
    with mpl.rc_context(settings), warnings.catch_warnings(), _silent("matplotlib.font_manager"):
        # the browser has the font for what matplotlib's lacks
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font", category=UserWarning)
        figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    return file.getvalue()


@contextmanager
def _silent(logger: str) -> Iterator[None]:
    """Drop what a logger says: that a font has no bold matters to nobody where the reader's own font is used."""

    def refuse(_: logging.LogRecord) -> bool:
        return False

    logging.getLogger(logger).addFilter(refuse)
    try:
        yield
    finally:
        logging.getLogger(logger).removeFilter(refuse)


def _references(root: ET.Element) -> frozenset[str]:
    found: set[str] = set()
    for element in root.iter():
        found.update(_REFERENCE.findall(element.get("clip-path", "")))
        found.add(element.get(_XLINK, "#")[1:])
    return frozenset(found)


def _plain_attributes(element: ET.Element, key: str, used: frozenset[str]) -> None:
    """Turn styles into attributes, prefix the ids that are used, drop the others, round."""
    old = dict(element.attrib)
    element.attrib.clear()
    styles = dict(_declarations(old.pop("style", "")))
    for name, value in {**old, **styles}.items():
        if name == "id":
            if value in used:
                element.set("id", f"{key}-{value}")
        elif name == _XLINK:
            element.set("href", f"#{key}-{value[1:]}")
        elif name == "clip-path":
            element.set(name, _REFERENCE.sub(rf"url(#{key}-\1)", value))
        elif _DEFAULTS.get(name) != value and not (name == "transform" and value == "rotate(-0)"):
            element.set(name, _path(value) if name == "d" else _short(value) if name in _MEASURES else value)


def _declarations(style: str) -> list[tuple[str, str]]:
    """Split a style into attributes; ``font`` is no attribute, its size and weight are.

    Examples
    --------
    >>> _declarations("font: 700 9px 'DejaVu Sans'; text-anchor: middle")
    [('font-weight', '700'), ('font-size', '9px'), ('text-anchor', 'middle')]
    """
    found: list[tuple[str, str]] = []
    for declaration in filter(None, (part.strip() for part in style.split(";"))):
        name, _, value = declaration.partition(":")
        if name == "font":
            words = value.split()
            found += [("font-weight", word) for word in words if word.isdigit() or word == "bold"]
            found += [("font-size", word) for word in words if word.endswith("px")][:1]
        elif name != "font-family":
            found.append((name, value.strip()))
    return found


def _path(commands: str) -> str:
    """Write horizontal and vertical lines, of which step curves are made, as such.

    Examples
    --------
    >>> _path("M 0.5 1.001 L 9.25 1.001 L 9.25 4 z")
    'M0.5 1H9.25V4z'
    """
    written: list[str] = []
    x = y = ""
    for command, numbers in re.findall(r"([a-zA-Z])([^a-zA-Z]*)", _short(commands)):
        place = numbers.split()
        if command == "L" and len(place) == 2 and place[1] == y:
            written.append(f"H{place[0]}")
        elif command == "L" and len(place) == 2 and place[0] == x:
            written.append(f"V{place[1]}")
        else:
            written.append(command + " ".join(place))
        x, y = place[-2:] if len(place) > 1 else ("", "")
    return "".join(written)


def _short(numbers: str) -> str:
    return re.sub(r"\s+", " ", _NUMBER.sub(_rounded, numbers)).strip()


def _rounded(match: re.Match[str]) -> str:
    text = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _announce(root: ET.Element, key: str, title: str, description: str) -> None:
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{key}-title {key}-desc")
    root.set("font-family", _FONT)
    root.set("stroke-linejoin", "round")
    for tag, text in (("desc", description), ("title", title)):
        element = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{key}-{tag}"})
        element.text = printable(text)
        root.insert(0, element)


def _without_shells(root: ET.Element) -> ET.Element:
    """Replace groups without attributes by what they hold, drop empty ones, and the space between elements."""
    for parent in reversed(list(root.iter())):
        kept: list[ET.Element] = []
        for child in parent:
            child.tail = None
            shell = child.tag == f"{{{_SVG}}}g" and not child.attrib
            kept.extend(child if shell else [child])
        if len(parent) and not (parent.text or "").strip():
            parent.text = None
        parent[:] = kept
    return root
