"""Weights that a configuration starts from and that are not ours: whether they are here. Free of torch."""

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SECONDS = 5.0  # that the hub has to answer in
WHERE = ("config.json", "model.safetensors")
LIBRARY = "encoder.kind: bert needs the transformers library; install uncollapse[bert]"


def lacking(name: str, why: object) -> str:
    """The sentence for weights that are not here."""
    return (
        f"encoder.name: the weights of {name!r} must be on this machine or within its reach ({why}); download "
        "config.json, model.safetensors and the tokenizer's files from the hub into a folder, and name that folder"
    )


def error(configuration: Mapping[str, Any]) -> str | None:
    """What a resolved configuration lacks to be built here; None if it lacks nothing, as far as can be known."""
    encoder = configuration["encoder"]
    return _error(encoder["name"]) if encoder["kind"] == "bert" else None


def forget() -> None:
    """Look again where weights were missed."""
    _error.cache_clear()


@cache  # several families start from the same weights
def _error(name: str) -> str | None:
    if find_spec("transformers") is None:
        return LIBRARY
    if (folder := Path(name).expanduser()).is_dir():
        missing = [file for file in WHERE[:1] if not (folder / file).is_file()]
        missing += [] if any(folder.glob("*.safetensors")) else WHERE[1:]
        return lacking(name, f"{' and '.join(missing)} cannot be found in the folder") if missing else None
    return hub_error(name)


def hub_error(name: str) -> str | None:
    """Why a name cannot be loaded from the hub's cache here, nor from the hub."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache

    try:
        if all(isinstance(try_to_load_from_cache(name, file), str) for file in WHERE[:1]):
            return None
        get_hf_file_metadata(hf_hub_url(name, WHERE[0]), timeout=SECONDS)
    except Exception as error:  # the hub's own, the network's, and what any proxy makes of it
        return lacking(name, str(error).strip().partition("\n")[0] or type(error).__name__)
    return None
