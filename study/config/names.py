"""What may name a study or a family: names become names of files, of runs and of experiments."""

import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CONSTRAINT = "a name of letters, digits, '.', '_' and '-', 64 at most"
TAKEN = ("artifacts", "corpora", "default", "mlflow.db")  # beside the studies of a folder, and MLflow's own experiment


def study_error(name: object) -> str | None:
    """Why a study cannot be called `name`, as a constraint and what was found; None if it can."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return f"{CONSTRAINT}, found {'none' if name is None else repr(name)}"
    if name.lower() in TAKEN:
        return f"any name but those already used beside a study ({', '.join(TAKEN)}), found {name!r}"
    return None
