"""Numbers that every single bound allows and no machine can run: refused by `plan`, in a sentence."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import models
from tests.support.arbitrary_pages import ask

PAGE: dict[str, Any] = {"study": "mine", "corpus": {"name": "cafes", "sentences": 60}, "families": ["seqvae", "vmf"]}
MANY = 10**17
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "trials": (
        {"search": {"trials": MANY}},
        "a study has at most 1,000,000 trials, and this one plans 200,000,000,000,0",
    ),
    "seeds": ({"replicate": {"seeds": MANY}}, "a study has at most 1,000,000 trials"),
    "configurations and seeds": ({"replicate": {"seeds": 1000, "configurations": 1000}}, "this one plans 2,002,048"),
    "a sliver of a CPU": ({"resources": {"cpus": 1e-320}}, "resources.cpus: must be at least 0.01, found 1e-320"),
    "a sliver of a GPU": ({"resources": {"gpus": 1e-5}}, "resources.gpus: must be at least 0.0001, found 1e-05"),
    "a GPU and a half": (
        {"resources": {"gpus": 1.5}},
        "resources.gpus: must be at most 1 (a trial trains on one GPU; more of them train more trials at once), found 1.5",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_plan_that_no_machine_can_run(case: str, tmp_path: Path) -> None:
    changes, sentence = REFUSED[case]
    page = models.write(tmp_path / "page.yaml", yaml.safe_dump({**PAGE, **changes}))
    answer = ask("plan", str(page), "--no-calibrate", "--runs", str(tmp_path / "runs"))
    assert answer.code == 2
    assert sentence in answer.err


@pytest.mark.parametrize("resources", [{"cpus": 0.01}, {"cpus": 0.5, "gpus": 0}])
def test_fractions_of_devices_are_allowed(resources: dict[str, float], tmp_path: Path) -> None:
    page = models.write(tmp_path / "page.yaml", yaml.safe_dump({**PAGE, "resources": resources}))
    assert ask("plan", str(page), "--no-calibrate", "--runs", str(tmp_path / "runs")).code == 0
