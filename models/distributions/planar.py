"""Planar flows. Shapes: * batch; C components; K flows; M points of a quadrature."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.quasirandom import SobolEngine

_POINTS = 1024  # of the quadrature: a mean is off by less than 1 % of a flow's shift
_HALVINGS = 60


class PlanarFlows(nn.Module):
    """f = f_K o ... o f_1 with f_k(z) = z + u_k tanh(w_k^T z + b_k), one bijection for every input.

    u_k is the free parameter moved along w_k until w_k^T u_k > -1, which makes f_k invertible (Rezende and Mohamed,
    2015, appendix A.1). Everything that f does to z depends on the K numbers w_k^T z alone.
    """

    def __init__(self, size: int, flows: int) -> None:
        super().__init__()
        self.normals = nn.Parameter(torch.randn(flows, size) / math.sqrt(size))
        self.free_shifts = nn.Parameter(torch.randn(flows, size) / math.sqrt(size))
        self.offsets = nn.Parameter(torch.zeros(flows))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(z) and log |det df/dz|: (*, C) -> (*, C), (*)."""
        steps = self._steps(z @ self.normals.mT)
        # 1 + psi^T u = 1 + (1 - tanh^2) w^T u, written so that nothing cancels.
        slopes = steps.square() + (1 - steps.square()) * softplus(self._alignment())
        return z + steps @ self.shifts(), slopes.log().sum(-1)

    def shifts(self) -> Tensor:
        """Return u_1, ..., u_K: (K, C)."""
        alignment = self._alignment()
        correction = (softplus(alignment) - 1 - alignment) / self.normals.square().sum(-1)
        return self.free_shifts + correction.unsqueeze(-1) * self.normals

    def _alignment(self) -> Tensor:
        return (self.normals * self.free_shifts).sum(-1)

    def _steps(self, projections: Tensor) -> Tensor:
        """From w_k^T z to the tanh of every flow, each of which sees what those before it moved: (*, K) -> (*, K)."""
        coupling = self.normals @ self.shifts().mT
        steps = projections[..., :0]
        for k in range(len(self.offsets)):
            step = (projections[..., k] + steps @ coupling[k, :k] + self.offsets[k]).tanh()
            steps = torch.cat([steps, step.unsqueeze(-1)], -1)
        return steps

    def entering(self, z: Tensor) -> list[Tensor]:
        """Return what enters each of the K flows, z itself first: each (*, C)."""
        steps, shifts = self._steps(z @ self.normals.mT), self.shifts()
        return [z + steps[..., :k] @ shifts[:k] for k in range(len(shifts))]

    @torch.no_grad()
    def inverse(self, code: Tensor) -> Tensor:
        """Return the z of f(z) = code, by bisection along each w_k: (*, C) -> (*, C)."""
        z, normals, shifts = code.double(), self.normals.double(), self.shifts().double()
        for k in reversed(range(len(shifts))):
            alignment = normals[k] @ shifts[k]
            z = z - _step_of(z @ normals[k], alignment, self.offsets[k].double()).unsqueeze(-1) * shifts[k]
        return z.to(code.dtype)

    def mean(self, location: Tensor, log_variance: Tensor) -> Tensor:
        """Return E f(z) for z ~ N(location, diag exp(log_variance)): (*, C) -> (*, C).

        By quasi-Monte Carlo over the K correlated normal numbers w_k^T z; exact without flows.
        """
        scaled = (self.normals * (0.5 * log_variance).exp().unsqueeze(-2)).mT
        factor = torch.linalg.qr(scaled).R  # R^T R is the covariance of the w_k^T z
        points = _normal_points(factor.shape[-2]).to(factor) @ factor
        projections = (location @ self.normals.mT).unsqueeze(-2) + points
        return location + self._steps(projections).mean(-2) @ self.shifts()


def _step_of(projection: Tensor, alignment: Tensor, offset: Tensor) -> Tensor:
    """Return t = tanh(a + offset) for the a that solves a + alignment t = projection: (*) -> (*)."""
    low, high = projection - alignment.abs(), projection + alignment.abs()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = middle + alignment * (middle + offset).tanh() < projection
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return ((low + high) / 2 + offset).tanh()


def _normal_points(dimensions: int) -> Tensor:
    """Return M points that fill the standard normal distribution evenly: (M, dimensions)."""
    if dimensions == 0:
        return torch.zeros(1, 0)
    uniform = SobolEngine(dimensions).draw(_POINTS, dtype=torch.float64) + 0.5 / _POINTS
    return torch.special.ndtri(uniform)
