"""What a document repeats equals its source."""

import re
import tomllib

import pytest
import yaml

from tests.documents import generated, pages
from tests.documents.generated import PLACES, Place

LONGEST = 150  # lines of the README
REMEDY = "make it again with `python -m tests.documents.generated`"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_a_generated_place_is_what_its_source_makes(place: Place) -> None:
    assert place.found() == PLACES[place](), REMEDY


def test_the_schema_is_what_its_source_makes() -> None:
    assert pages.text(generated.SCHEMA) == generated.schema(), REMEDY


def test_the_readme_is_short_and_names_the_test_command_of_ci() -> None:
    readme = pages.text(pages.ROOT / "README.md")
    assert len(readme.splitlines()) <= LONGEST
    assert re.search(r"^make test\b", readme, re.MULTILINE)
    assert re.search(r"^make test$", pages.text(pages.ROOT / ".ci" / "run"), re.MULTILINE)


def test_the_first_screen_says_what_collapse_is() -> None:
    first = pages.text(pages.ROOT / "README.md").split("## Install")[0]
    for said in ("Posterior collapse", "nats", "`latent_gain`", "`mi` < 0.1", "docs/images/report.png"):
        assert said in first, said


def test_one_version_everywhere() -> None:
    version = tomllib.loads(pages.text(pages.ROOT / "pyproject.toml"))["project"]["version"]
    assert yaml.safe_load(pages.text(pages.ROOT / "CITATION.cff"))["version"] == version
    newest = re.search(r"^## \[(.+?)] - \d{4}-\d\d-\d\d$", pages.text(pages.ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version
