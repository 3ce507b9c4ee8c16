"""Metrics, the optimum of softmax regression and importances of settings against scikit-learn."""

import numpy as np
import pytest
import torch
from scipy.stats import sobol_indices, uniform
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from torch import nn

from mnist_core.analysis.importance_forest import measure_importance
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import EvalMetrics, StepMetrics
from mnist_core.training.batches import Images
from mnist_core.training.engine import evaluate, train
from mnist_core.training.train_state import TrainState
from tests.references.torch_reference import build_network, to_tensors

DIGITS = range(10)


@pytest.mark.usefixtures("in_float64")
def test_an_evaluation_has_the_metrics_of_scikit_learn(digits: Dataset) -> None:
    """Counts and accuracy are equal. The loss, a mean of 100 float64 logarithms, is within 1e-12."""
    torch.manual_seed(5)
    network = build_network("mlp")
    images, labels = to_tensors(digits.test)
    with torch.inference_mode():
        probabilities = nn.Softmax(dim=1)(network[:-1](images)).numpy()
    predicted = probabilities.argmax(1)
    assert 0 < accuracy_score(labels, predicted) < 1

    test = Images.on_device(digits.test, torch.device("cpu"))
    loss, confusion, predictions, _ = evaluate(network, test, batch_size=30)
    assert predictions.tolist() == predicted.tolist()
    assert np.array_equal(confusion, confusion_matrix(labels, predicted, labels=DIGITS))
    assert loss == pytest.approx(log_loss(labels, probabilities, labels=DIGITS), rel=0, abs=1e-12)


def test_recorded_accuracy_is_that_of_scikit_learn(digits: Dataset) -> None:
    """Equal: scikit-learn computes it from the predictions or the counts of the same batch, which are whole numbers."""
    config = TrainConfig(model="softmax", batch_size=70, epochs=1, validation_fraction=0.2, device="cpu")
    held_out = {"validation": None, "test": digits.test.labels}
    for event in train(config, digits):
        labels = np.repeat(DIGITS, np.sum(event.confusion, axis=1))
        predicted = np.concatenate([np.repeat(DIGITS, row) for row in event.confusion])
        assert event.accuracy == accuracy_score(labels, predicted)
        if isinstance(event, EvalMetrics) and (known := held_out[event.split]) is not None:
            assert event.accuracy == accuracy_score(known, event.predictions)
            assert np.array_equal(event.confusion, confusion_matrix(known, event.predictions, labels=DIGITS))


@pytest.mark.usefixtures("in_float64")
def test_softmax_regression_stays_at_the_optimum_of_scikit_learn(few_digits: Dataset) -> None:
    """The optimum of the penalised likelihood is unique, and there a step changes no weight.

    scikit-learn stops where the gradient is below 1e-9 and its own rounding errors begin, so a step moves a weight by
    less than 1e-8; without the weight decay, it moves them by up to 5e-4. Our weight decay also applies to the bias, so
    for scikit-learn the bias is the weight of a constant pixel. `C` is the inverse penalty of all images together.
    """
    weight_decay = 0.05
    images, labels = to_tensors(few_digits.train)
    pixels = np.column_stack([images.flatten(1).numpy(), np.ones(len(labels))])
    model = LogisticRegression(C=1 / (len(labels) * weight_decay), fit_intercept=False, tol=1e-9, max_iter=2000)
    weights = torch.as_tensor(model.fit(pixels, labels).coef_)

    config = TrainConfig(
        model="softmax",
        batch_size=len(labels),
        lr=0.1,
        momentum=0.0,
        weight_decay=weight_decay,
        epochs=1,
        validation_fraction=0,
        device="cpu",
    )
    state = TrainState.initial(config)
    weight, bias = state.model.parameters()
    weight.data, bias.data = weights[:, :-1].clone(), weights[:, -1].clone()
    step = next(train(config, few_digits, state=state))
    assert isinstance(step, StepMetrics)
    assert step.loss == pytest.approx(log_loss(labels, model.predict_proba(pixels), labels=DIGITS), rel=0, abs=1e-12)
    torch.testing.assert_close(torch.column_stack([weight, bias]), weights, rtol=0, atol=1e-8)


def with_interaction(settings: np.ndarray) -> np.ndarray:
    """Return a metric that depends on the first two of three settings (3, runs), also on their product."""
    lr, momentum, _ = settings
    metric: np.ndarray = 2 * lr + momentum + 3 * lr * momentum
    return metric


@pytest.mark.fault
def test_importances_are_those_of_scikit_learn_and_total_sobol_indices() -> None:
    """Half of the drop in R² when a setting is shuffled estimates its total Sobol index (Jansen 1999).

    scipy integrates the index. scikit-learn's forest learns the same 100 runs and is tested on new ones. Both forests
    miss about 5 % of the variance of 100 runs, so their importances are up to 0.1 smaller and as different from one
    another.
    """
    names = ("lr", "momentum", "weight_decay")
    ranges = uniform(-0.5, 1)
    indices = sobol_indices(func=with_interaction, n=2**12, dists=[ranges] * 3, rng=1).total_order
    random = np.random.default_rng(100)
    runs, new_runs = random.uniform(-0.5, 0.5, (3, 100)), random.uniform(-0.5, 0.5, (3, 1000))
    forest = RandomForestRegressor(random_state=0).fit(runs.T, with_interaction(runs))
    drops = permutation_importance(forest, new_runs.T, with_interaction(new_runs), scoring="r2", random_state=0)

    columns = tuple((name, tuple(values)) for name, values in zip(names, runs.tolist(), strict=True))
    report = measure_importance(columns, tuple(with_interaction(runs).tolist()))
    assert report
    shares = {importance.label: importance.share for importance in report.importances}
    ours = [shares[SETTINGS[name].label] for name in names]
    assert ours == pytest.approx(indices, abs=0.1)
    assert ours == pytest.approx(drops.importances_mean / 2, abs=0.1)
