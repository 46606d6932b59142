"""Update rules that are saved and go on."""

import copy

import torch

from uncollapse.models.batch import Batch
from uncollapse.models.updates._base import Update


def both_go_on_alike(whole: Update, second: Update, words: Batch) -> None:
    """Train `whole`, hand what it saves to `second`, and train both: bit for bit the same."""
    torch.manual_seed(0)
    for _ in range(4):
        whole(words)
    second.model.load_state_dict(copy.deepcopy(whole.model.state_dict()))
    second.optimization.load_state_dict(copy.deepcopy(whole.optimization.state_dict()))
    second.load_state_dict(copy.deepcopy(whole.state_dict()))
    for update in (whole, second):
        torch.manual_seed(1)
        for _ in range(4):
            update(words)
    pairs = zip(whole.model.parameters(), second.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
