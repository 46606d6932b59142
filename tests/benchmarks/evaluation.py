"""Evaluations on one core: `nll_iw` and the mutual information of a whole split, ours and the textbook's, and memory.

    python -m tests.benchmarks.evaluation [--quick] [--json FILE]

Ours is the whole of `evaluate`, with every other measure; the textbook computes one of them. It sees the same sentences
in random batches of 64, encodes them once and takes one sample after another (`a batch`), or does so for one sentence
after another (`a sentence`). For the information it is given our draws, and takes 64 codes at a time, or one, against
all sentences. Figures must agree: the information to 1e-4, likelihoods within 4 standard errors of both draws.
"""

import argparse
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from tests.benchmarks import side_by_side, textbook, textbook_evaluation
from tests.benchmarks.training_step import configuration, corpora, ours, sample
from tests.support.places import ROOT
from uncollapse.models.batch import PAD, Batch
from uncollapse.models.evaluation import evaluate
from uncollapse.models.evaluation.encoding import measuring
from uncollapse.models.evaluation.forward_pass import gather
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.training.batches import evaluation_batches
from uncollapse.study.training.training import EVALUATION_BATCH, Training

PEAKS = (10, 500, 5000)


def trained(name: str, size: str, corpus: Corpus) -> Training:
    """A model that has seen a few batches, so that its posteriors differ."""
    training = ours(configuration(name, size), corpus, sample(corpus.split("train"), 8 if size == "quickstart" else 1))
    training.train_epoch(1)
    return training


def theirs(training: Training, words: int) -> textbook.RecurrentVAE:
    model = textbook.model(training.task.configuration, words)
    assert isinstance(model, textbook.RecurrentVAE)
    return textbook_evaluation.filled(model, training.model)


def likelihood(name: str, size: str, corpus: Corpus, sentences: int, samples: int, turns: int) -> dict[str, Any]:
    """A row for `nll_iw`."""
    training, split = trained(name, size, corpus), corpus.split("valid")
    batches, book = evaluation_batches(split, EVALUATION_BATCH, sentences), theirs(training, len(corpus.vocabulary))
    rows = [
        textbook.sentence(row[: n - 1]) for batch in batches for row, n in zip(batch.tokens, batch.lengths, strict=True)
    ]
    few = rows[:2] if size == "paper" else rows[:4]
    found: dict[str, float] = {}

    def us() -> None:
        found["ours"] = evaluate.evaluate(training.model, batches, samples, seed=0)["nll_iw"]

    def them(at_once: int, sentences: Sequence[torch.Tensor], note: str) -> None:
        made = [pad_sequence(list(sentences[at : at + at_once]), True, PAD) for at in range(0, len(sentences), at_once)]
        scores = torch.cat([textbook_evaluation.importance_weighted(book, tokens, samples) for tokens in made])
        found[note] = float(scores.mean())

    ways = {
        "ours": us,
        "a batch": lambda: them(EVALUATION_BATCH, rows, "a batch"),
        "a sentence": lambda: them(1, few, "a sentence"),
    }
    seconds = side_by_side.in_turn(ways, turns)
    seconds["a sentence"] = [spent * len(rows) / len(few) for spent in seconds["a sentence"]]
    _check(training, batches, samples, found)
    return _row(f"nll_iw, K = {samples}", name, size, len(rows), seconds)


def _check(training: Training, batches: Sequence[Batch], samples: int, found: Mapping[str, float]) -> None:
    """Both figures within 4 standard errors of their difference, by our weights' own spread."""
    with measuring(training.model, 1):
        weights = torch.cat(gather(training.model, batches, samples).log_weights, 1).double()
    relative = (weights - weights.logsumexp(0)).exp() * samples
    error = math.sqrt(2 * float((relative.var(0) / samples).sum())) / weights.shape[1]
    assert abs(found["ours"] - found["a batch"]) < 4 * error + 1e-4, (found, error)


def information(name: str, size: str, corpus: Corpus, turns: int, most: int) -> dict[str, Any]:
    """A row for the mutual information."""
    training, split = trained(name, size, corpus), corpus.split("train")
    model, found = training.model, {}
    with measuring(model, 0):
        gathered = gather(model, evaluation_batches(split, EVALUATION_BATCH, most), 1)
        features = torch.cat(gathered.features)
        heads = model.latent.location(features), model.latent.log_variance(features)
    draws = torch.cat(gathered.values["z"])

    def us() -> None:
        with measuring(model, 0):
            found["ours"] = evaluate.information(model, gathered)["mi"]

    def them(at_once: int) -> None:
        found["theirs"] = textbook_evaluation.information(*heads, draws, at_once)

    ways = {"ours": us, "a batch": lambda: them(64), "a sentence": lambda: them(1)}
    seconds = side_by_side.in_turn(ways, turns)
    assert abs(found["ours"] - found["theirs"]) < 1e-4, found
    return _row(f"mi, N = {len(draws)}", name, size, len(draws), seconds)


def _row(what: str, name: str, size: str, sentences: int, seconds: Mapping[str, list[float]]) -> dict[str, Any]:
    speed = sorted(sentences / spent for spent in seconds["ours"])[len(seconds["ours"]) // 2]
    over = {
        way: side_by_side.shown(side_by_side.ratio(seconds[way], seconds["ours"])) for way in ("a batch", "a sentence")
    }
    return {"measure": what, "family": name, "size": size, "sentences/s": f"{speed:,.1f}", **over}


def peaks(samples: Sequence[int]) -> list[dict[str, Any]]:
    """Peak memory of a process that evaluates 64 sentences with so many samples."""
    command = [sys.executable, "-m", "tests.benchmarks.evaluation", "--peak"]
    ran = [subprocess.run([*command, str(k)], capture_output=True, text=True, check=True, cwd=ROOT) for k in samples]
    return [{"samples": k, "peak MB": int(one.stdout)} for k, one in zip(samples, ran, strict=True)]


def peak(samples: int) -> None:
    """Print this process's peak memory in MB after such an evaluation."""
    import resource

    found = corpora()["quickstart"]
    training = trained("seqvae", "quickstart", found)
    evaluate.evaluate(training.model, evaluation_batches(found.split("valid"), EVALUATION_BATCH, 64), samples, 0)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer samples and turns, and the quickstart's size alone")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    machine = side_by_side.one_thread()
    if given.peak:
        peak(given.peak)
        return
    found, turns, samples = corpora(), 1 if given.quick else 2, 50 if given.quick else 500
    rows = [likelihood(name, "quickstart", found["quickstart"], 128, samples, turns) for name in ("seqvae", "maxpool")]
    rows.append(information("seqvae", "quickstart", found["quickstart"], turns, 2000))
    if "paper" in found and not given.quick:
        rows.append(likelihood("seqvae", "paper", found["paper"], 64, 8, turns))
        rows.append(information("seqvae", "paper", found["paper"], turns, 2000))
    side_by_side.tell(machine, rows, given.json)
    print(side_by_side.table(peaks(PEAKS[:2] if given.quick else PEAKS)))


if __name__ == "__main__":
    main()
