"""Every format is read as written, and every malformed file is refused with its line."""

import json

import pytest

from tests.support.corpora import write
from uncollapse.study.corpora.reading.readers import read_file, read_files
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
        (b"one\ntwo\ncaf\xe9\n", ("line 3", "byte 11", "0xe9", "UTF-8", "iconv -f LATIN1")),
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


ROWS = [f"warm scene number {i},{i % 3}" for i in range(60)]


def test_a_quotation_mark_that_swallows_rows_is_refused_with_its_line(tmp_path):
    rows = [*ROWS[:20], '"scene that never closes,1', *ROWS[20:40], 'a scene that ends",2', *ROWS[40:]]
    text = "\n".join(["text,label", *rows])
    (error,) = _errors(tmp_path, "a.csv", text, text="text", label="label")
    assert "a.csv line 22: a quotation mark opens a field here that ends on line 43, and 20 of the lines" in error
    assert "quoted: false" in error
    records = _read(tmp_path, "a.csv", text, text="text", label="label", quoted=False)
    assert len(records.texts) == 62


def test_a_quotation_mark_that_nothing_closes_is_refused_with_its_line(tmp_path):
    text = "\n".join(["text,label", *ROWS[:3], '"never closes,1', *ROWS[3:]])
    (error,) = _errors(tmp_path, "a.csv", text, text="text", label="label")
    assert "its quotation mark opens on line 5" in error


def test_texts_of_many_lines_are_read(tmp_path):
    poem = '"warm, said he\nand cold, said she\nso they left, both\nwithout a word, or two\nthe end",1'
    records = _read(tmp_path, "a.csv", "\n".join(["text,label", *ROWS, poem]), text="text", label="label")
    assert records.texts[-1].count("\n") == 4
    assert len(records.texts) == 61


def test_a_field_longer_than_csv_s_own_limit_is_read(tmp_path):
    long = "word " * 50_000
    assert _read(tmp_path, "a.csv", f"text,label\n{long},1\n", text="text").texts == [long]


def test_a_table_without_a_header_has_numbered_columns(tmp_path):
    text = '"3","A title","a warm scene"\n"1","Another","a cold one"\n'
    (error,) = _errors(tmp_path, "a.csv", text, text="text")
    assert "unknown column 'text'" in error
    assert "line 1 was taken for the names of the columns" in error
    assert "`header: false`" in error
    for text_column, label in ((3, 1), ("3", "1")):
        records = _read(tmp_path, "a.csv", text, text=text_column, label=label, header=False)
        assert (records.texts, records.labels) == (["a warm scene", "a cold one"], ["3", "1"])
    (error,) = _errors(tmp_path, "a.csv", text, text=4, header=False)
    assert "unknown column '4'" in error
    assert "numbered from 1" in error


@pytest.mark.parametrize(
    ("label", "name"), [("0.0", "0"), ("1.0", "1"), ("-1", "-1"), ("-2.0", "-2"), ("true", "True"), ('"x"', "x")]
)
def test_labels_as_others_write_them_are_classes(tmp_path, label, name):
    records = _read(tmp_path, "a.jsonl", f'{{"s": "x", "y": {label}}}\n', text="s", label="y")
    assert records.labels == [name]


@pytest.mark.parametrize(
    ("label", "said"),
    [("0.5", "found the fraction 0.5"), ("null", "found null; fill it in"), ("[1]", "a string or a whole number")],
)
def test_labels_that_are_no_class_are_refused_with_their_line(tmp_path, label, said):
    text = f'{{"s": "x", "y": 1}}\n{{"s": "x", "y": {label}}}\n'
    (error,) = _errors(tmp_path, "a.jsonl", text, text="s", label="y")
    assert "a.jsonl line 2: 'y' must be a class" in error
    assert said in error


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_list_of_objects_is_read(tmp_path, name, indent):
    rows = [{"s": f"one\n{i}", "y": i % 2} for i in range(5)]
    records = _read(tmp_path, name, json.dumps(rows, indent=indent), text="s", label="y")
    assert records.texts == [row["s"] for row in rows]
    assert records.labels == ["0", "1", "0", "1", "0"]


def test_a_list_that_is_no_json_or_holds_others_is_refused(tmp_path):
    (error,) = _errors(tmp_path, "a.json", '[\n{"s": "x"},\n{"s": }]', text="s")
    assert "a.json line 3: item 2 of the list is not valid JSON" in error
    (error,) = _errors(tmp_path, "a.json", '[{"s": "x"}, 3]', text="s")
    assert "a.json item 2: one JSON object" in error


def test_a_list_that_is_read_in_part_gives_its_whole_items(tmp_path):
    write(tmp_path / "a.json", json.dumps([{"s": f"number {i}"} for i in range(100)], indent=1))
    known = parse({"path": "a.json", "text": "s"}, tmp_path)
    texts = read_file(tmp_path / "a.json", None, known.source, most=300).texts
    assert 1 < len(texts) < 99
    assert texts == [f"number {i}" for i in range(len(texts))]


FOREIGN = {
    "fastText": "".join(f"__label__{i % 3} a warm scene {i}\n" for i in range(30)),
    "CoNLL": "-DOCSTART- -X- O O\n\n" + "Warm NN B-NP O\nscene NN I-NP B-LOC\n\n" * 20,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_laid_out_for_others_is_refused_with_what_is_read(tmp_path, name):
    (error,) = _errors(tmp_path, "a.txt", FOREIGN[name])
    assert name in error
    assert "what is read: a sentence a line (lines)" in error


def test_sentences_that_end_in_an_o_are_sentences(tmp_path):
    text = "we say O\nand they too\nB-52 and I-95\n__label__ is a word\n" * 10
    assert len(_read(tmp_path, "a.txt", text).texts) == 40


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_is_named_with_what_to_do(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes("a warm scene and a cup\n".encode(encoding) * 3)
    known = parse({"path": "a.txt"}, tmp_path)
    with pytest.raises(UserError, match=f"this is {encoding[:6].upper()}.*convert it: `iconv -f UTF-"):
        read_file(tmp_path / "a.txt", None, known.source)
