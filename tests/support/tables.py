"""Small hand-made trials, for tests that state every figure they use."""

from typing import Any

import pandas as pd

OK: dict[str, Any] = {"mi": 3.0, "latent_gain": 2.0}
DEAD: dict[str, Any] = {"mi": 0.01, "latent_gain": 0.0}


def replicate(family: str, configuration: str, seed: int, state: str = "finished", **measures: Any) -> dict[str, Any]:
    """One replicate trial with measures on `valid`; without any it takes `OK`."""
    figures = {f"valid/{name}": value for name, value in ({"nll_iw": 30.0} | (measures or OK)).items()}
    return _trial(family, "replicate", configuration, seed, state) | (figures if state == "finished" else {})


def search(family: str, configuration: str, number: int, state: str = "finished", **columns: Any) -> dict[str, Any]:
    """One search trial; `columns` are `param.` columns or measures on `subset`, told apart by their dot."""
    figures = {(f"param.{k}" if "." in k else f"subset/{k}"): v for k, v in columns.items()}
    return _trial(family, "search", configuration, number, state) | {"number": number, "seed": 7} | figures


def _trial(family: str, stage: str, configuration: str, seed: int, state: str) -> dict[str, Any]:
    key = f"{family}-{stage}-{configuration}-{seed}"
    facts = {"key": key, "family": family, "stage": stage, "configuration": configuration, "seed": seed, "number": 0}
    return facts | {"state": state, "cause": "", "audit": False, "epochs": 5, "seconds": 1.0}


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    """The rows as a trials table."""
    return pd.DataFrame(list(rows))


def seeds(family: str, configuration: str, collapsed: int, alive: int, first: int = 0) -> list[dict[str, Any]]:
    """`collapsed` dead seeds, then `alive` living ones."""
    dead = [replicate(family, configuration, first + i, **DEAD) for i in range(collapsed)]
    return dead + [replicate(family, configuration, first + collapsed + i) for i in range(alive)]
