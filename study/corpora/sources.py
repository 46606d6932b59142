"""The files that a `corpus:` section names, and what is wrong with the names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uncollapse.study.corpora.files import find, listing
from uncollapse.study.corpora.forms import FORMATS, Columns, FromFiles, Labelled
from uncollapse.study.corpora.settings import SPLITS

COLUMNS = tuple(name for name, kind in FORMATS.items() if issubclass(kind, Columns))
ENDINGS = {
    "lines": (".txt", ""),
    "labelled": (".txt", ""),
    "csv": (".csv",),
    "tsv": (".tsv",),
    "jsonl": (".jsonl", ".json"),
    "counts": (".feat", ".txt", ""),
}
STEM = "{stem}"
ONE_EACH = "name one for each, as {train: FILE, valid: FILE} or as a pattern such as '{stem}_labels.txt'"

Names = Mapping[str, tuple[str, ...]]
Paths = Mapping[str, tuple[Path, ...]]


@dataclass(frozen=True)
class Place:
    """Where names are looked up: in the corpus's folder, then beside the study page.

    Args:
        root: the file or folder that `path` names.
        base: the folder of the study page.
    """

    root: Path
    base: Path

    @property
    def folder(self) -> Path:
        return self.root if self.root.is_dir() else self.root.parent

    def find(self, name: str) -> Path | None:
        return find(name, self.folder, self.base)

    def all(self, names: Names) -> dict[str, tuple[Path, ...]]:
        """The files of each split that are there."""
        return {split: tuple(path for name in of if (path := self.find(name))) for split, of in names.items()}

    def missing(self, key: str, names: Sequence[str]) -> list[str]:
        return [f"corpus.{key}: {self._nowhere(name)}" for name in names if self.find(name) is None]

    def _nowhere(self, name: str) -> str:
        held = f"which holds {listing(self.folder)}"
        return f"must name a file, but {name!r} is neither in {self.folder} ({held}) nor in {self.base}; mend the name"


def as_names(value: object) -> tuple[str, ...]:
    """One name or a list of names, as a tuple; empty where none is given."""
    given = value if isinstance(value, list | tuple) else () if value is None else (value,)
    return tuple(str(name) for name in given)


def guess(given: Mapping[str, Any], root: Path) -> str:
    """The format of a section that states none: by its keys, then by the names of its files."""
    if "labels" in given:
        return "labelled"
    named = (name for split in SPLITS for name in as_names(given.get(split)))
    usual = (f"train{end}" for form in COLUMNS for end in ENDINGS[form] if (root / f"train{end}").is_file())
    first = next(named, next(usual, root.name))
    return next((form for form in COLUMNS if Path(first).suffix in ENDINGS[form]), "lines")


def texts(section: FromFiles, form: str, place: Place) -> Paths:
    """The text files of each split that are there."""
    if place.root.is_file():
        return {"train": (place.root,)}
    return place.all(_named(section)) or _usual(form, place.root)


def text_errors(section: FromFiles, form: str, place: Place) -> list[str]:
    """What is wrong with the text files that a section names, or leaves to be found."""
    named = _named(section)
    if place.root.is_file():
        constraint = f"cannot be named beside path: {place.root.name}, which is a file; let path be the folder"
        return [f"corpus.{split}: {constraint}" for split in named]
    if not named and "train" not in _usual(form, place.root):
        names = " or ".join(f"train{ending}" for ending in ENDINGS[form])
        return [f"corpus.path: {place.root} must hold {names}, but it holds {listing(place.root)}; write train: FILE"]
    found = [error for split, names in named.items() for error in place.missing(split, names)]
    if named and "train" not in named:
        found.append("corpus.train: the training file must be named where another split is; write train: FILE")
    return found


def _named(section: FromFiles) -> Names:
    return {split: as_names(names) for split in SPLITS if (names := getattr(section, split)) is not None}


def _usual(form: str, root: Path) -> Paths:
    tried = {split: [root / f"{split}{ending}" for ending in ENDINGS[form]] for split in SPLITS}
    return {split: (path,) for split, paths in tried.items() if (path := next(filter(Path.is_file, paths), None))}


def labels(section: FromFiles, beside: Paths, place: Place) -> Paths:
    """The label files of each split that are there."""
    return place.all(_label_names(section, beside)) if isinstance(section, Labelled) else {}


def label_errors(section: FromFiles, beside: Paths, place: Place) -> list[str]:
    """What is wrong with the label files: each text file needs one, and each must be there."""
    if not isinstance(section, Labelled):
        return []
    names = _label_names(section, beside)
    counts = {split: (len(paths), len(names.get(split, ()))) for split, paths in beside.items()}
    found = [
        f"corpus.labels: {split} has {wanted} text file(s) and {given} label file(s); {ONE_EACH}"
        for split, (wanted, given) in counts.items()
        if wanted != given
    ]
    return found + [error for of in names.values() for error in place.missing("labels", of)]


def _label_names(section: Labelled, beside: Paths) -> Names:
    given = section.labels
    if isinstance(given, Mapping):
        return {split: as_names(names) for split, names in given.items() if split in beside}
    if isinstance(given, str) and STEM in given:
        return {split: tuple(given.replace(STEM, path.stem) for path in paths) for split, paths in beside.items()}
    return {"train": as_names(given)}
