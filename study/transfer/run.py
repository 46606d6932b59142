"""A transfer run: every task, one measurement after another, each kept as soon as it is made."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from uncollapse.models.configuration import resolve
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.results.saved_model import Trained
from uncollapse.study.storage.fingerprints import digest
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.transfer import tasks
from uncollapse.study.transfer.dataset import Material, Reader
from uncollapse.study.transfer.measure import Refused, measure
from uncollapse.study.transfer.measurements import TRAINED, UNTRAINED, WORDS, Trial, trials
from uncollapse.study.transfer.predict import Bench
from uncollapse.study.transfer.request import Request
from uncollapse.study.transfer.results import Kept, Row
from uncollapse.study.transfer.splits import Part
from uncollapse.study.transfer.table import line
from uncollapse.study.transfer.ways import FINE_TUNED

Say = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """Rows of all trials, and of each task what its texts are like."""

    rows: list[Row]
    facts: Mapping[str, Mapping[str, Any]]


class Encoders:
    """The trained model and its rivals; of an encoder that was not trained here there is no untrained one."""

    def __init__(self, trained: Trained, device: torch.device) -> None:
        self.trained, self.device = trained, device
        self.model = trained.model.to(device)

    def names(self, baselines: bool) -> tuple[str, ...]:
        pretrained = self.model.encoder.reads_tokens
        return (TRAINED, UNTRAINED, WORDS) if baselines and not pretrained else (TRAINED,)

    def get(self, name: str, seed: int) -> TextVAE:
        """The model of a trial; `words` reads the trained one's embeddings."""
        return self._untrained(seed) if name == UNTRAINED else self.model

    @lru_cache(maxsize=4)  # noqa: B019 -- lives as long as a run
    def _untrained(self, seed: int) -> TextVAE:
        configuration, corpus_info = resolve.resolve(self.trained.content["model"]), corpus_info_of(self.trained.corpus)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return TextVAE(configuration, corpus_info).to(self.device).eval()


def run(trained: Trained, folders: Mapping[str, Path], request: Request, longest: int, out: Path, say: Say) -> Found:
    """Try a trained model on tasks; what an earlier, cut-off run left in `out` is not measured again.

    Args:
        trained: the model with its corpus.
        folders: of the tasks by name, from `study.transfer.tasks.find`.
        request: how.
        longest: words of a sentence that are kept.
        out: gets `rows.jsonl`.
        say: told of progress.

    Raises:
        UserError: the files of a task are wrong, all of them at once; nothing is measured then.
    """
    parts = tasks.read(folders)
    encoders = Encoders(trained, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    reader = Reader(trained.corpus, trained.model, longest)
    materials = {name: reader.material(one) for name, one in parts.items()}
    names = _Names(trained.model, parts, request, longest)
    planned = list(_planned(materials, request, encoders.names(request.baselines)))
    kept, rows = Kept(out / "rows.jsonl"), []
    for number, (trial, question) in enumerate(planned, 1):
        name = names.of(trial)
        row = kept.get(name)
        if row is None:
            row = _measured(
                trial, Bench(encoders.get(trial.encoder, trial.seed), materials[trial.task], question, request)
            )
            kept.add(name, row)
            say(f"[{number}/{len(planned)}] {line(row)}")
        rows.append(row)
    return Found(rows, {name: one.facts for name, one in materials.items()})


def _planned(
    materials: Mapping[str, Material], request: Request, encoders: tuple[str, ...]
) -> Iterator[tuple[Trial, tasks.Question]]:
    for name, material in materials.items():
        for question in tasks.TASKS[name].questions:
            for trial in trials(name, question, material.pairs, request, encoders):
                yield trial, question


def _measured(trial: Trial, bench: Bench) -> Row:
    try:
        return Row(trial, measure(trial, bench))
    except Refused as error:
        return Row(trial, cause=str(error))


class _Names:
    """What a row is kept under: weights, the task's texts, the trial, and the settings on which its figures depend."""

    def __init__(self, model: TextVAE, parts: Mapping[str, Mapping[str, Part]], request: Request, longest: int) -> None:
        self.weights = _hash(tensor.cpu().numpy().tobytes() for tensor in model.state_dict().values())
        self.texts = {name: _hash(map(_bytes, one.values())) for name, one in parts.items()}
        self.request, self.longest = request, longest

    def of(self, trial: Trial) -> str:
        own = [self.request.batch, asdict(self.request.setting)] if trial.how == FINE_TUNED else []
        return digest(self.weights, self.texts[trial.task], asdict(trial), self.request.folds, self.longest, own)


def _bytes(part: Part) -> bytes:
    return repr((list(part.first), list(part.second or ()), part.gold.tolist())).encode()


def _hash(pieces: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()
