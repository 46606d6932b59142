"""What frames the report's topics: the best configurations first; at the end what was lost, and the whole tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from uncollapse.analysis.comparison.configurations import best
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.losses import causes
from uncollapse.analysis.report.figures.collapse import failures
from uncollapse.analysis.report.section import Figure, Fold, Section, Table
from uncollapse.analysis.report.sentences import family_sentences
from uncollapse.analysis.report.tables import comparison, overview


def winners(found: Findings) -> pd.DataFrame:
    """Each family's best configuration."""
    return best(found.configurations)


def families(found: Findings) -> pd.DataFrame:
    """Collapse per family, with the family's best configuration."""
    named = winners(found)[["family", "configuration"]].rename(columns={"configuration": "best_configuration"})
    return found.families.merge(named, on="family", how="left")


def family_records(found: Findings) -> Sequence[Mapping[str, Any]]:
    """The families with a sentence each, also those without a confirmation run."""
    rows = {row["family"]: row for row in found.families.to_dict("records")}
    named = dict(zip(*(winners(found)[column] for column in ("family", "configuration")), strict=True))
    return [
        {"family": name, "sentence": sentence, "best_configuration": named.get(name), **rows.get(name, {})}
        for name, sentence in family_sentences(found).items()
    ]


ANSWER = Section(
    "answer",
    "The answer",
    "Answer",
    [
        Table(
            "best",
            cells=lambda found: overview.configurations(found, winners(found), compact=True),
            empty="No configuration has a likelihood on confirmation seeds yet, so there is no best one to show.",
            heading="Each family's best configuration",
            how="Lowest median NLL over confirmation seeds among the family's replicated configurations that keep the "
            "export rule, or among all where none does; the others are in the tables below.",
        ),
        Table(
            "best_settings",
            cells=lambda found: overview.best_settings(winners(found)),
            heading="Their hyperparameters",
        ),
        Table(
            "published",
            "per family whose base is confirmed: the page's own settings, the best configuration found beside it, and "
            "found minus base on shared seeds (medians of nll, mi and latent_gain; shares of collapse), with intervals",
            lambda found: found.rivals.published,
            comparison.published,
            heading="The page's base against what was found",
            how="The base of each family's page beside the best that was confirmed, on the same seeds. What was found "
            "is the best of several on these very seeds, so it is flattered a little; the base was chosen by nobody.",
        ),
        Table(
            "unexported",
            "families of which nothing is exported: the configuration nearest to the export rule, what it lacks, which "
            "hyperparameters the search says to move, and the next edit and command",
            lambda found: found.unexported.assign(moves=found.unexported["moves"].map("; ".join)),
            overview.unexported,
            heading="Families without an exported configuration",
            how="The nearest confirmed configuration, what it lacks of the export rule, and what to try next. What to "
            "move is what mutual information followed among the search's own trials.",
            records=lambda found: found.unexported.to_dict("records"),
        ),
    ],
)

LOSSES = Section(
    "losses",
    "Failures",
    "Failures",
    [
        Figure("failures", lambda found, looks: failures(causes(found.lost), looks)),
        Fold(
            "All {rows:,} trials without a verdict",
            [
                Table(
                    "lost",
                    "every trial that failed, diverged, is missing or could not be judged, with its cause",
                    lambda found: found.lost,
                    overview.lost,
                )
            ],
            open_to=12,
        ),
    ],
)

TABLES = Section(
    "tables",
    "Tables",
    "Tables",
    [
        Table(
            "families",
            "per family: sentence, collapse counts by verdict, mean share over configurations with its interval "
            "(Wilson on seeds), spread between configurations, best configuration",
            families,
            overview.families,
            "No confirmation run of a model with a code is planned.",
            heading="Collapse per family",
            records=family_records,
        ),
        Table(
            "configurations",
            "per replicated configuration: role, why it is confirmed, hyperparameters, counts by verdict, share with "
            "Wilson and Jeffreys "
            "intervals, "
            "share_least and share_most (no or every unjudged seed collapsed), medians over finished seeds; race says "
            "why one got fewer seeds; nll is the estimator named in nll_estimator; below_limit is the probability that "
            "the collapse share is below the export rule's limit; rank orders a family's configurations by median nll, "
            "what keeps the export rule first, then what is nearest to it",
            lambda found: found.configurations,
            lambda found: overview.configurations(found, found.configurations),
            "No configuration has been replicated.",
            heading="Configurations",
        ),
        Fold(
            "Planned trials by family, stage and state",
            [
                Table(
                    "states",
                    "planned trials by family, stage and state",
                    lambda found: found.states,
                    overview.states,
                    "No trial was planned.",
                )
            ],
        ),
        Table("trials", data=lambda found: found.judged),
        Table("curves", data=lambda found: found.curves),
    ],
)
