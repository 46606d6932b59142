"""Where a study's files lie, and what is kept beside its ledger so that it can be read without its page."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uncollapse.analysis.whole_file import write_whole
from uncollapse.search_spaces import page_yaml
from uncollapse.study.config.names import CONSTRAINT, NAME, study_error
from uncollapse.study.config.tracking_uri import plain, sqlite_uri
from uncollapse.study.errors import UserError


@dataclass(frozen=True)
class Workspace:
    """The files of one study under `runs`.

    Args:
        runs: the folder of all studies; absolute.
        study: the study's name.
    """

    runs: Path
    study: str

    @classmethod
    def at(cls, folder: Path) -> "Workspace":
        """The workspace whose `folder` this is."""
        whole = folder.resolve()
        return cls(whole.parent, whole.name)

    @property
    def folder(self) -> Path:
        return self.runs / self.study

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.journal"

    @property
    def recorded(self) -> int:
        """Bytes of the ledger: what tells progress from none."""
        return self.ledger.stat().st_size if self.ledger.exists() else 0

    @property
    def facts(self) -> Path:
        return self.folder / "study.json"

    @property
    def weights(self) -> Path:
        return self.folder / "weights"

    @property
    def control(self) -> Path:
        return self.folder / "control"

    @property
    def log(self) -> Path:
        return self.folder / "run.log"

    @property
    def report(self) -> Path:
        return self.folder / "report"

    @property
    def best(self) -> Path:
        return self.folder / "best"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def scratch(self) -> Path:
        return self.folder / "tune"

    @property
    def corpora(self) -> Path:
        return self.runs / "corpora"

    @property
    def artifacts(self) -> Path:
        return self.runs / "artifacts" / self.study

    @property
    def database(self) -> Path:
        """MLflow's, where the page names no other."""
        return self.runs / "mlflow.db"

    def tracking_uri(self, wanted: str | None) -> str:
        """The study's tracking server, or SQLite beside all studies."""
        return plain(wanted) if wanted else sqlite_uri(self.database)

    def read_facts(self) -> dict[str, Any]:
        """What was written about the study when it began.

        Raises:
            UserError: there is no such study here.
        """
        if not self.facts.is_file():
            there = sorted(path.parent.name for path in self.runs.glob("*/study.json"))
            known = (
                f"studies there: {', '.join(there)}" if there else "there is none yet; start one with `uncollapse run`"
            )
            raise UserError(f"no study {self.study!r} under {self.runs}; {known}")
        try:
            facts = json.loads(self.facts.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            facts = None
        if not isinstance(facts, dict) or not {"study", "settings", "corpus", "code"} <= facts.keys():
            raise UserError(
                f"{self.facts}: what `uncollapse run` wrote about the study is expected, and this is damaged"
            )
        if found := _names_outside(facts):
            raise UserError([f"{self.facts}: {error}; restore the file that `uncollapse run` wrote" for error in found])
        return facts

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        write_whole(self.facts, json.dumps(facts, indent=2, default=str) + "\n")


def _names_outside(facts: Mapping[str, Any]) -> list[str]:
    """Names that become names of files, and would lead out of the study's folder: the file may be anybody's."""
    settings, corpus = facts["settings"], facts["corpus"]
    families = settings.get("families", ()) if isinstance(settings, Mapping) else ()
    found = [
        f"a family is called by {CONSTRAINT}, found {name!r}"
        for name in families
        if not isinstance(name, str) or not NAME.fullmatch(name)
    ]
    digest = corpus.get("digest", "0") if isinstance(corpus, Mapping) else "0"
    if not isinstance(digest, str) or not NAME.fullmatch(digest):
        found.append(f"a corpus's digest is a name, found {digest!r}")
    if (error := study_error(facts["study"])) is not None:
        found.append(f"study: {error}")
    return found


def writable(folder: Path) -> str | None:
    """Why nothing can be written into a folder, or where it would be made; None if it can. Leaves nothing behind."""
    if found := page_yaml.unwritable(str(folder)):
        return f"--runs {folder}: exported files name this folder, and a name in it cannot be written ({found[0]})"
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return f"--runs {folder}: a study writes its ledger there and this folder cannot be written ({error.strerror})"
