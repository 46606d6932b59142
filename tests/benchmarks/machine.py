"""What a benchmark ran on, in one line: figures of two machines are not compared."""

import os
import platform
from datetime import date
from pathlib import Path


def processor() -> str:
    """The processor's name, as Linux says it."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")


def here() -> str:
    """Date, processor, cores that may be used, load at the start."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{date.today()}, {processor()}, {cores} cores, load {os.getloadavg()[0]:.1f} at the start"
