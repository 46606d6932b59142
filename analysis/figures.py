"""Every picture of the report, in reading order."""

from analysis.findings import Findings, causes
from analysis.pictures_collapse import failures, frequency, threshold_curve
from analysis.pictures_likelihood import likelihood, nll_against_mi
from analysis.pictures_response import responses
from analysis.pictures_sparsity import hoyer_by_epoch
from analysis.style import Look, Picture, palette


def looks_of(found: Findings) -> dict[str, Look]:
    """Each family's colour and symbol, the same in every picture."""
    return palette(found.order, found.yardsticks)


def pictures(found: Findings) -> dict[str, Picture]:
    """The report's pictures by name; one that has nothing to show holds a sentence instead."""
    looks, study, bounds = looks_of(found), found.study, found.thresholds
    drawn = (
        frequency(found.configurations, found.families, looks),
        threshold_curve(found.curve, bounds, looks),
        likelihood(found.judged, found.configurations, study, looks),
        nll_against_mi(found.judged, study, bounds, looks),
        hoyer_by_epoch(found.judged, found.curves, found.configurations, looks),
        responses(found.response, found.correlations, found.levels, study, bounds, looks),
        failures(causes(found.lost), looks),
    )
    return {picture.name: picture for picture in drawn}
