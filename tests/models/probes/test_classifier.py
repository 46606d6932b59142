"""Class accuracy of good, dead, random and adversarial codes. Shapes: K draws; N sentences; C code."""

import math
from collections import Counter, defaultdict

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from tests.models.probes.codes import accuracy_of_draws, clusters, fresh, labels
from uncollapse.models.measures.checks import NotFinite
from uncollapse.models.probes import scaling
from uncollapse.models.probes.accuracy import Accuracy, f1, wilson
from uncollapse.models.probes.classifier import Draw, Labelled, always, classify, log_probabilities, predict
from uncollapse.models.probes.heads import Head, linear, three_layers, two_dense
from uncollapse.models.probes.training import Training

HEADS: dict[str, Head] = {"two_dense": two_dense, "three_layers": three_layers, "linear": linear}
TRAIN, TEST = labels(600, 3, seed=1), labels(400, 3, seed=2)
EVERY = pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)


def of_clusters(deviation: float, apart: float = 6.0) -> tuple[Labelled, Labelled]:
    means = (clusters(TRAIN, apart=apart, seed=3), clusters(TEST, apart=apart, seed=4))
    train, test = (fresh(rows, deviation) for rows in means)
    return Labelled(train, TRAIN), Labelled(test, TEST)


@EVERY
def test_codes_of_separate_clusters_tell_their_class(head: Head) -> None:
    found = classify(*of_clusters(0.3), classes=3, seed=0, head=head)
    assert found.value > 0.99
    assert found.count == 400
    assert found.training.rows + found.training.held_out == 600
    assert 1 <= found.training.epochs <= 100


def test_overlapping_clusters_are_told_as_well_as_bayes_tells_them() -> None:
    """Two classes at +1 and -1 with deviation 1: Phi(1) = 0.841, within 4 standard errors."""
    known, asked = labels(3_000, 2, seed=5), labels(3_000, 2, seed=6)
    rows = [torch.randn(3_000, 1) + 2.0 * of.unsqueeze(1) - 1 for of in (known, asked)]
    found = accuracy_of_draws(rows[0].unsqueeze(0), known, rows[1].unsqueeze(0), asked, 2, seed=0)
    best = stats.norm.cdf(1)
    assert abs(found.value - best) < 4 * math.sqrt(best * (1 - best) / 3_000)


@EVERY
@pytest.mark.parametrize("seed", [0, 1])
def test_random_labels_are_told_by_chance(head: Head, seed: int) -> None:
    """1 / 3 within 4 standard errors of 400 sentences."""
    train, test = of_clusters(0.3)
    lost = labels(600, 3, seed=10 + seed), labels(400, 3, seed=20 + seed)
    found = classify(Labelled(train.draw, lost[0]), Labelled(test.draw, lost[1]), 3, seed, head)
    assert abs(found.value - 1 / 3) < 4 * math.sqrt(2 / 9 / 400)


@pytest.mark.parametrize("draw", [always(torch.full((5, 600, 4), 0.3)), fresh(torch.zeros(600, 4), 1.0)])
def test_dead_codes_tell_no_more_than_the_commonest_class(draw: Draw) -> None:
    """Collapsed: a constant, or draws of the prior. The majority is 70 %; within 4 standard errors."""
    common = torch.where(torch.rand(600) < 0.7, 0, labels(600, 3))
    sentences = Labelled(draw, common)
    found = classify(sentences, sentences, 3, seed=0)
    assert found.majority == (common == 0).double().mean()
    assert abs(found.value - found.majority) < 4 * math.sqrt(0.2 * 0.8 / 600)


def test_a_class_hidden_in_a_product_of_signs_needs_a_hidden_layer() -> None:
    """Adversarial: no component tells anything alone."""
    known, asked = torch.randn(1_000, 2), torch.randn(400, 2)
    classes = [(rows.prod(1) > 0).long() for rows in (known, asked)]
    data = Labelled(always(known.unsqueeze(0)), classes[0]), Labelled(always(asked.unsqueeze(0)), classes[1])
    assert classify(*data, classes=2, seed=0, head=two_dense).value > 0.95
    assert classify(*data, classes=2, seed=0, head=three_layers).value > 0.95
    assert classify(*data, classes=2, seed=0, head=linear).value < 0.65


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_scale_and_place_of_components_do_not_matter(scale: float) -> None:
    train, test = clusters(TRAIN, seed=3).double(), clusters(TEST, seed=4).double()
    factors = torch.tensor([scale, 1.0, 1.0, scale]).double()
    found = [
        accuracy_of_draws(move(train).unsqueeze(0), TRAIN, move(test).unsqueeze(0), TEST, 3, seed=0).value
        for move in (lambda rows: rows, lambda rows: rows * factors + 3 * scale)
    ]
    assert found[0] == pytest.approx(found[1], abs=0.005)
    assert found[0] > 0.99


def test_a_component_that_wakes_after_training_does_not_drown_the_others() -> None:
    train, test = clusters(TRAIN, size=5, seed=3), clusters(TEST, size=5, seed=4)
    train[:, 4], test[:, 4] = 0.3, 0.3 + torch.randn(400)
    assert accuracy_of_draws(train.unsqueeze(0), TRAIN, test.unsqueeze(0), TEST, 3, seed=0).value > 0.95


def test_draws_are_fresh_in_every_batch_and_five_draws_know_more_than_one() -> None:
    means, asked = clusters(TRAIN, apart=2.0, seed=3), clusters(TEST, apart=2.0, seed=4)
    seen: dict[int, set[float]] = defaultdict(set)
    inner = fresh(means, 1.5)

    def noted(rows: Tensor, generator: torch.Generator) -> Tensor:
        drawn = inner(rows, generator)
        for row, value in zip(rows.tolist(), drawn[0, :, 0].tolist(), strict=True):
            seen[row].add(value)
        return drawn

    five = classify(Labelled(noted, TRAIN), Labelled(fresh(asked, 1.5), TEST), 3, seed=0)
    # One draw sets the scale; then one an epoch, or one for all epochs where a sentence is held out.
    assert Counter(len(values) for values in seen.values()) == {1 + five.training.epochs: 540, 2: 60}
    one = classify(Labelled(fresh(means, 1.5, 1), TRAIN), Labelled(fresh(asked, 1.5, 1), TEST), 3, seed=0)
    assert five.value > one.value + 0.05


def test_the_draws_of_the_test_do_not_depend_on_how_long_training_took() -> None:
    seen: list[Tensor] = []

    def noted(rows: Tensor, generator: torch.Generator) -> Tensor:
        seen.append(torch.randn(1, len(rows), 4, generator=generator))
        return seen[-1]

    for apart in (0.0, 6.0):
        train, _ = of_clusters(0.3, apart)
        classify(train, Labelled(noted, TEST), 3, seed=0)
    assert torch.equal(seen[0], seen[1])


def test_probabilities_are_averaged_and_not_their_logarithms() -> None:
    codes = 3 * torch.randn(5, 20, 4).double()
    probe, scale = nn.Linear(4, 3), scaling.of_components(codes)
    shares = torch.stack([torch.softmax(probe(scale(draw)), -1) for draw in codes])
    torch.testing.assert_close(log_probabilities(probe, scale, codes), shares.mean(0).log())
    assert not torch.allclose(log_probabilities(probe, scale, codes), shares.log().mean(0), atol=0.01)


def test_one_draw_in_five_that_tells_the_class_is_enough() -> None:
    """Adversarial: the other four say nothing, and which one tells is drawn."""

    def once_in_five(of: Tensor) -> Draw:
        def draw(rows: Tensor, generator: torch.Generator) -> Tensor:
            codes = torch.zeros(5, len(rows), 2)
            place = torch.randint(0, 5, (len(rows),), generator=generator)
            codes[place, torch.arange(len(rows))] = torch.eye(2)[of[rows]] * 5
            return codes

        return draw

    train, test = (Labelled(once_in_five(of), of) for of in (labels(600, 2, seed=1), labels(400, 2, seed=2)))
    assert classify(train, test, 2, seed=0).value > 0.99


def test_the_same_seed_gives_the_same_figures_and_the_global_generator_is_not_touched() -> None:
    found: list[Accuracy] = []
    for seed in (5, 5):
        torch.manual_seed(len(found))
        state = torch.get_rng_state()
        found.append(classify(*of_clusters(1.5, apart=1.5), classes=3, seed=seed))
        assert torch.equal(torch.get_rng_state(), state)
    assert found[0] == found[1]
    others = {classify(*of_clusters(1.5, apart=1.5), classes=3, seed=seed).value for seed in (5, 6, 7)}
    assert len(others) > 1


def test_codes_drawn_in_inference_mode_can_be_learned_from() -> None:
    with torch.inference_mode():
        draws, known = clusters(TRAIN, seed=3).expand(2, -1, -1) * 1.0, TRAIN.clone()
    assert accuracy_of_draws(draws, known, draws, known, 3, seed=0).value > 0.99


def test_predictions_are_the_classes_themselves() -> None:
    train, test = of_clusters(0.3)
    predicted, training = predict(train, test.draw, len(test), 3, seed=0)
    found = classify(train, test, 3, seed=0)
    assert (predicted == TEST).double().mean() == found.value
    assert training == found.training


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (7, 10), (333, 1_000)])
def test_intervals_are_wilsons(right: int, count: int) -> None:
    low, high = Accuracy(right / count, 0.5, count, Training(9, 1, 1)).interval
    expected = stats.binomtest(right, count).proportion_ci(method="wilson")
    assert (low, high) == (pytest.approx(expected.low, abs=1e-12), pytest.approx(expected.high, abs=1e-12))
    assert wilson(right / count, count, 0.5)[1] < high or high == 1


def test_f1_of_paraphrases() -> None:
    predicted, truth = torch.tensor([1, 1, 1, 0, 0]), torch.tensor([1, 1, 0, 1, 0])
    assert f1(predicted, truth) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert f1(truth, truth) == 1
    assert f1(1 - truth, truth) == 0
    with pytest.raises(ValueError, match=r"F1.*\.$"):
        f1(predicted, torch.zeros(5))


def test_what_does_not_fit_is_refused() -> None:
    codes = torch.randn(2, 10, 3)
    bad = torch.full((10,), 3)
    with pytest.raises(ValueError, match=r"\.$"):
        accuracy_of_draws(codes, bad, codes, labels(10, 3), 3, seed=0)
    with pytest.raises(ValueError, match=r"\.$"):
        accuracy_of_draws(codes, labels(10, 3), codes, bad, 3, seed=0)
    with pytest.raises(ValueError, match="two sentences"):
        accuracy_of_draws(codes[:, :1], labels(1, 3), codes, labels(10, 3), 3, seed=0)
    with pytest.raises(ValueError, match="one to judge"):
        accuracy_of_draws(codes, labels(10, 3), codes[:, :0], labels(0, 3), 3, seed=0)


@pytest.mark.parametrize("where", [0, 1])
def test_codes_that_are_not_finite_are_refused(where: int) -> None:
    both = [torch.randn(2, 20, 3), torch.randn(2, 20, 3)]
    both[where][1, 4, 2] = math.nan
    with pytest.raises(NotFinite):
        accuracy_of_draws(both[0], labels(20, 3), both[1], labels(20, 3), 3, seed=0)
