"""How many trials share a GPU, and what `plan` says of it."""

import pytest

from uncollapse.study.planning.gpu_packing import advice, per_gpu, share

GIGA = 10**9
ROW = {"family": "vmf", "device": "a GPU", "gpu_bytes": 0, "gpu_total": 0, "process_bytes": GIGA}


def test_as_many_as_memory_holds_with_room_to_spare() -> None:
    assert per_gpu(10 * GIGA, 80 * GIGA) == 7
    assert per_gpu(80 * GIGA, 80 * GIGA) == 0


@pytest.mark.parametrize("trials", [1, 2, 3, 6, 7, 16, 100])
def test_a_share_packs_exactly_so_many(trials: int) -> None:
    assert int(1 / share(trials)) == trials


def test_advice_by_what_was_measured() -> None:
    large = {**ROW, "family": "vat", "gpu_bytes": 10 * GIGA, "gpu_total": 80 * GIGA}
    [host, gpu] = advice([{**ROW, "gpu_bytes": GIGA, "gpu_total": 80 * GIGA}, large], 1, 2, 24 * GIGA)
    assert "1.0 GB a worker" in host
    assert "vat: `resources.gpus: 0.1428` would pack 7" in gpu
    assert "packs more than fit; 0.1428 packs 7" in advice([large], 0.1, 2, 24 * GIGA)[1]
    assert "does not fit" in advice([{**large, "gpu_bytes": 79 * GIGA}], 1, 1, 24 * GIGA)[1]
    assert "torch sees none" in advice([ROW], 0.5, 2, 24 * GIGA)[1]
    assert "resources.at_once: 21" in advice([ROW], 0, 40, 24 * GIGA)[0]
