"""The topic of collapse: how often, at which threshold, and when."""

from uncollapse.analysis.report.figures.collapse import frequency, threshold_curve
from uncollapse.analysis.report.figures.duration import survival
from uncollapse.analysis.report.section import Figure, Fold, Section, Table
from uncollapse.analysis.report.tables import collapse

COLLAPSE = Section(
    "collapse",
    "Collapse",
    "Collapse",
    [
        Figure("collapse", lambda found, looks: frequency(found.configurations, found.families, looks)),
        Figure("threshold", lambda found, looks: threshold_curve(found.curve, found.thresholds, looks)),
        Table(
            "threshold_curve",
            "collapse share per family as both thresholds are multiplied by factor",
            lambda found: found.curve,
        ),
        Figure("survival", lambda found, looks: survival(found.lifetime.steps, found.lifetime.fates, looks)),
        Table(
            "survival",
            "share of codes still alive by epochs since they first were (Kaplan-Meier)",
            lambda found: found.lifetime.steps,
        ),
        Fold(
            "What became of every code",
            [
                Table(
                    "fates",
                    "trials by what became of their code",
                    lambda found: found.lifetime.fates,
                    collapse.fates,
                    "No trial has recorded mi and latent_gain during training.",
                )
            ],
        ),
    ],
)
