import pytest

from dayzero.errors import InputError
from dayzero.protocol import parse_term


@pytest.mark.parametrize(
    "text",
    [
        "relapse",
        "infusion:2",
        "response=CR|CRi",
        "agvhd>=3",
        "crs<2",
        "death[cause=disease|toxicity]",
        "infusion:2[product=CD19][dose>=1]",
        "relapse@reported",
        "hsct after response=CR|CRi after infusion:1",
        "response=stable disease",
    ],
)
def test_a_term_prints_as_it_is_written(text: str) -> None:
    assert str(parse_term(text)) == text


def test_the_parts_of_a_term() -> None:
    term = parse_term("infusion:2=x|y[dose>=1.5]@derived after response=CR")
    assert (term.name, term.number, term.source) == ("infusion", 2, "derived")
    assert [c.column for c in term.conditions] == ["value", "dose"]
    assert term.conditions[0].values == ("x", "y")
    assert term.conditions[1].threshold == 1.5
    assert term.after is not None
    assert term.names == ("infusion", "response")


@pytest.mark.parametrize("text", ["", "  ", "=CR", "agvhd>=III", "agvhd>=2|3", "death[cause]", "a b", "infusion:x"])
def test_what_is_not_a_term_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"term|attribute|number"):
        parse_term(text)
