"""Subword tokens, learned from the training split alone."""

from collections.abc import Callable, Iterable

START = "▁"  # how a piece that begins a word is marked
LEAST, MOST = 8, 10**6  # the trainer reserves memory for all pieces at once, and ends the process where there is none


def train(texts: Iterable[str], size: int) -> str:
    """Byte-pair merges of `size` pieces, as JSON.

    Merges never cross a word, and every piece that begins one carries a mark, so that sentences can be put together
    again. Characters and not bytes are the first pieces: a piece stays readable, and a character that the training
    split lacks is an unknown word, as any other word that it lacks.
    """
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import Metaspace
    from tokenizers.trainers import BpeTrainer

    whole = Tokenizer(BPE(unk_token="<unk>"))
    whole.pre_tokenizer = Metaspace(replacement=START, prepend_scheme="always")
    trainer = BpeTrainer(vocab_size=size, special_tokens=["<unk>"], show_progress=False)
    whole.train_from_iterator(texts, trainer)
    return str(whole.to_str())


def splitter(learned: str) -> Callable[[str], list[str]]:
    """The function from a text to its pieces."""
    from tokenizers import Tokenizer

    whole = Tokenizer.from_str(learned)
    return lambda text: whole.encode(text).tokens


def pieces(learned: str) -> list[str]:
    """Every piece that was learned, also those that no training sentence is split into."""
    from tokenizers import Tokenizer

    return list(Tokenizer.from_str(learned).get_vocab())


def joined(pieces: Iterable[str]) -> str:
    """The words that pieces make."""
    apart = "".join(f" {piece} " if piece == "<unk>" else piece for piece in pieces)
    return " ".join(apart.replace(START, " ").split())
