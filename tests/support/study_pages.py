"""The smallest study page with changes, parsed, or refused with its errors."""

from pathlib import Path
from typing import Any

import pytest

from uncollapse.study.config import study_page
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError

MINIMAL: dict[str, Any] = {"study": "mine", "corpus": {"name": "cafes"}, "families": ["seqvae", "vmf"]}


def parse(folder: Path = Path(), **changes: Any) -> Study:
    return study_page.parse({**MINIMAL, **changes}, folder, "my.yaml")


def refused(**changes: Any) -> tuple[str, ...]:
    with pytest.raises(UserError) as error:
        parse(**changes)
    return error.value.errors
