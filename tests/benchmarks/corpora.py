"""A corpus of many sentences: seconds and memory to prepare it, to open it again, and of trials that read it at once.

    python -m tests.benchmarks.corpora [--sentences N] [--tokenizer spaces|spacy] [--json FILE] [--quick]

The text is drawn from a Zipf law over 200,000 invented words, 5 to 30 a sentence, so that nothing repeats. Every part runs
in a process of its own. Memory of a process is its peak resident set; of trials side by side, what each has to itself
(`USS`) and its share of what they have together (`PSS`) after each has walked through every batch of the training split.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from tests.benchmarks.machine import here

WORDS, SHORTEST, LONGEST, TRIALS = 200_000, 5, 30, 8
Row = dict[str, Any]


def write(path: Path, sentences: int) -> None:
    """Write so many invented sentences, a line each."""
    rng = np.random.default_rng(0)
    names = np.array([f"w{number}" for number in range(WORDS)])
    shares = 1 / np.arange(1, WORDS + 1)
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, sentences, 50_000):
            lengths = rng.integers(SHORTEST, LONGEST + 1, min(50_000, sentences - start))
            drawn = names[rng.choice(WORDS, int(lengths.sum()), p=shares / shares.sum())]
            file.writelines(" ".join(words) + "\n" for words in np.split(drawn, np.cumsum(lengths)[:-1]))


def section(path: Path, tokenizer: str) -> dict[str, Any]:
    return {"path": str(path), "format": "lines", "tokenizer": tokenizer, "vocabulary": 20_000}


def prepare(folder: Path, settings: Mapping[str, Any]) -> Row:
    """Seconds and peak memory of this process over opening the corpus, which makes it if need be."""
    from uncollapse.study.corpora.prepare import prepare as open_corpus

    before, began = _resident(), time.perf_counter()
    corpus = open_corpus(settings, folder / "cache", folder)
    return {
        "seconds": time.perf_counter() - began,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before MB": before,
        "words": int(corpus.facts["splits"]["train"]["words"]),
    }


def start(folder: Path, settings: Mapping[str, Any]) -> Row:
    """What a worker does with a prepared corpus before its first batch; torch is imported before the clock starts."""
    import pickle

    from uncollapse.study.corpora.prepare import prepare as open_corpus
    from uncollapse.study.execution.worker import Text
    from uncollapse.study.training.corpus_info import corpus_info_of

    corpus = open_corpus(settings, folder / "cache", folder)
    sent = pickle.dumps(Text(corpus, corpus_info_of(corpus), corpus.split("train"), corpus.split("valid")))
    began = time.perf_counter()
    text = pickle.loads(sent)  # our own bytes of a moment ago
    return {"seconds": time.perf_counter() - began, "sent MB": len(sent) / 2**20, "sentences": len(text.train)}


def _resident() -> float:
    return psutil.Process().memory_info().rss / 2**20


def together(folder: Path, settings: Mapping[str, Any]) -> Row:
    """Memory that trials which read the corpus side by side add, in Ray workers that got it as trials get it."""
    import ray

    from uncollapse.study.corpora.prepare import prepare as open_corpus
    from uncollapse.study.execution.worker import Text
    from uncollapse.study.training.corpus_info import corpus_info_of

    corpus = open_corpus(settings, folder / "cache", folder)
    ray.init(num_cpus=TRIALS, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    text = ray.put(Text(corpus, corpus_info_of(corpus), corpus.split("train"), corpus.split("valid")))
    workers = [ray.remote(Reader).remote() for _ in range(TRIALS)]
    before = ray.get([worker.memory.remote() for worker in workers])
    ray.get([worker.read.remote(text) for worker in workers])
    after = ray.get([worker.memory.remote() for worker in workers])
    more = {name: [b[name] - a[name] for a, b in zip(before, after, strict=True)] for name in ("USS", "PSS")}
    size = sum(file.stat().st_size for file in corpus.folder.iterdir()) / 2**20
    return {"corpus MB": size, **{f"{name} MB more a trial": float(np.mean(found)) for name, found in more.items()}}


class Reader:
    """A worker that reads as a trial reads."""

    def __init__(self) -> None:
        import torch

        from uncollapse.study.training import batches

        torch.set_num_threads(1)
        self.batches = batches

    def read(self, text: Any) -> int:
        """Walk through the training split once."""
        rng = np.random.default_rng(0)
        return sum(len(batch.tokens) for batch in self.batches.training_batches(text.train, 64, rng))

    def memory(self) -> dict[str, float]:
        found = psutil.Process().memory_full_info()
        return {"USS": found.uss / 2**20, "PSS": found.pss / 2**20}


PARTS: Mapping[str, Callable[[Path, Mapping[str, Any]], Row]] = {
    "prepare": prepare,
    "start": start,
    "together": together,
}
TITLES = {
    "first": "prepared the first time",
    "second": "opened from the cache",
    "start": "a worker's start on it",
    "together": f"{TRIALS} trials at once",
}


def measured(part: str, folder: Path, settings: Mapping[str, Any]) -> Row:
    """What a part found, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.corpora", "--part", part, str(folder), json.dumps(settings)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(sentences: int, tokenizer: str) -> dict[str, Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "text.txt", sentences)
        settings = section(folder / "text.txt", tokenizer)
        rows = {}
        for title, part in (("first", "prepare"), ("second", "prepare"), ("start", "start"), ("together", "together")):
            rows[title] = measured(part, folder, settings)
            figures = "  ".join(f"{name} {value:,.1f}" for name, value in rows[title].items())
            print(f"{TITLES[title]:<26}{figures}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--tokenizer", default="spaces", choices=("spaces", "spacy"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="20,000 sentences")
    parser.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        part, folder, settings = given.part
        print(json.dumps(PARTS[part](Path(folder), json.loads(settings))))
        return
    sentences = 20_000 if given.quick else given.sentences
    print(f"{sentences:,} sentences, tokenizer {given.tokenizer}; {here()}")
    rows = compare(sentences, given.tokenizer)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
