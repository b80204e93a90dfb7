"""What the name of a baseline column gives away: the event after day zero that it is about. Lists, kept as data."""

import re
from typing import Final

EARLIER: Final = """prior previous previously before pre past history earlier since from baseline screening initial
donor recipient family planned intended eligible eligibility reason indication indicated risk"""
"""A column with one of these words is about something else than what happens after day zero."""

FILLERS: Final = """had has have got received underwent was is any ever yes no yn flag ind indicator event status date
dates dt day days week weeks month months year years yr yrs time duration to of the a until grade max maximum worst
highest"""
"""Words that do not change what a column is about."""

DAYS_PER: Final = {
    **dict.fromkeys(("day", "days", "time", "duration"), 1.0),
    **dict.fromkeys(("week", "weeks"), 7.0),
    **dict.fromkeys(("month", "months"), 30.4375),
    **dict.fromkeys(("years", "yrs"), 365.25),
}

SYNONYMS: Final = {
    "hsct": "hsct hct sct asct allosct allohsct allohct autohsct transplant transplants transplanted transplantation "
    "bmt allo allo_sct allo_hsct allo_hct allo_bmt auto_sct auto_hsct allograft allografted allotransplant second_hsct "
    "bridged_hsct consolidative_hsct consolidation_hsct",
    "infusion": "reinfusion reinfused re_infused re_infusion second_infusion infusion_2 infusion2 car_t_2 cart2 cart_2 "
    "second_car_t second_cart retreated retreatment",
    "dli": "dli",
    "boost": "boost",
    "relapse": "relapse relapsed recurrence recurred cir",
    "progression": "progression progressed",
    "death": "death deaths dead died deceased alive alive_dead vital vital_status survival survived survivor status os "
    "overall_survival mortality nrm trm",
    "last_contact": "follow_up followup fu fup futime last_contact last_seen last_follow_up lost_follow_up ltfu",
    "response": "cr cri crh crp crcri responder responders response responded best_response overall_response orr "
    "mrd_response nonresponder non_responder",
    "crs": "crs",
    "icans": "icans neurotoxicity cres",
    "agvhd": "agvhd acute_gvhd gvhd",
    "cgvhd": "cgvhd chronic_gvhd",
    "neutrophil_engraftment": "neutrophil_engraftment engraftment engrafted",
    "platelet_engraftment": "platelet_engraftment",
    "graft_failure": "graft_failure",
    "second_cancer": "second_cancer secondary_malignancy second_malignancy",
    "new_therapy": "new_therapy subsequent_therapy next_therapy",
    "outcome": "outcome efs pfs rfs lfs dfs dor grfs crfs ttp event_free_survival progression_free_survival "
    "relapse_free_survival leukaemia_free_survival leukemia_free_survival disease_free_survival",
}
"""Event to the names under which its outcome stands in patient tables; ``outcome`` is no event but a composite."""

KNOWN_BEFORE: Final = "diagnosis enrolment apheresis bridging lymphodepletion mrd listing"
"""Event names that are customary names of baseline columns, too: such a name alone says nothing."""

_EARLIER, _FILLERS, _KNOWN_BEFORE = (frozenset(words.split()) for words in (EARLIER, FILLERS, KNOWN_BEFORE))
_EVENT_OF: Final = {name: event for event, names in SYNONYMS.items() for name in names.split()}


def event_named(column: str, events: frozenset[str] = frozenset()) -> str | None:
    """Return the event that a baseline column is named after, or None.

    Parameters
    ----------
    column
        The column's name; it is split at everything that is no letter and no digit.
    events
        Event names of the data, besides the well-known ones.

    Examples
    --------
    >>> event_named("days_to_HSCT"), event_named("prior_hsct"), event_named("OS-status"), event_named("age_at_hsct")
    ('hsct', None, 'death', None)
    """
    words = re.findall(r"[a-z0-9]+", column.casefold())
    if _EARLIER & set(words):
        return None
    for about in ("_".join(words), "_".join(word for word in words if word not in _FILLERS)):
        if about in _KNOWN_BEFORE:
            return None
        if about in _EVENT_OF or about in events:
            return _EVENT_OF.get(about, about)
    return None


def duration_unit(column: str) -> float | None:
    """Return how many days one unit of a column of durations has, by its name; None where it is no duration.

    A follow-up is one in days where nothing else is said; with a year or a date in its name it may be a calendar date.

    Examples
    --------
    >>> duration_unit("os_months"), duration_unit("follow_up"), duration_unit("os"), duration_unit("year_of_death")
    (30.4375, 1.0, None, None)
    """
    words = re.findall(r"[a-z0-9]+", column.casefold())
    if {"date", "dates", "dt", "year", "yr"} & set(words):
        return None
    units = [DAYS_PER[word] for word in words if word in DAYS_PER]
    plain = 1.0 if event_named(column) == "last_contact" else None
    return max(units, default=plain)
