"""Whether a model can be trained in the memory that is there, known before any of it is taken."""

import os
from collections.abc import Mapping
from typing import Any

import torch

from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.text_vae import TextVAE

COPIES = 4  # weights, gradients and Adam's two moments
OVERFLOW = "overflow"  # how torch says that a tensor has more elements than it can count


def error(configuration: Mapping[str, Any], corpus_info: CorpusInfo, device: torch.device) -> str | None:
    """Why a model of a resolved configuration cannot be trained on a device, however small its batches; None if it may.

    Parameters are counted on torch's `meta` device, which takes no memory and leaves random numbers alone. ValueError
    as from `TextVAE`.
    """
    try:
        with torch.device("meta"):
            numbers = sum(parameter.numel() for parameter in TextVAE(configuration, corpus_info).parameters())
    except RuntimeError as error:  # also of weights that are read from a file, which are as large as their file
        return "it has more parameters than can be counted; make its sizes smaller" if OVERFLOW in str(error) else None
    needed, there = 4 * COPIES * numbers, _bytes(device)
    if needed <= there:
        return None
    return (
        f"its {numbers:,} parameters need {needed / 1e9:,.0f} GB with their gradients and Adam's moments, and "
        f"{'the GPU' if device.type == 'cuda' else 'this machine'} has {there / 1e9:,.0f} GB; make its sizes smaller"
    )


def _bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
