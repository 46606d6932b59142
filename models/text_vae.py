"""The model that parts make. Shapes: B sentences, T steps, V vocabulary, H features, C code, K importance samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models import parts
from models.batch import Batch
from models.trace import Trace
from models.variable import Variable

Variables = Mapping[str, Variable]


@dataclass(frozen=True)
class Encoded:
    """Features of a batch: `steps` (B, T, H) at every step, `pooled` (B, H), or (B, T, H) without a pool."""

    steps: Tensor
    pooled: Tensor


class TextVAE(nn.Module):
    """tokens -> inputs -> encoder -> [pool] -> latent -> [pool] -> decoder -> log p(x | latents).

    Args:
        configuration: a resolved configuration (`models.configuration.resolve`).
        vocabulary: V, specials included.
    """

    def __init__(self, configuration: Mapping[str, Any], vocabulary: int) -> None:
        super().__init__()
        self.inputs = parts.build("inputs", configuration["inputs"], vocabulary)
        self.encoder = parts.build("encoder", configuration["encoder"], self.inputs.size)
        self.pool = parts.build("pool", configuration["pool"])
        self.latent = parts.build("latent", configuration["latent"], self.encoder.size)
        self.decoder = parts.build("decoder", configuration["decoder"], self.inputs.size, self.latent.code_size)
        self.vocabulary = nn.Linear(self.decoder.size, vocabulary)

    def encode(self, batch: Batch) -> Encoded:
        """Features of the sentences, free of padding once pooled."""
        steps = self.encoder(self.inputs.for_encoder(batch), batch.mask)
        return Encoded(steps, self.pool(steps, batch.mask))

    def trace(self, batch: Batch) -> Trace:
        """One sample of the latents, what it reconstructs and what it costs."""
        encoded = self.encode(batch)
        variables = self.latent(encoded.pooled)
        log_likelihood = self.decode(batch, self.latent.code(variables, encoded.pooled))
        kl = {name: self.per_sentence(batch, variable.kl) for name, variable in variables.items()}
        return Trace(-log_likelihood, kl, self._kl_mean(batch, encoded, variables))

    def _kl_mean(self, batch: Batch, encoded: Encoded, variables: Variables) -> dict[str, Tensor]:
        if self.pool.at == "features":
            return {}
        at_steps = variables if self.pool.at == "tokens" else self.latent(encoded.steps)
        return {name: _over_steps(batch, variable.kl) / batch.lengths for name, variable in at_steps.items()}

    def per_sentence(self, batch: Batch, values: Tensor) -> Tensor:
        """Values of a variable, (*, B), or (*, B, T) where every token has one, as values of the sentence, (*, B)."""
        return _over_steps(batch, values) if self.pool.at == "tokens" else values

    def decode(self, batch: Batch, code: Tensor, code_mask: Tensor | None = None) -> Tensor:
        """log p(x | code), summed over words and EOS.

        Args:
            batch: the sentences x, (B, T).
            code: (B, C), or (B, S, C) for an attending decoder.
            code_mask: (B, S) true where there is a code; the sentences' own mask by default.

        Returns:
            (B,) in nats.
        """
        embedded = self.inputs.for_decoder(batch)
        masks = {} if code_mask is None else {"code_mask": code_mask}
        hidden = self.decoder(embedded, batch.mask, code, **masks)
        logits = self.vocabulary(hidden[batch.mask])  # only real targets meet the vocabulary, the costliest product
        losses = functional.cross_entropy(logits, batch.tokens[batch.mask], reduction="none")
        return torch.zeros_like(hidden[..., 0]).masked_scatter(batch.mask, -losses).sum(1)

    def log_weights(self, batch: Batch, encoded: Encoded, samples: int) -> Tensor:
        """Importance weights log p(x, latents) - log q(latents | x) of `samples` draws: (K, B)."""
        h = encoded.pooled.expand(samples, *encoded.pooled.shape)
        variables = self.latent(h)
        return self.weigh(batch, variables, self.latent.code(variables, h))

    def weigh(self, batch: Batch, variables: Variables, code: Tensor) -> Tensor:
        """log p(x | code) + log p(latents) - log q(latents | x) for latents of batch shape (K, B) or (K, B, T)."""
        samples = code.shape[0]
        repeated = Batch(batch.tokens.repeat(samples, 1), batch.lengths.repeat(samples))
        weights = self.decode(repeated, code.flatten(0, 1)).view(samples, -1)
        for variable in variables.values():
            weights = weights + self.per_sentence(batch, variable.log_p - variable.log_q)
        return weights


def _over_steps(batch: Batch, values: Tensor) -> Tensor:
    """(*, B, T) summed over the steps that are not padding."""
    return values.masked_fill(~batch.mask, 0.0).sum(-1)
