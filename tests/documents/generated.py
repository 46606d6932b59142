"""Places of the documents that are made from the code. `python -m tests.documents.generated` makes them again."""

import json
import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tests.documents import pages
from uncollapse.cli.families import families
from uncollapse.study.config import page_reference

SCHEMA = pages.ROOT / "docs" / "study_page.schema.json"


class Place(NamedTuple):
    """What stands in a page between `<!-- generated: NAME ... -->` and `<!-- end of NAME -->`."""

    page: str
    name: str

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(
            f"(<!-- generated: {self.name}[^\n]*-->\n\n)(.*?)(\n\n<!-- end of {self.name} -->)", re.DOTALL
        )

    def found(self) -> str:
        """What stands there now."""
        every = self.pattern.findall(pages.text(pages.ROOT / self.page))
        assert len(every) == 1, f"{self.page} has {len(every)} places between the marks of {self.name!r}"
        return str(every[0][1])

    def put(self, made: str) -> None:
        """Write what was made between the marks."""
        path = pages.ROOT / self.page
        whole = self.pattern.sub(lambda found: f"{found[1]}{made}{found[3]}", pages.text(path))
        path.write_text(whole, encoding="utf-8")


def _families() -> str:
    table = families(Namespace(markdown=True))[1]
    assert table is not None
    return table


PLACES: Mapping[Place, Callable[[], str]] = {
    Place("docs/families.md", "families"): _families,
    Place("docs/study_page.md", "study page"): lambda: page_reference.markdown().strip(),
}


def schema() -> str:
    """The JSON schema of a study page, as its file holds it."""
    return json.dumps(page_reference.json_schema(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Make every place again."""
    for place, make in PLACES.items():
        place.put(make())
    SCHEMA.write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
