"""Checks a network of the user's own on a tiny batch of noise: what training relies on, in the order it is met."""

from __future__ import annotations

import torch
from torch import nn

from mnist_core.network_names import OwnNetwork
from mnist_core.training.networks.own.code import build, describe, printing_to_stderr, refused

REMEDY = "End forward with: return F.log_softmax(x, dim=1)"

CHECKED_IMAGES = 4
MAX_SUM_ERROR = 1e-3
"""Largest difference from 1 of the sum of ten probabilities, computed in float32."""


def check(network: OwnNetwork) -> int:
    """Build a provided network, and train and evaluate it on a tiny batch of noise. Returns its number of parameters.

    Raises `ConfigError` with the first thing that is wrong, in one sentence.
    """
    with torch.random.fork_rng(devices=[]), printing_to_stderr():
        torch.manual_seed(1)
        model = build(network)
        trained = _check_state(model, network)
        images = torch.rand(CHECKED_IMAGES, 1, 28, 28)
        log_probabilities = _forward(model, images, network)
        _check_output(log_probabilities, network)
        _check_gradients(model, log_probabilities, network)
        with torch.inference_mode():
            model.eval()
            _check_output(_forward(model, images, network), network)
    return trained


def _check_state(model: nn.Module, network: OwnNetwork) -> int:
    """Check parameters and saved state, which checkpoints hold. Returns the number of trainable parameters."""
    name = network.class_name
    if any(isinstance(parameter, nn.UninitializedParameter) for parameter in model.parameters()):
        raise refused(f"{name} has lazy layers, whose sizes follow from the first batch. Give their sizes.")
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    if not trained:
        raise refused(f"{name} has no parameters to train. Assign its layers to attributes in __init__.")
    others = [key for key, value in model.state_dict().items() if not isinstance(value, torch.Tensor)]
    if others:
        raise refused(f"The saved state of {name} holds more than tensors: {others[0]}. Checkpoints hold tensors only.")
    return trained


def _forward(model: nn.Module, images: torch.Tensor, network: OwnNetwork) -> torch.Tensor:
    try:
        result = model(images)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        mode = "train on" if model.training else "be evaluated on"
        raise refused(
            f"{network.class_name} cannot {mode} a batch of images {tuple(images.shape)}: "
            f"{describe(error, network.file)}."
        ) from error
    if not isinstance(result, torch.Tensor):
        raise refused(f"{network.class_name} returns a {type(result).__name__}, not one tensor. {REMEDY}")
    return result


def _check_output(result: torch.Tensor, network: OwnNetwork) -> None:
    name = network.class_name
    if tuple(result.shape) != (CHECKED_IMAGES, 10):
        raise refused(
            f"{name} returns shape {tuple(result.shape)} for {CHECKED_IMAGES} images, not ({CHECKED_IMAGES}, 10): "
            "ten log-probabilities for each image. Give its last layer 10 outputs."
        )
    if not result.is_floating_point():
        raise refused(f"{name} returns {result.dtype}, not log-probabilities. {REMEDY}")
    if not bool(torch.isfinite(result).all()):
        raise refused(f"{name} returns NaN or infinity for images of noise. Look for a division by 0 or a log of 0.")
    sums = result.exp().sum(1)
    if bool(((sums - 1).abs() > MAX_SUM_ERROR).any()):
        are_probabilities = bool((result >= 0).all() and ((result.sum(1) - 1).abs() <= MAX_SUM_ERROR).all())
        kind = "probabilities" if are_probabilities else "numbers that are no log-probabilities"
        raise refused(f"{name} returns {kind}. {REMEDY}")


def _check_gradients(model: nn.Module, log_probabilities: torch.Tensor, network: OwnNetwork) -> None:
    name = network.class_name
    if not log_probabilities.requires_grad:
        raise refused(f"No gradient reaches the parameters of {name}. Compute with them in forward, without no_grad.")
    try:
        log_probabilities[:, 3].mean().neg().backward()  # type: ignore[no-untyped-call]
    except Exception as error:
        raise refused(f"{name} has no gradient: {describe(error, network.file)}.") from error
    trained = {key: value for key, value in model.named_parameters() if value.requires_grad}
    unused = [key for key, value in trained.items() if value.grad is None]
    if unused:
        raise refused(f"{unused[0]} of {name} takes no part in its output. Use it in forward, or remove it.")
    for key, value in trained.items():
        if value.grad is not None and not bool(torch.isfinite(value.grad).all()):
            raise refused(f"The gradient of {key} of {name} is not finite, for images of noise.")
