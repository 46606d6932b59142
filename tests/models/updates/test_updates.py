"""Every update rule, and joint updates in particular."""

from collections.abc import Callable

import pytest
import torch

from tests.support import models
from uncollapse.models.configuration import components
from uncollapse.models.conformance.updates import EVERY, Make
from uncollapse.models.objective import Objective
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.updates._base import Update

WORDS = models.batch([4, 6, 3, 8])
# The page whose model a rule trains, and how many batches until every parameter has had its turn.
PAGE_OF = {"adversarial": "ivae", "aggressive": "aggressive", "alternating": "g_nvdm", "score_function": "fdarn"}
every = pytest.mark.parametrize("kind", components.kinds("updates"))


def built(kind: str, model: TextVAE, lr: float = 0.01) -> Update:
    configuration = models.configuration(PAGE_OF.get(kind, "seqvae"), optimizer={"kind": "adam", "lr": lr})
    optimization = components.build("optimizer", configuration["optimizer"], model, 100)
    objective = Objective(configuration["objective"], 100)
    return components.build("updates", components.resolve("updates", {"kind": kind}), model, objective, optimization)


@every
@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
def test_every_update_rule_passes(kind: str, check: Callable[[Make], None]) -> None:
    check(lambda: built(kind, models.model(PAGE_OF.get(kind, "seqvae"))))


def test_joint_is_one_step_down_the_objective() -> None:
    model, by_hand = models.model("seqvae"), models.model("seqvae")
    update = built("joint", model)
    torch.manual_seed(3)
    found = update(WORDS)
    torch.manual_seed(3)
    trace = by_hand.trace(WORDS)
    loss = (trace.reconstruction + 0.1 * trace.kl["z"]).mean()  # linear annealing starts at 0.1
    loss.backward()
    torch.nn.utils.clip_grad_norm_(by_hand.parameters(), 5.0)
    torch.optim.Adam(by_hand.parameters(), lr=0.01).step()
    assert found == pytest.approx((loss.item(), trace.reconstruction.mean().item()))
    for name, value in by_hand.named_parameters():
        torch.testing.assert_close(model.get_parameter(name), value)


def test_joint_weighs_by_the_number_of_updates_made() -> None:
    model = models.model("seqvae")
    update = built("joint", model, lr=1e-12)
    losses = []
    for step in (0, 25, 50):
        update.optimization.updates = step
        torch.manual_seed(0)
        losses.append(update(WORDS)[0])
    kl = (losses[2] - losses[0]) / 0.9
    assert losses[1] - losses[0] == pytest.approx(0.45 * kl, rel=1e-3)
    assert kl > 0
