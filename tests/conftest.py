"""What all tests share."""

import pytest
import torch

from uncollapse.study.libraries import configure_libraries

configure_libraries()  # as the command does, before anything else is imported


@pytest.fixture(autouse=True)
def _one_thread_and_a_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
