"""The learning-rate range test: which rates are safe, risky or diverging with the present settings, within seconds.

The method is that of Smith (2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3,
https://arxiv.org/abs/1506.01186): train a fresh network while the rate grows from batch to batch, and watch the loss.
It falls, flattens, and rises once the rate is too high. Here the rate grows by 6.9 % a batch, from 0.0001 to 2, which
takes 150 batches, and about 125 until the loss has doubled. The loss is smoothed as usual for this test, by an
exponential mean without bias (Gugger 2018, "How Do You Find A Good Learning Rate"), here with the factor 0.9.

- Safe ends where the smoothed loss is lowest. Diverging begins where it is twice as high as that and above 1 nat, or no
  number.
- With momentum m the weights follow gradients that are m / (1 - m) batches old on average, so the loss shows a rate
  that late. Both limits move down by as many batches, at most 20. Adam's mean of gradients counts as momentum 0.9.
- The suggestion is a third of the end of safe.
- Batches have at most 256 images. Limits rise with the batch size up to about there, as long as noise limits the
  rate of small batches, and stay beyond it, where curvature does (McCandlish et al. 2018, "An Empirical Model of
  Large-Batch Training"). With eight pairs of network and optimizer, safe ended at 512 and 1,024 images at 0.4 to 3.5
  times the rate at 256, 1.2 in the median; 1,024 take four times as long.
- Limits are rounded to values that people choose, such as 0.07: safe down, diverging up.

`benchmarks/statistics/range_test.py` prints how often that agrees with real runs. The method was chosen on 16 other
combinations of settings. Left out were: 100 batches, whose limits are too blurred; a fresh network for each of ten
rates, which sees no late divergence in 12 batches each, and takes five times as long with 60; and confirming the limit
with 60 batches from a fresh network, which corrects one limit in 60 for half as many batches again.

The test knows nothing of a schedule. It is careful about the highest rate of one-cycle, which warms up. It does not see
what goes wrong only after hundreds of batches.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from mnist_core.checkpoints.recorded_networks import provide_network
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.data.datasets import Dataset, load_dataset
from mnist_core.data.splits import Split, split_validation
from mnist_core.errors import MnistError
from mnist_core.records import StepMetrics
from mnist_core.store import RunStore
from mnist_core.sweeps.rate_zones import RateZones, save_zones, zone_settings
from mnist_core.system.allocator import keep_freed_memory
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import die_with_parent
from mnist_core.training.engine import train
from mnist_core.training.networks.own.code import printing_to_stderr
from mnist_core.training.train_state import TrainState

LOWEST_RATE, HIGHEST_RATE = SETTINGS["lr"].low, 2 * SETTINGS["lr"].high
"""Ends of the ramp: beyond the range of the setting, since the loss shows a rate some batches late."""

BATCHES = 150
MAX_BATCH_SIZE = 256
SMOOTHING = 0.9

RISE, HIGH_LOSS = 2.0, 1.0
"""A rate diverges if the smoothed loss is above this multiple of its lowest, and above so many nats: the loss of a
network with batch normalisation doubles to 0.8 at rates with which it goes on learning."""

FEWEST_BATCHES = 5
"""Batches before a rise counts: the first smoothed losses are those of single batches."""

ADAM_MOMENTUM = 0.9
"""Adam's beta_1."""

MAX_LAG = 20
"""Maximum number of batches by which momentum moves the limits."""

SUGGESTED_SHARE = 1 / 3

LEARNED = 0.05
"""Nats by which the smoothed loss must fall at some rate."""

STOPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
"""First digits of the rates that limits are rounded to."""

TEST_SEED = 1
"""Seed of every test: zones belong to settings, not to a seed."""


def find_rate_zones(config: TrainConfig, data: Dataset) -> RateZones:
    """Train a fresh network for at most `BATCHES` batches at rising rates, and return the zones.

    Only the training images are seen. Raises `ConfigError` if the settings do not fit the dataset or this machine, and
    `MnistError` if no rate lowers the loss.
    """
    started_at = time.perf_counter()
    rates: list[float] = []
    smoothed: list[float] = []
    for rate, loss in _smooth(_ramp(config, data)):
        rates.append(rate)
        smoothed.append(loss)
        if not math.isfinite(loss) or (len(rates) > FEWEST_BATCHES and loss > _limit(min(smoothed))):
            break
    settings = zone_settings(config)
    momentum = ADAM_MOMENTUM if config.optimizer == "adam" else settings.get("momentum", 0.0)
    zones = find_zones(rates, smoothed, momentum=momentum)
    return replace(zones, settings=settings, seconds=round(time.perf_counter() - started_at, 2))


def find_zones(rates: Sequence[float], smoothed: Sequence[float], *, momentum: float) -> RateZones:
    """Return the zones in a ramp: rates, ascending, and the smoothed loss after each batch, nats.

    The ramp has ended early if its last loss is not finite or has risen. Raises `MnistError` if the loss
    has not fallen.
    """
    lowest = min(
        range(len(smoothed)), key=lambda batch: smoothed[batch] if math.isfinite(smoothed[batch]) else math.inf
    )
    if not smoothed[lowest] <= smoothed[0] - LEARNED:
        raise MnistError(
            f"No learning rate from {SETTINGS['lr'].low:g} to {rates[-1]:.2g} lowers the loss with these settings, "
            "so none can be suggested."
        )
    has_risen = not smoothed[-1] <= _limit(smoothed[lowest])
    lag = min(momentum / (1 - momentum), MAX_LAG)
    shrink = (HIGHEST_RATE / LOWEST_RATE) ** (-lag / (BATCHES - 1))
    safe, low, high = rates[lowest] * shrink, SETTINGS["lr"].low, SETTINGS["lr"].high
    is_any_safe = safe >= low
    edge = _round_rate(max(rates[-1] * shrink, low), 1) if has_risen else math.inf
    return RateZones(
        settings={},
        safe_up_to=min(_round_rate(safe, -1), high) if is_any_safe else None,
        diverges_above=edge if edge < high else None,
        suggested=min(max(_round_rate(safe * SUGGESTED_SHARE, 0), low), high) if is_any_safe else None,
        rates=[_short(rate) for rate in rates],
        losses=[_short(loss) if math.isfinite(loss) else None for loss in smoothed],
    )


def run_requested_test(settings: str) -> None:
    """Test settings, given as JSON, and remember the result; called in a process that the fork server forked.

    The process ends with the fork server.
    """
    die_with_parent()
    config = TrainConfig(**json.loads(settings))
    try:
        find_and_save(config, RunStore.open(runs_dir()))
    except MnistError as error:
        save_zones(RateZones(settings=zone_settings(config), problem=str(error)))


def find_and_save(config: TrainConfig, store: RunStore) -> RateZones:
    """Load dataset and network, test the rates in this process, and remember the zones. Raises `MnistError`.

    One thread computes, so that the same settings give the same zones in every terminal and on every page, and a test
    on a busy machine takes no longer than it must.
    """
    keep_freed_memory()
    torch.set_num_threads(1)
    provide_network(store.queries, config.model)
    with printing_to_stderr():
        zones = find_rate_zones(config, load_dataset(config.dataset, runs_dir=runs_dir()))
    save_zones(zones)
    return zones


def _ramp(config: TrainConfig, data: Dataset) -> Iterator[tuple[float, float]]:
    """Yield the rate of each batch and its loss before the update."""
    training_indices, _ = split_validation(len(data.train), config.validation_fraction)
    training = Split(data.train.images[training_indices], data.train.labels[training_indices])
    unused_test_split = Split(training.images[:1], training.labels[:1])
    ramp_config = TrainConfig(
        **zone_settings(config),
        lr=LOWEST_RATE,
        epochs=int(SETTINGS["epochs"].high),
        last_batch="drop",
        validation_fraction=0.0,
        seed=TEST_SEED,
        device=config.device,
    )
    state = TrainState.initial(ramp_config)
    state.batch_size = min(state.batch_size, MAX_BATCH_SIZE)
    events = train(ramp_config, Dataset(data.name, training, unused_test_split), state=state)
    for event in events:
        if isinstance(event, StepMetrics):
            yield event.lr, event.loss
            if event.step == BATCHES:
                return
            # Not by an adjustment, which must be in the range of the setting.
            state.lr = LOWEST_RATE * (HIGHEST_RATE / LOWEST_RATE) ** (event.step / (BATCHES - 1))


def _limit(lowest: float) -> float:
    """Return the smoothed loss above which a rate diverges."""
    return max(RISE * lowest, HIGH_LOSS)


def _smooth(ramp: Iterator[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    average = 0.0
    for batch, (rate, loss) in enumerate(ramp, 1):
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        yield rate, average / (1 - SMOOTHING**batch)


def _round_rate(rate: float, direction: int) -> float:
    """Round a rate to a digit of `STOPS` times a power of ten: down if `direction` is -1, up if 1, else the nearest."""
    power = math.floor(math.log10(rate))
    stops = [float(f"{digit}e{exponent}") for exponent in (power - 1, power, power + 1) for digit in STOPS]
    if direction < 0:
        return max(stop for stop in stops if stop <= rate)
    if direction > 0:
        return min(stop for stop in stops if stop >= rate)
    return min(stops, key=lambda stop: abs(math.log(stop / rate)))


def _short(number: float) -> float:
    return float(f"{number:.4g}")
