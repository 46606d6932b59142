"""A study as Ray Tune's tutorials write one: a process a trial, `MLflowLoggerCallback`, the corpus loaded in the trial.

    python -m tests.benchmarks.plain_tune STUDY FOLDER [--reuse]

The baseline of `tests.benchmarks.scheduling`. STUDY is a JSON file of a `corpus:` section, its cache, and jobs as our own
workers get them; they are trained by the same code, so that only what surrounds a training differs. Writes
FOLDER/trials.json: when each trial began and ended, and its seconds inside epochs.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")

import ray
import torch
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback


def train(config: dict[str, Any]) -> None:
    """One trial: load the corpus, train, report every epoch."""
    from uncollapse.study.corpora.prepare import prepare
    from uncollapse.study.training.corpus_info import corpus_info_of
    from uncollapse.study.training.training import Effort, Task, Training

    job, started = config["job"], time.time()
    torch.set_num_threads(1)
    corpus = prepare(config["corpus"], Path(config["cache"]), Path())
    names = ("configuration", "seed", "epochs", "batch_size")
    task = Task(
        **{name: job[name] for name in names}, corpus_info=corpus_info_of(corpus), effort=Effort.of(job["evaluate"])
    )
    training = Training(task, corpus.split("train"), corpus.split("valid"), torch.device("cpu"))
    inside = 0.0
    for epoch in training.epochs():
        inside += epoch["cost/seconds"]
        tune.report({**epoch, "started": started, "ended": time.time(), "inside": inside})


def main(study: Path, folder: Path, reuse: bool) -> None:
    folder.mkdir(parents=True)
    space = json.loads(study.read_text())
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    callback = MLflowLoggerCallback(tracking_uri=f"sqlite:///{folder}/mlflow.db", experiment_name="plain")
    tuner = tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={**space, "job": tune.grid_search(space["job"])},
        tune_config=tune.TuneConfig(reuse_actors=reuse),
        run_config=tune.RunConfig(name="plain", storage_path=str(folder), callbacks=[callback], verbose=0),
    )
    results = tuner.fit()
    found = [{name: one.metrics[name] for name in ("started", "ended", "inside")} for one in results if one.metrics]
    (folder / "trials.json").write_text(json.dumps(found))


if __name__ == "__main__":
    given, target, *more = sys.argv[1:]
    main(Path(given), Path(target), more == ["--reuse"])
