"""MLflow's database while it is first made: drivers are killed at drawn moments, and studies start at once, in new folders.

    python -m tests.faults.first_database --kills 20 --together 5

prints how many were whole afterwards: the next projection opens the database, and the studies end and agree with it.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.support.running_studies import kill, page, running, wait_until
from uncollapse.study.libraries import configure_libraries
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.tracking.projection import Projection
from uncollapse.study.tracking.verification import differences

MAKING = 6.0  # seconds after the first sign of a database within which a driver is killed
SMALL = {
    "families": ["seqvae"],
    "search": {"trials": 1, "sampler": "random", "subject_to": "none", "stop_early": "none"},
    "replicate": {"configurations": 1, "seeds": 1, "also": []},
    "train": {"epochs": 1, "batch_size": 16},
}


def signs(runs: Path) -> list[Path]:
    """Whatever stands at the place of a database, or beside it on its way."""
    return [path for path in runs.glob("*mlflow.db*") if not path.name.endswith(".lock")]


def killed(folder: Path, after: float) -> str:
    """Kill a driver so many seconds after the first sign of its database; why what it left is not whole, or ""."""
    runs = folder / "runs"
    with running(page(folder, **SMALL), runs, folder / "log") as process:
        wait_until(lambda: bool(signs(runs)), "a sign of the database", process)
        time.sleep(after)
        kill(process)
    try:
        place = Workspace(runs, "faulty")
        Projection(place.tracking_uri(None), "faulty", place.artifacts, {}).open()
    except Exception as error:
        return f"killed after {after:.1f} s: {type(error).__name__}: {str(error)[:200]}"
    return ""


def together(folder: Path, count: int) -> list[str]:
    """Start several studies at once in a new folder; why each that is not whole is not."""
    with ExitStack() as stack:
        started: dict[str, subprocess.Popen[str]] = {}
        for number in range(count):
            name, own = f"s{number}", folder / f"page-{number}"
            own.mkdir()
            study = page(own, **SMALL, study=name)
            started[name] = stack.enter_context(running(study, folder / "runs", own / "log"))
        codes = {name: process.wait() for name, process in started.items()}
    return [error for name, code in codes.items() if (error := _wrong(folder, name, code))]


def _wrong(folder: Path, name: str, code: int) -> str:
    if code != 0:
        return f"{name}: exit code {code}: {(folder / f'page-{name[1:]}' / 'log').read_text()[-500:]}"
    place = Workspace(folder / "runs", name)
    _, found = differences(place, place.read_facts())
    return f"{name}: {found[0]}" if found else ""


def moments(count: int, seed: int) -> list[float]:
    """Drawn moments, one in each of as many equal parts of the time that a database takes."""
    draw = random.Random(seed)
    return [MAKING * (place + draw.random()) / count for place in range(count)]


def main() -> int:
    """Count, and print what was not whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--together", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    configure_libraries()
    with tempfile.TemporaryDirectory() as place:
        errors = []
        for number, after in enumerate(moments(arguments.kills, arguments.seed)):
            (folder := Path(place) / f"kill-{number}").mkdir()
            errors += filter(None, [killed(folder, after)])
            print(f"killed after {after:.1f} s: {number + 1 - len(errors)} of {number + 1} whole", flush=True)
        (folder := Path(place) / "together").mkdir()
        doubled = together(folder, arguments.together) if arguments.together else []
    print(f"started at once: {arguments.together - len(doubled)} of {arguments.together} whole")
    print("\n".join([*errors, *doubled]))
    return bool(errors or doubled)


if __name__ == "__main__":
    sys.exit(main())
