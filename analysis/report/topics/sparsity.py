"""The topic of sparsity: how sparse codes are, what decides it, and whether two seeds learn the same code."""

from uncollapse.analysis.report.figures.control import control
from uncollapse.analysis.report.figures.patterns import agreement, class_patterns
from uncollapse.analysis.report.figures.sparsity import hoyer_by_epoch
from uncollapse.analysis.report.section import Figure, Fold, Section, Table
from uncollapse.analysis.report.tables import sparsity

NO_HOYER = "No Average Hoyer has been recorded on confirmation seeds."

CONTROL = Table(
    "control",
    "how Average Hoyer follows the hyperparameter meant to set it: rank correlations, monotony, fits",
    lambda found: found.sparsity.control,
    sparsity.control,
    "No family here has a hyperparameter of sparsity that varies.",
)
AGREEMENT = Table(
    "agreement",
    "per configuration: how far two seeds learn the same code after matching dimensions, corrected for chance",
    lambda found: found.sparsity.agreement,
    sparsity.agreement,
    "No confirmation seed has recorded its codes.",
)
SEPARATION = Table(
    "class_separation",
    "how separate the classes' activation patterns are, beside the KL of the classes' words",
    lambda found: found.sparsity.separation,
    sparsity.separation,
    "No confirmation seed of a labelled corpus has recorded its patterns.",
)
SPREAD = Table(
    "hoyer_spread",
    "per family and Hoyer measure, of all seeds and of those whose code is used: sd between seeds and between "
    "configurations, share_between with its generalized confidence interval",
    lambda found: found.sparsity.spread,
    sparsity.hoyer_spread,
    NO_HOYER,
)
HOYER = Table(
    "hoyer",
    "per configuration and Hoyer measure: seeds, mean, sd, lowest, highest over confirmation seeds",
    lambda found: found.sparsity.hoyer,
    sparsity.hoyer,
    NO_HOYER,
)

SPARSITY = Section(
    "sparsity",
    "Sparsity",
    "Sparsity",
    [
        Figure("hoyer", lambda f, looks: hoyer_by_epoch(f.judged, f.curves, f.configurations, looks, f.study)),
        Figure("control", lambda f, looks: control(f.sparsity.points, f.sparsity.control, looks)),
        Fold("How closely sparsity follows its hyperparameter, in numbers", [CONTROL]),
        Figure("agreement", lambda f, looks: agreement(f.sparsity.agreement, looks)),
        Fold("Agreement between seeds, in numbers", [AGREEMENT]),
        Figure(
            "patterns",
            lambda f, looks: class_patterns(f.sparsity.patterns, f.sparsity.separation, f.configurations, looks),
        ),
        Fold("Separation of the classes, in numbers", [SEPARATION]),
        Fold("Spread between seeds against spread between configurations", [SPREAD]),
        Fold("Average Hoyer per configuration, all four kinds", [HOYER]),
    ],
)
