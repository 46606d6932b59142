"""Training, words and EOS a second on one core: ours, its matrix products alone, and the textbook's.

    python -m tests.benchmarks.training_step [--quick] [--families NAME ...] [--json FILE]

`of floor` is the time of the same products over ours, recurrent steps one after another, as they must be; `batched` has
all steps of a layer in one product, which no recurrent model can reach. `textbook` is the textbook's time over ours, for
the same sentences: ours in batches of one bucket of a real epoch, the textbook's in random ones.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from tests.benchmarks import floor, side_by_side, textbook
from tests.support.places import ROOT
from uncollapse.study.config import families
from uncollapse.study.corpora.corpus import Corpus, Split
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.training.batches import BUCKET_BATCHES, training_batches
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.training.training import Effort, Task, Training

PTB = ROOT.parent / "shared" / "data" / "ptb"
QUICKSTART = yaml.safe_load((ROOT / "study" / "config" / "cafes.yaml").read_text(encoding="utf-8"))
FAMILIES = ("lstm_lm", "seqvae", "maxpool", "vmf", "hrvae", "hsvae", "vat", "g_nvdm")
JOINT = {"updates": {"kind": "joint"}}  # by turns, NVDM's two halves would be compared one epoch each
BATCH = 32


def corpora() -> dict[str, Corpus]:
    """By the size of the models that are trained on it."""
    with tempfile.TemporaryDirectory() as folder:
        cafes = prepare(QUICKSTART["corpus"], Path(folder), ROOT)
        found = {"quickstart": _held(cafes)}
        if PTB.exists():
            found["paper"] = _held(prepare({"path": str(PTB), "format": "lines"}, Path(folder), ROOT))
    return found


def _held(corpus: Corpus) -> Corpus:
    """A corpus whose splits outlive its folder."""
    splits = {name: corpus.split(name) for name in ("train", "valid")}
    held = {
        name: Split(*(None if part is None else np.array(part) for part in vars(split).values()))
        for name, split in splits.items()
    }
    object.__setattr__(corpus, "split", held.__getitem__)
    return corpus


def sample(split: Split, batches: int) -> Split:
    """The sentences of so many batches of one bucket, spread over its lengths: an epoch of them makes the same ones."""
    random = np.random.default_rng(0)
    bucket = random.permutation(len(split))[: BATCH * BUCKET_BATCHES]
    bucket = bucket[np.argsort(split.lengths[bucket], kind="stable")]
    at = ((np.arange(batches) + 0.5) * (len(bucket) // BATCH) / batches).astype(int)
    rows = [row for start in at for row in bucket[start * BATCH : (start + 1) * BATCH]]
    offsets = np.concatenate([[0], np.cumsum(split.lengths[rows])])
    labels = None if split.labels is None else split.labels[rows]
    return Split(np.concatenate([split[row] for row in rows]), offsets, labels)


def configuration(name: str, size: str) -> dict[str, Any]:
    family = families.load(name, corners=False)
    if size == "quickstart":
        family = family.override(QUICKSTART["override"])
    return family.configure(JOINT if name == "g_nvdm" else {})


def ours(given: Mapping[str, Any], corpus: Corpus, split: Split) -> Training:
    effort = Effort(subset_sentences=2, subset_samples=1, full_samples=1)
    task = Task(given, corpus_info_of(corpus), 0, 1000, BATCH, effort)
    return Training(task, split, corpus.split("valid"), torch.device("cpu"))


def theirs(given: Mapping[str, Any], corpus: Corpus, split: Split, parameters: int) -> Callable[[], float] | None:
    """An epoch of the textbook's model, where one is written."""
    model = textbook.model(given, len(corpus.vocabulary))
    if model is None:
        return None
    assert sum(part.numel() for part in model.parameters()) == parameters, "another model is no comparison"
    loader = textbook.batches([textbook.sentence(split[row].tolist()) for row in range(len(split))], BATCH)
    stepper = textbook.optimizer(given["optimizer"], model.parameters())
    return lambda: textbook.epoch(model, stepper, loader, given["optimizer"]["clip"])


def measured(name: str, size: str, corpus: Corpus, batches: int, turns: int) -> dict[str, Any]:
    """One row of the table."""
    given, split = configuration(name, size), sample(corpus.split("train"), batches)
    trained = ours(given, corpus, split)
    made = list(training_batches(split, BATCH, np.random.default_rng(0)))
    work = {
        kind: [floor.products(trained.model, one, kind == "floor") for one in made] for kind in ("floor", "batched")
    }
    flat = {kind: [product for one in found for product in one] for kind, found in work.items()}
    ways: dict[str, side_by_side.Way] = {"ours": lambda: trained.train_epoch(1)}
    ways |= {kind: lambda products=found: floor.run(products) for kind, found in flat.items()}
    parameters = sum(part.numel() for part in trained.model.parameters())
    if (book := theirs(given, corpus, split, parameters)) is not None:
        ways["textbook"] = book
    found = side_by_side.in_turn(ways, turns)
    tokens = int((split.lengths + 1).sum())
    return _row(name, size, tokens, floor.operations(flat["floor"]), len(corpus.vocabulary), found)


def _row(
    name: str, size: str, tokens: int, operations: int, words: int, found: Mapping[str, list[float]]
) -> dict[str, Any]:
    speed = sorted(tokens / seconds for seconds in found["ours"])[len(found["ours"]) // 2]
    book = side_by_side.ratio(found["textbook"], found["ours"]) if "textbook" in found else None
    return {
        "family": name,
        "size": size,
        "V": words,
        "tokens/s": f"{speed:,.0f}",
        "GF/s": f"{speed * operations / tokens / 1e9:.0f}",
        "of floor": side_by_side.shown(side_by_side.ratio(found["floor"], found["ours"])),
        "batched": side_by_side.shown(side_by_side.ratio(found["batched"], found["ours"])),
        "textbook": side_by_side.shown(book),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer batches, and the quickstart's size alone")
    parser.add_argument("--families", nargs="+", choices=families.names(), default=FAMILIES)
    parser.add_argument("--sizes", nargs="+", choices=("quickstart", "paper"), default=None)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    machine, found = side_by_side.one_thread(), corpora()
    sizes = given.sizes or (("quickstart",) if given.quick else ("quickstart", "paper"))
    batches = {"quickstart": 6 if given.quick else 16, "paper": 2}
    turns = 3 if given.quick else 5
    wanted = [(size, name) for size in sizes if size in found for name in given.families]
    rows = []
    for size, name in wanted:
        floor.operands.cache_clear()
        rows.append(measured(name, size, found[size], batches[size], turns))
    side_by_side.tell(machine, rows, given.json)


if __name__ == "__main__":
    main()
