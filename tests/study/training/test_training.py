"""Training: records, divergence, checkpoints."""

import math
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import torch

from tests.support import models
from uncollapse.study.training import checkpoints
from uncollapse.study.training import training as module
from uncollapse.study.training.batches import evaluation_batches, updates_per_epoch
from uncollapse.study.training.stopping import Stopping
from uncollapse.study.training.training import Diverged, Training


def test_an_epoch_is_recorded_under_published_names() -> None:
    training = models.training("seqvae")
    first, second = training.epochs()
    assert set(first) == set(second)
    assert {name.split("/")[0] for name in first} == {"epoch", "train", "subset", "cost"}
    assert {"train/loss", "train/reconstruction", "subset/nll_iw"} <= set(first)
    assert {"cost/updates", "cost/tokens", "cost/seconds"} <= set(first)
    assert all(type(value) is float and math.isfinite(value) for value in first.values())
    assert (first["epoch"], second["epoch"]) == (1.0, 2.0)
    assert (first["cost/updates"], second["cost/updates"]) == (4.0, 8.0)
    assert training.history == [first, second]


def test_tokens_are_words_and_eos_of_the_whole_epoch() -> None:
    split = models.split(50, seed=1)
    record = next(models.training("lstm_lm").epochs())
    assert record["cost/tokens"] == split.lengths.sum() + 50


def test_the_loss_of_an_epoch_is_an_average_over_sentences() -> None:
    training = models.training("lstm_lm", optimizer={"kind": "adam", "lr": 1e-12}, decoder={"dropout": 0.0})
    record = next(training.epochs())
    training.model.eval()
    with torch.no_grad():
        sentences = evaluation_batches(models.split(50, seed=1), 50)[0]
        exact = training.model.trace(sentences).reconstruction.mean().item()
    assert record["train/loss"] == pytest.approx(exact, rel=1e-5)
    assert record["train/loss"] == record["train/reconstruction"]


def test_the_subset_is_as_large_as_asked_and_always_the_same() -> None:
    first, second = models.training("seqvae"), models.training("seqvae", seed=9)
    assert sum(len(words.tokens) for words in first.subset) == 15 < models.EFFORT.subset_sentences, (
        "half of the split at most"
    )
    assert [words.tokens.tolist() for words in first.subset] == [words.tokens.tolist() for words in second.subset]


def test_schedules_are_scaled_to_the_whole_training() -> None:
    training = models.training("seqvae", epochs=3)
    weight = training.update.objective.weights["kl.z"]
    updates = 3 * updates_per_epoch(50, 16)
    assert weight(0) == pytest.approx(0.1)
    assert weight(updates // 2) == pytest.approx(1.0)
    assert weight(updates // 2 - 1) < 1.0


def test_the_optimizer_hears_the_validation_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, bound in (("seqvae", "subset/nll_elbo"), ("lstm_lm", "subset/nll_exact")):
        training = models.training(name, epochs=1)
        heard: list[float] = []
        monkeypatch.setattr(training.optimization, "end_epoch", heard.append)
        (record,) = training.epochs()
        assert heard == [record[bound]]


def test_epochs_draw_afresh() -> None:
    seeds = {module.epoch_seed(seed, epoch) for seed in (0, 1, 2**30, 2**31 + 5) for epoch in range(1, 50)}
    assert len(seeds) == 4 * 49
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_seed_decides_the_first_weights_whatever_ran_before() -> None:
    first = models.training("seqvae").model.state_dict()
    torch.randn(17)
    np.random.rand(3)
    second, other = models.training("seqvae").model.state_dict(), models.training("seqvae", seed=2).model.state_dict()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert not torch.equal(first["output.logits.weight"], other["output.logits.weight"])


@pytest.mark.parametrize("name", models.EVERY)
def test_parameters_that_are_not_finite_are_a_divergence(name: str) -> None:
    training = models.training(name)
    next(training.epochs())
    with torch.no_grad():
        training.model.output.logits.bias.fill_(math.nan)
    with pytest.raises(Diverged, match="the loss became nan in epoch 2, update 5"):
        next(training.epochs())
    assert len(training.history) == 1


def test_a_rate_that_is_far_too_high_is_a_divergence_or_a_finite_record() -> None:
    training = models.training("lstm_lm", epochs=5, optimizer={"kind": "sgd", "lr": 1e30, "clip": 1e30})
    with pytest.raises(Diverged):
        list(training.epochs())
    assert all(math.isfinite(value) for record in training.history for value in record.values())


def test_a_measure_that_is_not_finite_is_a_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "evaluate", lambda *given, **named: {"mi": math.nan, "kl": 1.0, "nll_iw": math.inf})
    training = models.training("seqvae")
    with pytest.raises(Diverged, match="mi, nll_iw not finite on subset after 0 epochs"):
        next(training.epochs())


def test_a_split_is_measured_under_its_name_with_more_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def evaluate(model: object, batches: list, samples: int, seed: int) -> dict[str, float]:
        asked.append((sum(len(words.tokens) for words in batches), samples))
        return {"kl": 2.0}

    monkeypatch.setattr(module, "evaluate", evaluate)
    training = models.training("seqvae")
    assert training.measure_split("valid", models.split(30)) == {"valid/kl": 2.0}
    training.measure("subset", training.subset, models.EFFORT.subset_samples)
    assert asked == [(30, models.EFFORT.full_samples), (15, models.EFFORT.subset_samples)]


def test_a_finished_training_resumes_to_nothing(tmp_path: Path) -> None:
    training = models.training("seqvae")
    list(training.epochs())
    checkpoints.save(training, tmp_path / "trial.pt")
    again = models.training("seqvae")
    assert checkpoints.resume(again, tmp_path / "trial.pt")
    assert list(again.epochs()) == []
    assert again.history == training.history


def test_without_a_checkpoint_a_training_starts_at_the_beginning(tmp_path: Path) -> None:
    training = models.training("seqvae")
    assert not checkpoints.resume(training, tmp_path / "none.pt")
    assert training.history == []


def test_a_checkpoint_of_another_training_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "trial.pt"
    for whose in ("another", ""):
        training = models.training("seqvae")
        next(training.epochs())
        checkpoints.save(training, path, whose)
        again = models.training("seqvae")
        assert not checkpoints.resume(again, path, "its own")
        assert again.history == []
        assert [file.name for file in tmp_path.iterdir()] == ["trial.pt.unreadable"]
    checkpoints.save(training, path, "its own")
    assert checkpoints.resume(again, path, "its own")
    assert again.history == training.history


def test_a_checkpoint_is_whole_or_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trial.pt"
    training = models.training("seqvae")
    next(training.epochs())
    checkpoints.save(training, path)
    assert [file.name for file in tmp_path.iterdir()] == ["trial.pt"]
    before = path.read_bytes()

    def torn(state: object, place: BinaryIO) -> None:
        place.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(OSError, match="no space left"):
        checkpoints.save(training, path)
    assert path.read_bytes() == before
    again = models.training("seqvae")
    assert checkpoints.resume(again, path)


def test_a_cut_in_the_middle_of_an_epoch_costs_that_epoch_only(tmp_path: Path) -> None:
    whole = models.training("seqvae")
    list(whole.epochs())
    cut_off = models.training("seqvae")
    next(cut_off.epochs())
    checkpoints.save(cut_off, tmp_path / "trial.pt")
    update, seen = cut_off.update, []

    def dies(words: object) -> tuple[float, float]:
        seen.append(words)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return update(words)

    cut_off.update = dies
    with pytest.raises(KeyboardInterrupt):
        next(cut_off.epochs())
    resumed = models.training("seqvae")
    checkpoints.resume(resumed, tmp_path / "trial.pt")
    list(resumed.epochs())
    assert list(map(without_seconds, whole.history)) == list(map(without_seconds, resumed.history))
    assert_same(whole, resumed)


def test_training_is_on_one_split_and_measures_on_the_other() -> None:
    training = models.training("lstm_lm")
    other = Training(training.task, training.train_split, models.split(30, seed=8), torch.device("cpu"))
    first, second = next(training.epochs()), next(other.epochs())
    assert first["train/loss"] == second["train/loss"]
    assert first["subset/nll_exact"] != second["subset/nll_exact"]


@pytest.mark.parametrize("name", models.EVERY)
def test_a_model_that_is_not_finite_when_measured_is_a_divergence(name: str) -> None:
    training = models.training(name)
    with torch.no_grad():
        training.model.output.logits.bias.fill_(math.nan)
    with pytest.raises(Diverged):
        training.measure("subset", training.subset, 2)


@pytest.mark.parametrize("name", models.EVERY)
def test_mixed_precision_trains_every_family_and_measures_in_full(name: str) -> None:
    plain = models.training(name, epochs=1)
    mixed = Training(
        replace(plain.task, precision="bfloat16"), plain.train_split, models.split(30, seed=2), plain.device
    )
    before = mixed.measure("subset", mixed.subset, 2)
    assert before == plain.measure("subset", plain.subset, 2), "measures know no mixed precision"
    [expected], [epoch] = plain.epochs(), mixed.epochs()
    assert epoch["train/loss"] != expected["train/loss"], "products were rounded"
    assert epoch["train/loss"] == pytest.approx(expected["train/loss"], rel=0.05)
    assert {parameter.dtype for parameter in mixed.model.parameters()} == {torch.float32}


def assert_same(one: Training, other: Training) -> None:
    pairs = zip(one.model.parameters(), other.model.parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)


def without_seconds(epoch: dict[str, float]) -> dict[str, float]:
    return {**epoch, "cost/seconds": 0.0}


def kept(name: str, epochs: int = 6, patience: int = 0) -> Training:
    plain = models.training(name, epochs=epochs)
    task = replace(plain.task, stopping=Stopping(patience, "best"))
    return Training(task, plain.train_split, models.split(30, seed=2), plain.device)


def worse_from(number: int, training: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every epoch from `number` on is worse than all before it."""
    measure = training.measure

    def worsened(name: str, batches: list, samples: int) -> dict[str, float]:
        late = max(0, len(training.history) + 2 - number)
        return {at: value + 100 * late for at, value in measure(name, batches, samples).items()}

    monkeypatch.setattr(training, "measure", worsened)


@pytest.mark.parametrize("name", ["seqvae", "hsvae", "lstm_lm"])
def test_the_best_epochs_weights_are_what_is_left(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, part = kept(name), kept(name)
    worse_from(5, whole, monkeypatch)
    assert len(list(whole.epochs())) == 6
    assert whole.watch.first <= whole.watch.kept_epoch < 5
    for epoch in part.epochs():
        if epoch["epoch"] == whole.watch.kept_epoch:
            break
    assert_same(part, whole)


def test_a_training_ends_when_it_has_waited_for_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    training = kept("lstm_lm", epochs=9, patience=2)
    worse_from(3, training, monkeypatch)
    assert len(list(training.epochs())) == training.watch.kept_epoch + 2 <= 4


@pytest.mark.parametrize("ended", [1, 3, 4, 5])
def test_a_training_that_was_killed_keeps_the_same_epoch_bit_for_bit(
    ended: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, first, second = (kept("seqvae", epochs=9, patience=2) for _ in range(3))
    for training in (whole, first, second):
        worse_from(4, training, monkeypatch)
    expected = list(whole.epochs())
    for _ in zip(range(ended), first.epochs(), strict=False):
        checkpoints.save(first, tmp_path / "checkpoint.pt")
    assert checkpoints.resume(second, tmp_path / "checkpoint.pt")
    list(second.epochs())
    assert second.watch.kept_epoch == whole.watch.kept_epoch
    assert [without_seconds(epoch) for epoch in second.history] == [without_seconds(epoch) for epoch in expected]
    assert_same(whole, second)
