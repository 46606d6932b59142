"""The topic of likelihood: which configurations are best, how sure that is, and what the search had promised."""

from uncollapse.analysis.report.figures.comparison import paired, probability
from uncollapse.analysis.report.figures.likelihood import likelihood, nll_against_mi
from uncollapse.analysis.report.figures.pareto import pareto
from uncollapse.analysis.report.section import Figure, Fold, Section, Table
from uncollapse.analysis.report.tables import comparison, overview

DIFFERENCES = Table(
    "differences",
    "medians of differences paired by seed, between families' best configurations and between configurations, with "
    "order-statistic intervals",
    lambda found: found.rivals.differences,
    comparison.differences,
    "No two families have confirmation seeds in common.",
)
COLLAPSE_TESTS = Table(
    "collapse_tests",
    "exact McNemar test of collapse paired by seed, the difference of shares with Newcombe's interval, p by Holm",
    lambda found: found.rivals.collapse_tests,
    comparison.collapse_tests,
    "No two families have judged confirmation seeds in common.",
)
BEST_SETS = Table(
    "confidence_sets",
    "which configurations of a contest may be its best: the 95 % set by exact sign tests over shared seeds",
    lambda found: found.rivals.best_sets,
    comparison.best_sets,
    "No configuration has a likelihood on confirmation seeds yet.",
)
CHANCES = Table(
    "probability_of_best",
    "the probability that a configuration has the lowest nll of its contest",
    lambda found: found.rivals.chances,
    comparison.chances,
    "No configuration has a likelihood on confirmation seeds yet.",
)
RANK_STABILITY = Table(
    "rank_stability",
    "Kendall's W of the order by nll over seeds, with its permutation p",
    lambda found: found.rivals.rank_stability,
    comparison.rank_stability,
)
FIRST_PLACES = Table(
    "first_places",
    "on how many seeds each configuration has the lowest nll",
    lambda found: found.rivals.first_places,
)
FRONTS = Table(
    "pareto_fronts",
    "Pareto fronts over configuration medians, and how often a bootstrap of seeds keeps each on its front",
    lambda found: found.rivals.fronts,
)
PROMISES = Table(
    "promises",
    "per family: the search winner's figure on its tuning seed and its median on confirmation seeds, same measure and "
    "subset",
    lambda found: found.rivals.promises,
    overview.promises,
    "No search trial has been recorded, so nothing was promised.",
    heading="What the search promised, and what was kept",
    how="The search's winner has one figure, on the tuning seed, and was picked because that figure was low. Beside it "
    "stands the median of the same measure on the same subset over confirmation seeds.",
)
OPTIMISM = Table(
    "optimism",
    "kept minus promised over all replicated configurations, and the slope of kept on promised (1: no regression)",
    lambda found: found.rivals.optimism,
    comparison.optimism,
    "No configuration has both a search figure and confirmation seeds.",
)

LIKELIHOOD = Section(
    "settings",
    "Likelihood",
    "Likelihood",
    [
        Figure("likelihood", lambda f, looks: likelihood(f.judged, f.configurations, f.study, looks)),
        Figure("nll-mi", lambda f, looks: nll_against_mi(f.judged, f.study, f.thresholds, looks)),
        Figure("pareto", lambda f, looks: pareto(f.rivals.fronts, f.study, looks)),
        FRONTS,
        Figure("paired", lambda f, looks: paired(f.rivals.differences, looks)),
        Fold("Paired differences between families, in numbers", [DIFFERENCES]),
        Fold("Exact paired tests of collapse", [COLLAPSE_TESTS]),
        Figure("best", lambda f, looks: probability(f.rivals.chances, looks)),
        Fold("Which may be best, how probably, and how stable the order is", [BEST_SETS, CHANCES, RANK_STABILITY]),
        FIRST_PLACES,
        PROMISES,
        Fold("Optimism over all replicated configurations", [OPTIMISM]),
    ],
)
