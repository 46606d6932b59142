"""What a person has to know of a prepared corpus before anything is trained on it, and what cannot be trained on."""

from collections.abc import Iterator, Mapping
from typing import Any

MANY, MOST = 0.2, 0.8  # shares of unknown words of a split: said with what to do, and refused
LONG = 20  # times the mean: a sentence so long is said
REMEDY = (
    "where the text has no spaces between its words, or many forms of each, say `tokenizer: subwords`; else give more "
    "training text, or keep more words with `vocabulary:`"
)


def remarks(facts: Mapping[str, Any]) -> list[str]:
    """How the splits were read, unknown words, and sentences that are far longer than the others."""
    splits = facts["splits"]
    read = {split: one["made"] for split, one in splits.items() if "read of" in one["made"]}
    made = [f"corpus: {split} is {one}" for split, one in read.items() if split == "train" or "drawn from" not in one]
    shares = {split: _unknown(one) for split, one in splits.items() if split != "train"}
    said = ", ".join(f"{share:.1%} of {split}" for split, share in shares.items())
    much = f"; {REMEDY}" if max(shares.values(), default=0.0) > MANY else ""
    return [*made, f"corpus: unknown words: {said}{much}", *_long(splits)]


def refusals(facts: Mapping[str, Any]) -> list[str]:
    """Splits of which a model would see little but unknown words, where no `vocabulary:` of a user's makes them so."""
    if facts["vocabulary_limit"] is not None:
        return []
    shares = {split: _unknown(one) for split, one in facts["splits"].items() if split != "train"}
    return [
        f"corpus: at most {MOST:.0%} of the words of {split} may be unknown, and no training sentence has {share:.0%} "
        f"of them; {REMEDY}"
        for split, share in shares.items()
        if share > MOST
    ]


def _unknown(split: Mapping[str, Any]) -> float:
    """The share of a split's words that the vocabulary lacks; words that the text itself marks so are none of them."""
    return max(0, split["unknown"] - split["unknown_in_source"]) / split["words"]


def _long(splits: Mapping[str, Any]) -> Iterator[str]:
    for split, one in splits.items():
        if one["max_words"] > LONG * one["mean_words"]:
            yield (
                f"corpus: the longest sentence of {split} has {one['max_words']:,} words and the mean "
                f"{one['mean_words']:.0f}; a batch takes as long as its longest sentence: `max_words:` leaves such out"
            )
