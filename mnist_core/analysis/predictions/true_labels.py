"""The true labels of the images that a run was evaluated on."""

from __future__ import annotations

import numpy as np

from mnist_core.data.run_images import RunImages
from mnist_core.errors import DatasetError
from mnist_core.records import Run
from mnist_core.store.queries import Queries


def true_labels(queries: Queries, images: RunImages, run: Run, split: str) -> np.ndarray:
    """Return the true labels of a run's `validation` or `test` split, uint8 (N,).

    Those of test images are stored with the runs, too, so they outlive the dataset. Raises `DatasetError` with one
    sentence if the labels cannot be had.
    """
    try:
        return images.split_of(run, split).labels
    except DatasetError:
        labels = queries.test_labels(run.provenance.test_checksum) if run.provenance else None
        if split != "test" or labels is None or len(labels) != run.test_images:
            raise
        return labels
