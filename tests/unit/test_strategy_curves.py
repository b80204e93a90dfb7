"""The numbers under the curves of a comparison."""

from dataclasses import replace

import numpy as np
import pytest

from dayzero.analyses.strategy_curves import draw_method
from dayzero.spells import make_spells
from dayzero.strategies.strategy import Strategy


@pytest.mark.parametrize("method", ["time_dependent", "landmark"])
def test_events_before_the_curves_begin_are_not_counted_under_them(method: str) -> None:
    """Of eight two have the event before the landmark, on which three are treated; one has it after the last tick."""
    days = np.array([np.inf, 10.0, 20.0, 30.0, 40.0, np.inf, np.inf, np.inf])
    spells = replace(make_spells([20, 40, 300, 400, 500, 600, 700, 800], [1] * 8), treatments={"hsct": days})
    drawn = draw_method(spells, Strategy(method, landmarks=(50.0,)))  # type: ignore[arg-type]
    events = drawn.at_risk.rows.filter(statistic="n_events")
    last = {group: int(events.filter(group=group)["estimate"].max()) for group in events["group"].unique()}  # type: ignore[arg-type]
    assert last == {"arm=treat": 3, "arm=no_treat": 2}
    assert events["time"].min() >= 50.0  # type: ignore[operator]
