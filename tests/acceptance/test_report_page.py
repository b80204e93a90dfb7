"""The page as a reader meets it: by eye in either colour scheme, by keyboard, by ear, in grey print."""

import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from dayzero.cli import main
from dayzero.report.hypertext import style_sheet
from dayzero.report.palette import DARK, style_of

VOID = {"meta", "link", "br", "img", "input", "hr", "path", "use"}
CURVES = [style_of(k).colour for k in range(6)]
# Machado, Oliveira and Fernandes 2009, severity 1, on linear light
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
}


class Tree(HTMLParser):
    """Every element with its ancestors, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], tuple[str, ...], list[str]]] = []
        self.open: list[int] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        above = tuple(self.found[k][0] for k in self.open)
        self.found.append((tag, {name: value or "" for name, value in attrs}, above, []))
        if tag not in VOID:
            self.open.append(len(self.found) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.found[self.open.pop()][0] == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for k in self.open:
            self.found[k][3].append(data)

    def all(self, *tags: str) -> Iterator[tuple[dict[str, str], tuple[str, ...], str]]:
        return ((a, above, "".join(text).strip()) for tag, a, above, text in self.found if tag in tags)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    folder: Path = tmp_path_factory.mktemp("page") / "demo"
    assert main(["demo", "--out", str(folder)]) == 0
    return Tree((folder / "report" / "report.html").read_text(encoding="utf-8"))


def test_every_element_is_closed_and_every_id_is_one(tree: Tree) -> None:
    assert tree.open == []
    ids = [a["id"] for _, a, _, _ in tree.found if "id" in a]
    assert len(ids) == len(set(ids))
    named = [name for _, a, _, _ in tree.found for name in a.get("aria-labelledby", "").split()]
    assert set(named) <= set(ids)
    assert {a["href"][1:] for a, _, _ in tree.all("a")} <= set(ids)


def test_headings_and_landmarks_are_in_order(tree: Tree) -> None:
    levels = [int(tag[1]) for tag, _, _, _ in tree.found if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for landmark in ("header", "nav", "main"):
        assert len(list(tree.all(landmark))) == 1
    assert all(text for _, _, text in tree.all("h1", "h2", "h3", "caption", "summary", "th"))
    first = next(a for a, _, _ in tree.all("a"))
    assert first["href"] == "#main"


def test_tables_have_captions_and_scopes_and_can_be_scrolled_by_keyboard(tree: Tree) -> None:
    tables = list(tree.all("table"))
    assert len(tables) > 10
    assert len(list(tree.all("caption"))) == len(tables)
    assert {a.get("scope") for a, _, _ in tree.all("th")} == {"col", "row", "rowgroup"}
    scrolled = [a for a, _, _ in tree.all("div") if a.get("class") == "scroll"]
    assert all(a["tabindex"] == "0" and (a.get("aria-labelledby") or a.get("aria-label")) for a in scrolled)
    assert len(scrolled) == len(tables) + len(list(tree.all("figure")))


def test_figures_are_read_aloud_with_their_numbers(tree: Tree) -> None:
    figures = [a for a, _, _ in tree.all("svg")]
    assert len(figures) >= 8
    assert all(a["role"] == "img" for a in figures)
    assert all(text.endswith("The tables below have the numbers.") or "hazard ratio" in text
               for _, _, text in tree.all("desc"))  # fmt: skip
    assert all(text for _, _, text in tree.all("figcaption"))


def test_what_a_paper_would_quote_is_two_sentences_a_section(tree: Tree) -> None:
    quoted = [text for a, _, text in tree.all("p") if a.get("class") == "result"]
    sections = list(tree.all("article"))
    assert len(sections) <= len(quoted) <= 2 * len(sections)
    assert max(map(len, quoted)) < 400


def linear(colour: str) -> np.ndarray:
    """Return linear light (3,) of a hexadecimal colour, by the definition of sRGB."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    values = np.array([int(digits[k : k + 2], 16) for k in (0, 2, 4)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(light: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* (1976, white D65) of linear light."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(light, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def variables(scheme: str) -> dict[str, str]:
    """Return the colours of the style sheet in a scheme, by name."""
    light, dark = re.findall(r":root\{(.*?)\}", style_sheet(), re.DOTALL)[:2]
    found = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]+)", light))
    return {**found, **dict(re.findall(r"--([a-z-]+):(#[0-9a-f]+)", dark))} if scheme == "dark" else found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_a_contrast_of_4_5(scheme: str) -> None:
    colour = variables(scheme)
    pairs = [(ink, "page") for ink in ("ink", "soft", "link", "error")]
    pairs += [("ink", "pane"), ("ink", "line"), ("warn-ink", "warn-page")]
    assert {pair: round(contrast(*(colour[name] for name in pair)), 2) for pair in pairs
            if contrast(*(colour[name] for name in pair)) < 4.5} == {}  # fmt: skip
    written = [text for text in DARK if text != "#d5dbe0"]  # the grid lines carry no text
    drawn = {text: DARK[text] if scheme == "dark" else text for text in written}
    assert {text: on for text, on in drawn.items() if contrast(on, colour["page"]) < 4.5} == {}


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_curves_are_apart_for_the_colour_blind(scheme: str, sight: str) -> None:
    shown = [DARK[colour] if scheme == "dark" else colour for colour in CURVES]
    seen = [lab(SIGHT[sight] @ linear(colour)) for colour in shown]
    apart = {pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in itertools.combinations(range(6), 2)}
    assert min(distance for pair, distance in apart.items() if max(pair) < 3) > 18
    assert min(apart.values()) > 9  # dashes tell the others apart, see below


def test_curves_are_apart_in_grey_print() -> None:
    lightness = [lab(linear(colour))[0] for colour in CURVES[:3]]
    assert min(abs(one - other) for one, other in itertools.combinations(lightness, 2)) > 8
    assert len({style_of(k).dashes for k in range(6)}) == 6


def test_the_print_has_neither_the_contents_nor_what_is_folded() -> None:
    printed = style_sheet().split("@media print{")[1]
    assert re.search(r"nav,\.skip,details\{display:none\}", printed)
    assert "break-inside:avoid" in printed
