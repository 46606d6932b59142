"""Tasks of made sentences in the formats in which the real ones are handed round, and where the real STS lies."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.models import write
from tests.support.places import DATA

STS = DATA / "sts"
needs_texts = pytest.mark.skipif(not STS.is_dir(), reason="the real STS files are not beside this checkout")
GOOD = ("the cheap cafe is lovely", "a lovely and friendly bar", "good food by the river")
BAD = ("the awful pub is dear", "a rude and awful place", "bad food in the centre")


def sentences(label: int, count: int, seed: int = 0) -> list[str]:
    """Sentences of one of two kinds, with a number that tells them apart."""
    random = np.random.default_rng([label, seed])
    kinds = (BAD, GOOD)[label]
    return [f"{kinds[random.integers(3)]} {random.integers(9)}" for _ in range(count)]


def polarity(folder: Path, count: int = 20, latin: bool = False) -> Path:
    """MR's two files."""
    for label, name in enumerate(("neg", "pos")):
        lines = sentences(label, count)
        path = folder / "MR" / f"rt-polarity.{name}"
        write(path, "\n".join(lines) + "\n")
        if latin:
            path.write_bytes("\n".join([*lines[:-1], "a café of the old kind"]).encode("latin-1"))
    return folder


def sentiment(folder: Path, fine: bool = False, count: int = 12) -> Path:
    """The Stanford Sentiment Treebank, of two classes or of five."""
    for seed, part in enumerate(("train", "dev", "test")):
        lines = []
        for row in range(count):
            text = sentences(row % 2, 1, seed * 100 + row)[0]
            lines.append(f"{row % 5} {text}" if fine else f"{text}\t{row % 2}")
        write(folder / "SST" / ("fine" if fine else "binary") / f"sentiment-{part}", "\n".join(lines) + "\n")
    return folder


def questions(folder: Path) -> Path:
    """TREC."""
    kinds = ("NUM:count How many bars are there ?", "LOC:city Where is the cafe ?", "HUM:ind Who runs the pub ?")
    for name, count in (("train_5500", 18), ("TREC_10", 6)):
        lines = [f"{kinds[row % 3]} {row}" for row in range(count)]
        write(folder / "TREC" / f"{name}.label", "\n".join(lines) + "\n")
    return folder


def paraphrases(folder: Path, train: int = 24) -> Path:
    """MRPC: the same sentence twice, or two of other kinds; a quotation mark stands alone in one of them."""
    for part, count in (("train", train), ("test", 8)):
        lines = ["Quality\t#1 ID\t#2 ID\t#1 String\t#2 String"]
        for row in range(count):
            first = sentences(row % 2, 1, row)[0]
            second = first if row % 3 else sentences(1 - row % 2, 1, row + 50)[0]
            lines.append(f'{int(row % 3 > 0)}\t{row}\t{row + 500}\t" {first}\t{second}')
        write(folder / "MRPC" / f"msr_paraphrase_{part}.txt", "\n".join(lines) + "\n")
    return folder


def sick(folder: Path) -> Path:
    """SICK."""
    judgements = ("CONTRADICTION", "NEUTRAL", "ENTAILMENT")
    for seed, (part, count) in enumerate((("train", 24), ("trial", 6), ("test_annotated", 9))):
        lines = ["pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment"]
        for row in range(count):
            first, second = sentences(row % 2, 1, seed * 70 + row)[0], sentences(row // 2 % 2, 1, seed * 90 + row)[0]
            lines.append(f"{row}\t{first}\t{second}\t{1 + 4 * (row % 5) / 4:.1f}\t{judgements[row % 3]}")
        write(folder / "SICK" / f"SICK_{part}.txt", "\n".join(lines) + "\n")
    return folder


def similarity(folder: Path, year: str = "STS13", judged: int = 8) -> Path:
    """A year of STS of two subsets, with one pair that nobody judged in each, and the file of all."""
    for name in ("headlines", "OnWN"):
        pairs = [f"{sentences(row % 2, 1, row)[0]}\t{sentences(1, 1, row + 9)[0]}" for row in range(judged + 1)]
        scores = [*(f"{5 * row / judged:.2f}" for row in range(judged)), ""]
        write(folder / f"{year}-en-test" / f"STS.input.{name}.txt", "\n".join(pairs) + "\n")
        write(folder / f"{year}-en-test" / f"STS.gs.{name}.txt", "\n".join(scores) + "\n")
    write(folder / f"{year}-en-test" / "STS.gs.ALL.txt", "1\n")
    return folder


def benchmark(folder: Path) -> Path:
    """The STS benchmark."""
    for part, count in (("train", 20), ("dev", 6), ("test", 8)):
        pairs = [(sentences(row % 2, 1, row)[0], sentences(1, 1, row + 9)[0]) for row in range(count)]
        lines = [f"main\tnews\t2015\t{row}\t{row % 6}\t{a}\t{b}\tsource" for row, (a, b) in enumerate(pairs)]
        write(folder / "STSb" / f"sts-{part}.csv", "\n".join(lines) + "\n")
    return folder


def every(folder: Path) -> Path:
    """A folder of all kinds of tasks."""
    for make in (polarity, sentiment, questions, paraphrases, sick, similarity, benchmark):
        make(folder)
    return sentiment(folder, fine=True)
