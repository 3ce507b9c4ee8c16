"""The classic MNIST script, the baseline of `engine.py`: PyTorch's own data pipeline, network, optimizer and loop.

    MNIST_DATA_DIR=... python benchmarks/lib/classic_script.py --epochs 1

Written like the tutorials on purpose: a DataLoader that decodes image by image in the process that trains, ReLU before
pooling, contiguous NCHW tensors, `torch.optim.SGD`. It uses nothing of `mnist_core`. The last line is the time it took,
without imports.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import torch
import torch._dynamo  # torch.optim imports this on first use; imported here, it does not count as training
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torchvision import datasets, transforms


class Net(nn.Module):
    """Two convolutions, two dense layers: 431,080 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5, 1)
        self.conv2 = nn.Conv2d(20, 50, 5, 1)
        self.fc1 = nn.Linear(4 * 4 * 50, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(x, 2, 2)
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2, 2)
        x = x.view(-1, 4 * 4 * 50)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return F.log_softmax(x, dim=1)


def train(  # noqa: PLR0917  # as the script has it
    args: argparse.Namespace, model: nn.Module, device: torch.device, loader: Any, optimizer: Any, epoch: int
) -> None:
    model.train()
    for batch_index, (data, target) in enumerate(loader):
        data, target = data.to(device), target.to(device)  # noqa: PLW2901
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if batch_index % args.log_interval == 0:
            images, percent = batch_index * len(data), 100 * batch_index / len(loader)
            print(f"Train Epoch: {epoch} [{images}/{len(loader.dataset)} ({percent:.0f}%)]\tLoss: {loss.item():.6f}")


def test(model: nn.Module, device: torch.device, loader: Any) -> float:
    """Print loss and accuracy over the test images; returns the accuracy."""
    model.eval()
    test_loss, correct = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            data, target = data.to(device), target.to(device)  # noqa: PLW2901
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            prediction = output.argmax(dim=1, keepdim=True)
            correct += int(prediction.eq(target.view_as(prediction)).sum().item())
    images = len(loader.dataset)
    test_loss /= images
    print(f"\nTest set: Average loss: {test_loss:.4f}, Accuracy: {correct}/{images} ({100 * correct / images:.0f}%)\n")
    return correct / images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--test-batch-size", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--momentum", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-interval", type=int, default=10)
    parser.add_argument("--until", type=float, default=1.0, help="stop when the test accuracy reaches this value")
    args = parser.parse_args()

    began = time.perf_counter()
    torch.manual_seed(args.seed)
    device = torch.device("cpu")
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    root = os.environ.get("MNIST_DATA_DIR", "data")
    train_loader = torch.utils.data.DataLoader(
        datasets.MNIST(root, train=True, download=True, transform=transform), batch_size=args.batch_size, shuffle=True
    )
    test_loader = torch.utils.data.DataLoader(
        datasets.MNIST(root, train=False, transform=transform), batch_size=args.test_batch_size, shuffle=True
    )
    model = Net().to(device)
    optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, train_loader, optimizer, epoch)
        if test(model, device, test_loader) >= args.until:
            break
    print(f"{time.perf_counter() - began:.3f} seconds, without imports")


if __name__ == "__main__":
    main()
