"""`check`: whether a component, or a family's whole model, does what every one of its kind must."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uncollapse.analysis.counted import counted
from uncollapse.cli import Answer
from uncollapse.models.configuration import components, outside
from uncollapse.models.conformance.variants import sizes
from uncollapse.study.config import families
from uncollapse.study.errors import UserError

if TYPE_CHECKING:
    from uncollapse.models.conformance.component import Result


def options(parser: ArgumentParser) -> None:
    """The arguments of `check`."""
    parser.add_argument(
        "subject",
        help="package.module:Name, or SLOT.KIND such as latent.vmf; or a family's name, or the path of a page",
    )
    parser.add_argument(
        "--slot", choices=tuple(components.SLOTS), help="what the component is made for, where that cannot be told"
    )
    parser.add_argument(
        "--variants",
        action="store_true",
        help="under every combination of a component's switches too, where a published quirk may fail by design",
    )


def check(arguments: Namespace) -> Answer:
    """Every check of a component or a page, one a line; fails if one fails."""
    results = _results(arguments)
    _one_thread()
    found = list(results)
    failed = [one for one in found if one.failure is not None]
    rows: list[dict[str, Any]] = [one._asdict() | {"passed": one.failure is None} for one in found]
    lines = [f"passed  {one.check}" if one.failure is None else f"failed  {one.check}: {one.failure}" for one in found]
    total = f"{arguments.subject}: {len(found) - len(failed)} of {counted(len(found), 'check')} passed"
    return {"subject": arguments.subject, "checks": rows, "failed": len(failed)}, "\n".join([*lines, total])


def _one_thread() -> None:
    """Small tensors are faster so."""
    import torch

    torch.set_num_threads(1)


def _results(arguments: Namespace) -> Iterator["Result"]:
    subject, switched = arguments.subject, arguments.variants
    named, _, kind = subject.partition(".")
    if ":" in subject:
        return _of_component(_slot_of(subject, arguments.slot), subject, switched)
    if named in components.SLOTS and kind not in ("yaml", "yml"):
        return _of_component(named, kind, switched)
    return _of_page(subject)


def _slot_of(name: str, slot: str | None) -> str:
    """What `package.module:Name` is made for: as the user says, as its package registers it, or as its class tells."""
    if found := outside.errors(slot or "", name):
        raise UserError([f"{name}: {error}" for error in found])
    registered = {one.slot for one in outside.registered() if one.name == name}
    if (slot := slot or next(iter(registered), None) or _told(name)) is None:
        raise UserError(
            f"{name}: what it is made for cannot be told from its class; say it with --slot, one of "
            f"{', '.join(components.SLOTS)}"
        )
    return slot


def _told(name: str) -> str | None:
    from uncollapse.models.conformance.component import slot_of

    try:
        return slot_of(outside.load(name))
    except ValueError as error:
        raise UserError(str(error)) from None


def _of_component(slot: str, kind: str, switched: bool) -> Iterator["Result"]:
    """The checks of a component of a slot, by the kind that a page would give."""
    if found := [f"{slot}.kind: {error}" for error in components.kind_errors(slot, kind)]:
        raise UserError(found)
    if found := components.errors(slot, {"kind": kind, **sizes(slot, kind)}, slot):
        raise UserError([f"{error} with a default, which a check can use" for error in found])
    from uncollapse.models.conformance.component import results

    return results(slot, kind, switched)


def _of_page(name: str) -> Iterator["Result"]:
    """The checks of the whole model of a family, at a small size."""
    family = families.load(name, Path.cwd())
    from uncollapse.models.conformance import model
    from uncollapse.models.conformance.small import SMALL

    try:
        return model.results(family.override(SMALL).configure({}))
    except ValueError as error:  # a component that cannot be built here, such as BERT without its weights
        raise UserError(f"{name}: {error}") from None
