"""Made-up data, handed to every peer as the same file of doubles."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

EFFECTS = np.array([0.4, -0.3, 0.2, 0.5, -0.5])
DRAWS = 1000
GRID = 100


@dataclass(frozen=True)
class Data:
    """Columns of one length, and where they stand on the disk."""

    folder: Path
    columns: dict[str, Array]

    def __getitem__(self, name: str) -> Array:
        """Return a column."""
        return self.columns[name]

    @property
    def x(self) -> Array:
        """(rows, 5) covariates."""
        return np.column_stack([self[name] for name in TERMS])

    @property
    def grid(self) -> Array:
        """(100,) days on which curves are compared, off the whole days so that rounding cannot move a step."""
        return np.linspace(1.5, 2000.5, GRID)

    @property
    def draws(self) -> Array:
        """(rows, 1000) how often a bootstrap draws each patient."""
        n = len(self["stop"])
        return np.random.default_rng(3).multinomial(n, np.full(n, 1.0 / n), size=DRAWS).T.astype(float)


TERMS = ("x1", "x2", "x3", "x4", "x5")
COLUMNS = ("start", "stop", "status", "state", "group", "id", *TERMS)


def make(kind: str, n: int, folder: Path) -> Data:
    """Draw n patients: ``days`` (whole days), ``continuous``, or ``switch`` (x5 starts later, on a day of its own)."""
    rng = np.random.default_rng([n, len(kind)])
    x = np.column_stack([rng.normal(size=(n, 3)), rng.integers(0, 2, (n, 2))]).astype(float)
    failed = rng.exponential(1000.0 * np.exp(-x @ EFFECTS))
    censored = rng.uniform(200.0, 3000.0, n)
    stop = np.minimum(failed, censored)
    stop = stop if kind == "continuous" else np.ceil(stop)
    status = (failed <= censored).astype(float)
    state = status * rng.choice([1.0, 2.0], n, p=[0.6, 0.4])
    start = np.zeros(n) if kind == "switch" else np.full(n, -np.inf)
    values = [start, stop, status, state, rng.integers(0, 3, n).astype(float), np.arange(float(n)), *x.T]
    columns = dict(zip(COLUMNS, values, strict=True))
    return Data(folder, _switched(columns, rng) if kind == "switch" else columns)


def _switched(columns: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """Cut the time of about half of the patients in two: x5 is 0 before the cut and 1 after it."""
    stop = columns["stop"]
    day = np.where(rng.random(len(stop)) < 0.6, np.ceil(rng.exponential(200.0, len(stop))), np.inf)
    cut = day < stop
    index = np.repeat(np.arange(len(stop)), 1 + cut)
    later = np.concatenate(([False], index[1:] == index[:-1]))
    first = cut[index] & ~later
    rows = {name: values[index] for name, values in columns.items()}
    rows["start"] = np.where(later, day[index], 0.0)
    rows["stop"] = np.where(first, day[index], rows["stop"])
    rows["status"] = np.where(first, 0.0, rows["status"])
    rows["x5"] = later.astype(float)
    return rows


def save(data: Data) -> None:
    """Write the columns one after the other, as doubles; likewise the bootstrap's draws where they are few."""
    data.folder.mkdir(parents=True, exist_ok=True)
    np.concatenate([data[name] for name in COLUMNS]).tofile(data.folder / "data.f64")
    data.grid.tofile(data.folder / "grid.f64")
    if len(data["stop"]) <= DRAWS:
        np.ravel(data.draws, order="F").tofile(data.folder / "draws.f64")


def load(folder: Path) -> Data:
    """Read what :func:`save` wrote."""
    table = np.fromfile(folder / "data.f64").reshape(len(COLUMNS), -1)
    return Data(folder, {name: values.copy() for name, values in zip(COLUMNS, table, strict=True)})
