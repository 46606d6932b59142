"""Nested facts by dotted path."""

from uncollapse.analysis.dotted import at_path, flatten

FACTS = {"train": {"batch_size": 32, "clip": None, "words": {}}, "name": "mine"}


def test_every_fact_has_its_path() -> None:
    assert dict(flatten(FACTS)) == {"train.batch_size": 32, "train.clip": None, "name": "mine"}


def test_a_fact_is_found_by_its_path_and_an_absent_one_is_none() -> None:
    assert [at_path(FACTS, path) for path in ("train.batch_size", "name", "train.rate", "name.length", "x.y")] == [
        32,
        "mine",
        None,
        None,
        None,
    ]
    assert at_path(None, "name") is None
