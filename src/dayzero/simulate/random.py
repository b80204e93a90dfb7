"""Random numbers that are functions of seed, patient and draw: the same whatever the chunk, thread or order.

Each patient has a key; draw number ``c`` is the finaliser of splitmix64 at ``key + c * increment``. Source: Steele, Lea
and Flood 2014, Fast splittable pseudorandom number generators (doi 10.1145/2714064.2660195), the mixing constants of
its variant 13 (Stafford).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_STREAM: Final = np.uint64(0xD1342543DE82EF95)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_TO_UNIT: Final = 2.0**-53


def _mix(keys: Keys) -> Keys:
    """Return the finaliser of splitmix64; the keys are overwritten."""
    keys ^= keys >> np.uint64(30)
    keys *= _FIRST
    keys ^= keys >> np.uint64(27)
    keys *= _SECOND
    keys ^= keys >> np.uint64(31)
    return keys


def patient_keys(seed: int, patients: Ints) -> Keys:
    """Return a key a patient.

    Parameters
    ----------
    seed
        Of the cohort; any whole number.
    patients
        (n,) numbers of the patients.
    """
    start = _mix(np.array([seed & 0xFFFFFFFFFFFFFFFF], np.uint64))
    return _mix(start + (patients.astype(np.uint64) + np.uint64(1)) * _GOLDEN)


def uniforms(keys: Keys, draw: int) -> Floats:
    """Return (n,) numbers between 0 and 1, both excluded.

    Parameters
    ----------
    keys
        (n,) as :func:`patient_keys` returns them.
    draw
        Number of the draw: the same number gives the same values.

    Examples
    --------
    >>> keys = patient_keys(1, np.arange(4))
    >>> bool(np.all(uniforms(keys, 0)[2:] == uniforms(keys[2:], 0)))
    True
    """
    shift = np.uint64((int(_STREAM) * (draw + 1)) & 0xFFFFFFFFFFFFFFFF)
    bits = _mix(keys + shift)
    bits >>= np.uint64(11)
    values = bits.astype(np.float64)
    values += 0.5
    values *= _TO_UNIT
    return values


def exponentials(keys: Keys, draw: int) -> Floats:
    """Return (n,) standard exponential numbers."""
    values = uniforms(keys, draw)
    np.log(values, out=values)
    np.negative(values, out=values)
    return values
