"""The search over a real ledger, with trials that are told and not trained."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from tests.support.models import configuration as page_configuration
from tests.support.trial_records import EPOCHS, by_scale, records
from uncollapse.analysis.schema import FAILED, FINISHED, RUNNING, STOPPED
from uncollapse.study.stages import search, successive_halving
from uncollapse.study.stages.search import annealed_by
from uncollapse.study.trial_record import TrialRecord

LINEAR = """
search:
  objective: {{kl.z: {{one_of: {{linear: {{start: 0.0, span: {span}, value: {{float: [0.5, 1.0]}}}}}}}}}}
"""


def test_every_family_gets_the_same_number_of_trials_at_the_same_pace(tmp_path: Path) -> None:
    stage = trial_records.search(trial_records.study(tmp_path, names=("one", "two", "three")), tmp_path)
    asked: Counter[str] = Counter()
    while (record := stage.next_trial()) is not None:
        asked[record.family] += 1
        assert max(asked.values()) - min(asked[name] for name in ("one", "two", "three")) <= 1
    assert asked == {"one": 6, "two": 6, "three": 6}
    assert stage.next_trial() is None


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
        trial_records.train(stage, left, until=4)  # past the first rung, perhaps stopped there
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
    assert len(stage.at_rung["one", 3]) == 6


def test_without_early_stopping_every_trial_runs_to_its_end(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})
    trial_records.run(trial_records.search(study, tmp_path), lambda record, epoch: float(record.number))
    assert {record.state for record in records(tmp_path, "one")} == {FINISHED}


@pytest.mark.parametrize(("span", "stopped_at"), [(0.05, 3), (0.4, 5), (0.6, None)])
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
        for epoch in (1.0, 2.0, 3.0):
            told = {"epoch": epoch, "subset/nll_iw": -elbo, "subset/nll_elbo": elbo, "cost/seconds": 1.0}
            assert not stage.stops(stage.recorder.epoch(record.key, told))
    assert sorted(stage.at_rung["one", 3].values()) == [(0.0, 4.0), (0.0, 5.0)]


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
