"""`check` finds what is wrong with the settings and the files, all at once, and never raises."""

import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.corpora import write
from uncollapse.study.corpora.check import check
from uncollapse.study.corpora.files import PROBE
from uncollapse.study.corpora.forms import KINDS
from uncollapse.study.validation.keys import keys

TEN = "".join(f"sentence number {i}\n" for i in range(30))


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "text"
    folder.mkdir()
    for split in ("train", "valid", "test"):
        write(folder / f"{split}.txt", TEN)
        write(folder / f"{split}_y.txt", "a\nb\n" * 15)
    write(tmp_path / "table.csv", "id,ref\n" + "".join(f"{i},some text {i}\n" for i in range(30)))
    write(tmp_path / "one.txt", "only one sentence\n")
    return tmp_path


@pytest.mark.parametrize(
    "good",
    [
        {"name": "cafes"},
        {"name": "cafes", "sentences": 4000, "signal": "weak", "seed": 3, "limit": 100},
        {"path": "text"},
        {"path": "text", "name": "mine", "format": "lines", "vocabulary": 100, "max_words": 20, "min_words": 2},
        {"path": "text", "train": "train.txt", "valid": "valid.txt", "test": "test.txt"},
        {"path": "text", "train": ["train.txt", "test.txt"], "splits": {"valid": 0.2, "test": 5, "seed": 1}},
        {"path": "text", "labels": "{stem}_y.txt", "per_class": {"train": 5}},
        {"path": "text/train.txt", "labels": "train_y.txt"},
        {"path": "text/train.txt", "labels": "text/train_y.txt"},
        {"path": "text", "labels": {"train": "train_y.txt", "valid": "valid_y.txt", "test": "test_y.txt"}},
        {"path": "table.csv", "text": "ref", "label": "id", "tokenizer": "spaces", "lowercase": False},
    ],
)
def test_good_settings_have_no_error(base, good):
    assert check(good, base) == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (None, ["mapping"]),
        ("cafes", ["mapping", "'cafes'"]),
        ({}, ["name: cafes", "path:"]),
        ({"name": "caffes"}, ["did you mean 'cafes'"]),
        ({"nmae": "cafes"}, ["did you mean 'name'"]),
        ({"name": "cafes", "signl": "weak"}, ["corpus:", "did you mean 'signal'"]),
        ({"name": "cafes", "signal": "week"}, ["corpus.signal", "did you mean 'weak'"]),
        ({"name": "cafes", "sentences": "many"}, ["corpus.sentences", "'many'"]),
        ({"name": "cafes", "sentences": True}, ["corpus.sentences", "True"]),
        ({"name": "cafes", "sentences": 1}, ["corpus.sentences", "20"]),
        ({"name": "cafes", "seed": -1}, ["corpus.seed"]),
        ({"name": "cafes", "splits": {"valid": 0.01}, "sentences": 50}, ["valid", "50"]),
        ({"name": "cafes", "splits": {"valid": 0.6, "test": 0.4}}, ["corpus.splits", "train"]),
        ({"name": "cafes", "splits": {"valid": 1.5}}, ["corpus.splits.valid", "1.5"]),
        ({"name": "cafes", "splits": {"dev": 0.1}}, ["corpus.splits", "'dev'"]),
        ({"name": "cafes", "splits": [0.1]}, ["corpus.splits", "mapping"]),
        ({"name": "cafes", "splits": {"valid": 10**7}}, ["5,000"]),
        ({"name": "cafes", "min_words": 9, "max_words": 5}, ["corpus.max_words", "min_words"]),
        ({"name": "cafes", "limit": {"train": 5, "tests": 3}}, ["corpus.limit", "did you mean 'test'"]),
        ({"path": 3}, ["corpus.path", "3"]),
        ({"path": "nowhere"}, ["corpus.path", "nowhere"]),
        ({"path": "x" * 5000}, ["corpus"]),
        ({"path": "~nobody-of-this-name/x"}, ["corpus"]),
        ({"path": "a\0b"}, ["corpus.path"]),
        ({"path": "text", "format": "line"}, ["corpus.format", "did you mean 'lines'"]),
        ({"path": "text", "format": "csv", "text": "ref"}, ["train.csv", "train.txt"]),
        ({"path": "text", "lower_case": True}, ["did you mean 'lowercase'"]),
        ({"path": "text", "lowercase": "yes"}, ["corpus.lowercase", "true or false"]),
        ({"path": "text", "tokenizer": "nltk"}, ["corpus.tokenizer", "spacy"]),
        ({"path": "text", "presence": True}, ["unknown key 'presence'"]),
        ({"path": "text", "train": "tain.txt"}, ["corpus.train", "'tain.txt'", "train.txt"]),
        ({"path": "text", "valid": "valid.txt"}, ["corpus.train"]),
        ({"path": "text", "train": []}, ["corpus.train"]),
        ({"path": "text", "train": "train.txt", "valid": "valid.txt", "splits": {"valid": 0.1}}, ["splits.valid"]),
        ({"path": "text/train.txt", "valid": "valid.txt"}, ["corpus.valid", "folder"]),
        ({"path": "text", "per_class": 3}, ["corpus.per_class", "labels"]),
        ({"path": "text", "labels": "train_y.txt"}, ["corpus.labels", "valid"]),
        ({"path": "text", "labels": {"train": "train_y.txt", "vaild": "x"}}, ["did you mean 'valid'"]),
        ({"path": "text", "format": "labelled"}, ["corpus.labels", "train has 1 text file(s) and 0"]),
        ({"path": "text/train.txt", "labels": "missing.txt"}, ["corpus.labels", "missing.txt"]),
        ({"path": "table.csv"}, ["corpus.text"]),
        ({"path": "table.csv", "text": "reff"}, ["did you mean 'ref'"]),
        ({"path": "one.txt"}, ["at least 2 sentences", "has 1"]),
    ],
)
def test_bad_settings_are_told(base, bad, said):
    errors = "\n".join(check(bad, base))
    assert all(part in errors for part in said), errors


def test_all_errors_come_at_once(base):
    errors = check({"path": "text", "lowercase": 1, "seed": "x", "min_words": 0, "colour": 1}, base)
    assert len(errors) == 4


def test_errors_of_types_of_files_and_of_cuts_come_together(base):
    section = {"path": "text", "train": "tain.txt", "valid": "valid.txt", "vectors": "none.bin", "lowercase": 1}
    errors = check({**section, "splits": {"valid": 0.1}, "presence": True, "links": None, "lnks": None}, base)
    assert sorted(error.partition(": ")[0] for error in errors) == [
        "corpus",
        "corpus",
        "corpus.lowercase",
        "corpus.splits.valid",
        "corpus.train",
        "corpus.vectors",
    ]


def test_a_key_of_another_form_is_told_with_its_form(base):
    (error,) = check({"path": "text", "presence": True}, base)
    assert error == "corpus: unknown key 'presence' of lines; it belongs to counts; leave it out, or say which is meant"
    (error,) = check({"path": "nowhere", "presence": True}, base)
    assert error.startswith("corpus.path: must be a file or a folder, but there is nothing at ")


def test_files_at_error_are_told(base):
    write(base / "text" / "train.txt", "")
    (base / "text" / "valid.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    write(base / "text" / "test.txt", "one\n")
    errors = check({"path": "text"}, base)
    assert len(errors) == 2
    assert "empty" in errors[0]
    assert "NUL" in errors[1]
    write(base / "text" / "train.txt", TEN)
    write(base / "text" / "valid.txt", TEN)
    (error,) = check({"path": "text"}, base)
    assert "corpus.test" in error
    assert "2 sentences" in error


def test_a_large_file_is_read_in_part_and_its_labels_are_counted(base):
    line = "x" * 99 + "\n"
    rows = PROBE // 100 + 100
    write(base / "big.txt", line * rows)
    write(base / "y.txt", "a\n" * (rows - 1))
    (error,) = check({"path": "big.txt", "labels": "y.txt"}, base)
    assert f"{rows:,}" in error
    assert f"{rows - 1:,}" in error
    write(base / "y.txt", "a\n" * rows)
    assert check({"path": "big.txt", "labels": "y.txt", "splits": {"valid": rows - 50, "test": 2}}, base) == []


def test_spacy_is_not_imported_to_check(base):
    import subprocess

    code = (
        "import sys; from pathlib import Path; from uncollapse.study.corpora.check import check; "
        "assert check({'path': 'table.csv', 'text': 'ref'}, Path(sys.argv[1])) == []; "
        "assert 'spacy' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(base)], check=True)


_KEYS = sorted({key.name for kind in KINDS.values() for key in keys(kind)})
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 100),
    st.floats(),
    st.sampled_from(["", "text", "train.txt", "cafes", "csv", "lines", "counts", "labelled", "weak", "{stem}_y.txt"]),
    st.lists(st.sampled_from(["train.txt", "x", 3]), max_size=2),
    st.dictionaries(st.sampled_from(["train", "valid", "test", "seed", 3]), st.sampled_from([0.1, 2, "valid.txt"])),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=6), path=st.sampled_from(["text", "table.csv"]))
def test_no_settings_make_check_raise(base, values, path):
    for section in (values, {**values, "path": path}, {**values, "name": "cafes"}):
        errors = check(section, base)
        assert all(isinstance(error, str) and error for error in errors)
