"""L2-regularised logistic regression for few examples: exact, deterministic, NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_STEPS = 100
_ENOUGH = 1e-10  # squared Newton decrement
_RIDGE = 1e-12  # keeps the free intercept solvable when every weight of the data is 0


def fit_logistic(X: Vector, y: Vector, *, C: float = 1.0) -> tuple[Vector, float]:
    """Return weights, shape ``(d,)``, and intercept of the classifier of ``y`` in {−1, 1}.

    The minimum of ``‖w‖² / 2 + C · Σ log(1 + exp(−y (w · x + b)))``, the intercept ``b`` free: what
    scikit-learn's ``LogisticRegression(C=C)`` finds. The loss is convex, so Newton's method with
    step halving has one answer and needs no seed. Cost ``O(n d²)`` for ``n`` examples.
    """
    n, d = X.shape
    design = np.concatenate([X, np.ones((n, 1))], axis=1)
    penalty = np.r_[np.ones(d), 0.0]
    beta = np.zeros(d + 1)
    value = _loss(design, y, beta, penalty, C)
    for _ in range(_STEPS):
        p = _sigmoid(-y * (design @ beta))
        gradient = penalty * beta - C * design.T @ (y * p)
        hessian = np.diag(penalty + _RIDGE) + C * (design.T * (p * (1 - p))) @ design
        step = np.linalg.solve(hessian, gradient)
        decrement = float(gradient @ step)
        if decrement < _ENOUGH:
            break
        rate = 1.0
        while True:
            tried = beta - rate * step
            new = _loss(design, y, tried, penalty, C)
            if new <= value - 1e-4 * rate * decrement or rate < 1e-6:
                break
            rate /= 2
        beta, value = tried, new
    return beta[:-1], float(beta[-1])


def _loss(design: Vector, y: Vector, beta: Vector, penalty: Vector, C: float) -> float:
    margins = -y * (design @ beta)
    return float((penalty * beta) @ beta / 2 + C * np.logaddexp(0.0, margins).sum())


def _sigmoid(z: Vector) -> Vector:
    return np.asarray(0.5 * (1.0 + np.tanh(z / 2)))
