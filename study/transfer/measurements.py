"""Which measurements a request asks for: every task, way, encoder, vector and seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from uncollapse.study.transfer.request import Request
from uncollapse.study.transfer.tasks import COSINE, GRADES, Question
from uncollapse.study.transfer.ways import ALONE, APART, FINE_TUNED, FROZEN, JOINED

TRAINED, UNTRAINED, WORDS = "trained", "untrained", "words"


@dataclass(frozen=True)
class Trial:
    """One measurement.

    Args:
        task: its name.
        question: `classes`, `paraphrase`, `grades` or `cosine`.
        how: `frozen` or `fine-tuned`; cosines are those of frozen vectors.
        encoder: `trained`, `untrained` or `words`, the mean embedding of the words.
        vectors: name of the vectors.
        pairs: `apart`, `joined`, or empty for single sentences.
        seed: of head, order and an untrained encoder; 0 where nothing is drawn.
    """

    task: str
    question: str
    how: str
    encoder: str
    vectors: str
    pairs: str
    seed: int


def trials(task: str, question: Question, paired: bool, request: Request, encoders: Sequence[str]) -> Iterator[Trial]:
    """Every measurement of one question of a task, the cheap ones first.

    Relatedness is learned from frozen pairs apart, as in SentEval; encoders are fine-tuned, and not the words.
    """
    if question.kind == COSINE:
        yield from _with(task, question, FROZEN, encoders, (APART,), request, drawn=False)
        return
    ways = (APART,) if question.kind == GRADES else request.pairs if paired else (ALONE,)
    if FROZEN in request.how:
        yield from _with(task, question, FROZEN, encoders, ways, request)
    if FINE_TUNED in request.how and question.kind != GRADES:
        kept = [encoder for encoder in encoders if encoder != WORDS]
        yield from _with(task, question, FINE_TUNED, kept, (JOINED,) if paired else ways, request)


def _with(
    task: str,
    question: Question,
    how: str,
    encoders: Sequence[str],
    ways: Sequence[str],
    request: Request,
    drawn: bool = True,
) -> Iterator[Trial]:
    for encoder, pairs in product(encoders, ways):
        if encoder == WORDS and pairs == JOINED:
            continue  # a bag of both sentences tells nothing of either
        vectors = (WORDS,) if encoder == WORDS else request.vectors
        seeds = range(request.seeds if drawn or encoder == UNTRAINED else 1)
        for name, seed in product(vectors, seeds):
            yield Trial(task, question.kind, how, encoder, name, pairs, seed)
