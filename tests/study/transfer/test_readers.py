"""The tasks' files: read as they are handed round, or refused with the line."""

from pathlib import Path

import numpy as np
import pytest

from tests.support import task_files
from tests.support.models import write
from tests.support.task_files import STS, needs_texts
from uncollapse.study.errors import UserError
from uncollapse.study.transfer import tasks


def read(folder: Path, name: str) -> dict[str, tasks.Part]:
    return dict(tasks.read(tasks.find(folder, [name]))[name])


def test_every_task_of_a_folder_is_found(tmp_path: Path) -> None:
    found = tasks.find(task_files.every(tmp_path))
    assert list(found) == ["MR", "SST2", "SST5", "TREC", "MRPC", "SICK-E", "SICK-R", "STSb", "STS13"]


def test_the_data_folder_of_sentevals_scripts_will_do(tmp_path: Path) -> None:
    task_files.polarity(tmp_path / "downstream")
    assert tasks.find(tmp_path) == {"MR": tmp_path / "downstream" / "MR"}


def test_a_file_for_each_class(tmp_path: Path) -> None:
    whole = read(task_files.polarity(tmp_path, 5), "MR")["whole"]
    assert whole.gold.tolist() == [0] * 5 + [1] * 5
    assert list(whole.first) == task_files.sentences(0, 5) + task_files.sentences(1, 5)
    assert whole.second is None


def test_latin_1_is_read_where_utf_8_fails(tmp_path: Path) -> None:
    assert read(task_files.polarity(tmp_path, 5, latin=True), "MR")["whole"].first[-1] == "a café of the old kind"


@pytest.mark.parametrize(("name", "fine", "classes"), [("SST2", False, 2), ("SST5", True, 5)])
def test_sentiment(tmp_path: Path, name: str, fine: bool, classes: int) -> None:
    parts = read(task_files.sentiment(tmp_path, fine), name)
    assert set(parts) == {"train", "dev", "test"}
    assert parts["test"].gold.tolist() == [row % classes for row in range(12)]
    assert parts["test"].first[0] == task_files.sentences(0, 1, 200)[0]


def test_questions_are_of_their_coarse_class(tmp_path: Path) -> None:
    test = read(task_files.questions(tmp_path), "TREC")["test"]
    assert [tasks.QUESTIONS[label] for label in test.gold[:3]] == ["NUM", "LOC", "HUM"]
    assert test.first[1] == "Where is the cafe ? 1"


def test_a_lone_quotation_mark_joins_no_lines(tmp_path: Path) -> None:
    test = read(task_files.paraphrases(tmp_path), "MRPC")["test"]
    assert len(test) == 8
    assert all(text.startswith('" ') for text in test.first)
    assert test.gold.tolist() == [0, 1, 1, 0, 1, 1, 0, 1]


def test_sick_has_judgements_and_scores(tmp_path: Path) -> None:
    folder = task_files.sick(tmp_path)
    judged, scored = read(folder, "SICK-E")["dev"], read(folder, "SICK-R")["dev"]
    assert judged.gold.tolist() == [0, 1, 2, 0, 1, 2]
    assert scored.gold.tolist() == [1, 2, 3, 4, 5, 1]
    assert judged.first == scored.first


def test_pairs_that_nobody_judged_are_left_out(tmp_path: Path) -> None:
    parts = read(task_files.similarity(tmp_path), "STS13")
    assert set(parts) == {"headlines", "OnWN"}
    assert [len(part) for part in parts.values()] == [8, 8]
    np.testing.assert_allclose(parts["OnWN"].gold, [5 * row / 8 for row in range(8)], atol=0.005)


def test_the_benchmark(tmp_path: Path) -> None:
    parts = read(task_files.benchmark(tmp_path), "STSb")
    assert {name: len(part) for name, part in parts.items()} == {"train": 20, "dev": 6, "test": 8}
    assert parts["test"].gold.tolist() == [0, 1, 2, 3, 4, 5, 0, 1]


@needs_texts
def test_the_real_similarity_tasks() -> None:
    parts = read(STS, "STS12")
    assert {name: len(part) for name, part in parts.items()} == {
        "MSRpar": 750,
        "MSRvid": 750,
        "SMTeuroparl": 459,
        "surprise.OnWN": 750,
        "surprise.SMTnews": 399,
    }
    assert {name: len(part) for name, part in read(STS, "STSb").items()} == {"train": 5749, "dev": 1500, "test": 1379}


BROKEN = {
    "a class too many": (
        "SST2",
        "SST/binary/sentiment-dev",
        "fine food\t2\n",
        "line 1: a class from 0 to 1 is expected, found '2'",
    ),
    "no class": ("SST5", "SST/fine/sentiment-dev", "fine food\n", "a class from 0 to 4 is expected, found 'fine'"),
    "another kind of question": ("TREC", "TREC/TREC_10.label", "WHY:so Why ?\n", "one of ABBR, DESC"),
    "a missing column": ("MRPC", "MRPC/msr_paraphrase_test.txt", "head\n1\t2\t3\tone\n", "line 2: 5 columns"),
    "a score beyond": (
        "SICK-R",
        "SICK/SICK_trial.txt",
        "head\n1\ta\tb\t7\tNEUTRAL\n",
        "a score from 1 to 5 is expected, found '7'",
    ),
    "no number": ("STSb", "STSb/sts-dev.csv", "m\tn\ty\t1\t\ta\tb\n", "a score from 0 to 5 is expected, found ''"),
    "not a number": ("STSb", "STSb/sts-dev.csv", "m\tn\ty\t1\tnan\ta\tb\n", "found 'nan'"),
    "another judgement": ("SICK-E", "SICK/SICK_trial.txt", "head\n1\ta\tb\t3\tMAYBE\n", "found 'MAYBE'"),
    "lines that do not match": ("STS13", "STS13-en-test/STS.gs.OnWN.txt", "1\n2\n", "a line for each of the 9 pairs"),
    "nothing": ("MR", "MR/rt-polarity.pos", "\n", "there are none"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_not_a_tasks_file_is_refused(tmp_path: Path, case: str) -> None:
    name, path, text, constraint = BROKEN[case]
    write(task_files.every(tmp_path) / path, text)
    with pytest.raises(UserError) as error:
        read(tmp_path, name)
    assert constraint in str(error.value)
    assert Path(path).name in str(error.value)


def test_the_errors_of_all_tasks_come_at_once(tmp_path: Path) -> None:
    folder = task_files.every(tmp_path)
    (folder / "TREC" / "TREC_10.label").unlink()
    write(folder / "SICK" / "SICK_trial.txt", "head\n1\ta\n")
    with pytest.raises(UserError) as error:
        tasks.read(tasks.find(folder))
    assert len(error.value.errors) == 2  # the two tasks of SICK share their file and its error


def test_tasks_that_are_not_there(tmp_path: Path) -> None:
    task_files.polarity(tmp_path)
    for names, constraint in (
        (["TREC"], "--task TREC: no folder TREC in"),
        (["TREK"], "did you mean 'TREC'"),
    ):
        with pytest.raises(UserError, match=constraint):
            tasks.find(tmp_path, names)
    with pytest.raises(UserError, match="no task lies in"):
        tasks.find(tmp_path / "MR")
    with pytest.raises(UserError, match="is none"):
        tasks.find(tmp_path / "nowhere")
