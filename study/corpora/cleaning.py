"""From a text to its words, each step on or off, as the HSVAE paper prepares its corpora (Section 4.1.1)."""

import re
from collections.abc import Callable, Sequence
from sys import intern
from typing import Any

from uncollapse.study.corpora import subwords
from uncollapse.study.corpora.settings import Cleaning

_LINKS = re.compile(r"(?:\b(?:https?|ftp)://|\bwww\.)\S+", re.IGNORECASE)
_QUOTES = re.compile(r"[\"“”„‟«»‹›‘]|``|''|’(?!\w)")
_STEP = 20_000

Say = Callable[[str], None]


def clean(text: str, how: Cleaning) -> str:
    """The text without links, quotation marks and non-ASCII characters, as far as each is asked for.

    A straight single quote is an apostrophe, and stays.
    """
    text = _LINKS.sub(" ", text) if how.links else text
    text = _QUOTES.sub("", text) if how.quotes else text
    return text.encode("ascii", "ignore").decode() if how.ascii else text


def tokenizer(how: Cleaning, learned: str | None = None) -> Callable[[str], list[str]]:
    """The function from a cleaned text to its words; `how.unknown` stays one word and keeps its case.

    Subwords, which are `learned` from the training split, know no unknown word in the source.
    """
    if how.tokenizer == "subwords":
        assert learned is not None, "subwords are learned before they are used"
        pieces = subwords.splitter(learned)
        return (lambda text: pieces(text.lower())) if how.lowercase else pieces
    split = _spacy(how.unknown) if how.tokenizer == "spacy" else str.split
    if not how.lowercase:
        return split
    return lambda text: [word if word == how.unknown else word.lower() for word in split(text)]


def _spacy(unknown: str) -> Callable[[str], list[str]]:
    import spacy  # costs a second, which plans and other tokenizers need not pay

    tokenize: Any = spacy.blank("en").tokenizer
    tokenize.add_special_case(unknown, [{"ORTH": unknown}])
    return lambda text: [token.text for token in tokenize(text) if not token.is_space]


def learn(texts: Sequence[str], how: Cleaning) -> str | None:
    """What a tokenizer learns from the training texts; None where it has nothing to learn."""
    if how.tokenizer != "subwords":
        return None
    assert how.subwords is not None, "parse sets it"
    cleaned = (clean(text, how) for text in texts)
    return subwords.train((text.lower() for text in cleaned) if how.lowercase else cleaned, how.subwords)


def words_of(texts: Sequence[str], how: Cleaning, say: Say, learned: str | None = None) -> list[list[str]]:
    """The words of every text; a text that comes back is tokenised once, and a word is kept in memory once."""
    split = tokenizer(how, learned)
    done: dict[str, list[str]] = {}
    words = []
    for number, text in enumerate(texts, 1):
        if text not in done:
            done[text] = list(map(intern, split(clean(text, how))))
        words.append(done[text])
        if number % _STEP == 0:
            say(f"tokenised {number:,} of {len(texts):,} sentences")
    return words
