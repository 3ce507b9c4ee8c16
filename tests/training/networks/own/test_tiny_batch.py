"""The check of a user's own network: what passes, and one clear sentence for each thing that may be wrong with it."""

import sys

import pytest
import torch

from mnist_core.errors import ConfigError
from mnist_core.records import NetworkSource
from mnist_core.training.networks.own import code, tiny_batch
from tests.support.networks import TINY, TINY_PARAMETERS, tiny_source, with_forward

END = "End forward with: return F.log_softmax(x, dim=1)"


def check(text: str, class_name: str = "Tiny") -> int:
    return tiny_batch.check(code.provide(tiny_source(text), class_name))


def test_a_good_network_passes_with_its_number_of_parameters() -> None:
    before = torch.get_rng_state()
    assert check(TINY) == TINY_PARAMETERS
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (TINY.replace("def forward", "def forward("), "tiny.py has a syntax error in line 12: "),
        ("x = \0", "tiny.py "),
        ("(" * 5000, "tiny.py "),
        ("import nothing_like_this\n" + TINY, "tiny.py cannot import nothing_like_this (No module named"),
        (TINY + "\nraise KeyError('k')", "tiny.py cannot be loaded: KeyError in line 16: 'k'."),
        (TINY + "\nraise SystemExit(3)", "tiny.py cannot be loaded: SystemExit in line 16: 3."),
        (TINY.replace("class Tiny", "class Tinny"), "tiny.py has no class Tiny. It has Tinny."),
        ("x = 1", "tiny.py has no class Tiny. It has no class that derives from nn.Module either."),
        ("class Tiny: pass", "Tiny in tiny.py does not derive from nn.Module."),
        ("Tiny = 3", "Tiny in tiny.py does not derive from nn.Module."),
        (TINY.replace("__init__(self)", "__init__(self, width)"), "Tiny() cannot be built: TypeError: "),
        (TINY.replace("nn.Linear(16", "nn.Linear('a'"), "Tiny() cannot be built: TypeError in line 10: "),
        (TINY.replace("Linear(784,", "LazyLinear("), "Tiny has lazy layers, whose sizes follow from the first batch."),
        ("from torch import nn\nclass Tiny(nn.Module): pass", "Tiny has no parameters to train."),
        (
            TINY.replace("-1, 784", "-1, 28"),
            "Tiny cannot train on a batch of images (4, 1, 28, 28): RuntimeError in line 13",
        ),
        (with_forward("return x, x"), f"Tiny returns a tuple, not one tensor. {END}"),
        (with_forward("pass"), f"Tiny returns a NoneType, not one tensor. {END}"),
        (with_forward("return F.log_softmax(x, dim=1)"), "Tiny returns shape (4, 16) for 4 images, not (4, 10): "),
        (with_forward("return self.out(x).argmax(1)"), "Tiny returns shape (4,) for 4 images"),
        (with_forward("return self.out(x)"), f"Tiny returns numbers that are no log-probabilities. {END}"),
        (with_forward("return F.softmax(self.out(x), dim=1)"), f"Tiny returns probabilities. {END}"),
        (with_forward("return self.out(x).long()"), f"Tiny returns torch.int64, not log-probabilities. {END}"),
        (with_forward("return self.out(x) * float('nan')"), "Tiny returns NaN or infinity for images of noise."),
        (
            with_forward("return F.log_softmax(self.out(x), dim=1).detach()"),
            "No gradient reaches the parameters of Tiny.",
        ),
        (with_forward("return F.log_softmax(x[:, :10], dim=1)"), "out.weight of Tiny takes no part in its output."),
        (
            with_forward("if self.training:", "    return F.log_softmax(self.out(x), dim=1)", "return self.out(x)"),
            "Tiny returns numbers that are no log-probabilities.",
        ),
        (
            with_forward("if not self.training:", "    raise OSError('no')", "return F.log_softmax(self.out(x), 1)"),
            "Tiny cannot be evaluated on a batch of images (4, 1, 28, 28): OSError in line 15: no.",
        ),
        (
            TINY + "\n    def get_extra_state(self):\n        return 3\n",
            "The saved state of Tiny holds more than tensors: _extra_state.",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(text)
    assert str(caught.value).startswith(problem)
    assert str(caught.value).endswith((".", "dim=1)"))
    assert "\n" not in str(caught.value)
    assert caught.value.field == "model"


def test_what_a_network_prints_does_not_reach_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    text = "print('loaded')\n" + with_forward("print('forward')", "return F.log_softmax(self.out(x), dim=1)")
    check(text)
    assert capsys.readouterr() == ("", "loaded\nforward\nforward\n")


def test_only_provided_code_is_run() -> None:
    source = NetworkSource("tiny.py", TINY + "\n# never provided")
    with pytest.raises(ConfigError, match=r"The code of Tiny \(tiny.py, [0-9a-f]{8}\) is not at hand"):
        code.build(source.network("Tiny"))


def test_a_file_may_use_dataclasses_and_is_loaded_once() -> None:
    text = (
        "import dataclasses\n"
        "@dataclasses.dataclass\n"
        "class Sizes:\n    hidden: 'int' = 16\n" + TINY + "\nimport sys\nsys.own_network_loads = "
        "getattr(sys, 'own_network_loads', 0) + 1\n"
    )
    network = code.provide(tiny_source(text), "Tiny")
    assert type(code.build(network)) is type(code.build(network))
    assert vars(sys).pop("own_network_loads") == 1


def test_frozen_parameters_are_not_trained_and_do_not_count() -> None:
    text = TINY.replace("        self.out =", "        self.hidden.weight.requires_grad_(False)\n        self.out =")
    assert check(text) == TINY_PARAMETERS - 784 * 16
