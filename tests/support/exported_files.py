"""What `export` writes, on a small corpus: what final trainings and all that follows them start from."""

from typing import Any

from tests.support import models
from uncollapse.study.corpora.corpus import Corpus

CORPUS = {"name": "cafes", "sentences": 300}


def exported(name: str, corpus: Corpus, **changes: Any) -> dict[str, Any]:
    """What `export` writes, as far as it is read."""
    return {
        "format": 1,
        "family": name,
        "model": models.configuration(name),
        "corpus": CORPUS,
        "corpus_folder": str(corpus.folder),
        "corpus_digest": corpus.digest,
        "train": {"epochs": 1, "batch_size": 32},
        "evaluate": {"subset_sentences": 20, "subset_samples": 2, "full_samples": 2},
        "seed": 0,
        "threads": 1,
        "tracking": "sqlite:///none.db",
        "from": {"study": "made"},
        **changes,
    }
