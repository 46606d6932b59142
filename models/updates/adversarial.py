"""Adversarial updates."""

import math
from typing import Any

import torch
from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.configuration.bounds import Positive, Size
from uncollapse.models.latents.implicit import Implicit
from uncollapse.models.objective import Objective
from uncollapse.models.optimizers._base import Optimization
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.trace import Trace
from uncollapse.models.updates._base import Update


class Adversarial(Update):
    """Steps of a critic before each update of the model it criticises (Fang et al. 2019).

    The critic's steps go up E_q nu - E_p exp nu + 1 on the features of the batch, by an Adam of its own, from fresh
    draws of both distributions each; the model's update leaves the critic as it is. exp is of float64 and not clamped,
    which would be another objective: where it or its gradient overflows, the loss told is infinite and the training
    ends as diverged.

    Args:
        steps: of the critic for one of the model.
        lr: learning rate of the critic.
    """

    needs = ("implicit",)

    def __init__(
        self,
        model: TextVAE,
        objective: Objective,
        optimization: Optimization,
        /,
        *,
        steps: Size = 5,
        lr: Positive = 1e-5,
    ) -> None:
        super().__init__(model, objective, optimization)
        assert isinstance(model.latent, Implicit), "a constraint refuses other latents"
        self.latent, self.steps = model.latent, steps
        if self.latent.kl_is_dual and "kl.z" in objective.weights:
            raise ValueError(
                "objective.kl.z: this generator has no density and so no KL that a model could learn from; weigh `dual`"
            )
        self.critic = list(self.latent.critic.parameters())
        self.optimizer = torch.optim.Adam(self.critic, lr=lr, fused=True)
        self.critic_updates = 0

    def loss(self, batch: Batch, trace: Trace) -> Tensor:
        """The objective under the critic that this batch has trained; infinite where the critic has overflown."""
        if bool(trace.reconstruction.isfinite().all()) and not self.train_critic(trace.features.detach()):
            return trace.reconstruction.new_tensor(math.inf)
        # Frozen while the graph is made: its gradient would count in the clipping of the model's.
        self.latent.critic.requires_grad_(False)
        loss = super().loss(batch, trace)
        self.latent.critic.requires_grad_(True)
        return loss

    def train_critic(self, features: Tensor) -> bool:
        """Take the critic's steps; False at the first that is not finite, which is not taken."""
        for _ in range(self.steps):
            with torch.no_grad():
                z = self.latent.draw(features)
            dual = self.latent.dual(features, z).mean()
            gradients = torch.autograd.grad(-dual, self.critic)
            if not torch.stack([dual.detach(), torch.nn.utils.get_total_norm(gradients)]).isfinite().all():
                return False
            for parameter, gradient in zip(self.critic, gradients, strict=True):
                parameter.grad = gradient
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.critic_updates += 1
        return True

    def costs(self) -> dict[str, float]:
        """Updates of the critic."""
        return {"critic_updates": float(self.critic_updates)}

    def state_dict(self) -> dict[str, Any]:
        return {"critic": self.optimizer.state_dict(), "critic_updates": self.critic_updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["critic"])
        self.critic_updates = state["critic_updates"]
