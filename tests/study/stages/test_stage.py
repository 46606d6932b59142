"""What both stages share: the names of trials, and their seeds."""

from pathlib import Path

from tests.support import trial_records
from uncollapse.models.configuration import resolve
from uncollapse.study.stages.stage import TUNING_SEEDS, confirmation_seeds, identify, tuning_seed


def test_a_trial_is_named_and_complete(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, seed=5)
    record = trial_records.search(study, tmp_path).next_trial()
    assert resolve.resolve(record.configuration) == record.configuration
    assert record.configuration["latent"]["prior_scale"] == record.params["latent.prior_scale"]
    assert (record.stage, record.number, record.seed) == ("search", 0, TUNING_SEEDS + 5000)
    other = trial_records.study(tmp_path, seed=5, train={"epochs": 3})
    names = [identify(one, corpus, "one", record.configuration, 1) for one in (study, other) for corpus in "ab"]
    assert len({name["key"] for name in names}) == 4
    assert {name["configuration_id"] for name in names} == {record.configuration_id}


def test_tuning_seeds_and_confirmation_seeds_never_meet(tmp_path: Path) -> None:
    for seed in (0, 1, 999):
        study = trial_records.study(tmp_path / str(seed), seed=seed, replicate={"seeds": 50})
        confirmation = confirmation_seeds(study)
        tuning = [tuning_seed(study, number) for number in range(1000)]
        assert len(set(confirmation)) == 50
        assert len(set(tuning)) == 1000
        assert not set(tuning) & set(confirmation)
