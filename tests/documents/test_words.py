"""Documents use the field's words, each once: what the glossary replaced is not said."""

import re
from pathlib import Path

import pytest

from tests.documents import pages

REPLACED = {  # a pattern of what is not said: what is said
    r"knobs?": "hyperparameter",
    r"settings?": "configuration, or hyperparameters",
    r"faults?(?!/)": "error",
    r"laws?": "constraint",
    r"yardsticks?": "baseline",
    r"aims?": "objective",
    r"told from draws": "posterior sample",
    r"what stands for it": "fallback",
    r"evidence": "e-value",
    r"wish(?:es)?": "request",
    r"(?<!Pareto )fronts?(?! door)": "Pareto front",
    r"(?<!file )systems?": "family, or model",
    r"S\d{1,2}": "the family's name",
}
HISTORY = ("CHANGELOG.md",)  # says what was, in the words of its day
READ = [path for path in pages.paths() if pages.name(path) not in HISTORY]


def said(prose: str) -> list[str]:
    """The replaced words in a text, with what to say instead."""
    found = []
    for pattern, better in REPLACED.items():
        capital = pattern.startswith("S")
        words = re.findall(rf"\b{pattern}\b", prose, 0 if capital else re.IGNORECASE)
        found += [f"{word}: say {better}" for word in words]
    return found


@pytest.mark.parametrize("path", READ, ids=pages.name)
def test_replaced_words_are_not_said(path: Path) -> None:
    assert said(pages.prose(path)) == []


def test_a_replaced_word_is_seen() -> None:
    assert len(said("A Knob of S12 keeps the law; its setting is a fault.")) == 5
    assert said("A Pareto front on a file system, and the ridge S1a.") == []


@pytest.mark.parametrize("page", ["README.md", "docs/glossary.md"])
def test_posterior_collapse_has_its_full_name_once(page: str) -> None:
    assert "posterior collapse" in pages.text(pages.ROOT / page).lower()
