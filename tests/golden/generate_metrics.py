#!/usr/bin/env python3
"""Writes metrics.json: classification metrics of scikit-learn, calibration and bootstrap of NumPy.

Run by hand with scikit-learn 1.9 and NumPy 2: python3 generate_metrics.py
"""
import json
import pathlib

import numpy as np
import sklearn
from sklearn.metrics import (accuracy_score, confusion_matrix, f1_score,
                             precision_recall_fscore_support)

BINS = 15
RESAMPLES = 20_000
FIELDS = ('accuracy', 'macro_f1', 'precision', 'recall', 'f1')


def measure(gold, predicted, classes):
    precision, recall, f1, support = precision_recall_fscore_support(
        gold, predicted, labels=range(classes), zero_division=0)
    return {
        'accuracy': accuracy_score(gold, predicted),
        'macro_f1': f1_score(gold, predicted, average='macro', zero_division=0),
        'precision': precision.tolist(),
        'recall': recall.tolist(),
        'f1': f1.tolist(),
        'support': support.astype(int).tolist(),
        'confusion': confusion_matrix(gold, predicted, labels=range(classes)).ravel().tolist(),
    }


def calibration(gold, predicted, confidences):
    """Guo et al. 2017, equation 3; bins are (low, high]."""
    edges = np.arange(BINS + 1) / BINS
    bins = np.clip(np.digitize(confidences, edges, right=True) - 1, 0, BINS - 1)
    error, counts = 0.0, []
    for b in range(BINS):
        inside = bins == b
        counts.append(int(inside.sum()))
        if counts[-1]:
            gap = (gold == predicted)[inside].mean() - confidences[inside].mean()
            error += counts[-1] / len(gold) * abs(gap)
    return {'expected_error': error, 'bin_counts': counts}


def counts_of(gold, predicted, classes):
    return np.bincount(gold * classes + predicted, minlength=classes * classes)


def fast_measure(counts, classes):
    """The same from [R, C, C] counts of many resamples; checked against scikit-learn below."""
    correct = np.einsum('rcc->rc', counts)
    support, predicted = counts.sum(2), counts.sum(1)
    ratio = lambda a, b: np.divide(a, b, out=np.zeros(a.shape), where=b > 0)
    f1 = ratio(2 * correct, support + predicted)
    touched = (support + predicted > 0)
    return {'accuracy': correct.sum(1) / support.sum(1),
            'macro_f1': (f1 * touched).sum(1) / touched.sum(1),
            'precision': ratio(correct, predicted), 'recall': ratio(correct, support), 'f1': f1}


def bootstrap(rng, gold, predicted, classes):
    """Percentile intervals by drawing examples one by one."""
    counts = np.stack([
        counts_of(gold[i], predicted[i], classes)
        for i in (rng.integers(len(gold), size=len(gold)) for _ in range(RESAMPLES))
    ]).reshape(-1, classes, classes)
    drawn = fast_measure(counts, classes)
    one = fast_measure(counts_of(gold, predicted, classes).reshape(1, classes, classes), classes)
    exact = measure(gold, predicted, classes)
    assert all(np.allclose(one[name][0], exact[name]) for name in FIELDS)
    return {name: np.quantile(drawn[name], [0.025, 0.975], axis=0).T.tolist() for name in FIELDS}


class CounterRandom:
    """SplitMix64 (Steele, Lea and Flood 2014) as tasks/bootstrap.h keys it."""
    GOLDEN, MASK = 0x9E3779B97F4A7C15, 2**64 - 1

    def __init__(self, seed, stream):
        self.state = self.mix(self.mix(seed + self.GOLDEN) + stream * self.GOLDEN)

    def mix(self, z):
        z &= self.MASK
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & self.MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & self.MASK
        return z ^ (z >> 31)

    def next(self):
        self.state = (self.state + self.GOLDEN) & self.MASK
        return self.mix(self.state)

    def ones(self, bits):
        """Ones among so many bits, taken from the top of 64-bit numbers."""
        taken = ''
        while len(taken) < bits:
            taken += format(self.next(), '064b')
        return taken[:bits].count('1')


def binomial(random, draws, numerator, denominator):
    """Draws below numerator / denominator, all compared bit by bit."""
    if numerator == denominator:
        return draws
    successes, bit = 0, 1
    while draws and (numerator << bit - 1) % denominator:
        probability_bit = (numerator << bit) // denominator & 1
        ones = random.ones(draws)
        if probability_bit:
            successes, draws = successes + draws - ones, ones
        else:
            draws -= ones
        bit += 1
    return successes


def resample(random, counts, draws):
    if len(counts) == 1 or draws == 0:
        return [draws] + [0] * (len(counts) - 1)
    half = len(counts) // 2
    left = binomial(random, draws, sum(counts[:half]), sum(counts))
    return resample(random, counts[:half], left) + resample(random, counts[half:], draws - left)


def draws():
    first = CounterRandom(1, 0)
    counts = [400, 30, 0, 70, 500]
    return {
        'random': [str(first.next()) for _ in range(3)], 'counts': counts,
        'drawn': [resample(CounterRandom(1, stream), counts, sum(counts)) for stream in range(5)]
    }


def case(rng, name, size, classes, skill, shares, with_bootstrap=False):
    gold = rng.choice(classes, size=size, p=shares)
    logits = rng.normal(size=(size, classes))
    logits[np.arange(size), gold] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    probabilities = np.round(probabilities, 4).astype(np.float32)
    predicted = probabilities.argmax(1)
    confidences = probabilities.max(1).astype(np.float64)
    result = {
        'name': name, 'classes': classes, 'gold': gold.tolist(), 'predicted': predicted.tolist(),
        'probabilities': [round(float(p), 4) for p in probabilities.ravel()],
        **measure(gold, predicted, classes), **calibration(gold, predicted, confidences)
    }
    if with_bootstrap:
        result['intervals'] = bootstrap(rng, gold, predicted, classes)
    return result


def main():
    rng = np.random.default_rng(20250101)
    cases = [
        case(rng, 'two classes', 400, 2, 1.5, [0.6, 0.4], with_bootstrap=True),
        case(rng, 'five uneven classes', 300, 5, 1.0, [0.5, 0.3, 0.15, 0.04, 0.01],
             with_bootstrap=True),
        case(rng, 'a class without examples', 60, 3, 1.0, [0.5, 0.5, 0.0]),
        case(rng, 'classes that nothing touches', 12, 6, 4.0, [0.5, 0.5, 0, 0, 0, 0]),
        case(rng, 'one example', 1, 2, 1.0, [0.5, 0.5]),
        case(rng, 'all wrong', 50, 2, -9.0, [0.5, 0.5]),
        case(rng, 'all right', 50, 2, 9.0, [0.5, 0.5]),
    ]
    path = pathlib.Path(__file__).parent / 'metrics.json'
    lines = ',\n'.join(json.dumps(c) for c in cases)
    path.write_text('{"scikit-learn": "%s", "numpy": "%s", "draws": %s, "cases": [\n%s\n]}\n' %
                    (sklearn.__version__, np.__version__, json.dumps(draws()), lines))


if __name__ == '__main__':
    main()
