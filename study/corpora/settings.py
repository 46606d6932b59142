"""What a `corpus:` section means once read: typed, resolved, every default filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "valid", "test")

PAD, UNK, BOS, EOS = range(4)
SPECIALS = ("<pad>", "<unk>", "<bos>", "<eos>")


@dataclass(frozen=True)
class Cafes:
    """The generated corpus: how many sentences, which label, from which seed."""

    sentences: int
    signal: str
    seed: int


@dataclass(frozen=True)
class Files:
    """Files of one format, some for each split; `labels` holds one label file for each text file."""

    format: str
    texts: Mapping[str, tuple[Path, ...]]
    labels: Mapping[str, tuple[Path, ...]]
    text: str | None
    label: str | None
    quoted: bool
    vocabulary: Path | None
    presence: bool
    header: bool = True


@dataclass(frozen=True)
class Cleaning:
    """How a text becomes words; applied in this order: links, quotes, ascii, tokenizer, lowercase.

    `subwords` is how many pieces the tokenizer of that name learns from the training split, after lower-casing.
    """

    links: bool = False
    quotes: bool = False
    ascii: bool = False
    tokenizer: str = "spaces"
    lowercase: bool = False
    unknown: str = SPECIALS[UNK]
    subwords: int | None = None


@dataclass(frozen=True)
class Selection:
    """Which sentences stay: lengths in words first, then a sample of each class, then a sample of all."""

    min_words: int
    max_words: int | None
    per_class: Mapping[str, int]
    limit: Mapping[str, int]
    seed: int


@dataclass(frozen=True)
class Cut:
    """Splits cut from the training sentences: a share below 1 or a number of sentences for each."""

    shares: Mapping[str, float]
    seed: int


@dataclass(frozen=True)
class Settings:
    """A whole `corpus:` section; `vocabulary` counts words without the four specials, None keeps all.

    `vectors` is a file of word vectors.
    """

    name: str
    source: Cafes | Files
    cleaning: Cleaning
    selection: Selection
    cut: Cut
    vocabulary: int | None
    vectors: Path | None = None
