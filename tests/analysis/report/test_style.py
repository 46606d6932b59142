"""Family colours stay apart for every kind of colour vision, on both grounds."""

import itertools

import numpy as np
import pytest

from uncollapse.analysis.report.figures.style import dark_of, palette

# Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_LMS = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566]])
TO_LMS = np.vstack([TO_LMS, [0.0883024619, 0.2817188376, 0.6299787005]])
TO_LAB = np.array([[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099]])
TO_LAB = np.vstack([TO_LAB, [0.0259040371, 0.7827717662, -0.808675766]])
FAMILIES = ["lm", *"abcdefgh"]


def _oklab(colour: str, vision: str) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return TO_LAB @ np.cbrt(TO_LMS @ np.clip(np.asarray(VISION[vision]) @ linear, 0, 1))


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("ground", ["light", "dark"])
def test_colours_are_told_apart(vision: str, ground: str) -> None:
    colours = [getattr(look, ground) for look in palette(FAMILIES, ["lm"]).values()]
    apart = [np.linalg.norm(_oklab(a, vision) - _oklab(b, vision)) for a, b in itertools.combinations(colours, 2)]
    assert min(apart) > 0.07


def test_every_family_keeps_its_look_and_a_twentieth_still_differs() -> None:
    many = [f"f{i}" for i in range(20)]
    looks = palette(many)
    assert palette(many[:5])["f3"] == looks["f3"]
    assert len({(look.light, look.symbol) for look in looks.values()}) == 20
    assert len({look.symbol for look in list(looks.values())[:8]}) == 8


def test_a_baseline_takes_no_colour_from_the_others() -> None:
    with_baseline = palette(["lm", "a", "b"], ["lm"])
    assert [with_baseline[name] for name in "ab"] == list(palette(["a", "b"]).values())


def test_dark_ground_has_a_counterpart_for_every_colour() -> None:
    looks = palette(FAMILIES, ["lm"])
    assert {look.light for look in looks.values()} <= set(dark_of(looks))
