"""Which sentence goes where: splits cut from the training text, lengths kept, samples drawn. All seeded."""

from collections.abc import Mapping, Sequence

import numpy as np

from uncollapse.analysis.counted import counted
from uncollapse.study.corpora.settings import Cut, Selection

FEWEST = 2


def too_few(split: str, size: int) -> str:
    """Why a split cannot be used: its codes are compared with those of another sentence."""
    return f"{split} needs at least {FEWEST} sentences, but has {size}; give more text or choose less strictly"


def sizes(total: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Sentences of each split cut from `total`: a share below 1 is rounded, another number is itself.

    Raises:
        ValueError: a split, or what is left to train on, would have fewer than two sentences.
    """
    wanted = {split: round(share * total) if share < 1 else int(share) for split, share in shares.items()}
    left = {**wanted, "train": total - sum(wanted.values())}
    few = next((split for split, size in left.items() if size < FEWEST), None)
    if few is not None:
        shown = " and ".join(f"{split} ({share:g})" for split, share in shares.items())
        cut_by = f" once {shown} are cut from it" if shown else ""
        raise ValueError(
            f"every split needs at least {FEWEST} sentences, but the training text has {total:,} and leaves "
            f"{max(left[few], 0)} to {few}{cut_by}; give more text or change corpus.splits"
        )
    return wanted


def cut(total: int, how: Cut) -> dict[str, np.ndarray]:
    """Indices of the sentences of train and of each split cut from it, shuffled when anything is cut."""
    wanted = sizes(total, how.shares)
    if not wanted:
        return {"train": np.arange(total)}
    order = np.random.default_rng(how.seed).permutation(total)
    parts = np.split(order, np.cumsum(list(wanted.values())))
    return dict(zip([*wanted, "train"], parts, strict=True))


def by_length(lengths: np.ndarray, how: Selection) -> tuple[np.ndarray, dict[str, int]]:
    """Indices of the sentences whose length is allowed, and how many were dropped for each cause."""
    most = np.inf if how.max_words is None else how.max_words
    empty, short, long = lengths == 0, (lengths > 0) & (lengths < how.min_words), lengths > most
    dropped = {"empty": int(empty.sum()), "too short": int(short.sum()), "too long": int(long.sum())}
    return np.flatnonzero(~(empty | short | long)), dropped


def sample(index: np.ndarray, labels: Sequence[str] | None, split: str, how: Selection) -> np.ndarray:
    """A sample of `index`, in its order: `per_class` of each class, then at most `limit`.

    Raises:
        ValueError: a class has fewer sentences than are asked for.
    """
    rng = np.random.default_rng([how.seed, *split.encode()])
    if split in how.per_class:
        assert labels is not None, "parse refuses per_class without labels"
        index = _per_class(index, np.asarray(labels)[index], how.per_class[split], split, rng)
    most = how.limit.get(split, len(index))
    return index if most >= len(index) else index[np.sort(rng.permutation(len(index))[:most])]


def _per_class(index: np.ndarray, labels: np.ndarray, size: int, split: str, rng: np.random.Generator) -> np.ndarray:
    kept = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < size:
            found = f"class {str(label)!r} of {split} has {len(members):,}"
            raise ValueError(
                f"per_class asks for {counted(size, 'sentence')} of each class, but {found}; ask for fewer"
            )
        kept.append(rng.permutation(members)[:size])
    return index[np.sort(np.concatenate(kept))]
