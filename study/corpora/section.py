"""Turns a `corpus:` section into `Settings`, or says everything that is wrong with it."""

from pathlib import Path

from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.study.corpora.files import find, listing
from uncollapse.study.corpora.page import Page
from uncollapse.study.corpora.settings import (
    COLUMNS,
    FORMATS,
    SIGNALS,
    SPLITS,
    TOKENIZERS,
    Cafes,
    Cleaning,
    Cut,
    Files,
    Selection,
    Settings,
)
from uncollapse.study.corpora.subwords import LEAST, MOST
from uncollapse.study.errors import UserError

CAFES = "cafes"
SELECTION_KEYS = ("name", "seed", "splits", "vocabulary", "min_words", "max_words", "per_class", "limit", "vectors")
CAFES_KEYS = (*SELECTION_KEYS, "sentences", "signal", "tokenizer", "subwords")
FILE_KEYS = (*SELECTION_KEYS, "path", "format", *SPLITS)
CLEANING_KEYS = ("links", "quotes", "ascii", "tokenizer", "lowercase", "unknown", "subwords")
FORMAT_KEYS = {
    "lines": CLEANING_KEYS,
    "labelled": (*CLEANING_KEYS, "labels"),
    "csv": (*CLEANING_KEYS, "text", "label", "quoted"),
    "tsv": (*CLEANING_KEYS, "text", "label", "quoted"),
    "jsonl": (*CLEANING_KEYS, "text", "label"),
    "counts": ("presence",),
}
ENDINGS = {
    "lines": (".txt", ""),
    "labelled": (".txt", ""),
    "csv": (".csv",),
    "tsv": (".tsv",),
    "jsonl": (".jsonl",),
    "counts": (".feat", ".txt", ""),
}
SHARE = 0.1
STEM = "{stem}"


def parse(values: object, base: Path) -> Settings:
    """The settings of a `corpus:` section; paths are relative to `base`.

    Raises:
        UserError: every error that the section shows without opening the files it names.
    """
    errors: list[str] = []
    page = Page(values, "corpus", errors)
    try:
        settings = _files(page, base) if page.has("path") else _cafes(page, base)
    except (
        OSError,
        RuntimeError,
    ) as error:  # a name too long, a folder that cannot be listed, a ~user who is not there
        raise UserError([*errors, f"corpus: every path must be readable, but {error}; mend the path"]) from error
    if errors:
        raise UserError(errors)
    assert settings is not None, "no settings and no error"
    return settings


def _cafes(page: Page, base: Path) -> Settings | None:
    if page.values.get("name") != CAFES:
        page.only((*CAFES_KEYS, *FILE_KEYS, *(key for keys in FORMAT_KEYS.values() for key in keys)))
        said = unknown("built-in corpus", page.values["name"], (CAFES,)) if page.has("name") else "names no text"
        page.error("", f"{said}; write name: {CAFES} for the built-in corpus, or path: and a file or folder")
        return None
    page.only(CAFES_KEYS)
    source = Cafes(
        page.whole("sentences", 5000, 20, 10_000_000), page.word("signal", SIGNALS, "strong"), page.whole("seed", 0, 0)
    )
    cleaning = Cleaning(tokenizer=page.word("tokenizer", TOKENIZERS, "spaces"), subwords=_subwords(page))
    return Settings(CAFES, source, cleaning, _selection(page), _cut(page, ()), _vocabulary(page), _vectors(page, base))


def _files(page: Page, base: Path) -> Settings | None:
    path = page.text("path")
    root = None if path is None else base / Path(path).expanduser()
    if root is None or not root.exists():
        if root is not None:
            page.error("path", f"must be a file or a folder, but there is nothing at {root}; relative to {base}")
        return None
    files = _source(page, root, base)
    texts = () if files is None else tuple(files.texts)
    form = "lines" if files is None else files.format
    name = page.text("name") or root.stem or root.resolve().stem
    vocabulary = None if form == "counts" else _vocabulary(page)
    if page.has("per_class") and form in ("lines", *COLUMNS) and not page.has("label"):
        page.error(
            "per_class", "samples each class, but the sentences have no labels; name label: COLUMN or leave it out"
        )
    if files is None:
        return None
    vectors = _vectors(page, base)
    return Settings(name, files, _cleaning(page, form), _selection(page), _cut(page, texts), vocabulary, vectors)


def _source(page: Page, root: Path, base: Path) -> Files | None:
    named = {split: page.texts(split) for split in SPLITS if page.has(split)}
    form = page.word("format", FORMATS, _guess(page, root, named))
    page.only((*FILE_KEYS, *FORMAT_KEYS[form]))
    texts = _texts(page, root, base, named, form)
    if not texts:
        return None
    labels = _labels(page, root, base, texts) if form == "labelled" else {}
    if form in COLUMNS and not page.has("text"):
        page.error("text", f"format {form} needs the name of the column that holds the sentences; write text: NAME")
    listed = page.text("vocabulary") if form == "counts" else None
    return Files(
        form,
        texts,
        labels,
        page.text("text"),
        page.text("label"),
        page.switch("quoted", True),
        None if listed is None else _find(page, "vocabulary", listed, root, base),
        page.switch("presence", False),
    )


def _guess(page: Page, root: Path, named: dict[str, tuple[str, ...]]) -> str:
    if page.has("labels"):
        return "labelled"
    usual = (f"train.{form}" for form in COLUMNS if (root / f"train.{form}").is_file())
    first = next((name for names in named.values() for name in names), next(usual, root.name))
    return next((form for form in COLUMNS if Path(first).suffix == f".{form}"), "lines")


def _folder(root: Path) -> Path:
    return root if root.is_dir() else root.parent


def _find(page: Page, key: str, name: str, root: Path, base: Path) -> Path | None:
    path = find(name, _folder(root), base)
    if path is None:
        held = listing(_folder(root))
        page.error(
            key, f"must name a file, but {name!r} is neither in {_folder(root)} (which holds {held}) nor in {base}"
        )
    return path


def _texts(
    page: Page, root: Path, base: Path, named: dict[str, tuple[str, ...]], form: str
) -> dict[str, tuple[Path, ...]]:
    if root.is_file():
        for split in named:
            page.error(split, f"cannot be named beside path: {root.name}, which is a file; let path be the folder")
        return {"train": (root,)}
    if named and "train" not in named:
        page.error("train", "the training file must be named where another split is; write train: FILE")
    if not named:
        return _usual(page, root, form)
    found = {split: [_find(page, split, name, root, base) for name in names] for split, names in named.items()}
    return {split: tuple(path for path in paths if path is not None) for split, paths in found.items()}


def _usual(page: Page, root: Path, form: str) -> dict[str, tuple[Path, ...]]:
    tried = {split: [root / f"{split}{ending}" for ending in ENDINGS[form]] for split in SPLITS}
    found = {split: path for split, paths in tried.items() if (path := next((p for p in paths if p.is_file()), None))}
    if "train" in found:
        return {split: (path,) for split, path in found.items()}
    names = " or ".join(path.name for path in tried["train"])
    page.error("path", f"{root} must hold {names}, but it holds {listing(root)}; write train: FILE")
    return {}


def _labels(page: Page, root: Path, base: Path, texts: dict[str, tuple[Path, ...]]) -> dict[str, tuple[Path, ...]]:
    value = page.values.get("labels")
    if isinstance(value, str) and STEM in value:
        names = {split: tuple(value.replace(STEM, path.stem) for path in paths) for split, paths in texts.items()}
    elif isinstance(value, dict):
        inner = Page(value, "corpus.labels", page.errors)
        inner.only(SPLITS)
        names = {split: inner.texts(split) for split in texts}
    else:
        names = {"train": page.texts("labels")}
    for split, paths in texts.items():
        if len(names.get(split, ())) != len(paths):
            found = len(names.get(split, ()))
            page.error("labels", f"{split} has {len(paths)} text file(s) and {found} label file(s); {_LABELS_REMEDY}")
    found_files = {split: [_find(page, "labels", name, root, base) for name in names[split]] for split in names}
    return {split: tuple(path for path in paths if path is not None) for split, paths in found_files.items()}


_LABELS_REMEDY = "name one for each, as {train: FILE, valid: FILE} or as a pattern such as '{stem}_labels.txt'"


def _cleaning(page: Page, form: str) -> Cleaning:
    raw = form in COLUMNS
    return Cleaning(
        page.switch("links", False),
        page.switch("quotes", False),
        page.switch("ascii", False),
        page.word("tokenizer", TOKENIZERS, "spacy" if raw else "spaces"),
        page.switch("lowercase", raw),
        page.text("unknown") or "<unk>",
        _subwords(page),
    )


def _subwords(page: Page) -> int | None:
    """How many pieces are learned; 2^15 as VAT where the page does not say."""
    chosen = page.values.get("tokenizer") == "subwords"
    if page.has("subwords") and not chosen:
        page.error("subwords", "counts the pieces of `tokenizer: subwords`; name that tokenizer or leave it out")
    return page.whole("subwords", 2**15, LEAST, MOST) if chosen else None


def _vectors(page: Page, base: Path) -> Path | None:
    name = page.text("vectors")
    path = None if name is None else find(name, base)
    if name is not None and path is None:
        page.error("vectors", f"must name a file of word vectors, but there is nothing at {base / name}")
    return path


def _selection(page: Page) -> Selection:
    low = page.whole("min_words", 1, 1)
    high = page.whole("max_words", low, 1) if page.has("max_words") else None
    if high is not None and high < low:
        page.error("max_words", f"must be at least min_words, found {high} under {low}; change one of them")
    per_class, limit = page.numbers("per_class", SPLITS), page.numbers("limit", SPLITS)
    return Selection(low, high, per_class, limit, page.whole("seed", 0, 0))


def _vocabulary(page: Page) -> int | None:
    return page.whole("vocabulary", 1, 1) if page.has("vocabulary") else None


def _cut(page: Page, given: tuple[str, ...]) -> Cut:
    inner = Page(page.values["splits"] if page.has("splits") else {}, f"{page.place}.splits", page.errors)
    inner.only(("valid", "test", "seed"))
    for split in ("valid", "test"):
        if split in given and inner.has(split):
            inner.error(split, f"cannot be cut, because corpus.{split} has a file; leave one of the two out")
    shares = {split: _share(inner, split) for split in ("valid", "test") if split not in given}
    if sum(share for share in shares.values() if share < 1) >= 1:
        inner.error("", "the shares of valid and test must leave some of the text to train on; make them smaller")
    return Cut(shares, inner.whole("seed", 0, 0))


def _share(page: Page, split: str) -> float:
    value = page.values.get(split, SHARE)
    if isinstance(value, float) and 0 < value < 1:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    page.error(
        split, f"must be a share between 0 and 1 or a number of sentences, found {value!r}; write for example 0.1"
    )
    return SHARE
