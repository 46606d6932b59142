"""Every picture of the report, in reading order."""

from uncollapse.analysis.findings import Findings, causes
from uncollapse.analysis.report.figures.boundary import boundaries, boundary_maps
from uncollapse.analysis.report.figures.collapse import failures, frequency, threshold_curve
from uncollapse.analysis.report.figures.comparison import paired, pareto, probability
from uncollapse.analysis.report.figures.control import control
from uncollapse.analysis.report.figures.duration import survival
from uncollapse.analysis.report.figures.importance import importances
from uncollapse.analysis.report.figures.likelihood import likelihood, nll_against_mi
from uncollapse.analysis.report.figures.parallel import parallel
from uncollapse.analysis.report.figures.patterns import agreement, class_patterns
from uncollapse.analysis.report.figures.response import responses
from uncollapse.analysis.report.figures.sparsity import hoyer_by_epoch
from uncollapse.analysis.report.figures.style import Look, Picture, palette


def looks_of(found: Findings) -> dict[str, Look]:
    """Each family's colour and symbol, the same in every picture."""
    return palette(found.order, found.baselines)


def pictures(found: Findings) -> dict[str, Picture]:
    """The report's pictures by name; one that has nothing to show holds a sentence instead."""
    looks, study, bounds = looks_of(found), found.study, found.thresholds
    edge, life, sparse, seen = found.boundary, found.lifetime, found.sparsity, found.search
    rivals = found.rivals
    drawn = (
        frequency(found.configurations, found.families, looks),
        threshold_curve(found.curve, bounds, looks),
        likelihood(found.judged, found.configurations, study, looks),
        nll_against_mi(found.judged, study, bounds, looks),
        paired(rivals.differences, looks),
        probability(rivals.chances, looks),
        pareto(rivals.fronts, study, looks),
        boundaries(edge.curve, edge.crossings, edge.points, looks),
        boundary_maps(edge.pairs, edge.pair_points, looks),
        survival(life.steps, life.fates, looks),
        hoyer_by_epoch(found.judged, found.curves, found.configurations, looks, study),
        control(sparse.points, sparse.control, looks),
        agreement(sparse.agreement, looks),
        class_patterns(sparse.patterns, sparse.separation, found.configurations, looks),
        importances(seen.importances, seen.agreement, looks),
        parallel(found.judged, seen.importances, looks),
        responses(seen.response, seen.correlations, seen.levels, study, bounds, looks, seen.slices),
        failures(causes(found.lost), looks),
    )
    return {picture.name: picture for picture in drawn}
