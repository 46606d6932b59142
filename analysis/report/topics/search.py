"""The topic of the search: where collapse begins, which hyperparameters matter, and what stopping early hides."""

from collections.abc import Mapping

from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report.figures.boundary import boundaries
from uncollapse.analysis.report.figures.boundary_maps import boundary_maps
from uncollapse.analysis.report.figures.importance import importances
from uncollapse.analysis.report.figures.parallel import parallel
from uncollapse.analysis.report.figures.response import responses
from uncollapse.analysis.report.figures.style import Look, Picture
from uncollapse.analysis.report.section import Figure, Fold, Section, Table
from uncollapse.analysis.report.tables import collapse, overview, search

BOUNDARY = Table(
    "boundary",
    "per family and numeric hyperparameter: fitted probability of collapse over search trials that ended, with its "
    "band",
    lambda found: found.boundary.curve,
)
CROSSINGS = Table(
    "crossings",
    "where that probability crosses 1/2, with an interval",
    lambda found: found.boundary.crossings,
    collapse.crossings,
    "No numeric hyperparameter was searched by a model with a code.",
)
BOUNDARY_PAIRS = Table(
    "boundary_pairs", "the same fit over pairs of hyperparameters", lambda found: found.boundary.pairs
)
IMPORTANCES = Table(
    "importances",
    "share of the variation in nll (by rank) and in collapse that each hyperparameter carries, with the evaluator's "
    "name",
    lambda found: found.search.importances,
    search.importances,
    "No hyperparameter was searched by enough trials.",
)
EVALUATORS = Table("evaluators", "whether two evaluators of importance agree", lambda found: found.search.agreement)
LEVELS = Table(
    "levels",
    "median nll and mi per level of each categorical searched hyperparameter",
    lambda found: found.search.levels,
)
POPULATIONS = Table(
    "search_populations",
    "collapse among all search trials, those stopped early, and the audit share",
    lambda found: found.populations,
    overview.populations,
    "No search trial of a model with a code has been judged.",
    heading="Collapse among search trials",
    how="The audit share is never stopped early: where it differs from the stopped trials, stopping hides something.",
)
HIDDEN = Table(
    "hidden_by_stopping",
    "audit trials at the epochs of stopping: how they looked, and how they ended",
    lambda found: found.lifetime.hidden,
    collapse.hidden,
    "No trial was stopped, or no audit trial stands beside the stopped ones.",
    heading="What stopping hides",
    how="Audit trials at the epochs at which others were stopped: how they looked then, and how they ended. A verdict "
    "on a stopped trial is wrong about this often.",
)
CORRELATIONS = Table(
    "correlations",
    "Spearman's rank correlation of each numeric searched hyperparameter with nll, mi and collapse",
    lambda found: found.search.correlations,
    search.correlations,
    "No numeric hyperparameter was searched by enough trials.",
)


def _boundaries(found: Findings, looks: Mapping[str, Look]) -> Picture:
    return boundaries(found.boundary.curve, found.boundary.crossings, found.boundary.points, looks)


def _responses(found: Findings, looks: Mapping[str, Look]) -> Picture:
    seen = found.search
    return responses(seen.response, seen.correlations, seen.levels, found.study, found.thresholds, looks, seen.slices)


SEARCH = Section(
    "search",
    "What the search saw",
    "Search",
    [
        Figure("boundary", _boundaries),
        BOUNDARY,
        Fold("Where the fitted probability crosses one half", [CROSSINGS]),
        Figure("boundary-maps", lambda f, looks: boundary_maps(f.boundary.pairs, f.boundary.pair_points, looks)),
        BOUNDARY_PAIRS,
        Figure("importance", lambda f, looks: importances(f.search.importances, f.search.agreement, looks)),
        Fold("Importance of every hyperparameter, in numbers", [IMPORTANCES]),
        EVALUATORS,
        Figure("parallel", lambda f, looks: parallel(f.judged, f.search.importances, looks)),
        Figure("response", _responses),
        LEVELS,
        POPULATIONS,
        HIDDEN,
        Fold("Rank correlations, with intervals", [CORRELATIONS]),
    ],
)
