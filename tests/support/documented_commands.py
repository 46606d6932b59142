"""Commands as README.md gives them."""

import re

from tests.support.places import ROOT

BLOCK = r"<!-- {marker} -->\n```bash\n(.*?)```\n"


def block(marker: str) -> str:
    """The fenced commands under a marker, a comment that README.md's readers do not see."""
    found: list[str] = re.findall(BLOCK.format(marker=re.escape(marker)), text(), re.DOTALL)
    assert len(found) == 1, f"README.md has {len(found)} blocks marked {marker!r}"
    return found[0]


def text() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")
