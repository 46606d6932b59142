"""Exported files edited by hand, and numbers that no machine can run: refused before anything is made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.support import models
from tests.support.arbitrary_pages import Answer, ask, listing
from tests.support.exported_files import CORPUS, exported
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.training import memory

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return prepare(CORPUS, tmp_path_factory.mktemp("runs") / "corpora", Path())


def train(corpus: Corpus, folder: Path, edit: Edit, *more: str, family: str = "seqvae") -> Answer:
    """Train an exported file after an edit; fails the test if a refusal left anything behind."""
    content = yaml.safe_load(yaml.safe_dump(exported(family, corpus)))
    edit(content)
    file = models.write(folder / "best" / f"{family}.yaml", yaml.safe_dump(content))
    before = listing(folder)
    answer = ask("train", str(file), "--edited", "--runs", str(corpus.folder.parent.parent), *more)
    assert answer.code == 0 or listing(folder) == before
    return answer


REFUSED: dict[str, tuple[Edit, str]] = {
    "a seed below 0": (lambda file: file.update(seed=-1), "seed: a whole number from 0 to"),
    "a seed that is a share": (lambda file: file.update(seed=0.5), "seed: a whole number from 0 to"),
    "threads that end the process": (lambda file: file.update(threads=10**6), "threads: a whole number from 1 to 1024"),
    "a format of the future": (lambda file: file.update(format=2), "format: one that this version reads, 1 at most"),
    "no length": (lambda file: file.update(train={}), "train.epochs: a complete file has it"),
    "no samples": (lambda file: file["evaluate"].pop("full_samples"), "evaluate.full_samples: a complete file has it"),
    "a section that is none": (lambda file: file.update(evaluate=[]), "evaluate: a mapping of"),
    "no origin": (lambda file: file.update({"from": "here"}), "from: where the configuration comes from"),
    "a folder that is a number": (lambda file: file.update(corpus_folder=3), "corpus_folder: where the corpus's"),
    "another corpus": (lambda file: file["corpus"].update(sentences=301), "the configuration was confirmed on corpus"),
    "a corpus that is none": (lambda file: file.update(corpus=[]), "corpus: must be a mapping"),
    "a model that is none": (lambda file: file.update(model=3), "model: a complete configuration"),
    "a part too many": (lambda file: file["model"].update(more={}), "model.more: unknown component of a model"),
    "a number that is none": (lambda file: file["model"]["latent"].update(size=float("nan")), "model.latent.size"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_edit_that_cannot_be_trained(case: str, corpus: Corpus, tmp_path: Path) -> None:
    edit, sentence = REFUSED[case]
    answer = train(corpus, tmp_path, edit)
    assert answer.code == 2
    assert sentence in answer.err


@pytest.mark.parametrize(
    ("slot", "size"), [("encoder", 10**9), ("encoder", 10**6), ("latent", 10**17), ("inputs", 10**12)]
)
def test_sizes_that_no_memory_holds(slot: str, size: int, corpus: Corpus, tmp_path: Path) -> None:
    option = "hidden" if slot == "encoder" else "size"
    answer = train(corpus, tmp_path, lambda file: file["model"][slot].update({option: size}))
    assert answer.code == 2
    assert "uncollapse: model: it" in answer.err
    assert "make its sizes smaller" in answer.err


@pytest.mark.parametrize("seed", ["-1", str(10**18), str(2**63), str(10**30)])
def test_a_seed_on_the_command_line(seed: str, corpus: Corpus, tmp_path: Path) -> None:
    answer = train(corpus, tmp_path, lambda file: None, "--seed", seed)
    assert answer.code == 2
    assert answer.errors[0].startswith("uncollapse: --seed: a whole number from 0 to 999,999,999,999,999,999, found")


@pytest.mark.parametrize("seed", ["0", str(10**18 - 1)])
def test_a_seed_at_either_end_trains(seed: str, corpus: Corpus, tmp_path: Path) -> None:
    assert train(corpus, tmp_path, lambda file: None, "--seed", seed, "--out", str(tmp_path / "out")).code == 0


def test_a_part_that_is_not_here_is_named(corpus: Corpus, tmp_path: Path) -> None:
    pytest.importorskip("transformers")

    def edit(file: dict[str, Any]) -> None:
        file["model"]["encoder"] = {"kind": "bert", "name": str(tmp_path / "nowhere")}

    answer = train(corpus, tmp_path, edit)
    assert answer.code == 2
    assert "model: encoder.name: the weights of" in answer.err


def test_memory_is_counted_without_taking_any_and_without_drawing() -> None:
    state = torch.get_rng_state()
    for name in ("seqvae", "vmf", "vat", "hsvae", "ivae"):
        assert memory.error(models.configuration(name), models.CORPUS_INFO, torch.device("cpu")) is None
    assert torch.equal(state, torch.get_rng_state())
    large = models.configuration("seqvae", encoder={"hidden": 10**5})
    numbers = 2 * 10**10  # more than 1.9 of them, at 16 bytes each
    found = memory.error(large, models.CORPUS_INFO, torch.device("cpu"))
    assert found is not None
    assert int(found.split()[1].replace(",", "")) > numbers
