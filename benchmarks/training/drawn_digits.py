"""Count how many drawn digits a network reads that has only seen MNIST, with and without augmentation.

    MNIST_DATA_DIR=... python benchmarks/training/drawn_digits.py [--epochs 3] [--repeats 10] [--threads 1] [--sheet F]

Three hands draw the ten digits with a round pen and some jitter (`lib/drawn_strokes.py`). They are prepared as the page
prepares drawings. The aims are about the first set of 30; further sets, with other jitter, say how far chance goes. See
`README.md` in this folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from benchmarks.lib.drawn_strokes import HANDS, draw_digit  # noqa: E402
from benchmarks.lib.measure import CLASSIC_SETTINGS, Figure, print_head, print_row  # noqa: E402
from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.data.datasets import Dataset, load_dataset  # noqa: E402
from mnist_core.data.drawing import Digit, prepare_drawing  # noqa: E402
from mnist_core.system.machine import threads_per_trainer  # noqa: E402
from mnist_core.system.paths import data_dir  # noqa: E402
from mnist_core.training.batches import normalize  # noqa: E402
from mnist_core.training.engine import train  # noqa: E402
from mnist_core.training.train_state import TrainState  # noqa: E402

AIMS = {"none": 27, "affine": 29}
"""Digits of 30, by augmentation."""

LABELS = np.tile(np.arange(10), len(HANDS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3, help="epochs of each run (default: 3)")
    parser.add_argument("--repeats", type=int, default=10, help="sets of 30 digits (default: 10)")
    parser.add_argument("--threads", type=int, default=0, help="0 for as many as a single trainer gets (default)")
    parser.add_argument("--sheet", type=Path, help="write the first 30 digits, as the networks see them, into this PNG")
    options = parser.parse_args()

    sets = [_draw_set(seed) for seed in range(options.repeats)]
    if options.sheet:
        rows = np.concatenate(np.split(np.concatenate(sets[0], axis=1), len(HANDS), axis=1))
        Image.fromarray(rows).resize((rows.shape[1] * 4, rows.shape[0] * 4), Image.Resampling.NEAREST).save(
            options.sheet
        )
    print_head()
    torch.set_num_threads(options.threads or threads_per_trainer(1))
    dataset = load_dataset("mnist", data_dir=data_dir())
    for augmentation, aim in AIMS.items():
        config = TrainConfig(**{**CLASSIC_SETTINGS, "epochs": options.epochs, "augmentation": augmentation})
        right = _count_right(config, dataset, sets)
        name = f"of 30 drawn digits read right, {options.epochs} epochs, augmentation {augmentation}"
        print_row(Figure(name, f"{right[0]}", f">= {aim}", f"{len(right)} sets: {min(right)} to {max(right)}"))


def _draw_set(seed: int) -> list[Digit]:
    return [prepare_drawing(draw_digit(hand, digit, seed)) for hand in HANDS for digit in range(10)]


def _count_right(config: TrainConfig, dataset: Dataset, sets: Sequence[Sequence[Digit]]) -> list[int]:
    """Train a network, and count for each set of digits how many it reads right."""
    state = TrainState.initial(config)
    for _event in train(config, dataset, state=state):
        pass
    state.model.eval()
    with torch.inference_mode():
        read = [state.model(normalize(torch.from_numpy(np.stack(digits)))).argmax(1).numpy() for digits in sets]
    return [int((digits == LABELS).sum()) for digits in read]


if __name__ == "__main__":
    main()
