"""A model that a final training left behind, with its corpus: what `generate` and `transfer` start from.

Light to import: torch is loaded when a model is built.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from uncollapse.analysis.schema import FINISHED, REPLICATE
from uncollapse.analysis.whole_file import put_aside, replaced, write_whole
from uncollapse.models.configuration import resolve
from uncollapse.search_spaces import page_yaml
from uncollapse.study.corpora.cache import corpus_of, intact
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import PREPARATION_VERSION, digest_of, prepare
from uncollapse.study.errors import UserError
from uncollapse.study.storage import exported_config
from uncollapse.study.storage.retention import SUFFIX, fits
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.trial_record import TrialRecord

if TYPE_CHECKING:
    from uncollapse.models.text_vae import TextVAE

WEIGHTS, CONFIGURATION = "model.safetensors", "configuration.yaml"
TRAINED_AS = ("family", "model", "corpus_digest", "train")  # what weights belong to; the seed may be another

Say = Callable[[str], None]


class Trained(NamedTuple):
    """A trained model in eval mode on the CPU, its corpus, and the content of the file it was trained from."""

    model: "TextVAE"
    corpus: Corpus
    content: Mapping[str, Any]


def load(place: Path, corpora: Path, say: Say = lambda sentence: None) -> Trained:
    """Load what `uncollapse train` saved; nothing in it is run as code.

    Args:
        place: an exported file, with the folder of its training beside it, or such a folder itself.
        corpora: the cache of prepared corpora.
        say: told of progress where the corpus has to be prepared again.

    Raises:
        UserError: not trained yet, weights of another configuration, or a corpus that is gone or has changed.
    """
    folder, content = _trained(place)
    corpus = _corpus(content, corpora, say)
    model = build(resolve.resolve(content["model"]), corpus, folder)
    return Trained(model, corpus, content)


def _trained(place: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of a finished final training and the file it was trained from."""
    if is_folder(place):
        _refuse_unfinished(place, "FILE --out " + str(place))
        return place, exported_config.read(place / CONFIGURATION, edited=True)
    named = exported_config.read(place, edited=True)
    folder = place.with_suffix("")
    _refuse_unfinished(folder, str(place))
    content = exported_config.read(folder / CONFIGURATION, edited=True)
    if changed := [key for key in TRAINED_AS if content[key] != named[key]]:
        raise UserError(
            f"{place}: the weights in {folder} were trained from another version of this file, which differs in "
            f"{', '.join(changed)}; run `uncollapse train {place}` again, or name the folder to use its weights"
        )
    return folder, content


def is_folder(place: Path) -> bool:
    """Whether a folder is there; a name that no file can have is none."""
    try:
        return place.is_dir()
    except OSError:
        return False


def _refuse_unfinished(folder: Path, file: str) -> None:
    missing = [name for name in (WEIGHTS, CONFIGURATION) if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{folder}: a finished training leaves {WEIGHTS} and {CONFIGURATION} here, and {' and '.join(missing)} "
            f"cannot be found; run `uncollapse train {file}` to its end, or name the folder it wrote"
        )


def _corpus(content: Mapping[str, Any], corpora: Path, say: Say) -> Corpus:
    """The very corpus of the training: from the cache, or prepared again from its files."""
    folder = corpora / content["corpus_digest"]
    body = intact(folder)
    if body is not None and body["facts"].get("preparation_version") == PREPARATION_VERSION:
        return corpus_of(folder, body)
    base = Path(content["corpus_folder"])
    if (found := digest_of(content["corpus"], base)) != content["corpus_digest"]:
        raise UserError(
            f"corpus: the model was trained on corpus {content['corpus_digest']}, and what is read now is {found}; "
            "restore the files, name with --runs the folder whose cache still holds it, or train again where the "
            "corpus was prepared by an earlier version of this program"
        )
    return prepare(content["corpus"], corpora, base, say)


def build(configuration: Mapping[str, Any], corpus: Corpus, folder: Path) -> "TextVAE":
    """A configuration's model with the weights in a folder, in eval mode; `UserError` where they do not fit."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    from uncollapse.models.text_vae import TextVAE

    try:
        with torch.random.fork_rng(devices=[]):  # the first weights are drawn, and then replaced
            model = TextVAE(configuration, corpus_info_of(corpus))
    except ValueError as error:  # a component that cannot be built here, such as BERT without its weights
        raise UserError(f"{folder / CONFIGURATION}: {error}") from None
    try:
        load_model(model, folder / WEIGHTS)
    except (RuntimeError, SafetensorError, OSError) as error:
        raise UserError(
            f"{folder / WEIGHTS}: the weights are those of the model in {CONFIGURATION} beside them, and these do not "
            f"fit it or cannot be read ({_in_one_line(error)}); run `uncollapse train` again"
        ) from None
    return model.eval()


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def save_weights(model: "TextVAE", path: Path, whose: str = "") -> None:
    """Write a model's weights whole, in a form that runs no code when it is loaded.

    Args:
        model: of which.
        path: of the file.
        whose: the key of the trial that trained it, if it was one.
    """
    from safetensors.torch import save_model

    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path, path.with_suffix(".partial")) as unfinished:
        save_model(model, str(unfinished), {"whose": whose} if whose else None)


def weights_of(path: Path, key: str) -> bool:
    """Whether the weights of a trial lie at a path; those of another, or that cannot be read, are put aside."""
    if not path.exists():
        return False
    found = fits(path, key)
    if not found:
        put_aside(path)
    return found


def hand_over(files: Iterable[Path], weights: Path, records: Iterable[TrialRecord]) -> list[Path]:
    """Put the confirmed weights of every exported configuration beside its file, as folders that `generate` reads.

    Args:
        files: that `export` wrote.
        weights: the folder that a `Keeper` keeps.
        records: of the study.

    Returns:
        `best/<family>/confirmed/seed-<n>` for every seed whose weights were kept.
    """
    finished = [record for record in records if record.stage == REPLICATE and record.state == FINISHED]
    made = []
    for file in files:
        content = page_yaml.load(file)
        place = file.with_suffix("") / "confirmed"
        shutil.rmtree(place, ignore_errors=True)  # of a configuration that was the best before
        for record in finished:
            kept = weights / f"{record.key}{SUFFIX}"
            own = (record.family, record.configuration_id) == (content["family"], content["from"]["configuration"])
            if own and weights_of(kept, record.key):
                made.append(_folder(place / f"seed-{record.seed}", {**content, "seed": record.seed}, kept))
    return made


def _folder(place: Path, content: Mapping[str, Any], kept: Path) -> Path:
    place.mkdir(parents=True)
    write_whole(place / CONFIGURATION, page_yaml.dump(content))
    try:
        os.link(kept, place / WEIGHTS)  # the same bytes under two names
    except OSError:
        shutil.copyfile(kept, place / WEIGHTS)
    return place
