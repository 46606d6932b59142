"""The built-in corpus: English sentences about cafes from a grammar whose generating factors are known.

Every sentence is drawn from independent, uniform factors: topic, writer, mood, price, tense and length. The signal only
says which factor is the label. `strong`: the topic, whose words differ from class to class. `weak`: the kind of writer,
who leans towards some adverbs and links and towards opening with the time, in the same words as everybody else. So the
two corpora are the same text, and what differs in an analysis of classes comes from the signal alone. Only the factor
`order` depends on others: on the writer by design, and on the length, because a short sentence tells no time. What
opens a sentence comes back at its end: the guest as a pronoun, the venue by name, mood, tense and topic.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

from uncollapse.study.corpora.cafe_words import (
    ADVERBS,
    GUESTS,
    JUDGEMENTS,
    LINKS,
    PLACES,
    PRICES,
    REASONS,
    RETURNS,
    TEMPLATES,
    TIMES,
    TOPICS,
    VENUES,
    VERBS,
    VERDICTS,
    WRITERS,
)
from uncollapse.study.corpora.reading.records import Records

LABELS = {"strong": "topic", "weak": "writer"}
LEVELS: dict[str, tuple[str, ...]] = {
    "topic": tuple(TOPICS),
    "writer": tuple(WRITERS),
    "mood": tuple(VERDICTS),
    "price": tuple(PRICES),
    "tense": ("present", "past"),
    "length": tuple(TEMPLATES),
}
FAVOUR = 3.0

FORMS = {forms.split()[0]: forms.split() for forms in VERBS.split("|")}

T = TypeVar("T")


def generate(sentences: int, signal: str, seed: int) -> Records:
    """So many sentences with their labels and factors; a larger corpus of the same seed begins with a smaller one."""
    draw = Draw(seed)
    drawn = [_sentence(draw) for _ in range(sentences)]
    factors = {name: [known[name] for _, known in drawn] for name in (*LEVELS, "order")}
    return Records([text for text, _ in drawn], factors[LABELS[signal]], factors)


class Draw:
    """Choices that need nothing but `Random.random`, whose stream Python promises to keep from version to version."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def happens(self, probability: float) -> bool:
        return self._random() < probability

    def one(self, options: Sequence[T]) -> T:
        return options[int(self._random() * len(options))]

    def leaning(self, options: Sequence[str], favoured: Sequence[str]) -> str:
        """One option, each favoured one `FAVOUR` times as likely as another."""
        weights = [FAVOUR if option in favoured else 1.0 for option in options]
        left = self._random() * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            left -= weight
            if left < 0:
                return option
        return options[-1]


def _sentence(draw: Draw) -> tuple[str, Mapping[str, str]]:
    known = {name: draw.one(levels) for name, levels in LEVELS.items()}
    fronted = draw.happens(WRITERS[known["writer"]][2])
    known["order"] = "none" if known["length"] == "short" else "fronted" if fronted else "final"
    words = _words(draw, known)
    words |= _phrases(draw, known, words)
    words["when"] = words["time"] if known["order"] == "final" else ""
    opening = f"{words['time']} , " if known["order"] == "fronted" else ""
    body = draw.one(TEMPLATES[known["length"]]).format_map(words)
    return f"{opening}{' '.join(body.split())} .", known


def _words(draw: Draw, known: Mapping[str, str]) -> dict[str, str]:
    """The words that the factors choose from, and the guest with verbs that agree."""
    topic, price = TOPICS[known["topic"]], PRICES[known["price"]]
    adverbs, link, _ = WRITERS[known["writer"]]
    guest, pronoun, third = draw.one(GUESTS)
    past = known["tense"] == "past"
    words = {base: forms[2 if past else 1 if third else 0] for base, forms in FORMS.items()}
    words |= {
        "guest": guest,
        "pronoun": pronoun,
        "be": "was" if past else "is",
        "own": "had" if past else "has",
        "will": "would" if past else "will",
    }
    words |= {name: draw.one(price[name].split("|")) for name in ("priced", "sum", "bill")}
    words |= {"item": draw.one(topic["item"].split()), "detail": draw.one(topic["detail"].split())}
    words |= {"quality": draw.one(topic[known["mood"]].split()), "verdict": draw.one(VERDICTS[known["mood"]].split())}
    words |= {"adverb": draw.leaning(ADVERBS.split(), adverbs), "link": draw.leaning(LINKS.split("|"), (link,))}
    return words


def _phrases(draw: Draw, known: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    """Phrases that hold words chosen before: the venue comes back, verbs agree, articles fit."""
    topic, mood = TOPICS[known["topic"]], known["mood"]
    venue = draw.one(VENUES.split())
    react = draw.one(topic["cheer" if mood == "good" else "moan"].split("|"))
    return {
        "venue": venue,
        "place": draw.one(PLACES.split("|")),
        "time": draw.one(TIMES.split("|")),
        "act": words[draw.one(topic["act"].split())],
        "judge": words[draw.one(JUDGEMENTS[mood].split("|"))],
        "reason": draw.one(REASONS.split("|")).format_map(words),
        "react": react.format_map(words),
        "return": draw.one(RETURNS[mood].split("|")).format(venue=venue),
        "a_quality": _with_article(words["quality"]),
        "a_priced": _with_article(words["priced"]),
    }


def _with_article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
