"""Constraints of single latents: what their options ask of each other. Free of torch."""

import math
from collections.abc import Mapping
from typing import Any

Configuration = Mapping[str, Any]
LARGEST_KAPPA = 1e4


def target_is_within_reach(configuration: Configuration) -> str | None:
    latent = configuration["latent"]
    if latent["kind"] != "vmf" or not latent["target_kl"]:
        return None
    most = largest_kl(latent["size"])
    if latent["target_kl"] > most:
        return (
            f"latent.target_kl: on a sphere of {latent['size']} dimensions the largest kappa costs {most:.1f} nats, "
            f"and no more can be asked for, found {latent['target_kl']:g}; lower it, or raise the size"
        )
    return None


def largest_kl(dimension: int) -> float:
    """The KL of the largest kappa from the uniform distribution, by the normal limit on the tangent space, in nats."""
    area = math.log(2) + dimension / 2 * math.log(math.pi) - math.lgamma(dimension / 2)
    return area - (dimension - 1) / 2 * math.log(2 * math.pi * math.e / LARGEST_KAPPA)


def concentrations_are_in_order(configuration: Configuration) -> str | None:
    latent = configuration["latent"]
    if latent["kind"] == "vmf_learned" and not latent["kappa_min"] < latent["initial_kappa"] <= latent["kappa_max"]:
        found = ", ".join(f"{latent[name]:g}" for name in ("kappa_min", "initial_kappa", "kappa_max"))
        return f"latent.initial_kappa: must lie above kappa_min and not above kappa_max, found {found}"
    return None


def noise_fills_the_code(configuration: Configuration) -> str | None:
    latent = configuration["latent"]
    if latent["kind"] != "implicit" or latent["generator"] != "linear" or latent["noise"] == 0:
        return None
    if latent["noise"] < latent["size"]:
        return (
            f"latent.noise: a linear generator has a density only if its noise fills the code, so noise is 0 (as many "
            f"as size) or at least {latent['size']}, found {latent['noise']}"
        )
    return None


def a_dual_is_no_kl(configuration: Configuration) -> str | None:
    latent = configuration["latent"]
    if latent["kind"] == "implicit" and latent["generator"] == "mlp" and "kl.z" in configuration["objective"]:
        return "objective.kl.z: the generator `mlp` has no density and so no KL; weigh `dual`, or use `linear`"
    return None


CONSTRAINTS = (target_is_within_reach, concentrations_are_in_order, noise_fills_the_code, a_dual_is_no_kl)
