"""Every table of a study's analysis, computed once from its records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from uncollapse.analysis.collapse import boundary, boundary_2d, rates, survival
from uncollapse.analysis.comparison import confidence_set, paired, pareto, rank_stability, ranking, selection_optimism
from uncollapse.analysis.comparison.configurations import configurations
from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.analysis.comparison.published import published
from uncollapse.analysis.comparison.unexported import unexported
from uncollapse.analysis.hyperparameters import importance, response, slices
from uncollapse.analysis.losses import lost, states
from uncollapse.analysis.schema import Records
from uncollapse.analysis.sparsity import class_patterns, controllability, matching, stability
from uncollapse.analysis.tables import complete_curves, family_order
from uncollapse.analysis.verdict_rule import Thresholds
from uncollapse.analysis.verdicts import baselines, judge


@dataclass(frozen=True)
class Boundary:
    """Where collapse begins, from `analysis.collapse.boundary` and `analysis.collapse.boundary_2d`."""

    curve: pd.DataFrame
    crossings: pd.DataFrame
    points: pd.DataFrame
    pairs: pd.DataFrame
    pair_points: pd.DataFrame

    @classmethod
    def of(cls, judged: pd.DataFrame) -> "Boundary":
        curve = boundary.boundary(judged)
        maps, marks = boundary_2d.boundary_pairs(judged), boundary_2d.pair_points(judged)
        return cls(curve, boundary.crossings(curve), boundary.boundary_points(judged), maps, marks)


@dataclass(frozen=True)
class Lifetime:
    """When collapse happens, from `analysis.collapse.survival`."""

    steps: pd.DataFrame
    fates: pd.DataFrame
    hidden: pd.DataFrame

    @classmethod
    def of(cls, judged: pd.DataFrame, curves: pd.DataFrame, thresholds: Thresholds) -> "Lifetime":
        steps = survival.time_to_collapse(judged, curves, thresholds)
        fates = survival.fates(survival.lives(judged, curves, thresholds), steps)
        return cls(steps, fates, survival.hidden_by_stopping(judged, curves, thresholds))


@dataclass(frozen=True)
class Sparsity:
    """Whether sparsity is the configuration's or the seed's, from the modules of `analysis.sparsity`."""

    hoyer: pd.DataFrame
    spread: pd.DataFrame
    points: pd.DataFrame
    control: pd.DataFrame
    agreement: pd.DataFrame
    patterns: pd.DataFrame
    separation: pd.DataFrame

    @classmethod
    def of(cls, judged: pd.DataFrame, records: Records) -> "Sparsity":
        study, texts = records.study, records.texts
        return cls(
            hoyer=stability.across_seeds(judged),
            spread=stability.spread(judged),
            points=controllability.points(judged, study),
            control=controllability.follows(judged, study),
            agreement=matching.table(texts, judged),
            patterns=class_patterns.table(texts, judged),
            separation=class_patterns.separation(judged, study, texts),
        )


@dataclass(frozen=True)
class Search:
    """What the search saw of every hyperparameter, from `response`, `importance` and `slices`."""

    response: pd.DataFrame
    correlations: pd.DataFrame
    levels: pd.DataFrame
    slices: pd.DataFrame
    importances: pd.DataFrame
    agreement: pd.DataFrame

    @classmethod
    def of(cls, judged: pd.DataFrame) -> "Search":
        tidy, shares = response.tidy(judged), importance.importances(judged)
        return cls(
            response=tidy,
            correlations=response.correlations(tidy),
            levels=response.levels(tidy),
            slices=slices.slices(judged, tidy),
            importances=shares,
            agreement=importance.agreement(judged, shares),
        )


@dataclass(frozen=True)
class Rivals:
    """Which configurations beat which, and how sure that is, from the modules of `analysis.comparison`."""

    differences: pd.DataFrame
    collapse_tests: pd.DataFrame
    published: pd.DataFrame
    best_sets: pd.DataFrame
    chances: pd.DataFrame
    rank_stability: pd.DataFrame
    first_places: pd.DataFrame
    promises: pd.DataFrame
    optimism: pd.DataFrame
    fronts: pd.DataFrame

    @classmethod
    def of(cls, judged: pd.DataFrame, study: Mapping[str, Any], table: pd.DataFrame) -> "Rivals":
        differences, tests = paired.differences(judged, table), paired.collapse_test(judged, table)
        return cls(
            differences=differences,
            collapse_tests=tests,
            published=published(table, differences, tests),
            best_sets=confidence_set.confidence_set(judged, table),
            chances=ranking.probability_of_best(judged, table),
            rank_stability=rank_stability.stability(judged, table),
            first_places=rank_stability.first_places(judged, table),
            promises=selection_optimism.promises(judged, study),
            optimism=selection_optimism.regression(judged, study),
            fronts=pareto.fronts(judged, table, pairs=pareto.asked(study)),
        )


@dataclass(frozen=True)
class Findings:
    """The tables that pictures, sentences, pages and files are made from; each is documented where it is computed."""

    study: Mapping[str, Any]
    thresholds: Thresholds
    order: list[str]
    baselines: list[str]
    judged: pd.DataFrame
    curves: pd.DataFrame
    configurations: pd.DataFrame
    unexported: pd.DataFrame
    families: pd.DataFrame
    curve: pd.DataFrame
    populations: pd.DataFrame
    boundary: Boundary
    lifetime: Lifetime
    sparsity: Sparsity
    search: Search
    rivals: Rivals
    lost: pd.DataFrame
    states: pd.DataFrame
    texts: Mapping[str, Mapping[str, str]]


def find(records: Records) -> Findings:
    """Judge every trial and compute every table; families keep the study's order."""
    thresholds = Thresholds.of(records.study)
    judged = judge(records.trials, thresholds)
    order = family_order(records.study, judged)
    judged = judged.sort_values("family", key=lambda c: c.map({f: i for i, f in enumerate(order)}), kind="stable")
    rule = ExportRule.of(records.study)
    curves, table, search = complete_curves(records.curves), configurations(judged, rule=rule), Search.of(judged)
    return Findings(
        study=records.study,
        thresholds=thresholds,
        order=order,
        baselines=baselines(judged),
        judged=judged,
        curves=curves,
        configurations=table,
        unexported=unexported(records.study, judged, table, search.response, rule),
        families=rates.by_family(judged),
        curve=rates.threshold_curve(judged),
        populations=rates.by_population(judged),
        boundary=Boundary.of(judged),
        lifetime=Lifetime.of(judged, curves, thresholds),
        sparsity=Sparsity.of(judged, records),
        search=search,
        rivals=Rivals.of(judged, records.study, table),
        lost=lost(judged),
        states=states(judged),
        texts=records.texts,
    )
