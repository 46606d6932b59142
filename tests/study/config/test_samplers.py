"""What a sampler cannot do is refused before anything starts."""

import importlib.machinery
import types

import pytest

from tests.support.study_pages import parse, refused
from uncollapse.study.config import sections

SEVERAL = {"select": ["nll_iw", "mi"], "stop_early": "none"}


def test_a_missing_extra_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "find_spec", lambda name: None)
    (error,) = refused(search={"sampler": "cmaes"})
    assert (
        "search.sampler: cmaes needs a package that is not installed here; `pip install 'uncollapse[cmaes]'`" in error
    )
    monkeypatch.setattr(sections, "find_spec", lambda name: importlib.machinery.ModuleSpec(name, None))
    assert parse(search={"sampler": "cmaes"}).search.sampler == "cmaes"


def test_cmaes_has_a_single_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "find_spec", lambda name: types.SimpleNamespace())
    (error,) = refused(search={"sampler": "cmaes", **SEVERAL})
    assert "search.sampler: cmaes compares by a single figure, and search.select has several; say nsgaii" in error


@pytest.mark.parametrize("sampler", ["cei", "gp", "tpe", "nsgaii", "random", "qmc"])
def test_the_others_look_for_several(sampler: str) -> None:
    assert parse(search={"sampler": sampler, **SEVERAL}).search.sampler == sampler
