"""Which criterion of one category follows from another category: so that no response is called possible that is not."""

from collections.abc import Mapping, Sequence
from typing import Any

Rule = Mapping[str, Any]


def implies(rule: Rule, better: Rule, name: str) -> bool:
    """Return whether a category that holds makes a criterion of a better category hold.

    Parameters
    ----------
    rule, better
        The two categories, as an edition words them.
    name
        The criterion of the better one.

    Examples
    --------
    >>> implies({"blasts": ["<", 0.05]}, {"blasts": ["<=", 0.25]}, "blasts")
    True
    >>> implies({"anc": [">", 0.5]}, {"anc": [">", 1.0]}, "anc")
    False
    """
    if name == "blasts":
        return _stricter(rule["blasts"], better["blasts"])
    if name == "mrd":
        return bool(rule.get("mrd_measured")) or not better.get("mrd_measured")
    if name == "blasts_before":
        return float(rule.get("fall", -1.0)) >= float(better["fall"])
    if name == "transfusions":
        return bool(rule.get("transfusion_free"))
    if name == "counts":
        return any(_count(rule, better, each) for each in ("anc", "platelets")) or _both_any(rule, better)
    return _count(rule, better, name)


def _count(rule: Rule, better: Rule, name: str) -> bool:
    return name in rule and rule.get("counts") != "any" and _stricter(rule[name], better[name])


def _both_any(rule: Rule, better: Rule) -> bool:
    return rule.get("counts") == "any" and all(_stricter(rule[name], better[name]) for name in ("anc", "platelets"))


def _stricter(rule: Sequence[Any], other: Sequence[Any]) -> bool:
    """Return whether what fulfils one comparison fulfils another in the same direction."""
    inside = rule[1] < other[1] if rule[0][0] == "<" else rule[1] > other[1]
    same = rule[1] == other[1] and (rule[0] == other[0] or other[0].endswith("="))
    return bool(inside or same)
