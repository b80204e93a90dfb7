"""A strategy in sentences: what may be quoted, what must be known beside it, and what the naive comparison does.

The verbs are those of an observation: associated with, never reduced or improved.
"""

import math
from collections.abc import Callable
from typing import Final

from dayzero.report.footnotes import spoken
from dayzero.report.formats import (
    chi_squared,
    count,
    interval,
    listed,
    p_statement,
    percent,
    plain,
    plural,
    printable,
    ratio,
    sentence_case,
)
from dayzero.report.labels import column_label, in_sentence, origin_label
from dayzero.report.page import Section
from dayzero.report.strategy_rows import (
    AVERAGED,
    CLONES,
    MAIN,
    NAIVE,
    NO_TREAT,
    TREAT,
    UNADJUSTED,
    Record,
    Result,
    arm_words,
    event_words,
    grace_of,
    horizon_of,
    only_naive,
    result_of,
    treatment_defined,
    treatment_words,
)

_RISKS_FIRST: Final = (CLONES, "sequential")
_NOTHING: Final = "no number of this section may be quoted as the study’s result."


def quotable(section: Section) -> tuple[str, ...]:
    """Return what may be quoted: one number with its limits and its arms, and how firm it is; or that nothing may."""
    primary = section.settings.get("primary")
    if not primary:
        return (f"No method was pre-specified: {_NOTHING}",)
    if primary == NAIVE:
        return (f"The method that was named to be quoted is the naive comparison, biased by construction: {_NOTHING}",)
    result = result_of(section, str(primary))
    if result is None or not result.has_contrast:
        name = in_sentence(result.name) if result else column_label(str(primary))
        why = f" ({why_not(result)})" if result and why_not(result) else ""
        return (f"The pre-specified method, {name}, has no estimate{why}: {_NOTHING}",)
    return tuple(filter(None, (association(section, result), _how_firm(section, result))))


def why_not(result: Result) -> str:
    """Return why a method has no contrast, empty where it says nothing."""
    row = result.row("hazard_ratio") or result.row("risk_difference")
    return printable(result.suppressed or (str(row["warning"]) if row and row["warning"] else "")).rstrip(".")


def association(section: Section, result: Result) -> str:
    """Return one sentence: among whom, what against what, and the contrast with its limits."""
    risks, hazards = _risks(section, result), _hazards(section, result)
    first = result.method in _RISKS_FIRST or not hazards
    found = f"this risk of {event_words(section)} {risks[0]}: {risks[1]}" if risks and first else hazards
    who = _WHO.get(result.method, _default_who)(section, result)
    return f"{who} associated with {found or _DIFFERENT}{adjusted_for(section)}."


_DIFFERENT: Final = "the difference that the table has"


def _risks(section: Section, result: Result) -> tuple[str, str] | None:
    """Return until when, and both risks with their difference; None where there are none."""
    treated, untreated = result.number("risk", TREAT), result.number("risk", NO_TREAT)
    gap = result.row("risk_difference")
    if treated is None or untreated is None or gap is None or gap["estimate"] is None:
        return None
    value, low, high = (percent(gap[key]).replace("-", "−") for key in ("estimate", "lower", "upper"))
    limits = "no limits" if gap["lower"] is None else f"{section.confidence} {low} to {high}"
    pair = f"{percent(treated)}\u00a0% with, {percent(untreated)}\u00a0% without"
    since = " from the start of the trial" if result.method == "sequential" else ""
    return f"by {horizon_of(section)}{since}", f"{pair} (difference {value} percentage points, {limits})"


def _hazards(section: Section, result: Result) -> str:
    """Return the hazard ratio with its limits and the arms, empty where there is none."""
    row = result.row("hazard_ratio")
    if row is None or row["estimate"] is None:
        return ""
    limits = "no limits" if row["lower"] is None else f"{section.confidence} {limits_of(row)}"
    return f"a hazard ratio of {event_words(section)} of {ratio(row['estimate'])} ({limits}{_arms(section, result)})"


def limits_of(row: Record) -> str:
    """Return the limits of a ratio."""
    return interval(row["lower"], row["upper"], ratio)


def _arms(section: Section, result: Result) -> str:
    """Return how many the arms are, where the arms are patients and not clones or times of them."""
    treated, untreated = (result.row("arm_size", arm) for arm in (TREAT, NO_TREAT))
    if result.method == CLONES or treated is None:
        return ""
    apart = f", {count(untreated['estimate'])} without" if untreated and result.method == "landmark" else ""
    return f"; {count(treated['estimate'])} with{apart or f' {treatment_words(section)}'}"


def adjusted_for(section: Section) -> str:
    """Return what was adjusted for, as the end of a sentence."""
    names = [column_label(str(name)) for key in ("adjust", "time_varying") for name in _several(section, key)]
    return f", adjusted for {listed(names)}" if names else ", without adjustment"


def _several(section: Section, key: str) -> tuple[object, ...]:
    value = section.settings.get(key)
    return tuple(value) if isinstance(value, list | tuple) else ()


def _default_who(section: Section, result: Result) -> str:
    return f"Among {_patients(result)}, {treatment_defined(section)} was from its day on"


def _landmark_who(section: Section, result: Result) -> str:
    day = plain(result.landmark)
    since = f"day {day} from {origin_label(section.endpoint)}"
    return f"Among {_patients(result)} event-free and followed on {since}, {treatment_defined(section)} by then was"


def _super_who(section: Section, result: Result) -> str:
    days = listed([plain(float(str(day))) for day in _several(section, "landmarks")])
    who = f"Among {_patients(result)} event-free at the landmarks (days {days})"
    return f"{who}, {treatment_defined(section)} by then was"


def _clones_who(section: Section, result: Result) -> str:
    against = arm_words(section, CLONES)[NO_TREAT]
    who = f"{_patients(result)} event-free and untreated on day zero ({origin_label(section.endpoint)})"
    return f"Among {who}, {treatment_defined(section)} within {grace_of(section)} was, against {against},"


def _trials_who(section: Section, result: Result) -> str:
    who = f"Among {_patients(result)}, starting {treatment_defined(section)} while event-free"
    return f"{who} was, against not starting,"


_WHO: Final[dict[str, Callable[[Section, Result], str]]] = {
    "landmark": _landmark_who,
    "landmark_super": _super_who,
    CLONES: _clones_who,
    "sequential": _trials_who,
}


def _patients(result: Result) -> str:
    row = result.row("hazard_ratio") or result.row("risk_difference")
    return plural(row["n"], "patient") if row and row["n"] is not None else "patients"


def _how_firm(section: Section, result: Result) -> str:
    """Return the contrast on the other scale, and what would explain the association away."""
    risks = _risks(section, result)
    crude = ", not adjusted" if _is_crude(result) else ""
    other = f"Risk of {event_words(section)} {risks[0]}{crude}: {risks[1]}." if risks else ""
    other = last_ratio(section, result) if result.method in _RISKS_FIRST else other
    return " ".join(filter(None, (other, e_value(section, result))))


def _is_crude(result: Result) -> bool:
    row = result.row("risk_difference")
    return row is not None and str(row["warning"] or "").startswith("crude")


def last_ratio(section: Section, result: Result) -> str:
    """Return the hazard ratio of arms that share patients, as that what it is."""
    row = result.row("hazard_ratio")
    if row is None or row["estimate"] is None:
        return ""
    limits = "" if row["lower"] is None else f", {section.confidence} {limits_of(row)}"
    label = AVERAGED if result.method == CLONES else "averaged over the trials"
    return f"The hazard ratio, {label}, was {ratio(row['estimate'])}{limits}."


def e_value(section: Section, result: Result) -> str:
    """Return how strong unmeasured confounding would have to be."""
    row = result.row("e_value")
    if row is None or row["estimate"] is None:
        return "This is an association."
    both = f"both {treatment_words(section)} and {event_words(section)}"
    away = f"by a risk ratio of at least {ratio(row['estimate'])}"
    limit = f" ({ratio(row['lower'])} for the limit nearer to 1)" if row["lower"] is not None else ""
    limit = " (the interval of the hazard ratio includes 1 already)" if row["lower"] == 1.0 else limit
    return f"To explain it away, an unmeasured confounder would have to be associated with {both} {away}{limit}."


def warned(section: Section) -> tuple[str, ...]:
    """Return what a reader must be warned of before any number; what a table says at the number is not said twice."""
    alone = only_naive(section)
    text = "Only the naive comparison, which names the groups by the future, has an estimate. It is biased, and is not "
    first = (f"{text}printed alone: read nothing about {treatment_words(section)} from this section.",) if alone else ()
    rows = section.estimates.records()
    found = {str(row["warning"]): str(row["method"] or "") for row in rows if row["warning"]}
    said = {row["warning"] for row in section.estimates.records() if row["statistic"] in _FOOTNOTED and not alone}
    return (*first, *(f"{sentence_case(spoken(text).rstrip('.'))} ({column_label(method)})."
                      for text, method in found.items() if text not in said))  # fmt: skip


_FOOTNOTED: Final = frozenset({"hazard_ratio", "risk_difference", "rmst_difference"})


def mantel_byar(section: Section, result: Result) -> str:
    """Return the test of the hazards before and after treatment."""
    row = result.row("mantel_byar")
    if row is None or row["p_value"] is None:
        return ""
    numbers = f"χ²\u00a0=\u00a0{chi_squared(row['estimate'])}, 1 degree of freedom, {p_statement(row['p_value'])}"
    return f"Mantel–Byar test of the hazard before and after {treatment_words(section)}: {numbers}."


_SMALL: Final = "In 25 patients without any effect its limits leave 1 out in 8 to 9 of 100 studies, not in 5."


def clones_told(section: Section, result: Result) -> tuple[str, ...]:
    """Return how much there is to learn from: patients, not clones, and how many of them were treated in time."""
    row = result.row("hazard_ratio") or result.row("risk_difference") or result.row("arm_size", TREAT)
    patients = int(row["n"]) if row and row["n"] is not None else 0
    said = [f"{plural(patients, 'patient')}, not {2 * patients}: clones add no information."] if patients else []
    treated = next((row for row in result.rows if row["statistic"] == "treated_in_grace"), None)
    if treated and treated["estimate"] is not None:
        events = f", {plural(treated['n_events'], 'event')} among them" if treated["n_events"] is not None else ""
        said.append(f"{count(treated['estimate'])} had {arm_words(section, CLONES)[TREAT]}{events}.")
    held = sentence_case(result.suppressed.rstrip(".")) if not result.has_contrast else ""
    said += [f"{held}."] if held else [_SMALL] * (0 < patients < 100)
    return (" ".join(said),) if said else ()


def immortal_time(section: Section) -> tuple[str, ...]:
    """Return how much time in which the event was impossible the naive comparison counts as treated, and what of it."""
    naive = result_of(section, NAIVE)
    if naive is None:
        return ()
    days, expected = naive.row("immortal_time"), naive.number("expected_events")
    said = []
    if days is not None and days["estimate"] is not None:
        text = f"Before treatment the {days['n']} treated contributed {days['estimate']:,.0f} patient-days in which "
        rate = f"; at the untreated rate {expected:.1f} such events were expected" if expected is not None else ""
        said.append(f"{text}{event_words(section)} was impossible{rate}.")
    return (*said, *_bias(section, naive))


def _bias(section: Section, naive: Result) -> tuple[str, ...]:
    immortal, timing = naive.number("bias_immortal"), naive.number("bias_timing")
    kind = UNADJUSTED if naive.number("log_hazard_ratio", kind=UNADJUSTED) is not None else MAIN
    effect = naive.number("log_hazard_ratio", kind=kind)
    said = []
    if immortal is not None and effect is not None and not only_naive(section):
        said.append(f"Immortal time alone multiplies the hazard ratio by {ratio(math.exp(immortal))}: "
                    f"{share_of(immortal, effect)} (the biased naive ratio {ratio(math.exp(effect))}, "
                    f"time-dependent {ratio(math.exp(effect - immortal))}, both unadjusted).")  # fmt: skip
    if timing and section.settings.get("primary"):
        own = section.settings["primary"] == "time_dependent"
        what = "Adjustment multiplies" if own else "Timing and indication multiply"
        said.append(f"{what} it by {ratio(math.exp(timing))}{_from(timing, immortal, effect)}.")
    return tuple(said)


def _from(timing: float, immortal: float | None, effect: float | None) -> str:
    if immortal is None or effect is None:
        return ""
    primary, other = ratio(math.exp(effect - immortal - timing)), ratio(math.exp(effect - immortal))
    return f", from the {primary} of the pre-specified method to the time-dependent {other}"


def share_of(part: float, whole: float) -> str:
    """Say how much of an effect a bias is, on the logarithmic scale.

    Examples
    --------
    >>> share_of(-0.88, -0.86), share_of(0.1, -0.5)
    ('all of the naive effect', 'none of the naive effect')
    >>> share_of(-0.3, -0.6).replace("\u00a0", " ")
    '50 % of the naive effect'
    """
    share = part / whole if whole else 0.0
    if share >= 0.995:
        return "all of the naive effect"
    if share <= 0.0:
        return "none of the naive effect"
    text = f"{100 * share:.0f}\u00a0%"
    return f"little of the naive effect, {text}" if share < 0.2 else f"{text} of the naive effect"
