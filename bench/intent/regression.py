"""Multinomial logistic regression in numpy: full batch, every label with the same weight, no chance in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

_STEPS = 200
_RATE = 0.3
_FIRST, _SECOND = 0.9, 0.99
"""Adam's decay of the gradient and of its square."""


def fit(features: Matrix, labels: npt.NDArray[np.intp], classes: int, *, strength: float) -> Matrix:
    """Weights of shape (features + 1, classes), the last row the bias. ``strength``: the larger, the less they are held back."""
    inputs = np.hstack([features, np.ones((len(features), 1))]).astype(np.float32)
    wanted = np.eye(classes, dtype=np.float32)[labels]
    share = (1 / np.bincount(labels, minlength=classes).clip(1))[labels]
    share = (share / share.sum())[:, None].astype(np.float32)
    held_back = 1 / (strength * len(features))
    weights = np.zeros((inputs.shape[1], classes), np.float32)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, _STEPS + 1):
        gradient = inputs.T @ ((softmax(inputs @ weights) - wanted) * share)
        gradient[:-1] += held_back * weights[:-1]
        first = _FIRST * first + (1 - _FIRST) * gradient
        second = _SECOND * second + (1 - _SECOND) * gradient**2
        rate = _RATE * (1 - step / _STEPS) + _RATE / 100
        weights -= rate * (first / (1 - _FIRST**step)) / (np.sqrt(second / (1 - _SECOND**step)) + 1e-7)
    return weights


def softmax(scores: Matrix) -> Matrix:
    """Each row as probabilities."""
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


def predict(weights: Matrix, features: Matrix) -> Matrix:
    """The scores (not yet probabilities) of each row for each class."""
    return np.asarray(features @ weights[:-1] + weights[-1])
