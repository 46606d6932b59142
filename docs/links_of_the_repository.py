"""A hook of mkdocs: links that leave `docs/` lead nowhere on a built site, so there their text alone is left."""

import re
from typing import Any

OUT = re.compile(r"\[([^]]+)]\(\.\./[^)]+\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page's text as the site shows it."""
    return OUT.sub(r"\1", markdown)
