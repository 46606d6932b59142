"""What the ledger holds in memory: the same figures bit for bit, in a fraction of a dictionary's memory."""

import copy
import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from uncollapse.study.storage.compact_rows import Row, Shared
from uncollapse.study.storage.ledger import Ledger

FIGURES = {"epoch": 1.0, "subset/mi": -0.0, "subset/kl": 0.1 + 0.2, "subset/nll": 5e-324, "time": 1e308}


def held(name: str, value: Any, shared: Shared | None = None) -> Any:
    return (shared or Shared()).lean({"op_code": 8, "user_attr": {name: value}})["user_attr"][name]


@pytest.mark.parametrize("name", ["epoch/00001", "final"])
def test_figures_become_a_row_that_reads_like_the_dictionary_it_was(name: str) -> None:
    row = held(name, FIGURES)
    assert isinstance(row, Row)
    assert (row == FIGURES, dict(row) == FIGURES, {**row} == FIGURES) == (True, True, True)
    assert list(row) == list(FIGURES)
    assert list(row.items()) == list(FIGURES.items())
    assert list(row.values()) == list(FIGURES.values())
    bits = [struct.pack("d", row[key]) == struct.pack("d", value) for key, value in FIGURES.items()]
    assert all(bits)
    assert (len(row), "subset/mi" in row, "mi" in row, row.get("mi")) == (5, True, False, None)
    assert repr(row) == repr(FIGURES)
    assert copy.deepcopy(row) == pickle.loads(pickle.dumps(row)) == row
    with pytest.raises(KeyError):
        row["mi"]


@pytest.mark.parametrize("value", [{"epoch": 1, "subset/mi": 0.5}, {"subset/mi": None}, {}, {"a": {"b": 1.0}}])
def test_what_is_not_all_doubles_stays_as_it_is(value: dict[str, Any]) -> None:
    kept = held("epoch/00001", dict(value))
    assert type(kept) is dict
    assert kept == value
    assert [type(one) for one in kept.values()] == [type(one) for one in value.values()]


@pytest.mark.parametrize("name", ["configuration", "settings"])
def test_other_attributes_stay_as_they_are_and_configurations_are_there_once(name: str) -> None:
    shared = Shared()
    assert type(held("params", {"lr": 0.1}, shared)) is dict
    one, other = ({"latent": {"kind": "vmf", "kappa": 80.0}} for _ in range(2))
    assert one is not other
    assert held(name, one, shared) is held(name, other, shared)
    assert held(name, {"latent": {"kind": "vmf", "kappa": 80}}, shared) is not one, "80 is not 80.0"
    planned = shared.lean({"op_code": 4, "user_attrs": {name: other, "family": "vmf"}})
    assert planned == {"op_code": 4, "user_attrs": {name: one, "family": "vmf"}}
    assert planned["user_attrs"][name] is one
    assert held("configuration", "c1", shared) == "c1"


def test_a_trial_of_twenty_epochs_and_25_measures_takes_less_than_25_kilobytes(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, names=("one",), search={"trials": 40, "stop_early": "none"})
    stage = trial_records.search(study, tmp_path)
    measures = {f"subset/measure_{number}": number / 7 for number in range(24)}
    for _ in range(40):
        record = stage.next_trial()
        assert record is not None
        for epoch in range(1, 21):
            stage.recorder.epoch(record.key, {"epoch": float(epoch), **measures, "cost/seconds": 1.0})
        stage.recorder.finish(record.key, {})
    Ledger(tmp_path / "runs", "mine")  # what is made once
    tracemalloc.start()
    try:
        ledger = Ledger(tmp_path / "runs", "mine")
        taken = tracemalloc.get_traced_memory()[0] / 40
    finally:
        tracemalloc.stop()
    print(f"{taken / 1000:.1f} kB a trial")
    assert len(ledger.trials("search", "one")) == 40
    assert taken < 25_000
