"""The tasks of SentEval that the papers report: where their files lie and what each asks. Free of torch.

Shapes: N sentences or pairs of a part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.study.errors import UserError
from uncollapse.study.transfer import readers
from uncollapse.study.transfer.splits import Part

CLASSES, PARAPHRASE, GRADES, COSINE = "classes", "paraphrase", "grades", "cosine"


@dataclass(frozen=True)
class Question:
    """What a task asks of sentence vectors.

    Args:
        kind: `classes` of a sentence or a pair; `paraphrase`, two classes of a pair, with F1; `grades` of relatedness
            between `lowest` and `highest`; `cosine`, which must rank pairs as people did, without any training.
        classes: their names, for classes and paraphrases.
        lowest, highest: whole grades, for grades.
    """

    kind: str
    classes: tuple[str, ...] = ()
    lowest: int = 0
    highest: int = 0


@dataclass(frozen=True)
class Source:
    """A task of the catalogue.

    Args:
        places: folders below the tasks' folder, the first that exists counts.
        read: a folder's parts by name: `train`, `test`, sometimes `dev`; of a `cosine` task its subsets; `whole` where
            the files have no split and folds take turns.
        questions: asked of it, one or two.
    """

    places: tuple[str, ...]
    read: Callable[[Path], Mapping[str, Part]]
    questions: tuple[Question, ...]


def _classes(*names: str) -> tuple[Question, ...]:
    return (Question(CLASSES, names),)


COSINES = Question(COSINE)
UP_TO_FIVE = Question(GRADES, highest=5)
POLARITY = _classes("negative", "positive")
STARS = ("very negative", "negative", "neutral", "positive", "very positive")
QUESTIONS = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")
ENTAILMENT = ("CONTRADICTION", "NEUTRAL", "ENTAILMENT")


def _similarity(year: str) -> Source:
    return Source((f"STS/{year}-en-test", f"{year}-en-test", year), readers.similarity, (COSINES,))


TASKS: Mapping[str, Source] = {
    "MR": Source(("MR",), partial(readers.two_files, "rt-polarity.neg", "rt-polarity.pos"), POLARITY),
    "CR": Source(("CR",), partial(readers.two_files, "custrev.neg", "custrev.pos"), POLARITY),
    "SST2": Source(("SST/binary", "SST2"), partial(readers.sentiment, 2), POLARITY),
    "SST5": Source(("SST/fine", "SST5"), partial(readers.sentiment, 5), _classes(*STARS)),
    "TREC": Source(("TREC",), partial(readers.questions, QUESTIONS), _classes(*QUESTIONS)),
    "MRPC": Source(("MRPC",), readers.paraphrases, (Question(PARAPHRASE, ("other", "paraphrase")),)),
    "SICK-E": Source(("SICK",), partial(readers.sick_entailment, ENTAILMENT), _classes(*ENTAILMENT)),
    "SICK-R": Source(("SICK",), readers.sick_relatedness, (COSINES, Question(GRADES, lowest=1, highest=5))),
    "STSb": Source(("STS/STSBenchmark", "STSBenchmark", "STSb"), readers.benchmark, (COSINES, UP_TO_FIVE)),
    **{year: _similarity(year) for year in ("STS12", "STS13", "STS14", "STS15", "STS16")},
}


def find(root: Path, names: Sequence[str] | None = None) -> dict[str, Path]:
    """Folders of the tasks called `names`, or of every task that is there.

    Args:
        root: SentEval's `data` or `data/downstream`, or any folder with theirs in it.

    Raises:
        UserError: no such folder, a name that is no task's, a named task that is not there, or none at all.
    """
    if not root.is_dir():
        raise UserError(f"--tasks: a folder of tasks as SentEval's scripts leave them, and {root} is none")
    if strange := [name for name in names or () if name not in TASKS]:
        raise UserError([f"--task: {unknown('task', name, TASKS)}" for name in strange])
    places = {name: _place(root, source) for name, source in TASKS.items()}
    if lacking := [name for name in names or () if places[name] is None]:
        raise UserError([f"--task {name}: no folder {' or '.join(TASKS[name].places)} in {root}" for name in lacking])
    found = {name: place for name, place in places.items() if place is not None and name in (names or places)}
    if not found:
        wanted = ", ".join(source.places[0] for source in TASKS.values())
        raise UserError(f"--tasks: no task lies in {root}; looked for the folders {wanted}")
    return found


def read(folders: Mapping[str, Path]) -> dict[str, Mapping[str, Part]]:
    """The parts of tasks by name; `UserError` with the errors of all files at once."""
    found: dict[str, Mapping[str, Part]] = {}
    errors: list[str] = []
    for name, folder in folders.items():
        try:
            found[name] = TASKS[name].read(folder)
        except UserError as error:
            errors.extend(error.errors)
    if errors:
        raise UserError(list(dict.fromkeys(errors)))  # two tasks may share a file
    return found


def _place(root: Path, source: Source) -> Path | None:
    folders = (start / place for start in (root, root / "downstream") for place in source.places)
    return next((folder for folder in folders if folder.is_dir()), None)
