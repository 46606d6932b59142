"""Seeds of one configuration trained as one batch of models, by `torch.func`: every product gets a dimension of seeds.

torch has no batching rule for its recurrent layers, so this serves models without them (`g_nvdm`, `v_nvdm`). A benchmark's
part and not the product's: dropout and draws of the code come from one generator, so no figure equals a trial's.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from uncollapse.models.batch import Batch
from uncollapse.models.objective import Objective
from uncollapse.models.text_vae import TextVAE


class Loss(nn.Module):
    """A model whose forward is the loss of a batch, since `functional_call` calls forward."""

    def __init__(self, model: TextVAE, objective: Objective) -> None:
        super().__init__()
        self.model, self.objective = model, objective

    def forward(self, batch: Batch) -> Tensor:
        """The objective's mean over the batch: a scalar in nats."""
        return self.objective(self.model.trace(batch), 0)


class SeedsTogether:
    """Adam with clipping over S models at once; parameters have a leading dimension of S.

    Args:
        models: of one configuration, each from its own seed.
        objective: of all of them.
    """

    def __init__(self, models: list[TextVAE], objective: Objective, lr: float, clip: float) -> None:
        losses = [Loss(model, objective) for model in models]
        self.parameters, self.buffers = stack_module_state(losses)  # type: ignore[arg-type]
        self.bare = copy.deepcopy(losses[0]).to("meta")
        self.adam, self.clip = torch.optim.Adam(self.parameters.values(), lr=lr), clip
        self.gradients = vmap(grad_and_value(self._loss), in_dims=(0, 0, None), randomness="different")

    def _loss(self, parameters: Any, buffers: Any, batch: Batch) -> Tensor:
        found: Tensor = functional_call(self.bare, (parameters, buffers), (batch,))
        return found

    def __call__(self, batch: Batch) -> Tensor:
        """One update of every model; their losses (S,)."""
        gradients, losses = self.gradients(self.parameters, self.buffers, batch)
        squares = [gradient.flatten(1).square().sum(1) for gradient in gradients.values()]
        scale = (self.clip / (torch.stack(squares).sum(0).sqrt() + 1e-6)).clamp(max=1.0)
        for name, gradient in gradients.items():
            self.parameters[name].grad = gradient * scale.view(-1, *[1] * (gradient.dim() - 1))
        self.adam.step()
        return losses.detach()
