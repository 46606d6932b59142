"""The two cluster files: accepted by Ray, whole, in step with the project and with README.md. Starts nothing."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.support import documented_commands
from tests.support.places import ROOT
from uncollapse.cli.main import COMMANDS

AWS, PREMISES = FILES = ("ray_cluster.yaml", "ray_cluster_on_premises.yaml")
LISTS = ("setup_commands", "head_setup_commands", "head_start_ray_commands", "worker_start_ray_commands")
ONCE, AGAIN = "test -e ~/.mlflow/credentials && exit 0", "curl --silent --fail http://127.0.0.1:5000/health && exit 0"
LARGEST = 20e6  # bytes that travel to every node


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return content


def commands(name: str) -> Iterator[str]:
    content = read(name)
    return (command for which in LISTS for command in content.get(which, []))


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", FILES)
def test_rays_own_loader_and_schema_accept_it(name: str) -> None:
    prepared = prepare_config(read(name))
    validate_config(prepared)
    assert prepared["head_node_type"] in prepared["available_node_types"]
    assert prepared["worker_setup_commands"] == read(name)["setup_commands"]


def test_rays_schema_refuses_a_key_that_it_does_not_know() -> None:
    with pytest.raises(Exception, match="head_commands"):
        validate_config(prepare_config(read(AWS) | {"head_commands": []}))


@pytest.mark.parametrize("name", FILES)
def test_what_travels_is_what_the_installation_needs(name: str) -> None:
    mounts = read(name)["file_mounts"]
    assert mounts.pop("~/.ray/auth_token") == "~/.ray/auth_token"
    assert mounts == {f"~/uncollapse/{place}": place for place in mounts.values()}
    packages = {"uncollapse", *(link.name for link in (ROOT / "uncollapse").iterdir() if link.is_symlink())}
    assert set(mounts.values()) == packages | {
        "pyproject.toml",
        "constraints.txt",
        project()["project"]["readme"],
        *project()["project"]["license-files"],
    }
    files = [file for place in mounts.values() for file in (ROOT / place, *(ROOT / place).rglob("*")) if file.is_file()]
    assert sum(file.stat().st_size for file in files if "__pycache__" not in file.parts) < LARGEST
    assert {"__pycache__", ".git", ".venv", "runs"} <= set(read(name)["rsync_exclude"])


@pytest.mark.parametrize("name", FILES)
def test_every_command_is_a_shells(name: str) -> None:
    for command in commands(name):
        subprocess.run(["bash", "-n", "-c", f"({command})"], check=True)  # as Ray puts it


@pytest.mark.parametrize("name", FILES)
def test_what_is_installed_exists_and_is_constrained(name: str) -> None:
    installs = [command for command in commands(name) if "pip install" in command]
    assert installs
    for command in installs:
        assert "--constraint ~/uncollapse/constraints.txt" in command
        for extra in re.findall(r"uncollapse\[([\w,]+)\]", command):
            assert set(extra.split(",")) <= set(project()["project"]["optional-dependencies"])


@pytest.mark.parametrize("name", FILES)
def test_ray_never_starts_without_the_token_and_the_shared_folder(name: str) -> None:
    content = read(name)
    assert "chmod 600 ~/.ray/auth_token" in content["setup_commands"]
    for which in ("head_start_ray_commands", "worker_start_ray_commands"):
        listed = content[which]
        assert listed[0].startswith("mountpoint -q /shared")
        assert listed[0] in content["setup_commands"]
        starts = [command for command in listed if "ray start" in command]
        assert len(starts) == 1
        assert re.search(r"RAY_AUTH_MODE=token ray start", starts[0])  # in the same line: exports do not carry over
    assert "--dashboard-host=127.0.0.1" in content["head_start_ray_commands"][-1]
    assert not [command for command in commands(name) if "0.0.0.0" in command]


def test_the_two_files_say_the_same_where_they_can() -> None:
    cloud, premises = read(AWS), read(PREMISES)
    for key in ("file_mounts", "rsync_exclude"):
        assert cloud[key] == premises[key]
    assert [command for command in premises["setup_commands"] if command not in cloud["setup_commands"]] == []
    assert cloud["worker_start_ray_commands"] == premises["worker_start_ray_commands"]
    head = premises["head_start_ray_commands"][-1]
    assert head.replace("RAY_enable_autoscaler_v2=0 ", "") == cloud["head_start_ray_commands"][-1]


def test_the_cloud_keeps_trials_off_the_head_and_takes_spot_machines() -> None:
    types = read(AWS)["available_node_types"]
    assert types["head"]["resources"] == {"CPU": 0}
    assert types["gpu_worker"]["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert types["gpu_worker"]["min_workers"] == 0 < types["gpu_worker"]["max_workers"] <= read(AWS)["max_workers"]


@pytest.mark.parametrize("kind", ["head", "gpu_worker"])
def test_amazon_knows_every_key_of_a_machine(kind: str) -> None:
    loaders = pytest.importorskip("botocore.loaders", reason="boto3, which `ray up` needs on AWS, is not installed")
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator

    model = ServiceModel(loaders.create_loader().load_service_model("ec2", "service-2"))
    request = read(AWS)["available_node_types"][kind]["node_config"] | {"MinCount": 1, "MaxCount": 1}
    shape = model.operation_model("RunInstances").input_shape
    assert not ParamValidator().validate(request, shape).has_errors()
    assert request["InstanceType"] in shape.members["InstanceType"].enum


def test_the_head_on_aws_starts_the_tracking_server_with_the_readmes_commands() -> None:
    content = read(AWS)
    keep = (
        documented_commands.block("tracking server: keep the login")
        .replace("umask 077\n", "")
        .replace("~/tracking/", "")
    )
    made = f"{ONCE}\nset -e\n{documented_commands.block('tracking server: make')}{keep}"
    assert made in content["head_setup_commands"]
    assert f"{AGAIN}\n{documented_commands.block('tracking server: start')}" in content["head_start_ray_commands"]


def test_the_documented_commands_of_a_cluster_exist() -> None:
    section = documented_commands.page("clusters")
    named = re.findall(r"\buncollapse ([a-z]+)\b", section)
    assert {"plan", "run", "status"} <= set(named) <= COMMANDS.keys()
    for name in re.findall(r"ray_cluster\w*\.yaml", section):
        assert name in FILES
