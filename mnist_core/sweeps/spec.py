"""The description of a sweep: what it searches, by which measure, for how long, and how. It imports neither Optuna
nor torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from mnist_core.augmentations import fit_augmentation
from mnist_core.config import NOT_TUNED, SETTINGS, TrainConfig
from mnist_core.errors import ConfigError, DamagedSweepError
from mnist_core.records import Sweep
from mnist_core.setting import Setting
from mnist_core.sweeps.space import Parameter, Range, Values, check_extremes, parameter_from_json
from mnist_core.system.machine import cores

OBJECTIVES = {
    "accuracy": "Best validation accuracy",
    "loss": "Lowest validation loss",
    "time": "Time to a target accuracy",
}
SAMPLERS = {
    "tpe": "TPE",
    "random": "Random",
    "grid": "Grid",
    "gp": "Gaussian process",
    "cmaes": "CMA-ES",
}
PRUNERS = {
    "none": "None",
    "median": "Median",
    "hyperband": "Hyperband",
    "wilcoxon": "Wilcoxon over seeds",
}

MAX_GRID = 10_000
"""Maximum number of points of a grid."""

WILCOXON_SEEDS = 5
"""Minimum number of seeds for the Wilcoxon pruner: the signed-rank test reaches its p of 0.1 with four pairs at the
earliest, and a trial that has trained all its seeds cannot be pruned any more."""

FRESH_SEEDS = 3
"""Number of seeds with which the winner and the baseline are trained; the least that tests of seeds accept."""

KEPT = ("dataset", "validation_fraction", "train_fraction", "epochs", "device", "test_batch_size")
"""Fixed settings that all share: the data, and how long to train. The defaults replace the others in the baseline."""


@dataclass(frozen=True, kw_only=True)
class SweepSpec:
    """A sweep as a person describes it. Raises `ConfigError`, with one sentence, if it cannot be carried out."""

    parameters: tuple[Parameter, ...]
    """The settings that are searched."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Values of other settings, the same in all trials; the rest have their defaults."""
    objective: str = "accuracy"
    """One of `OBJECTIVES`, measured on validation."""
    target: float | None = None
    """Validation accuracy from 0 to 1 that ends a trial, with the objective `time`."""
    trials: int | None = None
    """Maximum number of trials; with a grid, all its points unless given."""
    minutes: float | None = None
    """Maximum time until the end, without pauses: the search ends early enough to confirm its winner. How long that
    takes is estimated from the trials, so the end may be later by the time of a run."""
    sampler: str = "tpe"
    pruner: str = "none"
    seeds: int = 1
    """Runs a trial, with as many seeds, whose mean is its result."""
    workers: int = field(default_factory=cores)
    """Maximum number of runs that train at the same time."""
    compare_with: Mapping[str, Any] | None = None
    """Settings that the winner has to beat, besides the defaults, such as those of the sliders; others have their
    defaults. They train on the data of the trials and for as long."""

    def __post_init__(self) -> None:
        _check_parameters(self)
        _check_numbers(self)
        _check_methods(self)
        _check_combinations(self)
        _check_grid(self)

    @property
    def max_trials(self) -> int | None:
        """Maximum number of trials; None without a limit."""
        if self.sampler != "grid":
            return self.trials
        return min(self.grid_size, self.trials or self.grid_size)

    @property
    def grid_size(self) -> int:
        """Number of points of the grid. Raises `ConfigError` for a range without a number of points."""
        return math.prod(len(parameter.grid()) for parameter in self.parameters)

    @property
    def is_maximized(self) -> bool:
        """Whether the highest value of the objective is the best."""
        return self.objective == "accuracy"

    @property
    def first_seed(self) -> int:
        """The first seed of every trial; the others follow it."""
        return int(self.fixed.get("seed", TrainConfig.seed))

    @property
    def fresh_seeds(self) -> range:
        """Seeds that no trial has used, for the winner and the baseline."""
        first = self.first_seed + self.seeds
        return range(first, first + FRESH_SEEDS)

    def config(self, values: Mapping[str, Any], seed_index: int = 0) -> TrainConfig:
        """Return the settings of a trial with these values of the parameters. Raises `ConfigError`."""
        return TrainConfig(**self._settings(values) | {"seed": self.first_seed + seed_index, **_without_test()})

    def winner_config(self, values: Mapping[str, Any], seed: int) -> TrainConfig:
        """Return the settings of a trial, trained with another seed and tested."""
        return TrainConfig(**self._settings(values) | {"seed": seed})

    def baseline_config(self, seed: int) -> TrainConfig:
        """Return the default settings, on the same data and for as long as the trials train."""
        return TrainConfig(**self._kept, seed=seed)

    def compared_config(self, seed: int) -> TrainConfig:
        """Return the settings of `compare_with`, on the same data and for as long as the trials train."""
        return TrainConfig(**fit_augmentation(self.rival_values, 0) | self._kept, seed=seed)

    @property
    def rival_values(self) -> dict[str, Any]:
        """The settings of `compare_with` that count: all but data, length and machine, which are those of trials."""
        skipped = (*KEPT, *NOT_TUNED, "skip_test")
        return {name: value for name, value in (self.compare_with or {}).items() if name not in skipped}

    def _settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fixed settings with these values. An augmentation among them has a shift that goes with it."""
        return fit_augmentation(self.fixed, 0) | fit_augmentation(values, self.fixed.get("max_shift", 0))

    @property
    def _kept(self) -> dict[str, Any]:
        return {name: self.fixed.get(name, getattr(TrainConfig, name)) for name in KEPT}

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        parameters = {parameter.name: parameter.to_json() for parameter in self.parameters}
        compared = None if self.compare_with is None else dict(self.compare_with)
        return values | {"parameters": parameters, "fixed": dict(self.fixed), "compare_with": compared}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the sweep that `to_json` wrote, or a program described. Raises `ConfigError`."""
        unknown = sorted(values.keys() - {item.name for item in fields(cls)})
        if unknown:
            raise ConfigError(unknown[0], f"A sweep has no field {unknown[0]!r}.")
        parameters = values.get("parameters")
        if not isinstance(parameters, Mapping):
            raise ConfigError("parameters", f"The parameters of a sweep must be named, got {parameters!r}.")
        read = tuple(parameter_from_json(name, value) for name, value in parameters.items())
        return cls(**{**values, "parameters": read})

    @classmethod
    def of(cls, sweep: Sweep) -> Self:
        """Return what a sweep of the store searches.

        Raises `DamagedSweepError` if that is not acceptable, as after a change of the limits of a setting.
        """
        try:
            return cls.from_json(sweep.spec)
        except (ConfigError, TypeError, ValueError, AttributeError) as error:
            raise DamagedSweepError(
                f"What {sweep.name} searches cannot be read: {str(error).rstrip('.')}. It was written by another "
                "version, or is damaged."
            ) from error


def _without_test() -> dict[str, Any]:
    """The setting of trials that keeps the test split out of the search."""
    return {"skip_test": True} if "skip_test" in SETTINGS else {}


def _check_parameters(spec: SweepSpec) -> None:
    _check_types(spec)
    if not spec.parameters:
        raise ConfigError("parameters", "A sweep needs a setting to search: give one a range, or several values.")
    names = [parameter.name for parameter in spec.parameters]
    repeated = [name for name in names if names.count(name) > 1 or name in spec.fixed]
    if repeated:
        raise ConfigError(repeated[0], f"{SETTINGS[repeated[0]].label} is given twice. Give it once.")
    for name, value in [*spec.fixed.items(), *(spec.compare_with or {}).items()]:
        if name not in SETTINGS:
            raise ConfigError(name, f"There is no setting {name!r}. Choose one of {', '.join(SETTINGS)}.")
        SETTINGS[name].validate(value)
    if spec.fixed.get("validation_fraction", TrainConfig.validation_fraction) == 0:
        raise ConfigError(
            "validation_fraction",
            "A sweep chooses by the validation images: the validation fraction must be above 0, got 0.",
        )
    if spec.fixed.get("skip_test"):
        raise ConfigError("skip_test", "A sweep tests its winner at the end: it cannot skip the test.")
    searched = {parameter.name: parameter for parameter in spec.parameters}
    if {"augmentation", "max_shift"} <= searched.keys() and set(searched["augmentation"].extremes) & {"none", "shift"}:
        raise ConfigError(
            "max_shift",
            "Search the augmentation or the random shift, not both: a shift above 0 without an augmentation means "
            "shift.",
        )


def _check_types(spec: SweepSpec) -> None:
    parameters = spec.parameters
    if not isinstance(parameters, (tuple, list)) or not all(isinstance(item, (Range, Values)) for item in parameters):
        raise ConfigError("parameters", f"The parameters of a sweep must be of Range or Values, got {parameters!r}.")
    object.__setattr__(spec, "parameters", tuple(parameters))
    for name, values in (("fixed", spec.fixed), ("compare_with", spec.compare_with)):
        if not isinstance(values, Mapping) and not (name == "compare_with" and values is None):
            raise ConfigError(name, f"The settings of {name} must be named, as in {{'lr': 0.1}}, got {values!r}.")


NUMBERS = {
    setting.name: setting
    for setting in (
        Setting("trials", "Trials", "How many combinations are tried.", 1, 1, 100_000),
        Setting("minutes", "Minutes", "How long the search takes.", 1.0, 0.01, 10_080, "minutes"),
        Setting("target", "Target accuracy", "The validation accuracy that ends a trial.", 0.5, 0.1, 1.0),
        Setting(
            "seeds",
            "Seeds a trial",
            "Runs a trial, with one seed each: their mean is its result. One is enough unless they are close.",
            1,
            1,
            20,
        ),
        Setting(
            "workers", "Workers", "How many runs train at the same time, with one thread each: one a core.", 1, 1, 64
        ),
    )
}
"""The numbers that describe a sweep, with their ranges."""


def _check_numbers(spec: SweepSpec) -> None:
    for name, setting in NUMBERS.items():
        value = getattr(spec, name)
        if value is not None or name in ("seeds", "workers"):
            object.__setattr__(spec, name, setting.validate(value))
    if spec.trials is None and spec.minutes is None and spec.sampler != "grid":
        raise ConfigError("trials", "A sweep needs an end: give it a number of trials, minutes, or both.")
    last_seed = spec.fresh_seeds[-1]
    if last_seed > SETTINGS["seed"].high:
        raise ConfigError(
            "seed", f"Seed must leave room for {spec.seeds + FRESH_SEEDS} seeds in a row, got {spec.first_seed}."
        )
    if (spec.objective == "time") != (spec.target is not None):
        raise ConfigError(
            "target", "A target accuracy and the objective time belong together: give both, or neither of them."
        )


def _check_methods(spec: SweepSpec) -> None:
    for name, choices in (("objective", OBJECTIVES), ("sampler", SAMPLERS), ("pruner", PRUNERS)):
        if getattr(spec, name) not in [*choices]:
            raise ConfigError(
                name, f"{name.capitalize()} must be one of {', '.join(choices)}, got {getattr(spec, name)!r}."
            )
    if spec.pruner == "wilcoxon" and spec.seeds < WILCOXON_SEEDS:
        raise ConfigError(
            "seeds",
            f"The pruner wilcoxon compares seeds: it needs at least {WILCOXON_SEEDS} seeds a trial, got {spec.seeds}.",
        )
    if spec.pruner in ("median", "hyperband") and spec.objective == "time":
        raise ConfigError(
            "pruner",
            f"The pruner {spec.pruner} compares accuracies or losses, not times. Choose the pruner none: a trial ends "
            "when it reaches the target.",
        )
    ranges = [parameter for parameter in spec.parameters if isinstance(parameter, Range)]
    if spec.sampler == "cmaes" and len(ranges) < len(spec.parameters):
        raise ConfigError(
            "sampler", "The sampler cmaes searches ranges only. Choose tpe, or give ranges instead of lists of values."
        )
    if spec.sampler == "cmaes" and len(ranges) < 2:
        raise ConfigError("sampler", "The sampler cmaes needs at least two ranges to search, got 1. Choose tpe or gp.")


def _check_grid(spec: SweepSpec) -> None:
    if spec.sampler == "grid" and spec.grid_size > MAX_GRID:
        raise ConfigError(
            "sampler",
            f"The grid has {spec.grid_size:,} points, and at most {MAX_GRID:,} are possible. "
            "Give fewer values, or choose the sampler random or tpe.",
        )


def _check_combinations(spec: SweepSpec) -> None:
    if spec.compare_with is not None:
        spec.compared_config(spec.first_seed)
    check_extremes(spec.parameters, lambda values: spec.winner_config(values, spec.first_seed))
