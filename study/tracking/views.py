"""What MLflow's own page shows of a study: a description, and views with the columns that answer its questions.

A view is an experiment tag that MLflow's page reads when its address names it (`?viewStateShareKey=configurations`).
"""

import json
from collections.abc import Mapping

VIEW = "mlflow.sharedViewState."
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else the page guesses, and offers tools for prompts
CONFIGURATION = (
    "nll_iw",
    "nll_iw_low",
    "nll_iw_high",
    "nll_exact",
    "collapsed",
    "judged",
    "wilson_low",
    "wilson_high",
    "mi",
    "latent_gain",
)
SPARSITY = ("active_units", "hoyer_mean", "ppl")
TRIAL = ("nll_iw", "nll_exact", "mi", "latent_gain", "active_units", "kl", "hoyer_mean", "ppl")

VIEWS: Mapping[str, tuple[str, str, str, bool, tuple[str, ...]]] = {  # filter, order, ascending, columns
    "configurations": (
        "every confirmed configuration with its seed statistics, best likelihood first",
        "tags.`uncollapse.kind` = 'configuration'",
        "seeds/nll_iw",
        True,
        tuple(f"seeds/{name}" for name in (*CONFIGURATION, *SPARSITY)),
    ),
    "confirmation": (
        "every confirmation run, on the full validation split",
        "tags.`uncollapse.stage` = 'replicate'",
        "valid/nll_iw",
        True,
        tuple(f"valid/{name}" for name in TRIAL),
    ),
    "search": (
        "every search trial, on the fixed subset",
        "tags.`uncollapse.stage` = 'search'",
        "subset/nll_iw",
        True,
        tuple(f"subset/{name}" for name in TRIAL),
    ),
}


def tags(study: str) -> dict[str, str]:
    """Tags of the experiment: what kind it is, what a person reads about it, and its views."""
    return {**KIND, "mlflow.note.content": _note(study), **{VIEW + name: _state(name) for name in VIEWS}}


def address(page: str, experiment: str, view: str) -> str:
    """Where MLflow's page at the address `page` shows a view."""
    return f"{page}/#/experiments/{experiment}/runs?viewStateShareKey={view}"


def _state(name: str) -> str:
    """A view as MLflow's page keeps one, in plain JSON."""
    _, searched, order, ascending, metrics = VIEWS[name]
    facets = {
        "searchFilter": searched,
        "orderByKey": f"metrics.`{order}`",
        "orderByAsc": ascending,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
    }
    columns = [*(f"tags.`uncollapse.{tag}`" for tag in ("family", "state")), *(f"metrics.`{name}`" for name in metrics)]
    return json.dumps({**facets, "selectedColumns": columns})


def _note(study: str) -> str:
    views = "\n".join(f"- `?viewStateShareKey={name}`: {view[0]}" for name, view in VIEWS.items())
    return (
        f"Study **{study}** of uncollapse. The run called `{study}` holds the report (artifacts, `report/index.html`); "
        "under it stand the search trials and the confirmed configurations, and under each configuration its runs, one "
        "a confirmation seed. `seeds/...` are figures over seeds, `valid/...` of the full validation split, "
        f"`subset/...` of a fixed part of it during training.\n\nViews, added to this page's address:\n{views}\n"
    )
