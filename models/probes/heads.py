"""Networks that read a class off a code. Shapes: * rows; C code, Y classes."""

from collections.abc import Callable

import torch
from torch import nn

from uncollapse.models.probes.training import dense

Head = Callable[[int, int, torch.Generator], nn.Module]  # (C, Y, generator) -> module, (*, C) -> (*, Y)

WIDTH = 32
WIDE = 128


def two_dense(size: int, classes: int, generator: torch.Generator) -> nn.Module:
    """Two dense layers of 32 with leaky ReLU, then the classes (Prokhorov et al. 2021, Section 4.2)."""
    first, second = dense(size, WIDTH, generator), dense(WIDTH, WIDTH, generator)
    return nn.Sequential(first, nn.LeakyReLU(), second, nn.LeakyReLU(), dense(WIDTH, classes, generator))


def three_layers(size: int, classes: int, generator: torch.Generator) -> nn.Module:
    """An MLP of three layers, which Long et al. (2019, Appendix A) put on [mu, sigma^2].

    The paper gives neither width nor activation; here 128 and ReLU.
    """
    first, second = dense(size, WIDE, generator), dense(WIDE, WIDE, generator)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), dense(WIDE, classes, generator))


def linear(size: int, classes: int, generator: torch.Generator) -> nn.Module:
    """One linear layer: logistic regression, VAT's feature-based classifier."""
    return dense(size, classes, generator)
