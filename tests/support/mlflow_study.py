"""A synthetic study as trial records, and its way into MLflow: for what reads a study of any size back."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.entities import Metric

from uncollapse.analysis.schema import DIVERGED, ENDED, FAILED, FINISHED, REPLICATE, SEARCH, STOPPED
from uncollapse.study.tracking.projection import Projection
from uncollapse.study.trial_record import TrialRecord

# How often each family collapses, and its best NLL in nats per sentence.
FAMILIES = {
    "seqvae": (0.6, 34.3),
    "avgpool": (0.25, 33.6),
    "maxpool": (0.05, 33.1),
    "vmf": (0.0, 33.4),
    "hrvae": (0.15, 33.7),
    "hsvae": (0.3, 33.5),
    "vat": (0.9, 33.8),
    "abspool": (0.1, 33.2),
}
LIKELIHOOD = ("nll_iw", "nll_elbo", "reconstruction", "ppl", "ppl_words")
CODE = ("mi", "mi_batch", "latent_gain", "kl", "kl_z", "active_units")
HOYER = ("hoyer_mean", "hoyer_sample", "hoyer_mean_centred", "hoyer_sample_centred")
GEOMETRY = ("dims_dropped", "cosine", "random_pair_cosine", "class_accuracy", "class_majority")
MEASURES = (*LIKELIHOOD, *CODE, *HOYER, *GEOMETRY)
TRAINING = ("train/loss", "train/reconstruction", "cost/seconds", "cost/tokens", "cost/updates")
EPOCH = (*(f"subset/{name}" for name in MEASURES), *TRAINING)  # 25 measures
STARTED, SEEDS, REPLICATED = 1_700_000_000.0, 10, 0.4
UPDATES, SECONDS = 250, 4.0  # of an epoch


def trials(count: int, epochs: int = 20, seed: int = 0) -> Iterator[TrialRecord]:
    """About `count` trials, 160 or more, of eight families: three searched to two that confirm on a seed."""
    share = count // len(FAMILIES)
    assert share >= 2 * SEEDS, count
    configurations = max(1, round(REPLICATED * share / SEEDS))
    for place, family in enumerate(FAMILIES):
        searched = [_search(family, number, epochs, seed) for number in range(share - configurations * SEEDS)]
        yield from searched
        finished = [record for record in searched if record.state == FINISHED]
        best = sorted(finished, key=lambda record: record.measures["subset/nll_iw"])[:configurations]
        for number, (chosen, at) in enumerate((chosen, at) for at in range(1, SEEDS + 1) for chosen in best):
            rng = np.random.default_rng([seed, place, 1, number])
            yield _trained(replace(chosen, stage=REPLICATE, number=number, seed=at, audit=False), epochs, rng)


def _search(family: str, number: int, epochs: int, seed: int) -> TrialRecord:
    rng = np.random.default_rng([seed, list(FAMILIES).index(family), 0, number])
    params = _params(family, rng)
    configuration = _configuration(family, params)
    record = TrialRecord(
        key="",
        family=family,
        stage=SEARCH,
        number=number,
        configuration_id=hashlib.sha256(json.dumps(configuration).encode()).hexdigest()[:8],
        seed=2**30 + number,
        audit=number % 10 == 0,
        configuration=configuration,
        params=params,
        state=FINISHED,
        cause="",
        epochs=(),
        final={},
        started=STARTED + number,
        ended=0.0,
    )
    return _trained(record, epochs, rng)


def _params(family: str, rng: np.random.Generator) -> dict[str, Any]:
    params: dict[str, Any] = {
        "optimizer.lr": float(10 ** rng.uniform(-4, -2)),
        "inputs.word_dropout": float(rng.uniform(0, 0.6)),
        "latent.size": int(rng.choice([16, 32, 64])),
        "decoder.tied": bool(rng.random() < 0.5),
        "objective.kl.z.kind": str(rng.choice(["constant", "linear", "cyclical"])),
    }
    if params["objective.kl.z.kind"] == "constant":
        params["objective.kl.z.value"] = float(rng.uniform(0.1, 1.0))
    if family == "vmf":
        params["latent.kappa"] = float(10 ** rng.uniform(0.7, 2.3))
    return params


def _configuration(family: str, params: dict[str, Any]) -> dict[str, Any]:
    """A resolved configuration: what is searched, among thirty options that are the same in every trial."""
    made: dict[str, Any] = {f"part_{part}": {f"option_{n}": n for n in range(6)} for part in range(5)}
    made["latent"] = {"kind": family, "floor": None}
    for name, value in params.items():
        slot, key = name.split(".", 1)
        made.setdefault(slot, {})[key] = value
    return made


def _trained(record: TrialRecord, epochs: int, rng: np.random.Generator) -> TrialRecord:
    """The record with a state, its epochs and what it leaves."""
    key = hashlib.sha256(f"{record.configuration_id} {record.seed}".encode()).hexdigest()[:16]
    state, cause, length = _fate(record, epochs, rng)
    end = end_trial(record, rng)
    noise = rng.normal(0, 0.002, (length, len(MEASURES)))
    done = 1 - 0.8 * np.exp(-np.arange(1, length + 1)[:, None] / (epochs / 5))
    rows = end * (done + noise)
    times = record.started + SECONDS * np.arange(1, length + 1)
    whole = tuple(_epoch(n + 1, times[n], row) for n, row in enumerate(rows.tolist()))
    confirmed = record.stage == REPLICATE and state == FINISHED
    final = {f"valid/{name}": value for name, value in zip(MEASURES, end.tolist(), strict=True)} if confirmed else {}
    texts = {"samples.txt": f"{record.family} says something with seed {record.seed}\n"} if confirmed else {}
    ended = record.started + SECONDS * (length + 1)
    made = {"epochs": whole, "final": final, "artifacts": texts, "ended": ended}
    return replace(record, key=key, state=state, cause=cause, **made)


def _fate(record: TrialRecord, epochs: int, rng: np.random.Generator) -> tuple[str, str, int]:
    draw = rng.random()
    if draw < 0.005:
        return DIVERGED, "the loss became nan at update 412", max(1, epochs // 6)
    if draw < 0.01:
        return FAILED, "CUDA out of memory", 1
    if draw < 0.06 and record.stage == SEARCH and not record.audit:
        return STOPPED, "", max(1, epochs // 2)
    return FINISHED, "", epochs


def end_trial(record: TrialRecord, rng: np.random.Generator) -> np.ndarray:
    """Where training leads, in the order of `MEASURES`."""
    chance, best = FAMILIES[record.family]
    dead = rng.random() < chance * (1.3 if record.params["objective.kl.z.kind"] == "constant" else 0.8)
    mi = rng.gamma(1.5, 0.01) if dead else 1 + rng.gamma(8, 0.3)
    kl = mi + rng.gamma(2, 0.05)
    nll = best + 0.8 * np.log10(record.params["optimizer.lr"] / 1e-3) ** 2 + rng.normal(0, 0.15) + 0.9 * dead
    likelihood = [nll, nll + 0.4, nll - kl, np.exp(nll / 12), np.exp(nll / 11)]
    code = [mi, min(mi, np.log(32)), 1.3 * mi, kl, kl, 0 if dead else 12]
    hoyer = 0.35 + rng.normal(0, 0.02) + 0.3 * (record.family == "hsvae")
    accuracy = 0.5 if dead else 0.75 + rng.normal(0, 0.02)
    return np.array([*likelihood, *code, *(hoyer * np.array([1, 0.9, 0.8, 0.7])), 0.1, 0.6, 0.3, accuracy, 0.5])


def _epoch(number: int, when: float, measured: list[float]) -> dict[str, float]:
    values = [*measured, measured[1], measured[2], SECONDS, 4000.0, float(UPDATES * number)]
    return {"epoch": float(number), "time": float(when), **dict(zip(EPOCH, values, strict=True))}


class Bundled(Projection):
    """The projection, with all of a trial's epochs in one request: a tenth of its time."""

    waiting: tuple[Metric, ...] = ()
    ending = False

    def trial(self, record: TrialRecord) -> None:
        super().trial(record)
        if self.waiting:
            self._flush(self.runs[f"{record.stage}/{record.key}"])

    def log_metrics(self, run: str, metrics: list[Metric]) -> None:
        self.waiting = (*self.waiting, *metrics)
        if self.ending:  # before the run is marked as sent
            self._flush(run)

    def _flush(self, run: str) -> None:
        super().log_metrics(run, list(self.waiting))
        self.waiting = ()

    def end_trial(self, run: str, record: TrialRecord) -> None:
        self.ending = True
        super().end_trial(run, record)
        self.ending = False


def write(uri: str, study: str, records: Iterable[TrialRecord], artifacts: Path) -> Iterator[str]:
    """Bring the records into MLflow, yielding a name as each trial is there; one that has ended there is left alone."""
    projection = Bundled(uri, study, artifacts, {"code": "0.1.0+gabc1234", "corpus": "9f2c1d0e77aa"})
    projection.open()
    for record in records:
        name = f"{record.stage}/{record.key}"
        if record.state not in ENDED or projection.sent.get(name, -1) < len(record.epochs):
            projection.trial(record)
        yield name
