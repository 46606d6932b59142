"""The two stages over a real ledger, with trials that are told and not trained."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from tests.support.models import configuration as page_configuration
from tests.support.trial_records import EPOCHS, by_scale
from uncollapse.analysis.schema import DIVERGED, FAILED, FINISHED, MISSING, RUNNING, STOPPED
from uncollapse.models.configuration import resolve
from uncollapse.study.config.study_page import Study, planned
from uncollapse.study.stages import search, successive_halving
from uncollapse.study.stages import stage as stages
from uncollapse.study.stages.replicate import anything_left, choose
from uncollapse.study.stages.search import annealed_by
from uncollapse.study.stages.stage import TUNING_SEEDS, confirmation_seeds
from uncollapse.study.storage.fingerprints import configuration_id
from uncollapse.study.storage.ledger import Ledger, record_of
from uncollapse.study.trial_record import TrialRecord, selection

LINEAR = """
search:
  objective: {{kl.z: {{one_of: {{linear: {{start: 0.0, span: {span}, value: {{float: [0.5, 1.0]}}}}}}}}}}
"""


def records(folder: Path, family: str, stage: str = "search") -> list[TrialRecord]:
    return [record_of(trial) for trial in Ledger(folder / "runs", "mine").trials(stage, family)]


def test_every_family_gets_the_same_number_of_trials_at_the_same_pace(tmp_path: Path) -> None:
    stage = trial_records.search(trial_records.study(tmp_path, names=("one", "two", "three")), tmp_path)
    asked: Counter[str] = Counter()
    while (record := stage.next_trial()) is not None:
        asked[record.family] += 1
        assert max(asked.values()) - min(asked[name] for name in ("one", "two", "three")) <= 1
    assert asked == {"one": 6, "two": 6, "three": 6}
    assert stage.next_trial() is None


def test_a_trial_is_named_and_complete(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, seed=5)
    record = trial_records.search(study, tmp_path).next_trial()
    assert resolve.resolve(record.configuration) == record.configuration
    assert record.configuration["latent"]["prior_scale"] == record.params["latent.prior_scale"]
    assert (record.stage, record.number, record.seed) == ("search", 0, TUNING_SEEDS + 5000)
    other = trial_records.study(tmp_path, seed=5, train={"epochs": 3})
    names = [stages.identify(one, corpus, "one", record.configuration, 1) for one in (study, other) for corpus in "ab"]
    assert len({name["key"] for name in names}) == 4
    assert {name["configuration_id"] for name in names} == {record.configuration_id}


def test_trials_that_ran_go_on_with_the_same_settings_after_a_restart(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path)
    first = trial_records.search(study, tmp_path)
    begun = [first.next_trial() for _ in range(3)]
    trial_records.train(first, begun[0])
    trial_records.train(first, begun[1], until=2)
    again = trial_records.search(study, tmp_path)
    taken_up = [again.next_trial() for _ in range(2)]
    assert {(record.key, len(record.epochs)) for record in taken_up} == {(begun[1].key, 2), (begun[2].key, 0)}
    for record in taken_up:
        before = next(one for one in begun if one.key == record.key)
        assert (record.configuration, record.seed, record.number) == (before.configuration, before.seed, before.number)
        trial_records.train(again, record)
    trial_records.run(again)
    assert [len(records(tmp_path, name)) for name in ("one", "two")] == [6, 6]
    assert {record.state for name in ("one", "two") for record in records(tmp_path, name)} <= {FINISHED, STOPPED}


@pytest.mark.parametrize("attributes", [0, 3, 7])
def test_a_kill_in_the_middle_of_a_proposal_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attributes: int
) -> None:
    study = trial_records.study(tmp_path)
    stage = trial_records.search(study, tmp_path)
    describe = stage.recorder.ledger.describe

    def killed(trial_id: int, named: dict[str, Any]) -> None:
        describe(trial_id, dict(list(named.items())[:attributes]))
        raise KeyboardInterrupt

    monkeypatch.setattr(stage.recorder.ledger, "describe", killed)
    with pytest.raises(KeyboardInterrupt):
        stage.next_trial()
    trial_records.run(trial_records.search(study, tmp_path))
    uninterrupted = trial_records.study(tmp_path / "whole")
    trial_records.run(trial_records.search(uninterrupted, tmp_path / "whole"))
    assert trial_records.states(tmp_path, study, "search") == trial_records.states(
        tmp_path / "whole", uninterrupted, "search"
    )


@pytest.mark.parametrize("cut", [1, 4, 7, 11])
def test_a_restart_changes_no_verdict(tmp_path: Path, cut: int) -> None:
    whole, cut_off = trial_records.study(tmp_path / "a"), trial_records.study(tmp_path / "b")
    trial_records.run(trial_records.search(whole, tmp_path / "a"))
    stage = trial_records.search(cut_off, tmp_path / "b")
    trial_records.run(stage, trials=cut)
    left = stage.next_trial()
    if left is not None:
        trial_records.train(stage, left, until=2)  # past the first rung, perhaps stopped there
    again = trial_records.search(cut_off, tmp_path / "b")
    assert again.at_rung == stage.at_rung
    trial_records.run(again)
    expected = trial_records.states(tmp_path / "a", whole, "search")
    assert trial_records.states(tmp_path / "b", cut_off, "search") == expected
    assert {row["state"] for row in expected.values()} == {FINISHED, STOPPED}


def test_verdicts_are_successive_halving_within_each_family(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"trials": 12})
    trial_records.run(trial_records.search(study, tmp_path))
    for name in ("one", "two"):
        at_rung: dict[int, list[float]] = {rung: [] for rung in successive_halving.rungs(EPOCHS)}
        for record in records(tmp_path, name):
            expected = EPOCHS
            for rung, values in at_rung.items():
                value = by_scale(record, rung)
                stays = successive_halving.keeps(value, values)
                values.append(value)
                if not stays:
                    expected = rung
                    break
            assert len(record.epochs) == expected
            assert record.state == (FINISHED if expected == EPOCHS else STOPPED)


def test_a_family_is_never_stopped_for_being_worse_than_another(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path)

    def value(record: TrialRecord, epoch: int) -> float:
        return (0.0 if record.family == "one" else 1e6) + 100.0 - record.number  # each trial is its family's best

    trial_records.run(trial_records.search(study, tmp_path), value)
    assert {record.state for name in ("one", "two") for record in records(tmp_path, name)} == {FINISHED}


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.5, 3), (1.0, 6)])
def test_audited_trials_are_never_stopped_but_are_compared_with(tmp_path: Path, share: float, expected: int) -> None:
    study = trial_records.study(tmp_path, search={"audit": share})

    def worse_and_worse(record: TrialRecord, epoch: int) -> float:
        return float(record.number)

    stage = trial_records.search(study, tmp_path)
    trial_records.run(stage, worse_and_worse)
    found = records(tmp_path, "one")
    assert sum(record.audit for record in found) == expected
    assert all(record.state == FINISHED for record in found if record.audit)
    unaudited = [record.number for record in found if record.state == FINISHED and not record.audit]
    assert unaudited == ([] if found[0].audit else [0])
    assert len(stage.at_rung["one", 1]) == 6


def test_without_early_stopping_every_trial_runs_to_its_end(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})
    trial_records.run(trial_records.search(study, tmp_path), lambda record, epoch: float(record.number))
    assert {record.state for record in records(tmp_path, "one")} == {FINISHED}


@pytest.mark.parametrize(("span", "stopped_at"), [(0.05, 1), (0.25, 3), (0.6, None)])
def test_no_trial_is_judged_before_its_annealing_has_ended(tmp_path: Path, span: float, stopped_at: int | None) -> None:
    study = trial_records.study(tmp_path, LINEAR.format(span=span), names=("one",))
    trial_records.run(trial_records.search(study, tmp_path), lambda record, epoch: float(record.number))
    first, *others = records(tmp_path, "one")
    assert first.state == FINISHED
    assert {len(record.epochs) for record in others} == {stopped_at or EPOCHS}
    assert {record.state for record in others} == {STOPPED if stopped_at else FINISHED}


def test_annealing_has_ended_when_the_last_weight_has_settled() -> None:
    assert annealed_by({"objective": {}}) == 0.0
    assert annealed_by(page_configuration("seqvae")) == pytest.approx(0.5, abs=0.02)
    assert annealed_by(page_configuration("hsvae")) == 0.0
    late = {"kind": "linear", "start": 0.0, "span": 0.3, "value": 0.1}
    assert annealed_by(page_configuration("hsvae", objective={"kl.gamma": late})) == pytest.approx(0.3, abs=0.02)


def test_the_selected_measure_decides(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, names=("one",), search={"select": "valid/nll_elbo", "trials": 2})
    stage = trial_records.search(study, tmp_path)
    stage.recorder.select = study.search.select
    first, second = stage.next_trial(), stage.next_trial()
    for record, elbo in ((first, 5.0), (second, 4.0)):
        told = {"epoch": 1.0, "subset/nll_iw": -elbo, "subset/nll_elbo": elbo, "cost/seconds": 1.0}
        assert not stage.stops(stage.recorder.epoch(record.key, told))
    assert sorted(stage.at_rung["one", 1].values()) == [(0.0, 4.0), (0.0, 5.0)]


LAWLESS = """
search:
  inputs: {words: {choice: [true, false]}, word_dropout: {float: [0.0, 0.5]}}
"""


def test_a_proposal_that_breaks_a_constraint_fails_with_its_reason_and_the_next_is_asked(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, LAWLESS, names=("one",), search={"trials": 16})
    trial_records.run(trial_records.search(study, tmp_path))
    found = records(tmp_path, "one")
    inputs = [one.configuration["inputs"] for one in found]
    offends = [not one["words"] and one["word_dropout"] > 0 for one in inputs]
    broken = [one for one, offence in zip(found, offends, strict=True) if offence]
    assert len(found) == 16
    assert broken
    assert [one.key for one in found if one.state == FAILED] == [one.key for one in broken]
    assert all(one.cause.startswith("the proposal breaks a constraint: inputs.word_dropout: ") for one in broken)
    assert not any(one.epochs for one in broken)


def test_any_number_of_proposals_may_break_a_constraint_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = trial_records.search(trial_records.study(tmp_path, names=("one",), search={"trials": 401}), tmp_path)
    lawless = ["there is none"] * 400
    monkeypatch.setattr(search.constraints, "broken", lambda settings: [lawless.pop()] if lawless else [])
    record = stage.next_trial()
    assert record is not None
    assert record.number == 400
    assert Counter(one.state for one in records(tmp_path, "one")) == {FAILED: 400, RUNNING: 1}
    assert stage.next_trial() is None


def test_tuning_seeds_and_confirmation_seeds_never_meet(tmp_path: Path) -> None:
    for seed in (0, 1, 999):
        study = trial_records.study(tmp_path / str(seed), seed=seed, replicate={"seeds": 50})
        confirmation = confirmation_seeds(study)
        tuning = [stages.tuning_seed(study, number) for number in range(1000)]
        assert len(set(confirmation)) == 50
        assert len(set(tuning)) == 1000
        assert not set(tuning) & set(confirmation)


def searched(folder: Path, **sections: Any) -> Study:
    study = trial_records.study(folder, **{"search": {"stop_early": "none"}, **sections})
    trial_records.run(trial_records.search(study, folder))
    return study


def test_the_best_finished_configurations_are_chosen_each_once(tmp_path: Path) -> None:
    study = searched(tmp_path, search={"trials": 12, "audit": 0.5})
    found = records(tmp_path, "one")
    ledger = Ledger(tmp_path / "runs", "mine")
    chosen = choose(ledger.trials("search", "one"), study)
    finished = sorted((one for one in found if one.state == FINISHED), key=lambda one: selection(one, "valid/nll_iw"))
    assert [one.configuration for one in chosen] == [one.configuration for one in finished[:2]]


CHOICE = "search: {latent: {prior_scale: {choice: [1.0, 1.5]}}}"


def test_a_configuration_that_was_tried_often_is_chosen_once(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, space=CHOICE, names=("one",), search={"stop_early": "none", "trials": 12})
    trial_records.run(trial_records.search(study, tmp_path))
    chosen = choose(Ledger(tmp_path / "runs", "mine").trials("search", "one"), study)
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
