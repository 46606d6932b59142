"""Hyperparameter studies of text VAEs: how often training collapses, how stable the learnt sparsity is.

Everything in `__all__` is public; it is loaded when it is first asked for, so that `import uncollapse` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uncollapse.api.analysis import Findings, compare, findings, records, write_report
    from uncollapse.api.families import families, family
    from uncollapse.api.models import TrainedModel, build_model, load_corpus, load_model, train
    from uncollapse.api.studies import Plan, RunResult, export, load_study, plan, run
    from uncollapse.study.errors import RunError, UserError

__all__ = [
    "Findings",
    "Plan",
    "RunError",
    "RunResult",
    "TrainedModel",
    "UserError",
    "build_model",
    "compare",
    "export",
    "families",
    "family",
    "findings",
    "load_corpus",
    "load_model",
    "load_study",
    "plan",
    "records",
    "run",
    "train",
    "write_report",
]
_HOMES = {
    "uncollapse.api.analysis": ("Findings", "compare", "findings", "records", "write_report"),
    "uncollapse.api.families": ("families", "family"),
    "uncollapse.api.models": ("TrainedModel", "build_model", "load_corpus", "load_model", "train"),
    "uncollapse.api.studies": ("Plan", "RunResult", "export", "load_study", "plan", "run"),
    "uncollapse.study.errors": ("RunError", "UserError"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("uncollapse")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'uncollapse' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
