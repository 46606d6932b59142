"""Training of probes: its end, its best epoch, its seed. Shapes: N rows."""

import math

import pytest
import torch
from torch import Tensor, nn

from uncollapse.models.measures.checks import NotFinite
from uncollapse.models.probes import scaling, training
from uncollapse.models.probes.training import Training, dense, fit


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def regression(count: int, noise: float) -> tuple[nn.Linear, training.Loss, Tensor]:
    generator = seeded(3)
    inputs = torch.randn(count, 3, generator=generator)
    weights = torch.tensor([1.0, -0.5, 0.25])
    targets = inputs @ weights + noise * torch.randn(count, generator=generator)
    probe = dense(3, 1, generator)
    return probe, lambda rows, _: (probe(inputs[rows]).squeeze(1) - targets[rows]).square().mean(), weights


def test_a_linear_layer_finds_its_weights() -> None:
    probe, loss, weights = regression(2_000, 0.01)
    found = fit(probe, loss, 2_000, seeded())
    assert (found.rows, found.held_out) == (1_800, 200)
    torch.testing.assert_close(probe.weight.detach()[0], weights, atol=0.01, rtol=0)


def test_the_weights_left_are_those_of_the_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """With as many inputs as rows training overfits: the loss of the held-out rows rises, and its lowest is kept."""
    generator = seeded()
    inputs, targets = torch.randn(60, 60, generator=generator), torch.randn(60, generator=generator)
    probe = dense(60, 1, generator)
    notes: list[tuple[float, Tensor]] = []
    note = training.BestEpoch.note

    def noting(self: training.BestEpoch, loss: training.Loss, held: Tensor) -> None:
        with torch.no_grad():
            notes.append((float(loss(held, seeded())), probe.weight.clone()))
        note(self, loss, held)

    monkeypatch.setattr(training.BestEpoch, "note", noting)
    found = fit(probe, lambda rows, _: (probe(inputs[rows]).squeeze(1) - targets[rows]).square().mean(), 60, seeded())
    lowest = min(range(len(notes)), key=lambda i: notes[i][0])
    assert found.epochs == len(notes) == lowest + 1 + training.PATIENCE < training.EPOCHS
    assert torch.equal(probe.weight, notes[lowest][1])


def test_it_ends_when_nothing_improves_and_at_the_latest_after_the_last_epoch() -> None:
    probe = dense(1, 1, seeded())
    still = fit(probe, lambda rows, _: probe(torch.ones(1, 1)).sum() * 0, 50, seeded())
    assert still.epochs == 1 + training.PATIENCE
    falling = iter(range(10_000))
    ever = fit(probe, lambda rows, _: probe(torch.ones(1, 1)).sum() * 0 - next(falling), 50, seeded())
    assert ever.epochs == training.EPOCHS


@pytest.mark.parametrize(("count", "expected"), [(2, (1, 1)), (15, (14, 1)), (40, (36, 4))])
def test_a_tenth_is_held_out_but_never_nothing(count: int, expected: tuple[int, int]) -> None:
    probe = dense(1, 1, seeded())
    seen: set[int] = set()

    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        seen.update(rows.tolist())
        return probe(torch.ones(1, 1)).sum() * 0

    found = fit(probe, loss, count, seeded())
    assert (found.rows, found.held_out) == expected
    assert seen == set(range(count))


def test_one_row_teaches_nothing() -> None:
    with pytest.raises(ValueError, match=r"two rows.*\.$"):
        fit(dense(1, 1, seeded()), lambda rows, _: torch.zeros(()), 1, seeded())


def test_a_loss_that_is_not_finite_is_refused() -> None:
    probe = dense(1, 1, seeded())
    with pytest.raises(NotFinite, match=r"finite.*\.$"):
        fit(probe, lambda rows, _: probe(torch.full((1, 1), math.nan)).sum(), 20, seeded())


def test_the_same_generator_gives_the_same_probe_and_the_global_one_is_not_touched() -> None:
    found: list[tuple[Tensor, Training]] = []
    for seed in (1, 1, 2):
        torch.manual_seed(len(found))
        state = torch.get_rng_state()
        probe, loss, _ = regression(300, 0.5)
        trained = fit(probe, loss, 300, seeded(seed))
        assert torch.equal(torch.get_rng_state(), state)
        found.append((probe.weight.detach(), trained))
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
    assert not torch.equal(found[0][0], found[2][0])


def test_a_layer_starts_as_torchs_does() -> None:
    """Uniform within 1 / sqrt(inputs): the variance is a third of the square of that."""
    ours, torchs = dense(400, 500, seeded()), nn.Linear(400, 500)
    assert float(ours.weight.detach().abs().max()) == pytest.approx(0.05, rel=1e-3)
    assert float(ours.weight.detach().var()) == pytest.approx(0.05**2 / 3, rel=0.02)
    assert float(torchs.weight.detach().var()) == pytest.approx(0.05**2 / 3, rel=0.02)


def test_components_are_standardised_and_dead_ones_shifted_alone() -> None:
    codes = torch.randn(3, 400, 4) * torch.tensor([1e-4, 1.0, 1e4, 0.0]) + torch.tensor([0.0, 5.0, -1e4, 0.3])
    scale = scaling.of_components(codes)
    found = scale(codes)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.mean((0, 1)), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.std((0, 1), correction=0), torch.tensor([1.0, 1.0, 1.0, 0.0]), atol=1e-3, rtol=0)
    awake = scale(codes[0, :1] + torch.tensor([0.0, 0.0, 0.0, 2.0]))
    assert float(awake[0, 3]) == pytest.approx(2)


def test_targets_keep_the_ratios_of_their_components() -> None:
    targets = torch.randn(5_000, 2) * torch.tensor([3.0, 1.0]) + 7
    found = scaling.of_all(targets)(targets)
    assert float(found.std(0)[0] / found.std(0)[1]) == pytest.approx(float(targets.std(0)[0] / targets.std(0)[1]))
    assert float(found.square().mean()) == pytest.approx(1, rel=1e-4)
    assert scaling.of_all(torch.full((9, 2), 0.3))(torch.full((9, 2), 0.3)).abs().max() < 1e-6
