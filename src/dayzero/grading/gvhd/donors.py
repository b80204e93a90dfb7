"""Courses with clocks of their own for GVHD: each allogeneic transplant, donor lymphocytes, donor-derived cells."""

from typing import Final

import polars as pl

from dayzero.history import History

KINDS: Final = ("hsct", "dli", "infusion")
TAKEN_FOR_ALLOGENEIC: Final = "transplant_taken_for_allogeneic"
_AUTO: Final = r"\bauto|\bself\b|\basct\b"
_DONOR: Final = r"\ballo|\bdonor|\bhaplo|\bsib|\brelated|unrelated|\bmud\b|\bmmud\b|\bmsd\b|matched|\bcord|\bucb"
_TEXTS: Final = ("kind", "origin", "donor", "graft", "value")


def given_cells(history: History) -> pl.DataFrame:
    """Return every dated transplant, donor lymphocyte infusion and infusion, and whose cells they are.

    Parameters
    ----------
    history
        A transplant is autologous where ``kind``, ``origin``, ``donor`` or its value says so, else allogeneic; an
        infusion is donor-derived only where ``origin`` says so; donor lymphocytes always are.

    Returns
    -------
    DataFrame
        By patient and day: ``patient``, ``kind``, ``course`` (1st, 2nd of its kind), ``day``, ``autologous`` (a
        transplant), ``from_donor``, and ``assumed``: a transplant about whose donor nothing is said.
    """
    return pl.concat([_of(history, kind) for kind in KINDS]).sort("patient", "day", maintain_order=True)


def donor_courses(given: pl.DataFrame) -> pl.DataFrame:
    """Return the courses of donor cells, each until the next: what autologous cells follow does not end it.

    Parameters
    ----------
    given
        As :func:`given_cells` returns them.

    Returns
    -------
    DataFrame
        As ``courses`` returns them, with ``assumed``; ``stop`` is null for the last.
    """
    donors = given.filter("from_donor")
    return donors.select(
        "patient",
        "kind",
        "course",
        "day",
        pl.col("day").shift(-1).over("patient").alias("stop"),
        pl.col("kind").shift(-1).over("patient").fill_null("follow_up").alias("ended_by"),
        "assumed",
    )


def _of(history: History, kind: str) -> pl.DataFrame:
    texts = [name for name in (("origin",) if kind == "infusion" else _TEXTS) if name in history.events.columns]
    rows = history.named(kind, ("number", *texts)).drop_nulls("day").sort("patient", "day", maintain_order=True)
    words = pl.concat_str([pl.col(name).fill_null("") for name in texts] or [pl.lit("")], separator=" ")
    lower = words.str.to_lowercase()
    auto, donor = lower.str.contains(_AUTO), lower.str.contains(_DONOR)
    theirs = {"hsct": ~auto, "dli": pl.lit(value=True), "infusion": donor & ~auto}[kind]
    place = pl.int_range(1, pl.len() + 1).over("patient")
    return rows.select(
        "patient",
        pl.lit(kind).alias("kind"),
        pl.col("number").fill_null(place).cast(pl.Int64).alias("course"),
        "day",
        (auto if kind == "hsct" else pl.lit(value=False)).alias("autologous"),
        theirs.alias("from_donor"),
        (~auto & ~donor if kind == "hsct" else pl.lit(value=False)).alias("assumed"),
    )
