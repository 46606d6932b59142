"""What is asked of a transfer run."""

from dataclasses import dataclass, field

from uncollapse.models.probes.fine_tuning import Setting
from uncollapse.study.transfer.ways import FROZEN, PAIRS


@dataclass(frozen=True)
class Request:
    """How tasks are tried.

    Args:
        vectors: names in `models.probes.vectors.VECTORS`.
        how: of `HOW`.
        pairs: of `PAIRS`: [|u - v|, u * v] of the two sentences, or both as one with EOS between (VAT, Section 6).
        seeds: of heads, orders and untrained encoders: 0 .. seeds - 1.
        folds: where a task's files have no split.
        baselines: an untrained encoder of the same build, and the mean embedding of the words.
        batch: sentences of a batch of fine-tuning.
        setting: of fine-tuning.
    """

    vectors: tuple[str, ...]
    how: tuple[str, ...] = (FROZEN,)
    pairs: tuple[str, ...] = PAIRS
    seeds: int = 3
    folds: int = 10
    baselines: bool = True
    batch: int = 32
    setting: Setting = field(default_factory=Setting)
