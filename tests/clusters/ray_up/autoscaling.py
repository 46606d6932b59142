"""Run inside a machine: Ray's own autoscaler over the AWS file's kinds of nodes, which are processes here and no instances.

Arguments: the cluster file. Only inside namespaces: Ray's helper begins with `ray stop --force`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from ray.autoscaler._private import fake_multi_node
from ray.cluster_utils import AutoscalingCluster

G5 = {"CPU": 4, "GPU": 1, "object_store_memory": 200_000_000}  # what Ray looks up at AWS
LISTS = ["initialization", "setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray"]


def start(kinds: dict[str, Any]) -> None:
    """Start the head; workers come when something waits for them."""
    _defaults()
    worker = {**kinds["gpu_worker"], "resources": G5, "node_config": {}}
    AutoscalingCluster(dict(kinds["head"]["resources"]), {"gpu_worker": worker}, autoscaler_v2=True).start()


def _defaults() -> None:
    """The file of defaults that Ray's wheel lacks for this provider."""
    provider = {"type": "fake_multinode", "use_node_id_as_ip": True}
    provider |= {"disable_node_updaters": True, "disable_launch_config_check": True}
    known: dict[str, Any] = {"cluster_name": "fake", "max_workers": 8, "provider": provider, "auth": {}, "docker": {}}
    known |= {"head_node_type": "ray.head.default", "upscaling_speed": 1.0, "idle_timeout_minutes": 0.2}
    known |= {"file_mounts": {}, "cluster_synced_files": [], "file_mounts_sync_continuously": False}
    known |= {"rsync_exclude": [], "rsync_filter": [], **{f"{name}_commands": [] for name in LISTS}}
    Path(fake_multi_node.__file__).with_name("example.yaml").write_text(json.dumps(known))


if __name__ == "__main__":
    start(yaml.safe_load(Path(sys.argv[1]).read_text())["available_node_types"])
