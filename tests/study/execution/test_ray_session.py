"""Ray's folders: ours go with their process or after it, and nobody else's are touched."""

import fcntl
import subprocess
import sys
from pathlib import Path

from uncollapse.study.execution.ray_session import MARK

OWN = """
import sys
from pathlib import Path
from uncollapse.study.execution.ray_session import own
own(Path(sys.argv[1]))
print(sorted(path.name for path in Path(sys.argv[1]).parent.iterdir()))
"""


def session(folder: Path, name: str, mark: bool = False) -> Path:
    made = folder / f"session_{name}"
    (made / "logs").mkdir(parents=True)
    (made / "logs" / "raylet.out").write_text("a line")
    if mark:
        (made / MARK).touch()
    return made


def test_a_session_goes_with_its_process_and_the_next_removes_what_one_that_died_left(tmp_path: Path) -> None:
    own, died, lives = session(tmp_path, "own"), session(tmp_path, "died", True), session(tmp_path, "lives", True)
    others = session(tmp_path, "of_somebody_else")
    with (lives / MARK).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = subprocess.run([sys.executable, "-c", OWN, str(own)], capture_output=True, text=True, check=True)
    meanwhile = ["session_lives", "session_of_somebody_else", "session_own"]
    assert done.stdout.strip() == str(meanwhile)
    assert not died.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == meanwhile[:2]
    assert (others / "logs" / "raylet.out").exists()
