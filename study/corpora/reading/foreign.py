"""Files that are laid out for another program: told from lines of sentences, and refused with what is read here."""

import re
from collections.abc import Iterable, Sequence

FASTTEXT = re.compile(r"__label__\S")
CONLL = re.compile(r"O|[BIESLU]-\S+")
LOOKED_AT = 2000  # lines
MOST = 0.9  # share of the lines that are laid out so
READ = (
    "what is read: a sentence a line (lines), with the classes in a file of their own (labelled), csv, tsv and jsonl "
    "with `text:` and `label:`, or counts"
)


def layout(lines: Sequence[str]) -> str | None:
    """Why lines are no sentences, as the rest of a sentence; None where nothing says so."""
    said = [line for line in lines[:LOOKED_AT] if line.strip()]
    if not said:
        return None
    if _share(FASTTEXT.match(line) is not None for line in said) >= MOST:
        return (
            "a sentence a line is expected, and these lines begin with fastText's __label__, which would be read as a "
            f"word of the sentence; take the labels out into a file of their own, a line each; {READ}"
        )
    if _share(_tagged(line) for line in said) >= MOST:
        return (
            "a sentence a line is expected, and these lines hold a token each with its tags, as CoNLL's do; write the "
            f"tokens of a sentence into one line, with spaces between them; {READ}"
        )
    return None


def _tagged(line: str) -> bool:
    """A token with at least one tag, the last of which says what kind of name the token is part of."""
    fields = line.split()
    return len(fields) > 1 and CONLL.fullmatch(fields[-1]) is not None


def _share(found: Iterable[bool]) -> float:
    known = list(found)
    return sum(known) / len(known)
