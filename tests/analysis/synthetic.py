"""Synthetic records with a known truth: collapse probabilities, Hoyer spreads and hyperparameter effects are set, not found."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.schema import Records

FAMILIES = ("lstm_lm", "seqvae", "avgpool", "maxpool", "abspool", "vmf", "hrvae", "hsvae", "vat")
COLLAPSE = {
    "seqvae": 0.6,
    "avgpool": 0.25,
    "maxpool": 0.05,
    "abspool": 0.1,
    "vmf": 0.0,
    "hrvae": 0.15,
    "hsvae": 0.3,
    "vat": 1.0,
}
NLL = {"lstm_lm": 33.9, "seqvae": 34.3, "avgpool": 33.6, "maxpool": 33.1, "abspool": 33.2, "vmf": 33.4, "hrvae": 33.7}
SEED_SD, CONFIGURATION_SD = 0.015, 0.05


def records(
    families: Sequence[str] = FAMILIES,
    trials: int = 24,
    configurations: int = 3,
    seeds: int = 10,
    epochs: int = 10,
    seed: int = 0,
    losses: bool = True,
) -> Records:
    """A study's records; with `losses` a few trials diverge, fail or are missing."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for family in families:
        searched = [_search(family, number, epochs, rng) for number in range(trials)]
        best = sorted(searched, key=_searched_figure)[:configurations]
        replicates = [
            _replicate(row, s, epochs, rng) | {"role": role}
            for row, role in zip(best, ("best", "knee", "base", *["front"] * len(best)), strict=False)
            for s in range(100, 100 + seeds)
        ]
        for row in searched + replicates:
            if losses:
                _lose(row, rng)
            curves += _curve(row, rng)
            rows.append(_visible(row))
    return Records(study(families, epochs), pd.DataFrame(rows), pd.DataFrame(curves))


def study(families: Sequence[str], epochs: int = 10) -> dict[str, Any]:
    """A study's facts as the founder passes them."""
    return {
        "name": "synthetic",
        "created": "2026-01-01T12:00:00",
        "code_version": "0.1.0+gabc1234",
        "packages": {"torch": "2.13.0", "ray": "2.60.0", "numpy": "2.4.0"},
        "corpus": {
            "name": "cafes",
            "digest": "sha256:9f2c1d0e77aa",
            "facts": {"train": 8000, "valid": 1000, "test": 1000, "vocabulary": 1243, "tokens a sentence": 12.4},
        },
        "families": list(families),
        "epochs": epochs,
        "thresholds": {"mi": 0.1, "latent_gain": 0.1, "version": 1},
        "iw_samples_subset": 16,
        "iw_samples_valid": 64,
        "subset_sentences": 256,
        "valid_sentences": 1000,
        "select": "subset/nll_iw",
        "resources": {"cpus": 1, "gpus": 0},
        "settings": {"search": {"trials": 24, "sampler": "tpe"}, "replicate": {"configurations": 3, "seeds": 10}},
        "export_rule": {"limit": 0.5, "certainty": 0.95, "medians": []},
        "commands": ["uncollapse run cafes.yaml", "uncollapse report cafes"],
    }


def _searched_figure(row: dict[str, Any]) -> float:
    name = "subset/nll_iw" if "subset/nll_iw" in row else "subset/nll_exact"
    return float(row[name]) if row["state"] == "finished" else np.inf


def _search(family: str, number: int, epochs: int, rng: np.random.Generator) -> dict[str, Any]:
    params = _params(family, rng)
    row: dict[str, Any] = {"family": family, "stage": "search", "number": number, "seed": 7, "cause": ""}
    row["configuration"] = hashlib.sha256(f"{family}{sorted(params.items())}".encode()).hexdigest()[:8]
    row["audit"] = number % 10 == 0
    row["_quality"] = float(np.log10(params["optimizer.lr"] / 1e-3) ** 2 + rng.normal(0, 0.3))
    row["_hoyer"] = 0.35 + rng.normal(0, CONFIGURATION_SD) + (0.3 if family == "hsvae" else 0)
    row["_params"] = params
    stopped = number >= 6 and not row["audit"] and row["_quality"] > 0.5
    row |= {"state": "stopped" if stopped else "finished", "epochs": epochs // 2 if stopped else epochs}
    constant = params.get("objective.kl.z.kind") == "constant"
    chance = float(np.clip(COLLAPSE.get(family, 0.0) * (1.5 if constant else 0.8), 0, 1))
    return _measured(row, "subset", rng.random() < chance, rng)


def _replicate(search: dict[str, Any], seed: int, epochs: int, rng: np.random.Generator) -> dict[str, Any]:
    keep = {k: search[k] for k in ("family", "configuration", "number", "_quality", "_hoyer", "_params")}
    row: dict[str, Any] = keep | {"stage": "replicate", "seed": seed, "cause": "", "audit": False}
    row |= {"state": "finished", "epochs": epochs}
    dead = rng.random() < COLLAPSE.get(row["family"], 0.0)
    return _measured(_measured(row, "subset", dead, rng), "valid", dead, rng)


def _measured(row: dict[str, Any], split: str, dead: bool, rng: np.random.Generator) -> dict[str, Any]:
    row["key"] = f"{row['family']}-{row['stage']}-{row['number']}-{row['seed']}"
    row["seconds"] = float(40 * rng.gamma(20, 0.05))
    base = NLL.get(row["family"], 33.5) + 0.8 * row["_quality"] + rng.normal(0, 0.15)
    base += 2.0 if row["state"] == "stopped" else 0.0
    values: dict[str, float]
    if row["family"] == "lstm_lm":
        values = {"nll_exact": base, "ppl": float(np.exp(base / 12.4)), "reconstruction": base}
    else:
        mi = float(rng.gamma(1.5, 0.01) if dead else rng.gamma(8, 0.35))
        gain = float(rng.normal(0.01, 0.01) if dead else 1.4 * mi + rng.normal(0, 0.2))
        nll = base + (0.9 if dead else 0.0)
        hoyer = float(np.clip(row["_hoyer"] + rng.normal(0, SEED_SD), 0, 1))
        kl = mi + float(rng.gamma(2, 0.05))
        values = {"nll_iw": nll, "nll_elbo": nll + 0.4, "ppl": float(np.exp(nll / 12.4)), "reconstruction": nll - kl}
        values |= {
            "mi": mi,
            "latent_gain": gain,
            "kl": kl,
            "kl_z": kl,
            "active_units": 0.0 if dead else float(rng.integers(6, 33)),
        }
        values |= {"hoyer_mean": hoyer, "hoyer_sample": hoyer * 0.9, "hoyer_mean_centred": hoyer * 0.8}
        values |= {"hoyer_sample_centred": hoyer * 0.7, "dims_dropped": 0.0, "cosine": float(rng.beta(5, 3))}
    return row | {f"{split}/{name}": value for name, value in values.items()}


def _params(family: str, rng: np.random.Generator) -> dict[str, Any]:
    params: dict[str, Any] = {
        "optimizer.lr": float(10 ** rng.uniform(-4, -2)),
        "inputs.word_dropout": rng.uniform(0, 0.6),
    }
    if family == "lstm_lm":
        return params
    kind = str(rng.choice(["constant", "linear", "logistic", "cyclical"]))
    params |= {"objective.kl.z.kind": kind, "latent.size": int(rng.choice([16, 32, 64]))}
    if kind == "constant":
        params["objective.kl.z.value"] = float(rng.uniform(0.1, 1.0))
    if family == "vmf":
        params["latent.kappa"] = float(10 ** rng.uniform(0.7, 2.3))
    if family == "hsvae":
        params |= {"latent.alpha": float(10 ** rng.uniform(-1, 1)), "latent.beta": float(10 ** rng.uniform(-1, 1))}
    if family == "vat":
        params["latent.prior_scale"] = float(rng.uniform(0.5, 4))
    return params


def _lose(row: dict[str, Any], rng: np.random.Generator) -> None:
    draw = rng.random()
    losses = (
        (0.015, "diverged", "loss is not finite at update 412"),
        (0.025, "failed", "CUDA out of memory"),
        (0.03, "failed", "worker died: SIGKILL"),
        (0.04, "missing", ""),
    )
    for bound, state, cause in losses:
        if draw < bound:
            row |= {"state": state, "cause": cause, "epochs": 0 if state == "missing" else 3}
            for column in [c for c in row if c.startswith(("subset/", "valid/"))]:
                row[column] = float("nan")
            return


def _curve(row: dict[str, Any], rng: np.random.Generator) -> list[dict[str, Any]]:
    points = []
    for epoch in range(1, row["epochs"] + 1):
        done = 1 - np.exp(-epoch / 3)
        point: dict[str, Any] = {"key": row["key"], "epoch": epoch, "updates": 250 * epoch}
        point["train/loss"] = 60 - 25 * done
        if row["family"] != "lstm_lm":
            hoyer = 0.2 + (row["_hoyer"] - 0.2) * done + rng.normal(0, SEED_SD)
            point |= {"subset/hoyer_mean": hoyer, "subset/hoyer_sample": 0.9 * hoyer}
            point |= {"subset/hoyer_mean_centred": 0.8 * hoyer, "subset/hoyer_sample_centred": 0.7 * hoyer}
            point["subset/mi"] = 3 * done
        points.append(point)
    return points


def _visible(row: dict[str, Any]) -> dict[str, Any]:
    params = {f"param.{name}": value for name, value in row["_params"].items()}
    return {name: value for name, value in row.items() if not name.startswith("_")} | params
