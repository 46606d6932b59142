"""What a page may write under `corpus:`: one annotated dataclass for every form that it takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from uncollapse.models.configuration.bounds import Bound, Open, Size
from uncollapse.study.corpora.subwords import LEAST, MOST
from uncollapse.study.validation.annotations import Help, Rule

SHAPE = "a mapping such as {name: cafes} or {path: ..., format: ...}"

Split = Literal["train", "valid", "test"]
Format = Literal["lines", "labelled", "csv", "tsv", "jsonl", "counts"]
Whole = Annotated[int, Bound(low=1, high=10**9)]
Seed = Annotated[int, Bound(low=0, high=10**9)]
Each = Whole | Mapping[Split, Whole] | None
Column = Annotated[str | int, Rule("the name of a column, or its number from 1 where there is no header")]
FileName = Annotated[str, Rule("the name of a file")]
FileNames = Annotated[str | list[str], Rule("a file name or a list of file names")]
Lowercase = Annotated[bool, Help("write every word in lower case")]
Tokenizer = Annotated[
    Literal["spaces", "spacy", "subwords"], Help("what ends a word: spaces, spaCy's English rules, or subwords")
]
Part = Annotated[
    Open | Size, Rule("a share between 0 and 1 or a number of sentences", remedy="; write for example 0.1")
]


@dataclass(frozen=True, kw_only=True)
class Splits:
    """What is cut from the training text where a split has no file of its own."""

    valid: Annotated[Part, Help("for validation")] = 0.1
    test: Annotated[Part, Help("for the final test")] = 0.1
    seed: Annotated[Seed, Help("of the shuffle before the cut")] = 0


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which sentences stay, in every form."""

    min_words: Annotated[Whole, Help("shorter sentences are left out")] = 1
    max_words: Annotated[Whole | None, Help("longer sentences are left out")] = None
    per_class: Annotated[Each, Help("sentences sampled of each class, of all splits or of some")] = None
    limit: Annotated[Each, Help("sentences sampled at most, of all splits or of some")] = None
    splits: Annotated[Splits, Help("what is cut from the training text where a split has no file of its own")] = field(
        default_factory=Splits
    )
    seed: Annotated[Seed, Help("of the samples, and of generated sentences")] = 0
    vectors: Annotated[
        FileName | None, Help("word vectors in word2vec's or GloVe's format, for `inputs` that begin with them")
    ] = None


@dataclass(frozen=True, kw_only=True)
class FromFiles(Chosen):
    """Files of one format: where they are."""

    path: Annotated[
        str, Rule("the name of a file or a folder"), Help("the training file, or the folder that holds the files")
    ]
    name: Annotated[str | None, Help("what reports call the corpus; the path's last part, where nothing is said")] = (
        None
    )
    format: Annotated[Format | None, Help("how files are read; told by their names, where nothing is said")] = None
    train: Annotated[
        FileNames | None, Help("training files, read one after another; train.* in the folder, where nothing is said")
    ] = None
    valid: Annotated[FileNames | None, Help("validation files; likewise, or cut from the training text")] = None
    test: Annotated[FileNames | None, Help("test files; likewise, or cut from the training text")] = None


@dataclass(frozen=True, kw_only=True)
class Words:
    """How a text becomes words."""

    tokenizer: Tokenizer = "spaces"
    subwords: Annotated[
        int, Bound(low=LEAST, high=MOST), Help("pieces that `tokenizer: subwords` learns from the training split")
    ] = 2**15
    vocabulary: Annotated[Whole | None, Help("the most frequent words that are kept; all, where nothing is said")] = (
        None
    )


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What is done to a text before, and after, it becomes words."""

    links: Annotated[bool, Help("leave links out")] = False
    quotes: Annotated[bool, Help("leave quotation marks out")] = False
    ascii: Annotated[bool, Help("leave everything but ASCII out")] = False
    lowercase: Lowercase = False
    unknown: Annotated[str, Help("the word that stands for unknown ones in the files themselves")] = "<unk>"


@dataclass(frozen=True, kw_only=True)
class Columns(Cleaned, Words):
    """Sentences in a column, in words as people write them."""

    text: Annotated[Column, Help("the column that holds the sentences")]
    label: Annotated[Column | None, Help("the column that holds their classes")] = None
    tokenizer: Tokenizer = "spacy"
    lowercase: Lowercase = True


@dataclass(frozen=True, kw_only=True)
class BuiltIn(Words, Chosen):
    """The built-in corpus: generated sentences about cafes, with a label."""

    name: Annotated[Literal["cafes"], Help("the built-in corpus")]
    sentences: Annotated[int, Bound(low=20, high=10_000_000), Help("how many are generated")] = 5000
    signal: Annotated[
        Literal["strong", "weak"],
        Help("the label: strong, a topic with words of its own; weak, a kind of writer who leans to some words"),
    ] = "strong"


@dataclass(frozen=True, kw_only=True)
class Lines(Cleaned, Words, FromFiles):
    """One sentence a line."""


@dataclass(frozen=True, kw_only=True)
class Labelled(Lines):
    """One sentence a line, and their classes in files of their own."""

    labels: Annotated[
        FileNames | Mapping[Split, FileNames] | None,
        Help("label files, one for each text file: by split, or a pattern such as `{stem}_labels.txt`"),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Jsonl(Columns, FromFiles):
    """One JSON object a line."""


@dataclass(frozen=True, kw_only=True)
class Table(Columns, FromFiles):
    """A table, with the names of its columns in the first line or without."""

    header: Annotated[
        bool, Help("whether line 1 names the columns; false where it is a row, and columns are numbered from 1")
    ] = True

    quoted: Annotated[bool, Help("whether quote marks enclose fields; false where they are plain text")] = True


@dataclass(frozen=True, kw_only=True)
class Counts(FromFiles):
    """Word counts, `label id:count id:count` a line."""

    vocabulary: Annotated[FileName | None, Help("the words, one a line; line i is the word with id i, from 1")] = None
    presence: Annotated[bool, Help("count every word of a document once")] = False


FORMATS: Mapping[str, type[FromFiles]] = {
    "lines": Lines,
    "labelled": Labelled,
    "csv": Table,
    "tsv": Table,
    "jsonl": Jsonl,
    "counts": Counts,
}
CAFES = "cafes"
KINDS: Mapping[str, type[Chosen]] = {CAFES: BuiltIn, **FORMATS}
