"""Every latent passes the checks of its slot. A new file in models/latents is picked up by being there."""

import importlib
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from uncollapse.models import latents
from uncollapse.models.conformance.latent import EVERY, FEATURES, Make

SIZE = 4
FOLDER = Path(latents.__file__).parent
KINDS = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
VARIANTS: dict[str, list[dict[str, object]]] = {
    "gaussian": [{"prior_scale": 0.3, "initial_scale": 0.2}],
    "vmf": [{"kappa": 2.0}],
    "planar_flow": [{"flows": 6}],
    "sparse_prior": [{"gamma": 0.5, "spike": 0.3}],
    "variational_sparse": [{"pseudo_sharpness": 1.0}],
    "spike_slab": [{"kl": "sample"}, {"slab_sees_gamma": True}, {"alpha": 0.5, "beta": 2.0, "temperature": 0.1}],
}
CASES = [(kind, settings) for kind in KINDS for settings in [{}, *VARIANTS.get(kind, [])]]


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_every_latent_passes(kind: str, settings: dict[str, object], check: Callable[[Make], None]) -> None:
    check(partial(build, kind, settings))


def build(kind: str, settings: dict[str, object]) -> Any:
    module = importlib.import_module(f"uncollapse.models.latents.{kind}")
    classes = [item for name, item in vars(module).items() if inspect.isclass(item) and named(name, kind)]
    assert len(classes) == 1
    latent: type[Any] = classes[0]
    size = {"size": SIZE} if "size" in inspect.signature(latent).parameters else {}
    return latent(FEATURES, **{**size, **settings})


def named(name: str, kind: str) -> bool:
    return not name.startswith("_") and name.replace("_", "").lower() == kind.replace("_", "").lower()
