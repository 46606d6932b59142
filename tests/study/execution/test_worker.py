"""What a worker leaves behind when it ends itself."""

import subprocess
import sys
from pathlib import Path

from uncollapse.study.execution.worker import where_it_hung
from uncollapse.study.storage.retention import discard, hang_note

HANGS = """
import sys, time, threading
from pathlib import Path
import torch
from uncollapse.study.execution import worker
from uncollapse.study.training import devices, training

def hangs(content):
    time.sleep(600)

threading.Thread(target=time.sleep, args=(600,), daemon=True).start()  # which is none of the worker's
job = {"checkpoint": sys.argv[1], "epoch_seconds": 1.0, "threads": 1, "gpus": 0}
worker.train_job(job, None, hangs)
"""


def test_a_worker_that_hangs_ends_itself_and_says_where(tmp_path: Path) -> None:
    checkpoint = tmp_path / "one.pt"
    done = subprocess.run([sys.executable, "-c", HANGS, str(checkpoint)], capture_output=True, timeout=120, check=False)
    assert done.returncode == 1
    assert where_it_hung(checkpoint).endswith(" in hangs")
    discard(checkpoint)
    assert list(tmp_path.iterdir()) == []
    assert where_it_hung(checkpoint) == ""


def test_a_process_that_hung_elsewhere_is_no_hang_of_the_worker(tmp_path: Path) -> None:
    checkpoint = tmp_path / "one.pt"
    elsewhere = 'Thread 0x1 (most recent call first):\n  File "/a/other_worker.py", line 3 in _train\n'
    hang_note(checkpoint).write_text(elsewhere)
    assert where_it_hung(checkpoint) == ""
