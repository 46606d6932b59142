"""The project's documents as tests read them: their pages, their fenced blocks, and their prose without code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<mark>[^\n]*?) -->\n(?P=indent))?```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
CODE_SPAN = re.compile(r"`[^`\n]+`")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Args:
        place: page and line, for messages.
        language: what the fence says; "" where it says nothing.
        mark: the comment right above it; "" where there is none.
        body: what stands in it, less the fence's indentation.
    """

    place: str
    language: str
    mark: str
    body: str

    @property
    def runs(self) -> bool:
        """Whether nothing excuses it from being run."""
        return not self.mark.startswith("not run: ")


def paths() -> list[Path]:
    """Every page that a reader is sent to."""
    top = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    return [*top, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("**/README.md"))]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    whole = text(path)
    for found in FENCE.finditer(whole):
        place = f"{name(path)}:{whole[: found.start()].count(chr(10)) + 1}"
        body = re.sub(f"^{found['indent']}", "", found["body"], flags=re.MULTILINE)
        yield Block(place, found["language"], found["mark"] or "", body)


def every_block(language: str) -> list[Block]:
    """The blocks of every page in one language."""
    return [block for path in paths() for block in blocks(path) if block.language == language]


def without_blocks(path: Path) -> str:
    """A page without fenced blocks and comments."""
    return COMMENT.sub("", FENCE.sub("", text(path)))


def prose(path: Path) -> str:
    """A page's sentences: neither code nor comments nor the addresses of links."""
    return re.sub(r"]\([^)]*\)", "]", CODE_SPAN.sub("", without_blocks(path)))
