"""A user with a cluster file: what they type, on machines made for it."""

import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clusters.ray_up.machines import ROOT, Machine, machines

FILE = ROOT / "ray_cluster_on_premises.yaml"
ENVIRONMENT = ROOT / ".venv"
TOKEN = "ray get-auth-token --generate > /dev/null && chmod 600 ~/.ray/auth_token"  # as in docs/clusters.md
PAGE = """
study: {name}
corpus: {{name: cafes, sentences: 300}}
families: [lstm_lm, seqvae]
search: {{trials: 2, stop_early: none}}
replicate: {{configurations: 1, seeds: 2}}
train: {{epochs: {epochs}}}
evaluate: {{subset_sentences: 50, subset_samples: 2, full_samples: 2}}
override:
  inputs: {{size: 16}}
  encoder: {{hidden: 16, layers: 1}}
  decoder: {{hidden: 16, layers: 1}}
"""


@dataclass
class Launcher:
    """The user's shell in the project's folder, and the cluster file with its blanks filled in.

    Args:
        user: the user's machine.
        nodes: head first.
    """

    user: Machine
    nodes: list[Machine]

    def __post_init__(self) -> None:
        head, *workers = (machine.address for machine in self.nodes)
        blanks = {"HEAD": head, "WORKER": ", ".join(workers), "USER": "root", "KEY": "cluster"}
        text = FILE.read_text()
        for name, value in blanks.items():
            text = text.replace(f"FILL_IN_{name}", value)
        (self.user.home / "cluster.yaml").write_text(text)
        for node in self.nodes:
            _furnish(node)

    def shell(self, command: str, check: bool = True, seconds: float = 300) -> str:
        """What the user's command prints."""
        ready = f"cd {ROOT}; export PATH={ENVIRONMENT}/bin:$PATH; {command}"
        return self.user.run("bash", "-c", ready, check=check, seconds=seconds)

    def on_head(self, command: str, check: bool = True, seconds: float = 300) -> str:
        """What a command prints under `ray exec`."""
        return self.shell(f"ray exec ~/cluster.yaml {shlex.quote(command)}", check, seconds)

    def over_ssh(self, node: Machine, command: str, seconds: float = 120) -> str:
        words = ["ssh", "-o", "StrictHostKeyChecking=no", "-i", "/root/.ssh/cluster", f"root@{node.address}", command]
        return self.user.run(*words, seconds=seconds)

    def page(self, name: str, epochs: int) -> str:
        """Bring a study's page to the shared folder as docs/clusters.md says; returns its path there."""
        (self.user.home / f"{name}.yaml").write_text(PAGE.format(name=name, epochs=epochs))
        self.shell(f"ray rsync-up ~/cluster.yaml ~/{name}.yaml /shared/{name}.yaml")
        return f"/shared/{name}.yaml"

    def up(self) -> None:
        """`ray up`, then wait for the worker, which the head starts by itself."""
        self.shell("ray up ~/cluster.yaml --yes")
        deadline = time.monotonic() + 400
        while f"{len(self.nodes)} local.cluster.node" not in (said := self.on_head("ray status")):
            assert time.monotonic() < deadline, said
            time.sleep(3)

    def verified(self, study: str) -> dict[str, int]:
        """What `uncollapse verify` compared; fails if it found a difference."""
        said = self.on_head(f"uncollapse verify {study} --runs /shared/runs --json")
        found = json.JSONDecoder().raw_decode(said[said.index("{\n") :])[0]
        assert not found["differences"], found
        return dict(found["compared"])


def _furnish(node: Machine) -> None:
    """What differs from a bare machine: the interpreter of this one, and pip takes what is installed for the build."""
    (node.home / ".bashrc").write_text(f"export PATH={sys.base_prefix}/bin:$PATH\n")
    settings = node.home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text("[install]\nno-build-isolation = false\n")  # pip reads this switch upside down: there is none


@contextmanager
def launcher() -> Iterator[Launcher]:
    """A user with a token and two bare machines."""
    if Path(sys.prefix) != ENVIRONMENT:
        pytest.skip("the machines share the environment that `make install` makes, .venv in the project's folder")
    with machines(2) as (user, nodes):
        made = Launcher(user, nodes)
        made.shell(TOKEN)
        yield made
