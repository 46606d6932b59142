"""Commands as the documents give them."""

import re

from tests.support.places import ROOT

BLOCK = r"<!-- {marker} -->\n```bash\n(.*?)```\n"


def block(marker: str) -> str:
    """The fenced commands of the tracking server under a marker, a comment that readers do not see."""
    found: list[str] = re.findall(BLOCK.format(marker=re.escape(marker)), page("tracking_server"), re.DOTALL)
    assert len(found) == 1, f"docs/tracking_server.md has {len(found)} blocks marked {marker!r}"
    return found[0]


def page(name: str) -> str:
    """One page of `docs/`."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
