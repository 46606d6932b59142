"""Tables as plain text."""

from uncollapse.analysis.report.text_table import aligned, markdown_table


def test_columns_are_aligned_and_lines_have_no_trailing_space() -> None:
    assert aligned([["a", "long head", "c"], ["word", "b", ""]]) == "a     long head  c\nword  b"


def test_figures_end_in_line() -> None:
    assert aligned([["a", "n"], ["b", "100"]], words=1) == "a    n\nb  100"


def test_the_last_cell_of_a_shorter_row_widens_no_column() -> None:
    assert aligned([["a", "b", "c"], ["d", "not measured at all"]]) == "a  b  c\nd  not measured at all"


def test_markdown_has_a_rule_under_its_heads_and_keeps_bars_apart() -> None:
    assert markdown_table([["a", "b"], ["x|y", "z"]]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"
