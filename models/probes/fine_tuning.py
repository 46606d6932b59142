"""An encoder trained on for a task. Shapes: B sentences of a batch, N of a split, D vector, Y classes."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from uncollapse.models.batch import Batch
from uncollapse.models.probes.training import dense
from uncollapse.models.probes.vectors import Vectors
from uncollapse.models.text_vae import TextVAE

EPOCHS = 5  # VAT, Section 6
RATE = 5e-4
CLIP = 5.0

Epoch = Callable[[int], Iterable[Batch]]  # number of the epoch from 0 -> labelled batches in a random order


class FineTuned(nn.Module):
    """A copy of a model's encoder under one non-linear dense layer and the classes.

    VAT (Section 6) extends its encoder by a dense layer with a non-linear activation and names neither width nor
    activation; here the vector's own width and tanh, as on top of BERT, then a linear layer to the classes.

    Args:
        model: which is copied; its decoder is not used.
        vectors: how a sentence becomes one vector, of `models.probes.vectors`.
        classes: Y.
        size: D.
        generator: of the layers' first weights, on the CPU.
    """

    def __init__(self, model: TextVAE, vectors: Vectors, classes: int, size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.model, self.vectors = thawed(model), vectors
        self.head = nn.Sequential(dense(size, size, generator), nn.Tanh(), dense(size, classes, generator))

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, Y)."""
        return self.head(self.vectors(self.model, batch))


@dataclass(frozen=True)
class Setting:
    """How an encoder is trained on: Adam's rate, and passes over the training split; the paper gives only the latter.

    The learning rate is not in the paper, and neither is clipping; gradients are clipped at norm 5 as everywhere here.
    """

    epochs: int = EPOCHS
    rate: float = RATE


def fine_tune(
    model: TextVAE, vectors: Vectors, train: Epoch, classes: int, seed: int, setting: Setting | None = None
) -> FineTuned:
    """Return a trained copy in evaluation mode; `model` and the global generator are left as they were.

    Every epoch is run: no split chooses among them.

    Args:
        model: trained before, or not, as a baseline.
        vectors: of `models.probes.vectors`.
        train: labelled batches of each epoch, on the model's device; labels are 0 .. Y - 1.
        classes: Y.
        seed: of the new layers and of dropout; the order is that of `train`.
        setting: epochs and rate.
    """
    setting = setting or Setting()
    device = model.output.logits.weight.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        size = _size(model, vectors, next(iter(train(0))))
        tuned = FineTuned(model, vectors, classes, size, torch.Generator().manual_seed(seed)).to(device).train()
        optimizer = torch.optim.Adam(tuned.parameters(), lr=setting.rate)
        for epoch in range(setting.epochs):
            for batch in train(epoch):
                _step(tuned, batch, optimizer)
    return tuned.eval()


def predict(tuned: FineTuned, batches: Iterable[Batch]) -> Tensor:
    """The likeliest class of every sentence, in the order of the batches: (N,) on the CPU."""
    with torch.inference_mode():
        return torch.cat([tuned(batch).argmax(1).cpu() for batch in batches])


def thawed(model: TextVAE) -> TextVAE:
    """A copy all of whose parameters are trained, those of frozen components and tables included."""
    free = copy.deepcopy(model).requires_grad_(True)
    for module in free.modules():
        if hasattr(module, "frozen"):
            vars(module)["frozen"] = False
    return free


def _size(model: TextVAE, vectors: Vectors, batch: Batch) -> int:
    with torch.no_grad():
        return vectors(model, batch).shape[1]


def _step(tuned: FineTuned, batch: Batch, optimizer: torch.optim.Optimizer) -> None:
    assert batch.labels is not None, "fine-tuning needs classes"
    optimizer.zero_grad()
    functional.cross_entropy(tuned(batch), batch.labels).backward()
    nn.utils.clip_grad_norm_(tuned.parameters(), CLIP)
    optimizer.step()
