"""What a sampler cannot do is refused before anything starts."""

import pytest

from tests.support.study_pages import parse, refused

SEVERAL = {"select": ["nll_iw", "mi"], "stop_early": "none"}


def test_cmaes_has_a_single_figure() -> None:
    (error,) = refused(search={"sampler": "cmaes", **SEVERAL})
    assert "search.sampler: cmaes compares by a single figure, and search.select has several; say nsgaii" in error


@pytest.mark.parametrize("sampler", ["cei", "gp", "tpe", "nsgaii", "random", "qmc"])
def test_the_others_look_for_several(sampler: str) -> None:
    assert parse(search={"sampler": sampler, **SEVERAL}).search.sampler == sampler
