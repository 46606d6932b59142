"""Wall time and peak memory of a report over 1,000 and 10,000 trials x 20 epochs x 25 measures, read from MLflow.

    python -m tests.benchmarks.report_size [--folder DIR] [--trials N ...]

The studies are written through MLflow into SQLite files under DIR, which takes far longer than the report: about a
quarter of an hour for 10,000 trials on an idle core. What is there already is kept, so a benchmark that was cut off
goes on, and the next one only reads. Every report is made in a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support import mlflow_study

STUDY, EPOCHS = "size", 20


def uri(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.db'}"


def made(folder: Path, trials: int) -> Path:
    """A study of so many trials in MLflow, made or completed."""
    place = folder / f"{trials}-trials"
    place.mkdir(parents=True, exist_ok=True)
    if (place / "complete").exists():
        return place
    started = last = time.perf_counter()
    for done, _ in enumerate(
        mlflow_study.write(uri(place), STUDY, mlflow_study.trials(trials, EPOCHS), place / "artifacts"), start=1
    ):
        if time.perf_counter() - last > 60:
            last = time.perf_counter()
            print(f"  {done:,} of {trials:,} trials written, {last - started:.0f} s", flush=True)
    (place / "complete").touch()
    print(f"{trials:,} trials written in {time.perf_counter() - started:.0f} s", flush=True)
    return place


def measure(place: Path) -> dict[str, float]:
    """Seconds of each part, by the clock and of the processor, and the peak of resident memory; for a fresh process."""
    from uncollapse.analysis.findings import find
    from uncollapse.analysis.mlflow_runs import runs
    from uncollapse.analysis.report import page

    found: dict[str, float] = {}

    def timed(part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timing(*arguments: Any) -> Any:
            clock, processor = time.perf_counter(), time.process_time()
            result = work(*arguments)
            found[part], found[f"{part}, cpu"] = time.perf_counter() - clock, time.process_time() - processor
            return result

        return timing

    records = timed("reading", runs.records)(uri(place), STUDY)
    findings = timed("finding", find)(records)
    vars(page)["page"] = timed("page", page.page)
    with tempfile.TemporaryDirectory() as folder:
        written = timed("page and tables", page.write)(findings, Path(folder))
        found["page, MB"] = written.stat().st_size / 1e6
        found["all files, MB"] = sum(path.stat().st_size for path in written.parent.iterdir()) / 1e6
    found["peak, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    parts = ("reading", "finding", "page and tables")
    whole = {f"all{of}": sum(found[part + of] for part in parts) for of in ("", ", cpu")}
    return {
        "trials": len(records.trials),
        "values": int(records.curves.filter(like="/").count().sum()),
        **found,
        **whole,
    }


def main(folder: Path, sizes: list[int]) -> None:
    found = []
    for place in [made(folder, size) for size in sizes]:
        command = [sys.executable, "-m", "tests.benchmarks.report_size", "--measure", str(place)]
        found.append(json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout))
    for name in found[0]:
        ratio = found[-1][name] / found[0][name] if found[0][name] else float("nan")
        print(f"{name:20}" + "".join(f"{one[name]:14,.1f}" for one in found) + f"  x {ratio:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, help="where the studies are made and kept (a temporary one)")
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    request = parser.parse_args()
    if request.measure:
        print(json.dumps(measure(request.measure)))
    elif request.folder:
        main(request.folder, request.trials)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary), request.trials)
