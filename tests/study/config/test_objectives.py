"""Limits and objectives of a search: from the page to the sampler, to what is confirmed and to what is exported."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from tests.support import trial_records
from tests.support.study_pages import parse, refused
from tests.support.tables import frame, replicate
from uncollapse.analysis.comparison.configurations import configurations
from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.analysis.schema import FINISHED, SEARCH, STOPPED
from uncollapse.analysis.verdicts import judge
from uncollapse.study.config import objectives
from uncollapse.study.config.objectives import Limit
from uncollapse.study.config.study_page import Study
from uncollapse.study.results import export
from uncollapse.study.stages import pareto, selection_rule
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.storage.fingerprints import configuration_id
from uncollapse.study.storage.ledger import Ledger, record_of
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.trial_record import TrialRecord

AT_LEAST = {"subset/mi": ">= 0.1"}


def test_a_limit_is_read_as_it_is_written() -> None:
    page = {"subset/mi": ">= 0.1", "valid/kl": "<=30", "hoyer_mean": " >= 1e-1 "}
    expected = (Limit("mi", ">=", 0.1), Limit("kl", "<=", 30.0), Limit("hoyer_mean", ">=", 0.1))
    assert objectives.limits(parse(search={"subject_to": page}).search.subject_to) == expected
    assert [str(limit) for limit in expected] == ["mi >= 0.1", "kl <= 30", "hoyer_mean >= 0.1"]
    assert [str(limit) for limit in objectives.limits(parse().search.subject_to)] == ["mi >= 0.5", "latent_gain >= 0.5"]
    assert objectives.limits(parse(search={"subject_to": "none"}).search.subject_to) == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["mi"], "must be living or none, or map measures to limits"),
        ("alive", "must be living or none, or map measures to limits"),
        ({"subset/mii": ">= 0.1"}, "'subset/mii'"),
        ({"subset/nll_iw": "<= 90"}, "'subset/nll_iw'"),
        ({3: ">= 0.1"}, "'3'"),
        ({"subset/mi": "> 0.1"}, 'must limit subset/mi by ">= number"'),
        ({"subset/mi": 0.1}, "must limit subset/mi"),
        ({"subset/mi": ">= nan"}, "must limit subset/mi"),
        ({"subset/mi": ">= 0.1", "valid/mi": "<= 3"}, "must not name anything twice"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(given: Any, said: str) -> None:
    (error,) = refused(search={"subject_to": given})
    assert "search.subject_to: " in error
    assert said in error


def test_what_is_broken_is_measured_in_the_measures_own_unit() -> None:
    kept = (Limit("mi", ">=", 0.1), Limit("kl", "<=", 30.0))
    assert objectives.excesses({"subset/mi": 0.04, "subset/kl": 10.0}, kept) == {
        "mi >= 0.1": pytest.approx(0.06),
        "kl <= 30": -20,
    }
    assert objectives.violation({"subset/mi": 0.04, "subset/kl": 31.0}, kept) == pytest.approx(1.06)
    assert objectives.violation({"subset/mi": 0.1, "subset/kl": 30.0}, kept) == 0
    assert objectives.violation({"subset/nll_exact": 9.0}, kept) == 0, "a model without a code is not asked for one"


def study_of(folder: Path, **search: Any) -> Study:
    return trial_records.study(folder, names=("one",), search={"trials": 9, "subject_to": AT_LEAST, **search})


def stage_of(study: Study, folder: Path) -> SearchStage:
    ledger = Ledger(folder / "runs", "mine", write=True)
    return SearchStage(
        study, "corpus", Recorder(ledger, "valid/nll_iw", (), objectives.limits(study.search.subject_to))
    )


def run(stage: SearchStage, code: float = 2.0) -> list[TrialRecord]:
    """Every third trial has the best likelihood and no code; the others a code of so much."""
    while (record := stage.next_trial()) is not None:
        dead = record.number % 3 == 0
        for epoch in range(1, trial_records.EPOCHS + 1):
            told = trial_records.epoch_record(epoch, (10.0 if dead else 20.0) + record.number / 100)
            known = stage.recorder.epoch(record.key, told | {"subset/mi": 0.02 if dead else code})
            if known is not None and stage.stops(known):
                stage.recorder.stop(record.key)
                break
        else:
            stage.recorder.finish(record.key, {})
    return [record_of(trial) for trial in stage.recorder.ledger.trials("search", "one")]


def test_the_sampler_is_told_by_how_much_a_trial_breaks_a_limit(tmp_path: Path) -> None:
    stage = stage_of(study_of(tmp_path), tmp_path)
    run(stage)
    for trial in Ledger(tmp_path / "runs", "mine").trials("search", "one"):
        dead = trial.number % 3 == 0
        assert trial.constraints == {"mi >= 0.1": pytest.approx(0.08 if dead else -1.9)}


def test_likelihood_without_a_code_stops_nobody_who_has_one(tmp_path: Path) -> None:
    limited, free = tmp_path / "limited", tmp_path / "free"
    found = run(stage_of(study_of(limited), limited))
    alive = {record.number: record.state for record in found}
    assert alive[1] == FINISHED, "the first with a code is the best of those"
    assert alive[3] == FINISHED, "its bound is among the better half, and it may use its code later"
    assert alive[5] == STOPPED, "worse than half by the bound and by the limits"
    unlimited = run(stage_of(study_of(free, subject_to={}), free))
    assert {record.number: record.state for record in unlimited}[1] == STOPPED


def test_only_what_keeps_every_limit_is_confirmed(tmp_path: Path) -> None:
    study = study_of(tmp_path, stop_early="none")
    found = run(stage_of(study, tmp_path))
    chosen = trial_records.chosen(tmp_path, study)
    assert [one.configuration for one in chosen] == [found[1].configuration, found[2].configuration]
    free = study_of(tmp_path, stop_early="none", subject_to={})
    chosen = trial_records.chosen(tmp_path, free)
    assert [one.configuration for one in chosen] == [found[0].configuration, found[3].configuration]


def test_where_no_trial_keeps_them_the_nearest_is_confirmed(tmp_path: Path) -> None:
    study = study_of(tmp_path, stop_early="none")
    found = run(stage_of(study, tmp_path), code=0.05)
    stage = trial_records.replicate(study, tmp_path)
    assert stage.planned() == {"one": 3}
    record = stage.next_trial()
    assert record is not None
    assert (record.role, record.configuration) == ("nearest", found[1].configuration), "the best bound of the nearest"


def test_tpe_learns_to_keep_a_limit(tmp_path: Path) -> None:
    """The best that keeps the limit lies on its edge, where half of the proposals then fall to either side."""
    study = study_of(tmp_path, trials=60, sampler="tpe", stop_early="none")

    def share_kept(folder: Path, kept: tuple[Limit, ...]) -> float:
        ledger = Ledger(folder / "runs", "mine", write=True)
        stage = SearchStage(study, "corpus", Recorder(ledger, "valid/nll_iw", (), kept))
        scales = []
        while (record := stage.next_trial()) is not None:
            scales.append(scale := record.configuration["latent"]["prior_scale"])
            stage.recorder.epoch(record.key, trial_records.epoch_record(1, 100 * scale) | {"subset/mi": scale - 0.3})
            stage.recorder.finish(record.key, {})
        return sum(scale >= 0.4 for scale in scales[30:]) / 30

    told, untold = share_kept(tmp_path / "told", objectives.limits(AT_LEAST)), share_kept(tmp_path / "untold", ())
    assert told >= 0.4
    assert untold <= 0.2


def several(folder: Path, **sections: Any) -> Study:
    search = {"trials": 12, "stop_early": "none", "select": ["valid/nll_iw", "subset/hoyer_mean"]}
    return trial_records.study(folder, names=("one",), search={**search, **sections.pop("search", {})}, **sections)


def test_objectives_are_told_apart_and_have_their_directions() -> None:
    select = ["valid/nll_iw", "subset/hoyer_mean", "mi"]
    assert objectives.objectives(select) == ("nll_iw", "hoyer_mean", "mi")
    assert objectives.directions(select) == ["minimize", "maximize", "maximize"]
    assert objectives.directions("valid/nll_elbo") == ["minimize"]
    assert parse(search={"select": select, "stop_early": "none"}).search.bound == "nll_iw"


@pytest.mark.parametrize(
    ("select", "said"),
    [
        (["subset/hoyer_mean", "valid/nll_iw"], "must begin with valid/nll_iw"),
        ([], "must be valid/nll_iw"),
        ("loss", "must begin with valid/nll_iw"),
        (["nll_iw", "nll_elbo"], "'nll_elbo'"),
        (["nll_iw", "hoyer"], "'hoyer'"),
        (["nll_iw", "mi", "subset/mi"], "twice"),
    ],
)
def test_objectives_that_mean_nothing_are_refused(select: Any, said: str) -> None:
    (error,) = refused(search={"select": select, "stop_early": "none"})
    assert "search.select: " in error
    assert said in error


def test_what_compares_by_one_figure_is_refused_with_several() -> None:
    found = refused(search={"select": ["nll_iw", "mi"], "stop_early": "asha"}, replicate={"racing": "signs"})
    assert [error.split(": ")[1] for error in found] == ["search.stop_early", "replicate.racing"]


def traded(stage: SearchStage) -> None:
    """The larger the prior's scale the worse the likelihood and the sparser the code, but for the size, which costs."""
    while (record := stage.next_trial()) is not None:
        latent = record.configuration["latent"]
        nll = 100 * latent["prior_scale"] + 20 * (latent["size"] - 2)
        told = trial_records.epoch_record(1, nll) | {"subset/hoyer_mean": latent["prior_scale"]}
        stage.recorder.epoch(record.key, told)
        stage.recorder.finish(record.key, {})


def test_the_sampler_is_told_both_and_the_front_is_confirmed_end_to_end(tmp_path: Path) -> None:
    study = several(tmp_path, replicate={"configurations": 3})
    ledger = Ledger(tmp_path / "runs", "mine", write=True)
    traded(SearchStage(study, "corpus", Recorder(ledger, study.search.select)))
    found = Ledger(tmp_path / "runs", "mine")
    told = found.study("search", "one")
    assert [way.name for way in told.directions] == ["MINIMIZE", "MAXIMIZE"]
    records = [record_of(trial) for trial in told.trials]
    assert [trial.values for trial in told.trials] == [
        [record.measures["subset/nll_iw"], record.measures["subset/hoyer_mean"]] for record in records
    ]
    best = {trial.user_attrs["configuration_id"] for trial in told.best_trials}
    chosen = [configuration_id(one.configuration) for one in trial_records.chosen(tmp_path, study)]
    assert set(chosen) <= best
    by_nll = min(records, key=lambda record: record.measures["subset/nll_iw"])
    by_hoyer = max(records, key=lambda record: record.measures["subset/hoyer_mean"])
    assert {by_nll.configuration_id, by_hoyer.configuration_id} <= set(chosen)


def test_tpe_goes_for_the_whole_front(tmp_path: Path) -> None:
    study = several(tmp_path, search={"trials": 40, "sampler": "tpe"})
    ledger = Ledger(tmp_path / "runs", "mine", write=True)
    traded(SearchStage(study, "corpus", Recorder(ledger, study.search.select)))
    late = [record_of(trial).configuration["latent"] for trial in ledger.trials("search", "one")][20:]
    assert sum(latent["size"] == 2 for latent in late) >= 11, "a larger code only costs"
    scales = [latent["prior_scale"] for latent in late if latent["size"] == 2]
    assert max(scales) - min(scales) > 0.4


def test_points_are_taken_from_the_front_and_spread_over_it() -> None:
    points = [(3.0, 3.0), (1.0, 9.0), (2.0, 8.0), (5.0, 5.0), (9.0, 1.0), (4.0, 2.9), (1.0, 9.0)]
    order = list(pareto.in_order(points))
    assert order[:2] == [1, 4], "the best of each figure"
    assert set(order[:6]) == {0, 1, 2, 4, 5, 6}
    assert order[2] in (0, 5), "then the middle"
    assert order[6] == 3
    assert list(pareto.in_order([(2.0,), (1.0,), (2.0,), (0.0,)])) == [3, 1, 0, 2]
    assert list(pareto.in_order([])) == []


def test_what_a_model_does_not_have_counts_the_same_for_all_of_its_family(tmp_path: Path) -> None:
    study = several(tmp_path)
    stage = SearchStage(study, "corpus", Recorder(Ledger(tmp_path / "runs", "mine", write=True), study.search.select))
    trial_records.run(stage)
    assert {trial.values[1] for trial in stage.recorder.ledger.trials("search", "one")} == {0.0}


def confirmed() -> pd.DataFrame:
    """Two configurations without a collapse: the better likelihood has the smaller code."""
    rows = [replicate("a", "low", seed, nll_iw=30.0, mi=0.5 + seed, latent_gain=2.0) for seed in range(9)]
    rows += [replicate("a", "high", seed, nll_iw=31.0, mi=6.0 + seed, latent_gain=2.0) for seed in range(9)]
    return configurations(judge(frame(*rows)))


def rule_of(text: str | None = None, **export: float) -> ExportRule:
    """The export rule of a page with a limit of its own on mi."""
    subject_to = "living" if text is None else {"valid/mi": text}
    return selection_rule.export_rule({"export": export, "search": {"subject_to": subject_to}})


@pytest.mark.parametrize(
    ("text", "kept"),
    [(">= 4", ["low", "high"]), (">= 5", ["high"]), ("<= 5", ["low"]), (">= 11", []), ("<= 0.1", [])],
)
def test_medians_over_the_seeds_have_to_keep_a_limit_for_export(text: str, kept: list[str]) -> None:
    table = confirmed()
    assert list(rule_of(text).keeping(table)["configuration"]) == kept
    assert list(rule_of().keeping(table)["configuration"]) == ["low", "high"]


def test_living_is_no_limit_on_medians() -> None:
    """Each seed's own verdict counts: medians of 0.3 nats are below the search's 0.5, and no seed collapsed."""
    rows = [replicate("a", "small", seed, nll_iw=30.0, mi=0.3, latent_gain=0.3) for seed in range(3)]
    table = configurations(judge(frame(*rows)))
    assert list(rule_of().keeping(table)["configuration"]) == ["small"]
    assert rule_of().medians == ()


def test_the_export_rule_and_its_refusal_name_the_limits() -> None:
    rule = rule_of(">= 11")
    assert selection_rule.in_words(rule, "nll_iw").endswith(
        "P(collapse share < 0.5) is at least 0.95 (Jeffreys), and whose medians have mi >= 11"
    )
    found: Any = SimpleNamespace(configurations=confirmed())
    row = export.row_to_export(found, "a", rule)
    assert row is not None
    assert row["configuration"] == "low"
    assert export.row_to_export(found, "b", rule) is None


def reached_by(state: str, measures: dict[str, float]) -> TrialRecord:
    """A trial of a search as far as its end and its measures tell."""
    return TrialRecord("k", "b", SEARCH, 0, "c", 1, False, {}, {}, state, "", (measures,), {}, 0.0, 0.0)


@pytest.mark.parametrize(
    ("reached", "sentence"),
    [
        ((0.2, 0.3), "none of 2 finished trials of its search has mi >= 1 and kl <= 9"),
        ((0.2, 1.3), ""),
        ((), ""),
    ],
)
def test_a_search_that_no_trial_brought_within_the_limits_says_so(reached: tuple[float, ...], sentence: str) -> None:
    ended = [reached_by(FINISHED, {"subset/mi": mi, "subset/kl": 2.0}) for mi in reached]
    ended += [reached_by(STOPPED, {"subset/mi": 9.0, "subset/kl": 2.0})]
    assert objectives.kept_by_none(ended, objectives.limits({"valid/mi": ">= 1", "valid/kl": "<= 9"})) == sentence
