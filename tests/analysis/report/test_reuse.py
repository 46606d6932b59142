"""What a report says of trials that other studies trained."""

from tests.support.tables import OK, frame, replicate, search
from uncollapse.analysis.findings import find
from uncollapse.analysis.report.reuse import reuse_sentence
from uncollapse.analysis.report.sentences import headline
from uncollapse.analysis.schema import Records


def test_it_counts_by_stage_and_by_study() -> None:
    rows = [search("a", f"c{number}", number, **OK) | {"reused_from": "first"} for number in range(2)]
    rows += [search("a", "c3", 3, **OK), replicate("a", "c1", 1, **OK) | {"reused_from": "other"}]
    found = find(Records({}, frame(*rows), frame()))
    sentence = (
        "Taken over and not trained again: 2 search trials and 1 confirmation run, 2 from first and 1 from other."
    )
    assert reuse_sentence(found) == sentence
    assert sentence in headline(found)


def test_a_study_that_trained_everything_says_nothing() -> None:
    assert reuse_sentence(find(Records({}, frame(replicate("a", "c1", 1, **OK)), frame()))) == ""
