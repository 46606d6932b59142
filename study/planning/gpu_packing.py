"""How many trials share a GPU or a machine, from the memory that one was measured to take."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

HEADROOM = 0.9  # of the memory; searched sizes above the middle of their range take more than was measured


def per_gpu(one: float, whole: float) -> int:
    """Trials that fit into a GPU's memory; 0 if not even one does."""
    return int(HEADROOM * whole // one) if one > 0 else 0


def share(trials: int) -> float:
    """The fraction of a GPU to ask for so that `trials` share it, rounded down to four digits, which Ray counts."""
    return math.floor(1e4 / trials) / 1e4


def advice(rows: Sequence[Mapping[str, Any]], gpus: float, slots: int, host_bytes: int) -> list[str]:
    """What `plan` says of memory.

    Args:
        rows: of `study.planning.calibration.Estimate`.
        gpus: that the page asks for a trial.
        slots: trials at once.
        host_bytes: memory of the machine that was measured.
    """
    process = max(row["process_bytes"] for row in rows)
    lines = [_host_line(process, slots, host_bytes)]
    largest = max(rows, key=lambda row: row["gpu_bytes"])
    if largest["gpu_bytes"]:
        lines.append(_gpu_line(largest, gpus))
    elif gpus:
        lines.append(
            "gpu        asked for, and torch sees none here: measured on the CPU, and trials would train there"
        )
    return lines


def _host_line(process: int, slots: int, host_bytes: int) -> str:
    line = f"memory     {process / 1e9:.1f} GB a worker at most; {slots} at once of {host_bytes / 1e9:.0f} GB"
    fitting = int(HEADROOM * host_bytes // process)
    return (
        line
        if slots <= fitting
        else f"{line}: too much for one machine; `resources.at_once: {max(1, fitting)}` fits it"
    )


def _gpu_line(row: Mapping[str, Any], gpus: float) -> str:
    fitting = per_gpu(row["gpu_bytes"], row["gpu_total"])
    line = (
        f"gpu        {row['device']}: {row['gpu_bytes'] / 1e9:.1f} of {row['gpu_total'] / 1e9:.0f} GB for the largest, "
        f"{row['family']}"
    )
    if fitting < 1:
        return f"{line}: it does not fit"
    if gpus and int(1 / gpus + 1e-9) > fitting:
        return f"{line}: `resources.gpus: {gpus:g}` packs more than fit; {share(fitting):g} packs {fitting}"
    return f"{line}: `resources.gpus: {share(fitting):g}` would pack {fitting} a GPU by memory; more share its time too"
