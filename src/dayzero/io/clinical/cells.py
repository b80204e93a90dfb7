"""Cells of a further table: words, flags, and numbers that may be censored or not be numbers at all.

A cell without any meaning stops the reading: file, row, column and fault, never the value.
"""

from typing import Final

import polars as pl

from dayzero.io.clinical.schema import Column
from dayzero.io.clinical.source import Source

FLAGS: Final = {"true": True, "yes": True, "1": True, "y": True, "false": False, "no": False, "0": False, "n": False}

ABSENT, BELOW, ABOVE, PRESENT, TRACE = "absent", "below", "above", "present", "trace"
_WORDS: Final = {
    ABSENT: """not_detected nd neg negative undetectable undetected none_detected not_detectable <lod <llod below_lod
        n.d. nicht_nachweisbar""",
    BELOW: "blq bloq bql lloq <lloq <loq <blq below_loq below_lloq below_quantification below_limit_of_quantification",
    ABOVE: ">uloq >uoq aloq >aloq above_uloq >max",
    PRESENT: "pos positive detected detectable",
    TRACE: "pnq pbq positive_not_quantifiable positive_below_quantification detected_below_loq detected_<_loq",
}
SPOKEN: Final = {word: what for what, words in _WORDS.items() for word in words.split()}
"""What stands where a number should: not detected, below or above quantification, detected."""

_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_AMOUNT: Final = rf"^(<=|>=|≤|≥|<|>)?\s*({_NUMBER})\s*([%/A-Za-zµμ°×].*)?$"
_SIGNS: Final = {"≤": "<=", "≥": ">="}


def plain(column: pl.Series) -> pl.Series:
    """Return words in the one form in which they are compared.

    Examples
    --------
    >>> plain(pl.Series(["Not detected", " Bone-Marrow ", "< LOD"])).to_list()
    ['not_detected', 'bone_marrow', '<lod']
    """
    words = column.str.strip_chars().str.to_lowercase().str.replace_all(r"[\s_-]+", "_")
    return words.str.replace_all("[µμ]", "u").str.replace(r"^([<>])_+", "${1}")


def read_words(source: Source, column: Column, header: str) -> pl.Series:
    """Return a column of words, each as the schema spells it.

    Raises
    ------
    InputError
        Where a word is not known, or a required one is missing.
    """
    known = {word: word for word in column.words} | dict(column.also)
    return _replaced(source, header, known, pl.String()).alias(column.name)


def read_flags(source: Source, column: Column, header: str) -> pl.Series:
    """Return a column of true and false (yes, no, 1, 0), null where unknown.

    Raises
    ------
    InputError
        Where a word is none of these.
    """
    return _replaced(source, header, FLAGS, pl.Boolean()).alias(column.name)


def _replaced(source: Source, header: str, known: dict[str, str] | dict[str, bool], dtype: pl.DataType) -> pl.Series:
    text = source.text(header)
    distinct = text.drop_nulls().unique()
    meant = plain(distinct).replace_strict(known, default=None, return_dtype=dtype)
    if meant.null_count():
        allowed = ", ".join(dict.fromkeys("yes no".split() if dtype == pl.Boolean else map(str, known.values())))
        where = text.is_in(distinct.filter(meant.is_null()).implode())
        raise source.fault("not a word that is known", f"Write one of {allowed}, or leave it empty.", where, header)
    return text.replace_strict(distinct, meant, default=None, return_dtype=dtype)


def refuse_empty(source: Source, column: Column, header: str, values: pl.Series) -> None:
    """Refuse a row in which a required word is missing."""
    if column.required and values.null_count():
        words = f"Write one of {', '.join(column.words)}." if column.words else "Fill it in, or remove the row."
        raise source.fault("an empty cell", words, values.is_null(), header)


def read_amounts(source: Source, header: str) -> pl.DataFrame:
    """Return what stands in a column of quantities, before any conversion.

    Returns
    -------
    DataFrame
        (rows,) ``number``, null where there is none; ``sign``: "", ``<``, ``>``, ``<=``, ``>=``, null where nothing
        stands; ``unit``: the unit in the cell itself; ``word``: one of ABSENT, BELOW, ABOVE, PRESENT, TRACE;
        ``exponent``: whether it is written as 1e-4.

    Raises
    ------
    InputError
        Where a cell is neither.
    """
    text = source.text(header)
    number = text.cast(pl.Float64, strict=False)
    number = number.set(~number.is_finite().fill_null(value=False), None)
    odd = text.is_not_null() & number.is_null()
    exponent = text.str.contains(r"[eE]-").fill_null(value=False).alias("exponent")
    sign = pl.select(pl.when(number.is_not_null()).then(pl.lit(""))).to_series().alias("sign")
    nothing = pl.Series("unit", [None], dtype=pl.String).new_from_index(0, len(text))
    read = pl.DataFrame([number.alias("number"), sign, nothing, nothing.alias("word"), exponent])
    return _with_odd(source, header, read, odd) if odd.any() else read


def _with_odd(source: Source, header: str, read: pl.DataFrame, odd: pl.Series) -> pl.DataFrame:
    """Read the cells that are more than a number."""
    at = odd.arg_true()
    text = source.text(header).gather(at)
    parts = text.str.extract_groups(_AMOUNT).struct.unnest()
    word = plain(text).replace_strict(SPOKEN, default=None, return_dtype=pl.String)
    number = parts["2"].cast(pl.Float64, strict=False)
    wrong = (number.is_null() | ~number.is_finite().fill_null(value=True)) & word.is_null()
    if wrong.any():
        mend = "Write a number (also <0.01 or >1000), not detected, or leave the cell empty; no comma in a number."
        raise source.fault("not a number", mend, _at(at.filter(wrong), len(source)), header)
    spoken = word.replace_strict({ABOVE: ">", PRESENT: None}, default="<", return_dtype=pl.String)
    sign = parts["1"].replace(_SIGNS).fill_null("").zip_with(word.is_null(), spoken)
    return read.with_columns(
        read["number"].scatter(at, number),
        read["sign"].scatter(at, sign),
        read["unit"].scatter(at, parts["3"].str.strip_chars_end()),
        read["word"].scatter(at, word),
        read["exponent"].scatter(at, text.str.contains(r"(?i)e-\d")),
    )


def _at(positions: pl.Series, height: int) -> pl.Series:
    return pl.int_range(height, eager=True).is_in(positions.cast(pl.Int64).implode())
