"""A study of one trial that is long enough to be disturbed, and the processes that train it."""

import psutil

LONG = {
    "families": ["maxpool"],
    "search": {"trials": 1, "sampler": "random", "stop_early": "none"},
    "replicate": {"configurations": 1, "seeds": 1},
    "train": {"epochs": 30, "batch_size": 16},
}


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """Processes that train a trial for this driver."""
    found = []
    for child in process.children(recursive=True):
        try:
            if "run_trial" in " ".join(child.cmdline()) or "ImplicitFunc" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found
