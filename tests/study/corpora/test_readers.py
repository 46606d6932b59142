"""Every format is read as written, and every malformed file is refused with its line."""

import json

import pytest

from tests.support.corpora import write
from uncollapse.study.corpora.readers import read_file, read_files
from uncollapse.study.corpora.section import parse
from uncollapse.study.errors import UserError


def _read(tmp_path, name, content, /, **settings):
    write(tmp_path / name, content)
    known = parse({"path": name, **settings}, tmp_path)
    (path,) = known.source.texts["train"]
    labels = known.source.labels.get("train", (None,))[0]
    return read_file(path, labels, known.source)


def _errors(tmp_path, name, content, /, **settings):
    with pytest.raises(UserError) as raised:
        _read(tmp_path, name, content, **settings)
    return raised.value.errors


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines(tmp_path, end):
    records = _read(tmp_path, "a.txt", f" one two {end}\x85three\u2028four{end}{end}five")
    assert records.texts == [" one two ", "\x85three\u2028four", "", "five"]
    assert records.labels is None


def test_a_byte_order_mark_is_no_word(tmp_path):
    assert _read(tmp_path, "a.txt", "\ufeffone\ntwo\n").texts == ["one", "two"]


def test_labelled(tmp_path):
    write(tmp_path / "y.txt", "b\na \nb\n")
    records = _read(tmp_path, "x.txt", "one\ntwo\nthree\n", labels="y.txt")
    assert (records.texts, records.labels) == (["one", "two", "three"], ["b", "a", "b"])


def test_labels_that_do_not_match_the_lines_are_refused_with_both_counts(tmp_path):
    write(tmp_path / "y.txt", "b\na\n")
    (error,) = _errors(tmp_path, "x.txt", "one\ntwo\nthree\n", labels="y.txt")
    assert "x.txt has 3 lines" in error
    assert "y.txt has 2" in error


def test_an_empty_label_is_refused(tmp_path):
    write(tmp_path / "y.txt", "b\n\nb\n")
    (error,) = _errors(tmp_path, "x.txt", "one\ntwo\nthree\n", labels="y.txt")
    assert "label" in error
    assert "text 2" in error


def test_csv_with_line_breaks_and_quotes_in_fields(tmp_path):
    text = 'mr,ref\r\n"a, b","one\r\ntwo"\r\nc,"say ""three"""\r\n'
    records = _read(tmp_path, "a.csv", text, text="ref", label="mr")
    assert records.texts == ["one\ntwo", 'say "three"']
    assert records.labels == ["a, b", "c"]


def test_tsv_with_quote_marks_as_plain_text(tmp_path):
    records = _read(tmp_path, "a.tsv", 'n\ts\n1\t"one\n2\ttwo" x\n', text="s", quoted=False)
    assert records.texts == ['"one', 'two" x']


def test_a_missing_column_is_refused_with_a_guess(tmp_path):
    errors = _errors(tmp_path, "a.csv", "mr,refs\nx,y\n", text="ref", label="rm")
    assert len(errors) == 2
    assert "did you mean 'refs'" in errors[0]
    assert "did you mean 'mr'" in errors[1]


def test_a_short_row_is_refused_with_its_line(tmp_path):
    (error,) = _errors(tmp_path, "a.csv", 'mr,ref\n"x\ny",z\nonly\n', text="ref")
    assert "line 4" in error
    assert "2 fields are expected, found 1" in error


def test_broken_quoting_is_refused_with_its_line(tmp_path):
    (error,) = _errors(tmp_path, "a.csv", 'mr,ref\nx,"y\nz,w\n', text="ref")
    assert "line 3" in error
    assert "quoted: false" in error


def test_jsonl(tmp_path):
    rows = [{"s": "one\ntwo", "y": 3}, {"y": "x", "s": "thr\u00e9e", "more": []}]
    text = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    records = _read(tmp_path, "a.jsonl", text, text="s", label="y")
    assert (records.texts, records.labels) == (["one\ntwo", "thr\u00e9e"], ["3", "x"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not valid JSON"),
        ("[1]", "object"),
        ('{"sentense": "x"}', "did you mean 'sentense'"),
        ('{"sentence": 1}', "must be a string"),
        ('{"sentence": "\\ud800"}', "surrogates"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_malformed_json_is_refused_with_its_line(tmp_path, line, said):
    (error,) = _errors(tmp_path, "a.jsonl", f'{{"sentence": "x"}}\n{line}\n', text="sentence")
    assert "line 2" in error
    assert said in error


def test_counts_become_words_in_the_order_of_their_ids(tmp_path):
    write(tmp_path / "v.txt", "who 6\nout 5\nlike 4\n")
    records = _read(tmp_path, "a.feat", "1 3:2 1:1\nb\n", format="counts", vocabulary="v.txt")
    assert (records.texts, records.labels) == (["who like like", ""], ["1", "b"])
    assert _read(tmp_path, "a.feat", "1 3:2 1:1\n", format="counts", presence=True).texts == ["w1 w3"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1 3", "'3'"),
        ("1 3:x", "'3:x'"),
        ("1 3:-1", "'3:-1'"),
        ("1 0:1", "from 1 to 3"),
        ("1 4:1", "from 1 to 3"),
        ("1 1:0", "counts from 1"),
        ("1 2:1 2:2", "found 2 again"),
        ("1:2 2:1", "label"),
        ("", "label"),
    ],
)
def test_bad_count_tokens_are_refused_with_their_line(tmp_path, line, said):
    write(tmp_path / "v.txt", "who\nout\nlike\n")
    (error,) = _errors(tmp_path, "a.feat", f"1 1:1\n{line}\n2 1:1\n", format="counts", vocabulary="v.txt")
    assert "line 2" in error
    assert said in error


def test_a_vocabulary_with_a_word_twice_is_refused(tmp_path):
    write(tmp_path / "v.txt", "who\nout\nwho\n<eos>\n")
    errors = _errors(tmp_path, "a.feat", "1 1:1\n", format="counts", vocabulary="v.txt")
    assert "line 3" in errors[0]
    assert "line 1" in errors[0]
    assert "line 4" in errors[1]


def test_many_errors_are_shown_as_a_few_and_a_count(tmp_path):
    errors = _errors(tmp_path, "a.feat", "1 x\n" * 40, format="counts")
    assert len(errors) == 6
    assert "35 more" in errors[-1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"one\ntwo\ncaf\xe9\n", ("line 3", "byte 11", "0xe9", "UTF-8")),
        (b"\xef\xbb\xbfone\ncaf\xe9\n", ("line 2", "byte 10", "UTF-8")),
        (b"one\n\x00\x01", ("line 2", "byte 4", "binary")),
        (b"", ("empty",)),
        (b" \n\n", ("empty",)),
    ],
)
def test_a_file_that_is_no_utf8_text_is_refused(tmp_path, data, said):
    (tmp_path / "a.txt").write_bytes(data)
    known = parse({"path": "a.txt"}, tmp_path)
    with pytest.raises(UserError) as raised:
        read_file(tmp_path / "a.txt", None, known.source)
    assert all(part in str(raised.value) for part in said)


def test_a_file_read_in_part_ends_at_a_whole_line_and_a_whole_row(tmp_path):
    write(tmp_path / "a.txt", "caf\u00e9\n" * 100)
    known = parse({"path": "a.txt"}, tmp_path)
    assert read_file(tmp_path / "a.txt", None, known.source, most=15).texts == ["caf\u00e9"] * 2
    write(tmp_path / "a.csv", 'a,b\n1,x\n2,"y\nz"\n3,w\n')
    known = parse({"path": "a.csv", "text": "b"}, tmp_path)
    assert read_file(tmp_path / "a.csv", None, known.source, most=14).texts == ["x"]
    (tmp_path / "b.txt").write_bytes("é".encode() * 10)
    assert read_file(tmp_path / "b.txt", None, parse({"path": "b.txt"}, tmp_path).source, most=5).texts == ["éé"]


def test_files_are_joined_and_their_errors_come_together(tmp_path):
    source = parse({"path": str(write(tmp_path / "a.txt", "one\n"))}, tmp_path).source
    paths = [write(tmp_path / "a.txt", "one\n"), write(tmp_path / "b.txt", "two")]
    assert read_files(paths, (), source).texts == ["one", "two"]
    paths = [write(tmp_path / "a.txt", ""), write(tmp_path / "b.txt", "\0")]
    with pytest.raises(UserError) as raised:
        read_files(paths, (), source)
    assert [error.partition(":")[0] for error in raised.value.errors] == [str(path) for path in paths]
