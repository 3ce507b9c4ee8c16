"""Measure one training step: its arithmetic against the peak of this machine, and where its time goes.

    python -m benchmarks.lib.training_step peak|products|profile [--rounds 7]

Prints JSON for `engine.py`, which runs it in a process of its own. Sets this process up as a trainer is set up.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.lib.measure import classic_config
from mnist_core.data.datasets import load_dataset
from mnist_core.records import Event
from mnist_core.system.allocator import keep_freed_memory
from mnist_core.system.machine import has_bf16, threads_per_trainer
from mnist_core.training.engine import train
from mnist_core.training.networks.models import Net

MATRIX_SIZES = (512, 1024, 2048, 4096)
"""Rows and columns of the matrices that measure the peak."""

WARM_UP_STEPS = 30
ROUND_SECONDS = 0.7
PROFILED_STEPS = 200


def step_flop(batch_size: int) -> int:
    """Count the floating-point operations of the products in one training step of the classic network.

    The shapes of the layers give the count. A product counts three times: forward, gradient of the weights, gradient
    of the input. The first layer's input needs no gradient. A multiply-add counts as two. ReLU, pooling, softmax and
    the update, one percent of the total, do not count.
    """
    forward: list[int] = []

    def count(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        forward.append(2 * output.numel() * weight[0].numel())

    model = Net()
    for layer in model.children():
        layer.register_forward_hook(count)
    model(torch.zeros(batch_size, 1, 28, 28))
    return 3 * sum(forward) - forward[0]


def onednn_product(a: Tensor, b: Tensor) -> Tensor:
    """Multiply `a` by the transpose of `b` with oneDNN; `torch.matmul` uses MKL."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")
    return product


MULTIPLICATIONS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], torch.dtype]] = {
    "torch": (torch.matmul, torch.float32),
    "onednn": (onednn_product, torch.float32),
    "bf16": (torch.matmul, torch.bfloat16),
}


def best_rate(multiply: Callable[[Tensor, Tensor], Tensor], dtype: torch.dtype) -> float:
    """Return the highest rate of square products over several sizes, in FLOP per second."""
    best = 0.0
    for size in MATRIX_SIZES:
        a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
        flop = 2 * size**3
        for _ in range(max(2, 2 * 10**10 // flop)):
            began = time.perf_counter()
            multiply(a, b)
            best = max(best, flop / (time.perf_counter() - began))
    return best


def warm_training(batch_size: int, precision: str = "fp32") -> Iterator[Event]:
    """Return the events of a long run (50 epochs) after its first steps."""
    events = train(classic_config(batch_size=batch_size, precision=precision, epochs=50), load_dataset())
    for _ in islice(events, WARM_UP_STEPS):
        pass
    return events


def steps_per_second(events: Iterator[Event]) -> float:
    began, steps = time.perf_counter(), 0
    for _ in events:
        steps += 1
        if time.perf_counter() - began > ROUND_SECONDS:
            break
    return steps / (time.perf_counter() - began)


def peak(rounds: int) -> dict[str, list[float]]:
    """Return the rate in each round, in FLOP per second, of each multiplication and of training in three ways."""
    trainings = {"batch 64": (64, "fp32"), "batch 256": (256, "fp32"), "batch 64 bf16": (64, "bf16")}
    multiplications = dict(MULTIPLICATIONS)
    if not has_bf16():
        del trainings["batch 64 bf16"], multiplications["bf16"]
    events = {name: warm_training(*arguments) for name, arguments in trainings.items()}
    rates: dict[str, list[float]] = {name: [] for name in [*multiplications, *trainings]}
    for _ in range(rounds):
        for name, (batch_size, _precision) in trainings.items():
            rates[name].append(steps_per_second(events[name]) * step_flop(batch_size))
        for name, (multiply, dtype) in multiplications.items():
            rates[name].append(best_rate(multiply, dtype))
    return rates


def median_seconds(call: Callable[[], object], calls: int = 200) -> float:
    seconds = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)[calls // 2]


def products() -> list[dict[str, Any]]:
    """Time the products of both convolutions at batch 64, each alone; returns name, FLOP and seconds of each."""
    with torch.no_grad():
        return [*convolution_products("conv1", 1, 20, 28), *convolution_products("conv2", 20, 50, 12)]


def convolution_products(name: str, channels: int, outputs: int, size: int) -> list[dict[str, Any]]:
    x = torch.randn(64, channels, size, size).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(outputs, channels, 5, 5).contiguous(memory_format=torch.channels_last)
    bias = torch.zeros(outputs)
    gradient = torch.randn_like(torch.conv2d(x, weight, bias))

    def backward(output_mask: tuple[bool, bool, bool]) -> object:
        geometry = [outputs], [1, 1], [0, 0], [1, 1], False, [0, 0], 1
        return torch.ops.aten.convolution_backward(gradient, x, weight, *geometry, output_mask)

    calls: dict[str, Callable[[], object]] = {
        "forward": lambda: torch.conv2d(x, weight, bias),
        "gradient of the input": lambda: backward((True, False, False)),
        "gradient of the weights": lambda: backward((False, True, True)),
    }
    if channels == 1:
        del calls["gradient of the input"]  # images need no gradient
    flop = 2 * gradient.numel() * weight[0].numel()
    return [{"name": f"{name}, {kind}", "flop": flop, "seconds": median_seconds(call)} for kind, call in calls.items()]


def profile() -> list[dict[str, Any]]:
    """Profile a training step at batch 64.

    Returns name, shapes, calls, seconds and FLOP of each operator, longest first; the seconds exclude operators that it
    calls.
    """
    events = warm_training(64)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True) as profiler:
        for _ in islice(events, PROFILED_STEPS):
            pass
    rows = [
        {
            "name": row.key,
            "shapes": [shape for shape in row.input_shapes if shape],
            "calls": row.count / PROFILED_STEPS,
            "seconds": row.self_cpu_time_total / 1e6 / PROFILED_STEPS,
            "flop": operator_flop(row.key, row.input_shapes) * row.count / PROFILED_STEPS,
        }
        for row in profiler.key_averages(group_by_input_shape=True)
    ]
    return sorted(rows, key=lambda row: -row["seconds"])


def operator_flop(name: str, shapes: list[list[int]]) -> int:
    """Return the FLOP of one call; 0 for operators that do not multiply matrices."""
    match name:
        case "aten::mkldnn_convolution":
            (n, channels, height, width), (outputs, _, rows, columns) = shapes[:2]
            return 2 * n * outputs * (height - rows + 1) * (width - columns + 1) * channels * rows * columns
        case "aten::convolution_backward":
            (n, outputs, height, width), (_, channels, *_), (*_, rows, columns) = shapes[:3]
            product = 2 * n * outputs * height * width * channels * rows * columns
            return product if channels == 1 else 2 * product  # images need no gradient
        case "mkldnn::_linear_pointwise":
            (n, inputs), (outputs, _) = shapes[:2]
            return 2 * n * inputs * outputs
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("peak", "products", "profile"))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(threads_per_trainer(1))
    match options.what:
        case "peak":
            print(json.dumps(peak(options.rounds)))
        case "products":
            print(json.dumps(products()))
        case "profile":
            print(json.dumps(profile()))


if __name__ == "__main__":
    main()
