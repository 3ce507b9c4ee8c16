"""The words that people read: strip, table, Details, report, CSV heads, filters, terminal and command line use them.

Each thing has one word, written here once; settings have theirs in `config.SETTINGS`. The browser's modules get all of
these constants as `LABELS`, through `mnist_dashboard.server.shared_constants`.
"""

from __future__ import annotations

# States and progress of a run
FINISHED = "Finished"
EPOCH = "Epoch"
STEP = "Step"
RACE = "Race"
DURATION = "Duration"
LEFT = "Left"
SPEED = "Speed"
SPEED_UNIT = "img/s"
SPEED_WITH_UNIT = f"{SPEED} ({SPEED_UNIT})"

# Measurements
SMOOTHED = "smoothed"
LAST_BATCH = "last batch"
TRAIN_LOSS = "Train loss"
TRAIN_LOSS_SMOOTHED = f"{TRAIN_LOSS} ({SMOOTHED})"
TRAIN_LOSS_LAST_BATCH = f"{TRAIN_LOSS} ({LAST_BATCH})"
TRAIN_ACCURACY = "Train accuracy"
TRAIN_ACCURACY_SMOOTHED = f"{TRAIN_ACCURACY} ({SMOOTHED})"
TRAIN_ACCURACY_LAST_BATCH = f"{TRAIN_ACCURACY} ({LAST_BATCH})"
VALIDATION = "Validation"
VALIDATION_ACCURACY = "Validation accuracy"
BEST_VALIDATION = "Best validation"
BEST_VALIDATION_ACCURACY = "Best validation accuracy"
TEST = "Test"
TEST_ACCURACY = "Test accuracy"
TEST_LOSS = "Test loss"

# Times of day
CREATED = "Created"
STARTED = "Started"
ENDED = "Ended"

# Parts of a page and of a report
SETTINGS = "Settings"
RESULTS = "Results"
CHANGES = "Changes during the run"
CHECKPOINTS = "Checkpoints"
SNAPSHOTS = "Snapshots"
NETWORK_SOURCE = "Source of the network"
ENVIRONMENT = "Environment"
SHOW_ARCHIVED = "Show archived"

# What people do with a run
TRAIN_AGAIN = "Train again"
"""Start a run with the same settings, which may be changed first."""
REPLAY_EXACTLY = "Replay exactly"
"""Run it once more with the same seed and changes, to check that the results are the same to the last bit."""
