"""Components of other packages that a study uses: what is recorded of them, and how its workers find them."""

import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from uncollapse.models.configuration import components, resolve
from uncollapse.models.configuration.signatures import Place
from uncollapse.models.configuration.sources import holder_of
from uncollapse.study.storage.fingerprints import fingerprint_of
from uncollapse.study.storage.reach import reached

Configurations = Iterable[Mapping[str, Any]]
INSTALLED = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib"))


def recorded(configurations: Configurations) -> list[dict[str, str]]:
    """Each component of another package: its slot and kind, its module and file, and a fingerprint of its own.

    The fingerprint covers its file and what that imports of its own top-level package.
    """
    return [
        {"slot": slot, "kind": kind, "module": place.module, "file": str(place.file), "code": _code(place)}
        for slot, kind, place in _components(configurations)
    ]


def python_path(configurations: Configurations) -> list[str]:
    """Folders that workers have to search for the components of resolved configurations, beside what is installed."""
    holders = (holder_of(place.module) for _, _, place in _components(configurations))
    folders = {holder.resolve() for holder in holders if holder is not None}
    return sorted(str(folder) for folder in folders if folder not in INSTALLED)


def _components(configurations: Configurations) -> Iterator[tuple[str, str, Place]]:
    named = frozenset().union(*map(resolve.chosen_components, configurations))
    for slot, kind in sorted(named):
        if ":" in kind:
            yield slot, kind, components.source_of(slot, kind)


def _code(place: Place) -> str:
    return fingerprint_of(reached([place.module], [place.module.partition(".")[0]]))
