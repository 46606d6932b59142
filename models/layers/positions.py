"""Sinusoidal positions (Vaswani et al. 2017, section 3.5). Shapes: T steps, H features."""

import math

import torch
from torch import Tensor


def sinusoidal(steps: int, size: int, device: torch.device) -> Tensor:
    """(T, H) sines on even and cosines on odd features, wavelengths from 2 pi to 10000 * 2 pi."""
    rate = torch.exp(torch.arange(0, size, 2, device=device) * (-math.log(10_000.0) / size))
    angle = torch.arange(steps, device=device).unsqueeze(1) * rate
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :size]
