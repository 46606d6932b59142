"""The facts of a study, written when it begins, and whether a study that goes on is still the same study."""

import dataclasses
import datetime
import importlib.metadata
import platform
from collections.abc import Mapping
from itertools import chain
from typing import Any

from uncollapse.study.config.families import reachable
from uncollapse.study.config.sections import SECTIONS
from uncollapse.study.config.study_page import Study
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.errors import UserError
from uncollapse.study.storage.fingerprints import Code, code_changes, code_of
from uncollapse.study.storage.outside import recorded
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.training.validation import refuse_few

PACKAGES = ("ray", "optuna", "torch", "mlflow", "numpy", "spacy", "uncollapse")
MAY_GROW = (("search", "trials"), ("replicate", "configurations"), ("replicate", "seeds"))
MAY_GAIN = (("replicate", "also"),)  # lists to which something may be added
MAY_EXTEND = (("search", "start"),)  # lists to whose end something may be added
MAY_CHANGE = ("tracking", "export")
# Say how long the study trains, and whether it trains what others trained already; nothing of its trials.
FREE = (("search", "hours"), ("search", "reuse"))


def begin(
    study: Study, workspace: Workspace, page: str, corpus: Corpus, budget: Mapping[str, Any] | None = None
) -> None:
    """Write the study's facts, or check that a study which goes on is still the same study.

    Args:
        study: with the numbers that were chosen for its budget.
        workspace: of it.
        page: as the user named it.
        corpus: of it, prepared.
        budget: what the facts hold of it; None for a study that never had one.

    Raises:
        UserError: the page was changed in a way that would mix two studies, or the corpus is too small.
    """
    refuse_few(corpus)
    settings, code = study.settings(), code_of(study.families)
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    if workspace.facts.exists() and workspace.recorded:  # before the first trial there is nothing to mix with
        known = workspace.read_facts()
        if found := changes(known, settings, corpus.digest, code):
            raise UserError([f"{study.name}: {error}" for error in found])
        created = known["created"]
    packages = {name: importlib.metadata.version(name) for name in PACKAGES} | {"python": platform.python_version()}
    held = {"name": corpus.name, "digest": corpus.digest, "facts": dict(corpus.facts)}
    outside = recorded(chain.from_iterable(map(reachable, study.families)))
    facts = {"study": study.name, "page": page, "created": created, "packages": packages}
    trained = {"code": code, "outside": outside, **({"budget": dict(budget)} if budget else {})}
    workspace.write_facts(
        {**facts, **trained, "folder": str(study.folder.resolve()), "corpus": held, "settings": settings}
    )


def changes(known: Mapping[str, Any], settings: Mapping[str, Any], corpus: str, code: Code) -> list[str]:
    """Why a study cannot go on under these settings and with this code; an empty list if it can."""
    found = []
    remedy = "put it back, or give the study another name"
    if changed := code_changes(known["code"], code):
        found.append(
            f"its training code is not that with which it was begun: {'; '.join(changed)}; one study is trained by "
            "one code: go on with that version, or give the study another name"
        )
    if known["corpus"]["digest"] != corpus:
        found.append(f"its corpus was {known['corpus']['digest']} and is now {corpus}; {remedy}")
    before = known["settings"]
    for key in settings.keys() | before.keys():
        if key in MAY_CHANGE or key == "corpus" or _plain(settings.get(key)) == _plain(before.get(key)):
            continue
        if key == "resources":
            found += _resource_changes(before[key], settings[key], remedy)
        else:
            found += _section_changes(key, before.get(key), settings.get(key), remedy)
    return sorted(found)


def _resource_changes(before: Mapping[str, Any], now: Mapping[str, Any], remedy: str) -> list[str]:
    """Resources may change as long as the numbers stay the same: threads and kind of device decide how sums round."""
    found = []
    if max(1, int(before["cpus"])) != max(1, int(now["cpus"])):
        found.append(
            f"`resources.cpus` was {before['cpus']:g} and is now {now['cpus']:g}: its whole part is the number of "
            f"threads, which decides how sums round, so trials before and after could not be compared; {remedy}"
        )
    if bool(before["gpus"]) != bool(now["gpus"]):
        found.append(
            f"`resources.gpus` was {before['gpus']:g} and is now {now['gpus']:g}: a CPU and a GPU round differently, "
            f"so trials before and after could not be compared; another share of a GPU is allowed; {remedy}"
        )
    return found


def _section_changes(key: str, before: Any, now: Any, remedy: str) -> list[str]:
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return [f"`{key}` was {before!r} and is now {now!r}; {remedy}"]
    if key in SECTIONS:
        before = {**_plain(dataclasses.asdict(SECTIONS[key]())), **before}  # begun before an option was there
    found = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if key == "families" and old is None:
            continue  # a family more is as if it had been there, since every family has a sampler of its own
        if _plain(old) != _plain(new) and not _grows((key, name), old, new):
            found.append(_change(key, name, old, new, remedy))
    return found


def _grows(place: tuple[str, str], old: Any, new: Any) -> bool:
    if place in FREE:
        return True
    if place in MAY_GAIN:
        return set(old) <= set(new)
    if place in MAY_EXTEND:
        return bool(_plain(old) == _plain(new)[: len(old)])
    return place in MAY_GROW and isinstance(old, int) and isinstance(new, int) and new >= old


def _change(section: str, name: str, old: Any, new: Any, remedy: str) -> str:
    if section == "families":
        what = "is no longer there" if new is None else "was changed, or the override over it"
        return f"`families.{name}` {what}; trials of one family belong to one page; {remedy}"
    rule = "it may only grow" if (section, name) in MAY_GROW + MAY_GAIN + MAY_EXTEND else remedy
    return f"`{section}.{name}` was {old!r} and is now {new!r}; {rule}"


def _plain(value: Any) -> Any:
    """As it looks after a round through JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
