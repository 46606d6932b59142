"""One measurement: learn from some rows of a task, and judge on the others. Shapes: N rows of a task."""

import torch

from uncollapse.analysis.statistics.intervals import proportion
from uncollapse.models.measures.checks import NotFinite
from uncollapse.models.measures.correlation import NoVariation, cosines
from uncollapse.models.probes.accuracy import f1
from uncollapse.models.probes.transfer import relatedness
from uncollapse.study.transfer import similarity
from uncollapse.study.transfer.measurements import Trial
from uncollapse.study.transfer.predict import Bench, fine_tuned, frozen, vectors
from uncollapse.study.transfer.sentence_vectors import both, features
from uncollapse.study.transfer.tasks import COSINE, GRADES, PARAPHRASE
from uncollapse.study.transfer.ways import FROZEN

Measures = dict[str, float]


class Refused(ValueError):
    """A figure is not defined here; the sentence says why."""


def measure(trial: Trial, bench: Bench) -> Measures:
    """The figures of a trial; `Refused` where they are not defined, as of a dead code."""
    ways = {COSINE: _cosine, GRADES: _grades}
    try:
        return ways.get(trial.question, _classes)(trial, bench)
    except (NoVariation, NotFinite) as error:
        raise Refused(str(error)) from None


def _cosine(trial: Trial, bench: Bench) -> Measures:
    """Over subsets, or over the test pairs where the task has parts."""
    asked = bench.material.only("test") if "test" in bench.material.rows else bench.material
    cosine, gold = cosines(*both(bench.model, asked, vectors(trial))), torch.from_numpy(asked.gold)
    found = similarity.judged(similarity.by_subset(cosine, asked.rows), similarity.by_subset(gold, asked.rows))
    return {**found, "count": len(asked.gold)}


def _grades(trial: Trial, bench: Bench) -> Measures:
    rows, question = bench.material.rows, bench.question
    read, gold = (
        features(bench.model, bench.material, vectors(trial), trial.pairs),
        torch.from_numpy(bench.material.gold),
    )
    train, test = rows["train"], rows["test"]
    found = relatedness(read[train], gold[train], read[test], gold[test], trial.seed, question.lowest, question.highest)
    figures = {"pearson": found.pearson, "spearman": found.spearman, "squared_error": found.squared_error}
    return {**figures, "count": found.count}


def _classes(trial: Trial, bench: Bench) -> Measures:
    predicted = frozen(trial, bench) if trial.how == FROZEN else fine_tuned(trial, bench)
    gold, measures = torch.from_numpy(bench.material.gold), Measures()
    for name, rows in bench.material.judged.items():
        prefix = "" if name == "test" else f"{name}_"
        right, count = int((predicted[rows] == gold[rows]).sum()), len(rows)
        low, high = map(float, proportion(right, count))
        measures |= {f"{prefix}accuracy": right / count, f"{prefix}accuracy_low": low, f"{prefix}accuracy_high": high}
        measures |= {f"{prefix}majority": int(gold[rows].bincount().max()) / count, f"{prefix}count": count}
        if trial.question == PARAPHRASE:
            measures[f"{prefix}f1"] = f1(predicted[rows], gold[rows])
    return measures
