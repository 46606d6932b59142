"""Every bit of a sealed line that turns is found."""

import json

import pytest

from tests.support.damaged_ledgers import flipped
from uncollapse.study.storage.seals import LONGEST, Seal, body_of, seal_of, sealed

BODIES = [
    b'{"op_code":8,"user_attr":{"a":[1,"\\u00e9"]}}',
    '{"text":"é,\\"seal\\":\\"1;2;3\\"}"}'.encode(),
    b'{"a":{}}',
]


@pytest.mark.parametrize("body", BODIES)
def test_a_line_comes_back_with_its_seal_and_is_json(body: bytes) -> None:
    for seal in (Seal(1, ""), Seal(123456, "7.3"), Seal(10**12, f"{10**9}.{10**9}")):
        line = sealed(body, seal)
        assert (seal_of(line), body_of(line)) == (seal, body)
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert len(line) - len(body) < LONGEST
        found = json.loads(line)
        assert found.pop("seal")
        assert found == json.loads(body)


@pytest.mark.parametrize("body", BODIES)
def test_no_bit_turns_unnoticed(body: bytes) -> None:
    line = sealed(body, Seal(12, "3.4"))
    assert [bit for bit in range(8 * len(line)) if seal_of(flipped(line, bit)) is not None] == []


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{}\n", b'"}\n', b'{"a":1}\n', b"\0" * 50, sealed(b'{"a":1}', Seal(1, ""))[:-1]]
)
def test_what_has_no_seal_has_none(line: bytes) -> None:
    assert seal_of(line) is None
