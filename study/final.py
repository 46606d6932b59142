"""The final training from an exported file, without Ray; the one place that reads the test split."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import configuration
from search_spaces import page_yaml
from study.errors import UserError
from study.identity import code_version, configuration_id, digest
from study.lexicons import lexicon_of
from study.workspace import write_whole

KEYS = (
    "format",
    "family",
    "model",
    "corpus",
    "corpus_folder",
    "corpus_digest",
    "train",
    "evaluate",
    "seed",
    "threads",
    "tracking",
    "from",
)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Final:
    """What a final training left: its folder and the measures of the validation and the test split."""

    folder: Path
    measures: Mapping[str, float]
    history: list[dict[str, float]]
    seconds: float


def read(path: Path, edited: bool) -> dict[str, Any]:
    """An exported file, checked.

    Raises:
        UserError: not such a file, every fault in it, or edited by hand without `edited`.
    """
    try:
        content = page_yaml.load(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `uncollapse export` writes one for each family") from None
    except (OSError, ValueError) as error:
        raise UserError(str(error)) from None
    if not isinstance(content, Mapping) or any(key not in content for key in KEYS):
        missing = [key for key in KEYS if not isinstance(content, Mapping) or key not in content]
        raise UserError(f"{path}: an exported file has {', '.join(KEYS)}; missing here: {', '.join(missing)}")
    if found := [f"{path}: {fault}" for fault in _faults(content)]:
        raise UserError(found)
    held = {key: value for key, value in content.items() if key != "checksum"}
    if content.get("checksum") != digest(json.loads(json.dumps(held))) and not edited:
        raise UserError(
            f"{path}: an exported file carries a checksum of what was confirmed, and this one was edited since; "
            "export it again, or train the edited file with --edited (its figures are then not those of the study)"
        )
    return dict(content)


def _faults(content: Mapping[str, Any]) -> list[str]:
    from study.specification import Evaluate, Train, section_faults

    found = section_faults("train", Train, content["train"]) + section_faults("evaluate", Evaluate, content["evaluate"])
    if not isinstance(content["model"], Mapping):
        return [*found, f"model: a complete configuration, found {content['model']!r}"]
    for key, least in (("seed", 0), ("threads", 1)):
        if type(content[key]) is not int or content[key] < least:
            found.append(f"{key}: a whole number from {least}, found {content[key]!r}")
    return found + configuration.faults(content["model"], "model")


def train(content: Mapping[str, Any], corpora: Path, out: Path, say: Say) -> Final:
    """Train a checked file to its end, or go on from its checkpoint, then measure both splits and save the weights.

    Args:
        content: from `read`.
        corpora: the cache of prepared corpora.
        out: gets `checkpoint.pt` while it trains, then `model.safetensors`, `configuration.yaml` and `figures.json`.
        say: told of progress.

    Raises:
        UserError: the corpus is not the one that was confirmed.
        study.training.Diverged: the training did not stay finite.
    """
    import torch

    from study.corpora.prepare import prepare
    from study.training import Effort, Task, Training

    corpus = prepare(content["corpus"], corpora, Path(content["corpus_folder"]), say)
    if corpus.digest != content["corpus_digest"]:
        raise UserError(
            f"corpus: the configuration was confirmed on corpus {content['corpus_digest']}, and what is read now is "
            f"{corpus.digest}; restore the files, or export from a study on the new ones"
        )
    started = time.perf_counter()
    torch.set_num_threads(content["threads"])  # as in the trials: the order of a sum depends on it
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = configuration.resolve(content["model"])
    task = Task(model, lexicon_of(corpus), content["seed"], **content["train"], effort=Effort.of(content["evaluate"]))
    out.mkdir(parents=True, exist_ok=True)
    name = digest(model, content["seed"], content["train"], corpus.digest, code_version())
    checkpoint = out / f"checkpoint-{name}.pt"
    training = Training(task, corpus.split("train"), corpus.split("valid"), device)
    if training.resume(checkpoint):
        say(f"goes on after epoch {len(training.history)} of {task.epochs}")
    say(f"training {content['family']} {configuration_id(model)} on {device}, {task.epochs} epochs")
    for epoch in training.epochs():
        training.save(checkpoint)
        say(_line(epoch, task.epochs))
    measures = training.measure_split("valid", corpus.split("valid"))
    measures |= training.measure_split("test", corpus.split("test"))
    _save(training.model, content, measures, out)
    checkpoint.unlink()
    return Final(out, measures, training.history, time.perf_counter() - started)


def _line(epoch: Mapping[str, float], epochs: int) -> str:
    names = ("train/loss", "subset/nll_exact", "subset/nll_elbo", "subset/nll_iw", "subset/mi", "subset/latent_gain")
    figures = "  ".join(f"{name} {epoch[name]:.3f}" for name in names if name in epoch)
    return f"epoch {int(epoch['epoch'])} of {epochs}  {figures}  {epoch['cost/seconds']:.1f} s"


def _save(model: Any, content: Mapping[str, Any], measures: Mapping[str, float], out: Path) -> None:
    """Weights as safetensors, which run no code when they are loaded, with all that is needed to build the model."""
    import yaml
    from safetensors.torch import save_model

    save_model(model, str(out / "model.safetensors"))
    write_whole(out / "configuration.yaml", yaml.safe_dump(dict(content), sort_keys=False, width=120))
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
