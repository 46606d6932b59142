"""Where the project lies, and the real corpora that stand beside it on the project's machines and in no user's clone."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
DATA = SHARED / "data"
