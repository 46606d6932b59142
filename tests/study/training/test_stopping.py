"""When a training ends, and which epoch it keeps."""

import math

import pytest

from tests.support import models
from uncollapse.study.config.objectives import limits
from uncollapse.study.training.stopping import Stopping, Watch, watch

LIVING = limits("living")


def measures(bound: float, code: float = 1.0) -> dict[str, float]:
    return {"subset/nll_iw": bound, "subset/mi": code, "subset/latent_gain": code}


def heard(one: Watch, *epochs: dict[str, float]) -> Watch:
    for epoch in epochs:
        one.note(epoch)
    return one


def test_patience_counts_from_the_best_epoch_after_annealing() -> None:
    one = Watch(Stopping(patience=2, keep="best"), first=3, patience=2)
    heard(one, *map(measures, (10.0, 20.0)))
    assert not one.best_epoch
    heard(one, *map(measures, (30.0, 31.0)))
    assert (one.best_epoch, one.over) == (3, False)
    assert heard(one, measures(30.0)).over, "an equal bound is no better one"
    assert one.kept_epoch == 3


@pytest.mark.parametrize(("keep", "epoch"), [("best", 2), ("last", 4)])
def test_without_patience_nothing_ends_and_the_best_is_still_kept(keep: str, epoch: int) -> None:
    one = Watch(Stopping(patience=0, keep=keep), first=1, patience=0)  # type: ignore[arg-type]
    heard(one, *map(measures, (9.0, 5.0, 6.0, 7.0)))
    assert (one.over, one.kept_epoch) == (False, epoch)


def test_an_epoch_whose_code_is_used_is_better_whatever_its_bound() -> None:
    rule = Stopping(patience=3, keep="best", limits=LIVING)
    one = heard(Watch(rule, 1, 3), measures(30.0, 0.0), measures(45.0, 0.6), measures(29.0, 0.0), measures(44.0, 0.6))
    assert (one.best_epoch, one.over) == (4, False)
    dead = heard(Watch(rule, 1, 3), measures(40.0, 0.4), measures(30.0, 0.0))
    assert dead.best_epoch == 2, "among those that are not, the bound decides, not how nearly they are"


@pytest.mark.parametrize("span", [0.2, 0.45, 0.6])
def test_the_first_epoch_that_counts_is_the_one_after_annealing(span: float) -> None:
    weight = {"kind": "linear", "start": 0.0, "span": span, "value": 1.0}
    configuration = models.configuration("seqvae", objective={"kl.z": weight})
    found = watch(Stopping(patience=2), configuration, 20)
    assert found.first == pytest.approx(math.ceil(span * 20), abs=1)
    assert found.first <= span * 20 + 1


def test_where_decoder_and_encoder_take_turns_both_get_theirs() -> None:
    found = watch(Stopping(patience=1), models.configuration("g_nvdm", updates={"epochs": 3}), 20)
    assert (found.first, found.patience) == (6, 6)


def test_a_file_from_before_says_nothing_and_trains_to_its_end() -> None:
    assert Stopping.of({"epochs": 3, "batch_size": 8}, {}) == Stopping()
    assert Stopping().decides() == {}


def test_what_decides_the_numbers_is_told() -> None:
    page = Stopping.of({"patience": 4, "keep": "best"}, {"select": "valid/nll_elbo", "subject_to": "living"})
    assert page == Stopping(4, "best", "nll_elbo", LIVING)
    assert page.decides()["limits"] == ["mi >= 0.5", "latent_gain >= 0.5"]
