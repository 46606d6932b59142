"""MLflow's database is whole whatever happens while it is first made; `first_database` does the same in larger numbers."""

from pathlib import Path

import pytest

from tests.faults.first_database import killed, moments, together

pytestmark = pytest.mark.slow
KILLS, TOGETHER = 2, 2


@pytest.mark.parametrize("after", moments(KILLS, seed=1))
def test_a_driver_killed_while_it_is_made_leaves_a_whole_one_or_none(after: float, tmp_path: Path) -> None:
    assert killed(tmp_path, after) == ""


def test_studies_that_start_at_once_in_a_new_folder_all_end_and_agree_with_it(tmp_path: Path) -> None:
    assert together(tmp_path, TOGETHER) == []
