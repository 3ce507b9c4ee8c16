"""The datasets that can be downloaded, and from where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A dataset that can be downloaded."""

    name: str
    folder: str
    """Name of its folder in the data folder, and of its class in torchvision."""
    hosts: tuple[str, ...]
    """URLs of the hosts of torchvision's mirrors, repeated here to try them without importing torchvision."""


SOURCES = {
    "mnist": Source("MNIST", "MNIST", ("https://ossci-datasets.s3.amazonaws.com", "http://yann.lecun.com")),
    "fashion-mnist": Source(
        "Fashion-MNIST", "FashionMNIST", ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",)
    ),
    "kmnist": Source("KMNIST", "KMNIST", ("http://codh.rois.ac.jp",)),
}
