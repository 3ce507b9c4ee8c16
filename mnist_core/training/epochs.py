"""At which steps the epochs of a run end, also when its batch size was changed on the way."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from mnist_core.config import TrainConfig
from mnist_core.records import Intervention


def epoch_ends(config: TrainConfig, images: int, interventions: Sequence[Intervention] = ()) -> list[int]:
    """The step that ends each epoch; the last is the number of steps of the whole run, if nothing more is changed."""
    changes = deque(one for one in interventions if one.field == "batch_size")
    batch_size = int(changes[0].old) if changes else config.batch_size
    ends, step = [], 0
    for _epoch in range(config.epochs):
        left = images
        while left > 0:
            while changes and changes[0].step <= step:
                batch_size = int(changes.popleft().new)
            steps = math.ceil(left / batch_size)
            if changes:
                steps = min(steps, changes[0].step - step)
            step += steps
            left -= steps * batch_size
        ends.append(step)
    return ends
