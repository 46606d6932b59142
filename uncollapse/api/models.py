"""Models: built for a corpus, trained to their end, loaded again and asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from uncollapse.models.configuration import resolve
from uncollapse.study.config.families import Family, merge
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.errors import UserError

if TYPE_CHECKING:
    from uncollapse.models.text_vae import TextVAE
    from uncollapse.study.results.saved_model import Trained
    from uncollapse.study.training.samples import Speaker

BATCH = 32  # sentences that are scored at once


def load_corpus(section: Mapping[str, Any], runs: str | Path = "runs", folder: str | Path = ".") -> Corpus:
    """A prepared corpus; from the cache where it was prepared before.

    Args:
        section: what a study page says under `corpus:`, such as `{"name": "cafes"}`.
        runs: the folder of all studies, which holds the cache.
        folder: from which relative paths start.

    Raises:
        UserError: every error of the section and of the files it names.
    """
    from uncollapse.study.corpora.prepare import prepare

    return prepare(section, Path(runs).resolve() / "corpora", Path(folder).resolve())


def build_model(
    family: str | Path | Family, corpus: Corpus, changes: Mapping[str, Any] | None = None, seed: int = 0
) -> "TextVAE":
    """An untrained model of a family for a corpus, a `torch.nn.Module`.

    Args:
        family: its name, the path of a page, or what `family` returned.
        corpus: from `load_corpus`.
        changes: laid over the family's base, such as `{"latent": {"kappa": 80}}`.
        seed: of the first weights; the global generator is left as it was.

    Raises:
        UserError: every error of the family's page and of the changed configuration.
    """
    import torch

    from uncollapse.api.families import family as load
    from uncollapse.models.text_vae import TextVAE
    from uncollapse.study.training.corpus_info import corpus_info_of

    known = family if isinstance(family, Family) else load(family)
    page = merge(known.base, changes or {})
    if found := resolve.errors(page, known.name):
        raise UserError(found)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TextVAE(resolve.resolve(page), corpus_info_of(corpus))


def train(file: str | Path, runs: str | Path = "runs", out: str | Path | None = None, edited: bool = False) -> Path:
    """The final training of an exported configuration, without Ray; reads the test split, once.

    Args:
        file: such as `runs/my/best/vmf.yaml`.
        runs: the folder of all studies, which holds the prepared corpora.
        out: where weights and `figures.json` go; beside the file where it is left out.
        edited: whether the file may have been edited since its export.

    Returns:
        The folder of the trained model, which `load_model` reads.

    Raises:
        UserError: the file or its corpus is not what was confirmed.
        ArithmeticError: the training did not stay finite.
    """
    from uncollapse.study.results import final_training
    from uncollapse.study.storage import exported_config

    file = Path(file)
    content = exported_config.read(file, edited)
    target = Path(out) if out is not None else file.with_suffix("")
    return final_training.train(content, Path(runs).resolve() / "corpora", target, lambda sentence: None).folder


def load_model(place: str | Path, runs: str | Path = "runs") -> "TrainedModel":
    """A trained model with its corpus.

    Args:
        place: an exported file that was trained, or the folder that its training left.
        runs: the folder of all studies, which holds the prepared corpora.

    Raises:
        UserError: not trained yet, weights of another configuration, or a corpus that is gone or has changed.
    """
    from uncollapse.study.results import saved_model

    return TrainedModel(saved_model.load(Path(place), Path(runs).resolve() / "corpora"))


@dataclass(frozen=True)
class TrainedModel:
    """A trained text VAE that is asked about sentences. Shapes: N sentences, C code.

    Args:
        trained: the model in eval mode on the CPU, its corpus, and the file it was trained from.
    """

    trained: "Trained"

    @property
    def model(self) -> "TextVAE":
        """The `torch.nn.Module`."""
        return self.trained.model

    @property
    def corpus(self) -> Corpus:
        """The corpus it was trained on."""
        return self.trained.corpus

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Its complete configuration."""
        return self.trained.content["model"]

    def encode(self, sentences: Sequence[str], vectors: str | None = None) -> np.ndarray:
        """A vector of each sentence, (N, C): its posterior mean, or the mean over tokens where every token has a code.

        Args:
            sentences: cleaned and split as the corpus was; a word that the corpus lacks is read as unknown.
            vectors: another of the model's sentence vectors, such as `mean`, `sum` or `start`.
        """
        from uncollapse.study.serving.bundle import encode

        return np.array(encode(self.trained, list(sentences), vectors), np.float64)

    def log_likelihood(self, sentences: Sequence[str], samples: int = 500, seed: int = 0) -> np.ndarray:
        """log p(x) of each sentence in nats, (N,): exact for a language model, else the importance-weighted bound.

        Args:
            sentences: as for `encode`.
            samples: K of the bound (Burda et al. 2016, equation 8), whose bias shrinks with K.
            seed: of the posterior samples.
        """
        from uncollapse.models.evaluation.likelihood import log_likelihoods

        speaker = self._speaker(seed)
        pieces = [list(sentences[at : at + BATCH]) for at in range(0, len(sentences), BATCH)]
        return log_likelihoods(self.model, [speaker.encoded(piece) for piece in pieces], samples, seed).numpy()

    def generate(self, count: int = 5, seed: int = 0, decoding: str = "greedy", longest: int = 30) -> list[str]:
        """Sentences from the prior.

        Args:
            count: of sentences.
            seed: of the codes, and of the words where `decoding` is `sample`.
            decoding: `greedy`, `beam` or `sample`.
            longest: words of a sentence at most.
        """
        said = self._speaker(seed, decoding, longest).prior(count)
        return [one["sentence"] for one in said["sentences"]]

    def reconstruct(self, sentences: Sequence[str], decoding: str = "greedy", longest: int = 30) -> list[str]:
        """What is decoded from the mean code of each sentence."""
        speaker = self._speaker(0, decoding, longest)
        return [one["mean"] for one in speaker.reconstructions(speaker.encoded(list(sentences)), 0)["sentences"]]

    def interpolate(self, first: str, second: str, steps: int = 7, decoding: str = "greedy") -> list[str]:
        """Sentences decoded on the way between the mean codes of two sentences, both ends included."""
        speaker = self._speaker(0, decoding)
        return list(speaker.interpolation(speaker.encoded([first, second]), steps)["sentences"])

    def _speaker(self, seed: int, decoding: str = "greedy", longest: int = 30) -> "Speaker":
        from uncollapse.models.generation.decoding import KINDS, Decoding
        from uncollapse.study.training.samples import Speaker

        if decoding not in KINDS:
            raise UserError(f"decoding: one of {', '.join(KINDS)}, found {decoding!r}")
        how = Decoding(kind=decoding, longest=longest, seed=seed)  # type: ignore[arg-type]
        return Speaker(self.model, self.corpus, seed, how)
