"""The final training from an exported file, without Ray; the one place that reads the test split."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uncollapse.analysis.counted import counted
from uncollapse.analysis.whole_file import aside, write_whole
from uncollapse.models.configuration import resolve
from uncollapse.search_spaces import page_yaml
from uncollapse.study.errors import UserError
from uncollapse.study.results.saved_model import CONFIGURATION, WEIGHTS, save_weights
from uncollapse.study.storage.fingerprints import configuration_id, digest, fingerprint
from uncollapse.study.storage.retention import discard
from uncollapse.study.training.corpus_info import corpus_info_of

if TYPE_CHECKING:
    from uncollapse.study.corpora.corpus import Corpus
    from uncollapse.study.training.training import Training

Say = Callable[[str], None]


@dataclass(frozen=True)
class Final:
    """What a final training left: its folder and the measures of the validation and the test split."""

    folder: Path
    measures: Mapping[str, float]
    history: list[dict[str, float]]
    kept_epoch: int
    seconds: float


def train(content: Mapping[str, Any], corpora: Path, out: Path, say: Say) -> Final:
    """Train a checked file to its end, or go on from its checkpoint, then measure both splits and save the weights.

    Args:
        content: from `study.storage.exported_config.read`.
        corpora: the cache of prepared corpora.
        out: gets `checkpoint.pt` while it trains, then `model.safetensors`, `configuration.yaml` and `figures.json`.
        say: told of progress.

    Raises:
        UserError: the corpus is not the one that was confirmed, or the model cannot be built here.
        uncollapse.study.training.training.Diverged: the training did not stay finite.
    """
    from uncollapse.study.training import checkpoints

    corpus = _corpus(content, corpora, say)
    started = time.perf_counter()
    training = _training(content, corpus)
    model, epochs = training.task.configuration, training.task.epochs
    how = [content["train"], content["evaluate"], content.get("search")]
    name = digest(model, content["seed"], how, corpus.digest, fingerprint(model))
    checkpoint = out / f"checkpoint-{name}.pt"
    _make(out)
    _resume(training, checkpoint, name, say)
    say(
        f"training {content['family']} {configuration_id(model)} on {training.device}, at most "
        f"{counted(epochs, 'epoch')}"
    )
    for epoch in training.epochs():
        checkpoints.save(training, checkpoint, name)
        say(_line(epoch, epochs))
    if training.watch.kept_epoch < len(training.history):
        say(f"the weights of epoch {training.watch.kept_epoch} are the best and are kept")
    measures = training.measure_split("valid", training.validation.reporting)
    measures |= training.measure_split("test", corpus.split("test"))
    _save(training.model, content, measures, out)
    discard(checkpoint)
    return Final(out, measures, training.history, training.watch.kept_epoch, time.perf_counter() - started)


def _resume(training: "Training", checkpoint: Path, name: str, say: Say) -> None:
    """Go on from where an earlier process left the training, and say so."""
    from uncollapse.study.training import checkpoints

    there = checkpoint.exists()
    if checkpoints.resume(training, checkpoint, name):
        say(f"goes on after epoch {len(training.history)} of {training.task.epochs}")
    elif there:
        say(
            f"{checkpoint.name} is damaged or of another training, so this one begins anew; it is kept as "
            f"{aside(checkpoint).name} until the training has ended"
        )


def _corpus(content: Mapping[str, Any], corpora: Path, say: Say) -> "Corpus":
    """The corpus on which the configuration was confirmed, and no other."""
    from uncollapse.study.corpora.prepare import digest_of, prepare

    base = Path(content["corpus_folder"])
    if (found := digest_of(content["corpus"], base)) != content["corpus_digest"]:
        raise UserError(
            f"corpus: the configuration was confirmed on corpus {content['corpus_digest']}, and what is read now is "
            f"{found}; restore the files, or export from a study on the new ones"
        )
    return prepare(content["corpus"], corpora, base, say)


def _training(content: Mapping[str, Any], corpus: "Corpus") -> "Training":
    """The training of a checked file, on the GPU where there is one."""
    import torch

    from uncollapse.study.training import memory
    from uncollapse.study.training.stopping import Stopping
    from uncollapse.study.training.training import Effort, Training, task_of

    torch.set_num_threads(content["threads"])  # as in the trials: the order of a sum depends on it
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model, effort = resolve.resolve(content["model"]), Effort.of(content["evaluate"])
    stopping = Stopping.of(content["train"], content.get("search", {}))
    task = task_of(model, corpus_info_of(corpus), content["seed"], content["train"], effort, stopping)
    try:
        if (error := memory.error(model, task.corpus_info, device)) is not None:
            raise ValueError(error)
        return Training(task, corpus.split("train"), corpus.split("valid"), device)
    except ValueError as error:  # a component that cannot be built here, such as BERT without its weights
        raise UserError(f"model: {error}") from None


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{out}: weights and figures go into a folder, and this cannot be made ({error.strerror}); name another "
            "with --out"
        ) from None


def _line(epoch: Mapping[str, float], epochs: int) -> str:
    names = ("train/loss", "subset/nll_exact", "subset/nll_elbo", "subset/nll_iw", "subset/mi", "subset/latent_gain")
    figures = "  ".join(f"{name} {epoch[name]:.3f}" for name in names if name in epoch)
    return f"epoch {int(epoch['epoch'])} of {epochs}  {figures}  {epoch['cost/seconds']:.1f} s"


def _save(model: Any, content: Mapping[str, Any], measures: Mapping[str, float], out: Path) -> None:
    """Weights, and all that is needed to build the model."""
    save_weights(model, out / WEIGHTS)
    write_whole(out / CONFIGURATION, page_yaml.dump(content))
    write_whole(out / "figures.json", json.dumps(dict(measures), indent=2) + "\n")


def table(final: Final, samples: int) -> str:
    """Measures of both splits side by side."""
    names = dict.fromkeys(name.split("/", 1)[1] for name in final.measures)
    rows = [f"{'measure':<22}{'valid':>12}{'test':>12}"]
    for name in names:
        label = f"nll_iw (K = {samples})" if name == "nll_iw" else name
        rows.append(
            f"{label:<22}" + "".join(f"{final.measures[f'{split}/{name}']:>12.4f}" for split in ("valid", "test"))
        )
    return "\n".join(rows)
