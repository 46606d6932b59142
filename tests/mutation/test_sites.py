"""Which faults are put in, and where none are."""

from pathlib import Path

import pytest

from tests.mutation.sites import mutants


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("a = b + c", ["b - c"]),
        ("a = b < c <= d", ["b <= c <= d", "b < c < d"]),
        ("a = b is not None and c", ["b is None and c", "b is not None or c"]),
        ("a = f(b, 2)", ["f(0, 2)", "f(b, (2 + 1))"]),
        ("a = not b", ["(b)"]),
        ("if a: b()", ["if not (a): b()", "if a: pass"]),
        ("a += 1.5", ["a -= 1.5", "a += (1.5 + 1)"]),
        ("a = b if c else True", ["b if (not (c)) else True", "b if c else False"]),
    ],
)
def test_each_is_one_change(source: str, faults: list[str], tmp_path: Path) -> None:
    (tmp_path / "some.py").write_text(source)
    made = [one.applied(source.encode()).decode().removeprefix("a = ") for one in mutants(tmp_path, "some.py")]
    assert sorted(made) == sorted(faults)


@pytest.mark.parametrize(
    "source",
    [
        'def f(a: "int | None") -> None:\n    """1 + 1."""',
        'raise ValueError(f"{a + 1} is not {b}")',
        "from x import y",
        "if TYPE_CHECKING:\n    pass",
        'a = "b" + c',
    ],
)
def test_what_only_people_read_is_left_alone(source: str, tmp_path: Path) -> None:
    (tmp_path / "some.py").write_text(source)
    assert mutants(tmp_path, "some.py") == []


def test_bytes_before_it_may_be_letters_of_any_kind(tmp_path: Path) -> None:
    source = 'a = "é"; b = c * d'
    (tmp_path / "some.py").write_text(source)
    (one,) = mutants(tmp_path, "some.py")
    assert one.applied(source.encode()).decode() == 'a = "é"; b = c / d'
