"""Figures of a transfer run as text. Free of torch."""

from collections.abc import Mapping, Sequence
from typing import Any

from uncollapse.analysis.report.text_table import aligned
from uncollapse.study.transfer.tasks import CLASSES, COSINE, GRADES, PARAPHRASE

HEADS = {
    CLASSES: "accuracy on the test part (mean over seeds, Wilson 95 % of it over sentences; lowest to highest seed)",
    PARAPHRASE: "accuracy on the test part, as above, with F1 of the paraphrases",
    GRADES: "Pearson and Spearman correlation of predicted and gold relatedness (mean over seeds), squared error",
    COSINE: "100 x Spearman of cosine and gold: all pairs in one list, mean of subsets, weighted mean (bootstrap 95 %)",
}


def line(row: Any) -> str:
    """One measurement in a line of progress."""
    trial = row.trial
    figure = f"failed: {row.cause}" if row.cause else _first(row.measures)
    words = [trial.task, trial.how, trial.encoder, trial.vectors, trial.pairs, f"seed {trial.seed}"]
    return f"{' '.join(word for word in words if word)}: {figure}"


def _first(measures: Mapping[str, float]) -> str:
    name = next(iter(measures))
    return f"{name} {measures[name]:.3f}"


def text(found: Mapping[str, Any]) -> str:
    """Every question's table, and what the texts of the tasks are like."""
    of_kind = {kind: [row for row in found["summary"] if row["question"] == kind] for kind in HEADS}
    blocks = [_block(kind, rows) for kind, rows in of_kind.items() if rows]
    return "\n\n".join([*blocks, _facts(found["tasks"])])


def _block(kind: str, rows: Sequence[Mapping[str, Any]]) -> str:
    columns = {CLASSES: _accuracy, PARAPHRASE: _accuracy, GRADES: _relatedness, COSINE: _correlation}[kind]
    head = ["task", "how", "encoder", "vectors", "pairs"]
    cells = [[str(row[name]) for name in head] + (columns(row) if row["seeds"] else [_why(row)]) for row in rows]
    named = {CLASSES: ["accuracy", "seeds", "dev", "majority"], GRADES: ["Pearson", "Spearman", "error"]}
    named |= {COSINE: ["all", "mean", "wmean"], PARAPHRASE: [*named[CLASSES], "F1"]}
    return f"{HEADS[kind]}\n{aligned([[*head, *named[kind]], *cells])}"


def _why(row: Mapping[str, Any]) -> str:
    return f"- ({'; '.join(row['causes'])})"


def _accuracy(row: Mapping[str, Any]) -> list[str]:
    low, high = row["accuracy_low"], row["accuracy_high"]
    cells = [
        f"{row['accuracy']:.3f} ({low:.3f}-{high:.3f})",
        f"{row['lowest']:.3f}-{row['highest']:.3f} ({row['seeds']})",
    ]
    cells += [f"{row['dev_accuracy']:.3f}" if "dev_accuracy" in row else "-", f"{row['majority']:.3f}"]
    return [*cells, f"{row['f1']:.3f}"] if "f1" in row else cells


def _relatedness(row: Mapping[str, Any]) -> list[str]:
    return [f"{row[name]:.3f}" for name in ("pearson", "spearman", "squared_error")]


def _correlation(row: Mapping[str, Any]) -> list[str]:
    return [
        f"{row[name]:.1f} ({row[f'{name}_low']:.1f}-{row[f'{name}_high']:.1f})" for name in ("all", "mean", "wmean")
    ]


def _facts(tasks: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [["task", "words unknown to the model", "sentences cut", "rows"]]
    for name, facts in tasks.items():
        parts = {key: value for key, value in facts.items() if key not in ("words", "unknown_share", "cut")}
        counts = ", ".join(f"{part} {count:,}" for part, count in parts.items())
        rows.append([name, f"{facts['unknown_share']:.1%} of {facts['words']:,}", str(facts["cut"]), counts])
    return aligned(rows)
