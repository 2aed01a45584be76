#!/usr/bin/env python3
"""Prints the coefficients in simd-inl.h: polynomials for exp and for the logarithm of the normal tail.

  log_tail   ln Phi(-t) for t >= 0, fitted so that the error of t * Phi(-t) is smallest; its constant is
             ln(1/2). The leading coefficient must come out negative: beyond the fitted range the tail
             then goes to 0.
  exp        e^r for |r| <= ln(2) / 2, relative error; its constant is 1.

Both by weighted least squares whose weights follow the error (Lawson 1961). Needs numpy and scipy.
"""
import numpy as np
from scipy.special import log_ndtr, ndtr


def minimax(x, target, constant, degree, importance):
    """Coefficients c[1..degree] for constant + sum c[k] x^k with the smallest importance * |error|."""
    span = np.abs(x).max()
    powers = np.vander(x / span, degree + 1, increasing=True)[:, 1:]
    weight = np.ones_like(x)
    best = np.inf, None
    for _ in range(100):
        w = np.sqrt(weight) * importance
        c, *_ = np.linalg.lstsq(powers * w[:, None], (target - constant) * w, rcond=None)
        error = np.abs(powers @ c - (target - constant)) * importance
        if error.max() < best[0]:
            best = error.max(), c
        weight *= error / error.max() + 1e-3
        weight /= weight.mean()
    return best[0], best[1] / span ** np.arange(1, degree + 1)


def show(name, constant, error, coefficients):
    print(f"{name}: error {error:.2g}")
    for c in [constant, *coefficients]:
        print(f"    {np.float32(c):.9g}f,")


if __name__ == "__main__":
    nodes = np.cos(np.pi * (np.arange(1, 4001) - 0.5) / 4000)
    t = 3.5 * (1 - nodes)
    show("log_tail", np.log(0.5), *minimax(t, log_ndtr(-t), np.log(0.5), 8, np.maximum(t, 0.15) * ndtr(-t)))
    r = 0.5 * np.log(2) * nodes
    show("exp", 1.0, *minimax(r, np.exp(r), 1.0, 6, np.exp(-r)))
