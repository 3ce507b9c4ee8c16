"""What a person is told about the networks, against the networks themselves."""

import pytest
import torch

from mnist_core.config import MODELS, SETTINGS
from mnist_core.system.paths import ROOT
from mnist_core.training import models
from mnist_core.training.networks import NETWORKS


def test_every_network_is_in_the_table() -> None:
    assert set(NETWORKS) == set(MODELS)
    assert len({network.label for network in NETWORKS.values()}) == len(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_the_table_counts_the_parameters_that_are_trained(name: str) -> None:
    model = models.build(name, torch.Generator())
    assert NETWORKS[name].parameters == sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def test_page_and_runs_table_call_networks_and_optimizers_the_same() -> None:
    from mnist_dashboard.train.settings_sidebar import CHOICE_LABELS

    table = (ROOT / "mnist_dashboard/components/run_table/model/columns.js").read_text(encoding="utf-8")
    for name in (*MODELS, *SETTINGS["optimizer"].choices):
        assert f'{name}: "{CHOICE_LABELS[name]}"' in table
