"""Races in the replicate stage: what is dropped, and that nothing but the recorded results decides it."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from uncollapse.analysis.schema import DROPPED, FINISHED, MISSING
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages.replicate import ReplicateStage
from uncollapse.study.storage.fingerprints import configuration_id
from uncollapse.study.storage.ledger import Ledger, record_of
from uncollapse.study.storage.tables import recorded
from uncollapse.study.trial_record import TrialRecord

SEEDS = 12
Outcome = Callable[[TrialRecord], tuple[float, bool]]


def raced(folder: Path, **sections: Any) -> Study:
    """A study whose search is over; its replicate stage races three configurations of each family."""
    replicate = {"configurations": 3, "seeds": SEEDS, "racing": "signs", **sections.pop("replicate", {})}
    study = trial_records.study(folder, **{"search": {"stop_early": "none"}, "replicate": replicate, **sections})
    trial_records.run(trial_records.search(study, folder))
    return study


def by_scale(record: TrialRecord) -> tuple[float, bool]:
    """(NLL, collapsed): the larger the prior's scale the worse, with some luck of the seed."""
    luck = random.Random(f"{record.configuration_id} {record.seed}").gauss(0, 1)
    return 100 * record.configuration["latent"]["prior_scale"] + luck, False


def end(stage: ReplicateStage, record: TrialRecord, outcome: Outcome) -> None:
    nll, collapsed = outcome(record)
    code = 0.01 if collapsed else 2.0
    stage.recorder.epoch(record.key, trial_records.epoch_record(1, nll))
    stage.recorder.finish(record.key, {"valid/nll_iw": nll, "valid/mi": code, "valid/latent_gain": code})


def run(stage: ReplicateStage, outcome: Outcome = by_scale, at_once: int = 1, order: int = 0, most: int = 10**6) -> int:
    """Train until nothing is left, so many at once, ending in an order of its own; returns how many ended."""
    chance, running, ended = random.Random(order), list[TrialRecord](), 0
    while ended < most:
        while len(running) < at_once and (record := stage.next_trial()) is not None:
            running.append(record)
        if not running:
            break
        end(stage, running.pop(chance.randrange(len(running))), outcome)
        ended += 1
    return ended


def left(folder: Path) -> dict[tuple[str, str, int], tuple[str, str]]:
    """State and cause of every confirmation run, read anew; of one that was entered again the newest."""
    found = [one for one in recorded(Ledger(folder / "runs", "mine")) if one.stage == "replicate"]
    return {(one.family, one.configuration_id, one.seed): (one.state, one.cause) for one in found}


def ranked(folder: Path, study: Study, family: str = "one") -> list[str]:
    """The chosen configurations of a family by the scale that makes them bad, the best first."""
    chosen = trial_records.chosen(folder, study, family)
    by = sorted(chosen, key=lambda one: one.configuration["latent"]["prior_scale"])
    return [configuration_id(one.configuration) for one in by]


def test_what_lost_gets_no_more_seeds_and_says_why(tmp_path: Path) -> None:
    study = raced(tmp_path)
    ended = run(trial_records.replicate(study, tmp_path))
    found = left(tmp_path)
    assert len(found) == 2 * 3 * SEEDS
    assert {state for state, _ in found.values()} == {FINISHED, DROPPED}
    best, *_, worst = ranked(tmp_path, study)
    assert all(found["one", best, seed][0] == FINISHED for seed in range(1, SEEDS + 1))
    states = [found["one", worst, seed] for seed in range(1, SEEDS + 1)]
    assert [state for state, _ in states] == [FINISHED] * 6 + [DROPPED] * 6
    assert {cause for _, cause in states[6:]} == {f"dropped after 6 seeds: {best} was better on 6 of 6, e-value 41"}
    assert ended == sum(state == FINISHED for state, _ in found.values())


def test_no_seed_is_saved_unless_it_is_asked_for(tmp_path: Path) -> None:
    study = raced(tmp_path, replicate={"racing": "none"})
    assert run(trial_records.replicate(study, tmp_path)) == 2 * 3 * SEEDS


@pytest.mark.parametrize("at_once", [1, 3, 7, 40])
def test_neither_order_nor_how_many_run_at_once_decides_anything(tmp_path: Path, at_once: int) -> None:
    one, other = raced(tmp_path / "a"), raced(tmp_path / "b")
    run(trial_records.replicate(one, tmp_path / "a"))
    run(trial_records.replicate(other, tmp_path / "b"), at_once=at_once, order=at_once)
    assert left(tmp_path / "b") == left(tmp_path / "a")


@pytest.mark.parametrize("cut", [1, 17, 29, 40, 44])
def test_a_restart_decides_what_the_undisturbed_run_decides(tmp_path: Path, cut: int) -> None:
    whole, cut_off = raced(tmp_path / "a"), raced(tmp_path / "b")
    run(trial_records.replicate(whole, tmp_path / "a"))
    stage = trial_records.replicate(cut_off, tmp_path / "b")
    run(stage, most=cut, at_once=3, order=cut)
    stage.next_trial()  # begun, and cut off with what was running besides
    again = trial_records.replicate(cut_off, tmp_path / "b")
    run(again, at_once=2)
    assert left(tmp_path / "b") == left(tmp_path / "a")
    assert run(trial_records.replicate(cut_off, tmp_path / "b")) == 0


def test_a_kill_between_two_lines_of_a_drop_is_made_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, cut_off = raced(tmp_path / "a"), raced(tmp_path / "b")
    run(trial_records.replicate(whole, tmp_path / "a"))
    stage = trial_records.replicate(cut_off, tmp_path / "b")
    real, done = stage.recorder.drop, list[int]()

    def killed(trial_id: int, cause: str) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(trial_id)
        real(trial_id, cause)

    monkeypatch.setattr(stage.recorder, "drop", killed)
    with pytest.raises(KeyboardInterrupt):
        run(stage)
    run(trial_records.replicate(cut_off, tmp_path / "b"))
    assert left(tmp_path / "b") == left(tmp_path / "a")


def test_a_race_goes_on_when_seeds_are_added(tmp_path: Path) -> None:
    short, whole = raced(tmp_path / "a", replicate={"seeds": 8}), raced(tmp_path / "b", replicate={"seeds": 20})
    run(trial_records.replicate(short, tmp_path / "a"))
    grown = trial_records.study(
        tmp_path / "a",
        search={"stop_early": "none"},
        replicate={"configurations": 3, "seeds": 20, "racing": "signs"},
    )
    run(trial_records.replicate(grown, tmp_path / "a"), at_once=4)
    run(trial_records.replicate(whole, tmp_path / "b"))
    assert left(tmp_path / "a") == left(tmp_path / "b")


def test_a_failed_seed_counts_for_nobody_and_is_tried_again(tmp_path: Path) -> None:
    study = raced(tmp_path, names=("one",))
    worst = ranked(tmp_path, study)[-1]
    stage = trial_records.replicate(study, tmp_path)
    for _ in range(3):
        record = stage.next_trial()
        assert record is not None
        if record.configuration_id == worst:
            stage.recorder.fail(record.key, "its process died")
        else:
            end(stage, record, by_scale)
    run(stage)
    found = left(tmp_path)
    seeds = [seed for seed in range(1, SEEDS + 1) if found["one", worst, seed][0] == FINISHED]
    assert seeds == [2, 3, 4, 5, 6, 7], "six seeds that both have"
    run(trial_records.replicate(study, tmp_path))
    again = left(tmp_path)
    assert again["one", worst, 1][0] == FINISHED
    assert {key: said for key, said in again.items() if key[2] != 1} == {k: s for k, s in found.items() if k[2] != 1}


def by_rank(ranks: list[str], collapsed: int) -> Outcome:
    """Likelihoods in the order of these configurations, of which so many from the front collapse."""
    return lambda record: (
        float(ranks.index(record.configuration_id)) + by_scale(record)[0] % 0.1,
        ranks.index(record.configuration_id) < collapsed,
    )


def test_what_lost_to_a_configuration_that_may_not_be_exported_runs_after_all(tmp_path: Path) -> None:
    study = raced(tmp_path, names=("one",))
    ranks = ranked(tmp_path, study)
    stage, outcome = trial_records.replicate(study, tmp_path), by_rank(ranks, collapsed=1)
    begun = list[TrialRecord]()
    for record in iter(stage.next_trial, None):
        begun.append(record)
        end(stage, record, outcome)
    assert len(begun) == 3 * SEEDS
    assert {state for state, _ in left(tmp_path).values()} == {FINISHED}
    assert {record.configuration_id for record in begun[-12:]} == set(ranks[1:])
    entries = Ledger(tmp_path / "runs", "mine").trials("replicate", "one")
    assert sum(record_of(trial).state == DROPPED for trial in entries) == 12, "the ledger keeps that they were dropped"
    assert run(trial_records.replicate(study, tmp_path)) == 0


def test_what_can_no_longer_keep_the_export_rule_is_not_taken_back(tmp_path: Path) -> None:
    study = raced(tmp_path, names=("one",))
    stage = trial_records.replicate(study, tmp_path)
    run(stage, by_rank(ranked(tmp_path, study), collapsed=3))
    assert sum(state == DROPPED for state, _ in left(tmp_path).values()) == 12


def test_taking_back_that_is_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = raced(tmp_path, names=("one",))
    stage, outcome = trial_records.replicate(study, tmp_path), by_rank(ranked(tmp_path, study), collapsed=1)
    enter, entered = stage.enter, list[str]()

    def killed(family: str, chosen: Any, named: Any) -> None:
        if len(entered) == 8:
            raise KeyboardInterrupt
        entered.append(family)
        enter(family, chosen, named)

    monkeypatch.setattr(stage, "enter", killed)
    with pytest.raises(KeyboardInterrupt):
        run(stage, outcome)
    run(trial_records.replicate(study, tmp_path), outcome)
    assert {state for state, _ in left(tmp_path).values()} == {FINISHED}


def test_listeners_hear_of_a_drop(tmp_path: Path) -> None:
    study, told = raced(tmp_path), list[TrialRecord]()
    stage = ReplicateStage(study, "corpus", trial_records.recorder(tmp_path, told.append))
    run(stage)
    heard = {(one.family, one.configuration_id, one.seed) for one in told if one.state == DROPPED}
    assert heard == {place for place, (state, _) in left(tmp_path).items() if state == DROPPED}
    assert stage.planned() == {"one": 3 * SEEDS, "two": 3 * SEEDS}
    assert MISSING not in {state for state, _ in left(tmp_path).values()}
