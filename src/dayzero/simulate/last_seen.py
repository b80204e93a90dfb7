"""The last assessment of the disease of those who are followed to the end: a registry asks for it with every form."""

import numpy as np
import polars as pl

from dayzero.simulate.ledger import Scene, entered_by, whole
from dayzero.simulate.random import Ints, uniforms

LAST_SEEN_DRAW = 1_002


def last_assessments(scene: Scene, end: Ints) -> pl.DataFrame | None:
    """Return patient, day (whole), order and columns of the last assessments; None where the file asks for none.

    Parameters
    ----------
    scene
        Who entered what when.
    end
        (n,) the last day that is seen.
    """
    spec = scene.simulation.last_seen
    if spec is None:
        return None
    who = np.arange(len(end))
    day = np.maximum(end - spec.within * uniforms(scene.keys, LAST_SEEN_DRAW), 0.0)
    row = entered_by(scene.visits, who, day)
    names = [state.name for state in scene.simulation.states]
    here = np.isin(scene.visits.state[row], [names.index(name) for name in spec.of])
    here &= whole(scene.visits.enter[row]) < whole(day)  # an entry on that day has written its own
    frame = pl.DataFrame({"patient": who[here], "day": whole(day)[here]})
    fixed = {name: str(value) for name, value in spec.attributes.items()} | {"value": spec.value}
    return frame.with_columns(
        *(pl.lit(value).alias(name) for name, value in fixed.items()), event=pl.lit(spec.event), order=pl.lit(1 << 29)
    )
