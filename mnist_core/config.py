"""The settings of a run: `TrainConfig`, whose fields are also the one table of settings.

Each field has its range, unit, label and help, which sliders, command-line flags and validation all use. Ranges are
defined only here. The page decides which widget shows a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from mnist_core.augmentations import augmentation_with
from mnist_core.errors import ConfigError
from mnist_core.network_names import OWN_NETWORK, OwnNetwork
from mnist_core.setting import Setting, setting_field

DATASETS = {
    "auto": "Auto",
    "mnist": "MNIST (60\u202f000 images)",
    "fashion-mnist": "Fashion-MNIST (60\u202f000 images)",
    "kmnist": "KMNIST (60\u202f000 images)",
    "mnist-5k": "MNIST-5k (built in)",
}
DEVICES = {"auto": "Auto", "cpu": "CPU", "cuda": "CUDA", "mps": "MPS (Apple)"}
MODELS = {
    "classic": "Classic CNN",
    "example": "PyTorch example CNN",
    "compact": "Compact CNN",
    "mlp": "MLP",
    "softmax": "Softmax regression",
}
OPTIMIZERS = {"sgd": "SGD", "nesterov": "SGD with Nesterov", "adam": "Adam", "adadelta": "Adadelta"}
SCHEDULES = {"constant": "Constant", "one-cycle": "One-cycle", "step": "Step"}
PRECISIONS = {"fp32": "32-bit (fp32)", "bf16": "bfloat16 (bf16)"}
AUGMENTATIONS = {"none": "None", "shift": "Shift", "affine": "Affine"}
MONITORS = {"loss": "Validation loss", "accuracy": "Validation accuracy"}
LAST_BATCHES = {"auto": "Auto", "keep": "Keep", "merge": "Merge into the batch before it", "drop": "Leave out"}


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The settings of a run. Raises `ConfigError` if a value is out of range or two do not fit together."""

    batch_size: int = setting_field(
        64,
        "Batch size",
        "How many images are averaged for each update: larger is steadier and faster per image, "
        "but gives fewer updates per epoch.",
        low=1,
        high=1024,
        unit="images",
        short="batch",
    )
    lr: float = setting_field(
        0.01,
        "Learning rate",
        "How far each update moves the weights: too low learns slowly, too high makes the loss jump or diverge.",
        low=0.0001,
        high=1.0,
        short="lr",
    )
    momentum: float = setting_field(
        0.5,
        "Momentum",
        "How much of the previous update carries over into the next one: higher smooths the path, "
        "above 0.9 it can overshoot.",
        low=0.0,
        high=0.99,
    )
    epochs: int = setting_field(
        3, "Epochs", "How many times the run goes through all training images.", low=1, high=50, unit="epochs"
    )
    model: str = setting_field(
        "classic",
        "Network",
        "Which network learns: a built-in one, or a class in a Python file of your own. The page offers the files in "
        "the folder networks, the command line takes any path.",
        choices=MODELS,
        pattern=OWN_NETWORK,
        pattern_words="FILE.py:CLASS",
        short="",
    )
    optimizer: str = setting_field(
        "sgd",
        "Optimizer",
        "How updates follow from gradients. Momentum is for SGD and Nesterov; Adam and Adadelta adapt by themselves.",
        choices=OPTIMIZERS,
        short="",
    )
    weight_decay: float = setting_field(
        0.0,
        "Weight decay",
        "How strongly each update pulls the weights towards zero: a little can help on new images, much keeps the "
        "network from learning.",
        low=0.0,
        high=0.1,
    )
    label_smoothing: float = setting_field(
        0.0,
        "Label smoothing",
        "Share of each label that is spread over all ten digits during training: a little keeps the network from "
        "being too sure, and can help on new images.",
        low=0.0,
        high=0.5,
    )
    augmentation: str = setting_field(
        "none",
        "Augmentation",
        "How each training image is changed at random, anew in every epoch: a little helps on new images when a run "
        "has several epochs. Shift moves it; affine also turns, scales and slants it, which helps on drawn digits.",
        choices=AUGMENTATIONS,
    )
    max_shift: int = setting_field(
        0,
        "Random shift",
        "How far the augmentation may move each training image up, down and sideways. Above 0 without an augmentation "
        "means shift.",
        low=0,
        high=4,
        unit="pixels",
    )
    last_batch: str = setting_field(
        "auto",
        "Last batch",
        "What becomes of the images at the end of an epoch that do not fill a batch. The update from a few images is "
        "noisy and comes just before an evaluation: 16 of 64 on MNIST-5k cost 9 points of accuracy. Auto merges less "
        "than half a batch into the batch before it. With validation fraction 0 it keeps all, as the classic script "
        "does.",
        choices=LAST_BATCHES,
    )
    schedule: str = setting_field(
        "constant",
        "Schedule",
        "How the learning rate moves during the run: one-cycle rises to it and falls to almost nothing, "
        "step multiplies it by gamma after each epoch.",
        choices=SCHEDULES,
    )
    gamma: float = setting_field(
        0.7, "Gamma", "What the step schedule multiplies the learning rate by after each epoch.", low=0.01, high=1.0
    )
    precision: str = setting_field(
        "fp32",
        "Precision",
        "bf16 computes with shorter numbers: faster on processors that have it, hardly less accurate.",
        choices=PRECISIONS,
        short="",
    )
    dataset: str = setting_field(
        "auto",
        "Dataset",
        "Auto takes MNIST from the data folder, else downloads it, else uses the 5,000 digits built in.",
        choices=DATASETS,
        short="",
    )
    seed: int = setting_field(
        1,
        "Seed",
        "Starts the random numbers for the first weights, the order and shifts of images, and dropout. The same seed "
        "gives the same run, to the last bit if machine, packages and number of threads are the same, too.",
        low=0,
        high=2**31 - 1,
    )
    test_batch_size: int = setting_field(
        1000,
        "Test batch size",
        "How many images are evaluated at once: changes memory and speed, and the loss by no more than rounding.",
        low=1,
        high=10_000,
        unit="images",
    )
    validation_fraction: float = setting_field(
        0.1,
        "Validation fraction",
        "Share of the training images held back to choose settings by. 0 trains on all and evaluates on the "
        "test images after each epoch, as the classic script does.",
        low=0.0,
        high=0.5,
    )
    train_fraction: float = setting_field(
        1.0,
        "Training fraction",
        "Share of the training images that the run trains on, as many of each digit, after the validation images are "
        "held back. A smaller share is part of a larger one, and every seed gets the same images.",
        low=0.01,
        high=1.0,
    )
    skip_test: bool = setting_field(
        False,
        "Skip test",
        "Ends the run without a test: runs among which settings are chosen should not see the test images. Needs "
        "validation images.",
    )
    patience: int = setting_field(
        0,
        "Patience",
        "Early stopping: how many evaluations on validation may pass without an improvement before the run ends. Above "
        "0 the run keeps its best weights, and tests, saves and exports those. If you stop it yourself, it keeps its "
        "last weights, untested. 0 never stops it early.",
        low=0,
        high=100,
        unit="evaluations",
    )
    monitor: str = setting_field(
        "loss",
        "Monitor",
        "What early stopping watches. Validation loss also sees whether the network grows too sure; validation "
        "accuracy moves in whole images.",
        choices=MONITORS,
        short="stops by",
    )
    min_delta: float = setting_field(
        0.0,
        "Least improvement",
        "By how much the watched number must get better than its best so far to count as an improvement: in nats of "
        "loss, or as a share of the images.",
        low=0.0,
        high=1.0,
    )
    skip_norms: bool = setting_field(
        False,
        "Skip layer norms",
        "Does not record the norms of weights and gradients by layer. Recording them changes no result and takes less "
        "than 1 % of the training time.",
    )
    device: str = setting_field(
        "auto", "Device", "Where the network trains: auto takes a GPU if there is one.", choices=DEVICES, short=""
    )
    save_model: bool = setting_field(
        False, "Save model", "Writes the weights to a file when the run ends, for torch.load."
    )

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            object.__setattr__(self, name, setting.validate(getattr(self, name)))
        object.__setattr__(self, "augmentation", augmentation_with(self.max_shift, self.augmentation))
        if self.optimizer == "nesterov" and self.momentum == 0:
            raise ConfigError("momentum", "Momentum must be above 0 with the optimizer nesterov, got 0.")
        if self.patience and not self.validation_fraction:
            raise ConfigError(
                "patience",
                "Patience needs a validation fraction above 0: without validation images nothing says when a run stops "
                f"improving, got patience {self.patience}.",
            )
        if self.skip_test and not self.validation_fraction:
            raise ConfigError(
                "skip_test",
                "Skip test needs a validation fraction above 0: without validation images the run is evaluated on the "
                "test images alone.",
            )

    def total_steps(self, training_images: int) -> int:
        """Return the updates of the whole run."""
        return self.epochs * self.steps_left(training_images, self.batch_size)

    def steps_left(self, images: int, batch_size: int) -> int:
        """Return the number of updates in the rest of an epoch, which has this many images.

        `last_batch` says what becomes of the images that do not fill a batch.
        """
        whole_batches, rest = divmod(images, batch_size)
        if not rest or self.last_batch == "drop":
            return whole_batches
        return max(whole_batches, 1) if self._merges(rest, batch_size) else whole_batches + 1

    def next_batch_size(self, images: int, batch_size: int) -> int:
        """Return the size of the next batch in the rest of an epoch, which has this many images; 0 if there is none."""
        steps = self.steps_left(images, batch_size)
        if steps == 1 and self.last_batch != "drop":
            return images
        return batch_size if steps else 0

    def _merges(self, rest: int, batch_size: int) -> bool:
        """Whether the images that do not fill the last batch join the batch before it."""
        if self.last_batch == "auto":
            return self.validation_fraction > 0 and 2 * rest < batch_size
        return self.last_batch == "merge"

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> Self:
        """Return the settings in stored values. Raises `ConfigError`.

        Runs stored before the setting `last_batch` existed kept the last batch.
        """
        return cls(**{"last_batch": "keep", **values})

    def check_fits(self, training_images: int) -> None:
        """Raises `ConfigError` if a batch is larger than the training set, and so would never be filled."""
        check_batch_fits(self.batch_size, training_images)


def check_batch_fits(batch_size: int, training_images: int) -> None:
    """Raises `ConfigError` if a batch is larger than the training set."""
    if batch_size > training_images:
        raise ConfigError(
            "batch_size",
            f"Batch size must be between 1 and {training_images}, the number of training images "
            f"of the run, got {batch_size}.",
        )


SETTINGS: dict[str, Setting] = {
    f.name: Setting(name=f.name, default=f.default, **f.metadata) for f in fields(TrainConfig)
}


def choice_label(name: str, value: str) -> str:
    """Return how pages call a value of a setting that has choices."""
    network = OwnNetwork.parse(value) if name == "model" else None
    return network.label if network else SETTINGS[name].choices.get(value, value)


NOT_TUNED = ("dataset", "seed", "test_batch_size", "skip_norms", "device", "save_model")
"""Settings that choose data and machine, not how the network learns. No preset changes them; importance skips them."""

LOG_INTERVAL = Setting(
    name="log_interval",
    label="Log interval",
    help="How many batches pass between two printed lines; the page shows every batch.",
    default=10,
    low=1,
    high=1_000_000,
    unit="batches",
)
