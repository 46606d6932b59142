"""The confirmation over a real ledger, with trials that are told and not trained."""

from collections import Counter
from pathlib import Path
from typing import Any

from tests.support import trial_records
from tests.support.trial_records import EPOCHS, by_scale, records
from uncollapse.analysis.schema import DIVERGED, FAILED, FINISHED, MISSING
from uncollapse.study.config.study_page import Study, planned
from uncollapse.study.stages.replicate import ReplicateStage, anything_left
from uncollapse.study.stages.stage import confirmation_seeds
from uncollapse.study.storage.fingerprints import configuration_id
from uncollapse.study.trial_record import selection


def searched(folder: Path, **sections: Any) -> Study:
    study = trial_records.study(folder, **{"search": {"stop_early": "none"}, **sections})
    trial_records.run(trial_records.search(study, folder))
    return study


def test_the_best_finished_configurations_are_chosen_each_once(tmp_path: Path) -> None:
    study = searched(tmp_path, search={"trials": 12, "audit": 0.5})
    found = records(tmp_path, "one")
    chosen = trial_records.chosen(tmp_path, study)
    finished = sorted((one for one in found if one.state == FINISHED), key=lambda one: selection(one, "valid/nll_iw"))
    assert [one.configuration for one in chosen] == [one.configuration for one in finished[:2]]


CHOICE = "search: {latent: {prior_scale: {choice: [1.0, 1.5]}}}"


def test_a_configuration_that_was_tried_often_is_chosen_once(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, space=CHOICE, names=("one",), search={"stop_early": "none", "trials": 12})
    trial_records.run(trial_records.search(study, tmp_path))
    chosen = trial_records.chosen(tmp_path, study)
    assert [one.configuration["latent"]["prior_scale"] for one in chosen] == [1.0, 1.5]


def test_a_page_that_searches_nothing_has_its_base_confirmed(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, space="", names=("one",))
    assert trial_records.search(study, tmp_path).next_trial() is None
    stage = trial_records.replicate(study, tmp_path)
    trial_records.run(stage)
    found = records(tmp_path, "one", "replicate")
    assert [record.seed for record in found] == confirmation_seeds(study)
    assert {record.configuration_id for record in found} == {configuration_id(study.families[0].configure({}))}
    assert planned(study.settings()) == {"search": {}, "replicate": {"one": len(found)}}


def test_every_chosen_configuration_meets_every_seed(tmp_path: Path) -> None:
    study = searched(tmp_path)
    trial_records.run(trial_records.replicate(study, tmp_path))
    for name in ("one", "two"):
        found = records(tmp_path, name, "replicate")
        pairs = {(one.configuration_id, one.seed) for one in found}
        assert len(found) == len(pairs) == 2 * 3
        assert {seed for _, seed in pairs} == set(confirmation_seeds(study)) == {1, 2, 3}
        assert {one.state for one in found} == {FINISHED}
        assert all(one.final["valid/nll_iw"] == by_scale(one, EPOCHS) for one in found)
        ran = {one.configuration_id: one for one in records(tmp_path, name)}
        assert all(one.configuration == ran[one.configuration_id].configuration for one in found)
        assert all(one.params == ran[one.configuration_id].params for one in found)


def test_replicates_go_seed_by_seed_through_all_families(tmp_path: Path) -> None:
    stage = trial_records.replicate(searched(tmp_path), tmp_path)
    order = [(record.seed, record.family) for record in trial_records.run(stage)]
    assert [seed for seed, _ in order] == sorted(seed for seed, _ in order)
    assert [family for _, family in order[:2]] == ["one", "two"]


def test_no_replicate_is_stopped_however_bad(tmp_path: Path) -> None:
    study = searched(tmp_path)
    trial_records.run(trial_records.replicate(study, tmp_path), lambda record, epoch: 1e9 * record.seed)
    assert {record.state for record in records(tmp_path, "one", "replicate")} == {FINISHED}


def test_planning_again_plans_nothing_new(tmp_path: Path) -> None:
    study = searched(tmp_path)
    keys = [[record.key for record in records(tmp_path, name, "replicate")] for name in ("one", "two")]
    assert keys == [[], []]
    for _ in range(3):
        trial_records.replicate(study, tmp_path)
        planned = [records(tmp_path, name, "replicate") for name in ("one", "two")]
        assert [len(family) for family in planned] == [6, 6]
        assert {record.state for family in planned for record in family} == {MISSING}
    trial_records.run(trial_records.replicate(study, tmp_path))
    assert trial_records.run(trial_records.replicate(study, tmp_path)) == []


def test_more_seeds_are_added_to_those_that_ran(tmp_path: Path) -> None:
    study = searched(tmp_path)
    trial_records.run(trial_records.replicate(study, tmp_path))
    more = trial_records.study(tmp_path, replicate={"seeds": 5})
    assert {record.seed for record in trial_records.run(trial_records.replicate(more, tmp_path))} == {4, 5}
    assert len(records(tmp_path, "one", "replicate")) == 2 * 5


def test_a_study_that_grew_has_more_to_confirm_than_it_chose(tmp_path: Path) -> None:
    study = searched(tmp_path, names=("one",))
    before = trial_records.run(trial_records.replicate(study, tmp_path))
    grown = trial_records.study(tmp_path, names=("one",), search={"trials": 14})
    trial_records.run(trial_records.search(grown, tmp_path), lambda record, epoch: 1.0 + record.number / 100)
    stage = trial_records.replicate(grown, tmp_path)
    new = len(stage.queue)
    assert 0 < new <= 2 * 3
    assert stage.planned() == {"one": len(before) + new}, "what ended, and what waits"
    trial_records.run(stage)
    assert stage.planned() == {"one": len(records(tmp_path, "one", "replicate"))}


def test_something_is_left_until_every_trial_of_both_stages_has_ended(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path)

    def left(of: Study = study) -> bool:
        return anything_left(of, "corpus", trial_records.recorder(tmp_path))

    for run, count in ((trial_records.search, 11), (trial_records.search, 1), (trial_records.replicate, 11)):
        assert left()
        assert len(trial_records.run(run(study, tmp_path), trials=count)) == count
    cut_off = trial_records.replicate(study, tmp_path)
    trial_records.train(cut_off, cut_off.next_trial(), until=2)
    assert left()
    trial_records.run(trial_records.replicate(study, tmp_path))
    assert not left()
    assert left(trial_records.study(tmp_path, search={"trials": 7}))
    assert left(trial_records.study(tmp_path, replicate={"seeds": 4}))


def test_a_failed_seed_is_tried_again_and_a_diverged_one_is_counted(tmp_path: Path) -> None:
    study = searched(tmp_path, names=("one",))
    stage = trial_records.replicate(study, tmp_path)
    failed, diverged, cut_off = (stage.next_trial() for _ in range(3))
    stage.recorder.fail(failed.key, "its process died")
    stage.recorder.diverge(diverged.key, "the loss became nan")
    trial_records.train(stage, cut_off, until=2)
    again = trial_records.replicate(study, tmp_path)
    left = trial_records.run(again)
    keys = [record.key for record in left]
    assert failed.key in keys
    assert diverged.key not in keys
    assert next(len(record.epochs) for record in left if record.key == cut_off.key) == 2
    assert len(keys) == len(set(keys)) == 5
    states = Counter(record.state for record in records(tmp_path, "one", "replicate"))
    assert states == {FINISHED: 5, FAILED: 1, DIVERGED: 1}
    assert trial_records.run(trial_records.replicate(study, tmp_path)) == []


def test_a_seed_that_failed_is_not_tried_again_by_the_process_that_saw_it_fail(tmp_path: Path) -> None:
    """Where a trial takes Ray Tune with it, the stage begins anew each time: it would be trained for ever."""
    study = searched(tmp_path, names=("one",))
    stage = trial_records.replicate(study, tmp_path)
    failed = stage.next_trial()
    assert failed is not None
    stage.recorder.fail(failed.key, "its process died 4 times")
    begun_anew = ReplicateStage(study, "corpus", stage.recorder)
    assert failed.key not in {record.key for record in trial_records.run(begun_anew)}
    assert not ReplicateStage(study, "corpus", stage.recorder).left()
    assert trial_records.replicate(study, tmp_path).left(), "the next run tries it again"


def test_a_family_without_a_finished_trial_has_no_replicates(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, names=("one",))
    stage = trial_records.search(study, tmp_path)
    while (record := stage.next_trial()) is not None:
        stage.recorder.diverge(record.key, "the loss became nan")
    assert trial_records.run(trial_records.replicate(study, tmp_path)) == []


def test_two_families_of_one_configuration_have_a_trial_each(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, space="")  # two pages that search nothing and say the same
    stage = trial_records.replicate(study, tmp_path)
    first, second = stage.next_trial(), stage.next_trial()
    assert first is not None
    assert second is not None
    assert (first.family, second.family) == ("one", "two")
    assert first.configuration_id == second.configuration_id
    assert first.key != second.key, "or the reports of one would be taken for the other's"
