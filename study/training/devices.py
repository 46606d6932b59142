"""On which device a training runs, and how far its numbers can be repeated there."""

import os
from contextlib import AbstractContextManager

import torch


def device_of(gpus: float) -> torch.device:
    """The GPU that a trial was given; the CPU where it asked for none, or torch sees none."""
    return torch.device("cuda" if gpus > 0 and torch.cuda.is_available() else "cpu")


def named(device: torch.device) -> str:
    """As it is recorded of a trial: `cpu`, or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def settle(device: torch.device, deterministic: bool) -> None:
    """Choose a GPU's kernels: reproducible ones in full precision, or the fastest. A CPU is reproducible as it is.

    Where CUDA has no reproducible kernel torch warns and goes on; the README lists the settings.
    """
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the first CUDA context is made
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = False  # lengths differ from batch to batch
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = not deterministic


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """The precision of a training's matrix products; weights, sums and every measure stay in float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")
