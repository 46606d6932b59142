"""Where a training step's time goes: shares of it by kind of work, from PyTorch's profiler, on one core.

    python -m tests.benchmarks.step_profile [--families NAME ...] [--sizes quickstart paper] [--json FILE]

The same families, sizes and batches as `training_step`, whose `of floor` this explains: only `products`, and what a
recurrent layer multiplies, is in the floor. `Python` is what no operator accounts for; the profiler itself adds to it.
"""

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import Any

from torch.profiler import ProfilerActivity, profile

from tests.benchmarks import side_by_side
from tests.benchmarks.training_step import FAMILIES, configuration, corpora, ours, sample
from uncollapse.study.config import families
from uncollapse.study.corpora.corpus import Corpus

KINDS = {  # the first kind that has one of its words in an operator's name takes it
    "recurrent layers": ("lstm", "gru", "rnn"),
    "products": ("mm", "linear", "matmul", "einsum", "dot", "mv"),
    "softmax, likelihood": ("softmax", "nll_loss", "logsumexp"),
    "random numbers": ("bernoulli", "dropout", "normal_", "uniform_", "rand", "exponential_"),
    "optimizer": ("_fused_adam", "adam", "_foreach", "vector_norm"),
    "tables": ("embedding", "index", "gather", "scatter", "take", "one_hot"),
    "copies": ("copy_", "cat", "clone", "zero_", "fill_", "empty", "contiguous", "_to_copy", "stack", "pad"),
}
REST = "element by element"


def kind_of(operator: str) -> str:
    name = operator.lower()
    return next((kind for kind, words in KINDS.items() if any(word in name for word in words)), REST)


def shares(name: str, size: str, corpus: Corpus, batches: int) -> dict[str, Any]:
    """One row of the table."""
    trained = ours(configuration(name, size), corpus, sample(corpus.split("train"), batches))
    trained.train_epoch(1)
    with profile(activities=[ProfilerActivity.CPU]) as found:
        began = time.perf_counter()
        trained.train_epoch(2)
        whole = time.perf_counter() - began
    seconds: Counter[str] = Counter()
    for one in found.key_averages():
        seconds[kind_of(one.key)] += one.self_cpu_time_total / 1e6
    seconds["Python"] = max(0.0, whole - sum(seconds.values()))
    kinds = (*KINDS, REST, "Python")
    return {"family": name, "size": size, **{kind: f"{seconds[kind] / whole:.0%}" for kind in kinds}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=families.names(), default=FAMILIES)
    parser.add_argument("--sizes", nargs="+", choices=("quickstart", "paper"), default=("quickstart", "paper"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    machine, found = side_by_side.one_thread(), corpora()
    batches = {"quickstart": 16, "paper": 2}
    rows = [
        shares(name, size, found[size], batches[size])
        for size in given.sizes
        if size in found
        for name in given.families
    ]
    side_by_side.tell(machine, rows, given.json)


if __name__ == "__main__":
    main()
