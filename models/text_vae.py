"""The model of components. Shapes: B sentences, T steps, V vocabulary, H features, C code, K importance samples."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from uncollapse.models.batch import Batch
from uncollapse.models.configuration import components
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.encoders.recurrent import Recurrent
from uncollapse.models.layers.likelihoods import LIKELIHOODS, Likelihood
from uncollapse.models.pools.last import Last
from uncollapse.models.trace import Trace
from uncollapse.models.variable import Variable

Variables = Mapping[str, Variable]
ALIKE = 16  # sentences of similar lengths that are padded to the longest of them and not to that of their batch


@dataclass(frozen=True)
class Encoded:
    """Features of a batch: `pooled` (B, H), or (B, T, H) without a pool, and those at every step where asked for."""

    pooled: Tensor
    at_steps: Callable[[], Tensor]

    @cached_property
    def steps(self) -> Tensor:
        """(B, T, H)."""
        return self.at_steps()


class TextVAE(nn.Module):
    """tokens -> inputs -> encoder -> [pool] -> latent -> [pool] -> decoder -> log p(x | latents).

    Args:
        configuration: a resolved configuration (`models.configuration.resolve.resolve`).
        corpus info: of the corpus.
    """

    def __init__(self, configuration: Mapping[str, Any], corpus_info: CorpusInfo) -> None:
        super().__init__()
        self.inputs = components.build("inputs", configuration["inputs"], corpus_info)
        self.encoder = components.build("encoder", configuration["encoder"], self.inputs.encoder_size, corpus_info)
        self.pool = components.build("pool", configuration["pool"], self.encoder.size)
        self.latent = components.build("latent", configuration["latent"], self.encoder.size)
        self.decoder = components.build(
            "decoder", configuration["decoder"], self.inputs.decoder_size, self.latent.code_size
        )
        self.output: Likelihood = LIKELIHOODS[self.decoder.predicts](self.decoder.size, corpus_info)

    def inference_parameters(self) -> Iterator[nn.Parameter]:
        """Of q(latents | x): encoder, pool, latent less a learned prior, and the inputs that only the encoder reads."""
        modules = [self.encoder, self.latent, *([self.pool] if isinstance(self.pool, nn.Module) else [])]
        reads_words = self.decoder.predicts == "words"
        words = self.inputs.encoder_parameters() if reads_words else self.inputs.parameters()
        of_prior = {id(parameter) for parameter in self.latent.prior_parameters()}
        found = chain(*(module.parameters() for module in modules), words)
        return (parameter for parameter in found if id(parameter) not in of_prior)

    def encode(self, batch: Batch) -> Encoded:
        """Features of the sentences, free of padding once pooled."""
        entering = batch.tokens if self.encoder.reads_tokens else self.inputs.for_encoder(batch)
        if (ends := self._ends(batch, entering)) is not None:
            return Encoded(ends, lambda: self.encoder(entering, batch.mask))
        steps = self.encoder(entering, batch.mask)
        return Encoded(self.pool(steps, batch.mask), lambda: steps)

    def _ends(self, batch: Batch, entering: Tensor) -> Tensor | None:
        """The features that `last` would pool, where the encoder has them for less than those of all steps."""
        pools_last = isinstance(self.pool, Last) and self.pool.at == "features"
        if not (pools_last and isinstance(self.encoder, Recurrent)):
            return None
        return self.encoder.ends(entering, batch.lengths)

    def trace(self, batch: Batch) -> Trace:
        """One sample of the latents, what it reconstructs and what it costs."""
        encoded = self.encode(batch)
        variables = self.latent(encoded.pooled)
        log_likelihood = self.decode(batch, self.code(variables, encoded.pooled))
        kl = {name: self.per_sentence(batch, variable.kl) for name, variable in variables.items()}

        def log_q() -> Tensor:
            found = [self.per_sentence(batch, variable.log_q) for variable in variables.values()]
            return sum(found, log_likelihood.new_zeros(log_likelihood.shape))

        return Trace(
            reconstruction=-log_likelihood,
            kl=kl,
            kl_mean=self._kl_mean(batch, encoded, variables),
            log_q=log_q,
            features=encoded.pooled,
            penalty=lambda name: self.latent.penalty(name, encoded.pooled, variables),
        )

    def _kl_mean(self, batch: Batch, encoded: Encoded, variables: Variables) -> dict[str, Tensor]:
        if self.pool.at == "features":
            return {}
        if self.pool.at == "tokens":
            charged, at_steps = batch.mask, variables
        else:
            charged, at_steps = self.pool.regularised(batch.mask), self.latent(encoded.steps)
        return {name: _over_steps(charged, variable.kl) / charged.sum(1) for name, variable in at_steps.items()}

    def published(self, batch: Batch, encoded: Encoded, variables: Variables, log_likelihood: Tensor) -> Tensor | None:
        """The figure that the paper reports where it is no bound: (B,) in nats; None where it is `nll_elbo`.

        Li et al. 2019 decode at the last posterior's mean and charge the KL averaged over the steps.
        """
        if self.pool.at == "latents":
            at_mean = self.decode(batch, self.latent.mean(encoded.pooled))
            with torch.random.fork_rng(devices=[]):  # draws at every step would move later draws by the padding
                averages = self._kl_mean(batch, encoded, variables)
            return sum(averages.values(), -at_mean)
        kl = self.latent.published_kl(encoded.pooled, variables)
        return None if kl is None else -log_likelihood + self.per_sentence(batch, kl)

    def code(self, variables: Variables, features: Tensor) -> Tensor:
        """What the decoder reads of the latents: (*, C)."""
        return self.latent.code({name: variable.value for name, variable in variables.items()}, features)

    def per_sentence(self, batch: Batch, values: Tensor) -> Tensor:
        """Values of a variable, (*, B), or (*, B, T) where every token has one, as values of the sentence, (*, B)."""
        return _over_steps(batch.mask, values) if self.pool.at == "tokens" else values

    def decode(self, batch: Batch, code: Tensor, code_mask: Tensor | None = None) -> Tensor:
        """log p(x | code), summed over what is predicted: words and EOS, the words of a bag, or the class.

        Args:
            batch: the sentences x, (B, T).
            code: (B, C), or (B, S, C) for an attending decoder.
            code_mask: (B, S) true where there is a code; the sentences' own mask by default.

        Returns:
            (B,) in nats.
        """
        if self.decoder.predicts != "words":
            return self.output(batch, self.decoder(code))
        masks = {} if code_mask is None else {"code_mask": code_mask}
        return self.output(batch, self.decoder(self.inputs.for_decoder(batch), batch.mask, code, **masks))

    def log_weights(self, batch: Batch, encoded: Encoded, samples: int) -> Tensor:
        """Importance weights log p(x, latents) - log q(latents | x) of `samples` draws: (K, B)."""
        h = encoded.pooled.expand(samples, *encoded.pooled.shape)
        variables = self.latent.propose(h)
        return self.weigh(batch, variables, self.code(variables, h))

    def weigh(self, batch: Batch, variables: Variables, code: Tensor) -> Tensor:
        """log p(x | code) + log p(latents) - log q(latents | x) for latents of batch shape (K, B) or (K, B, T)."""
        weights = self._decode_alike(batch, code)
        for variable in variables.values():
            weights = weights + self.per_sentence(batch, variable.log_p - variable.log_q)
        return weights

    def _decode_alike(self, batch: Batch, code: Tensor) -> Tensor:
        """log p(x | code) of K codes a sentence, (K, B, C) or (K, B, S, C): (K, B), alike lengths at a time."""
        if self.decoder.predicts != "words":
            return self.decode(batch.repeated(len(code)), code.flatten(0, 1)).view(len(code), -1)
        found = torch.empty(code.shape[:2], dtype=code.dtype, device=code.device)
        for rows in batch.lengths.argsort(stable=True).split(ALIKE):
            part, codes = batch.of(rows), code[:, rows]
            codes = codes[:, :, : part.tokens.shape[1]] if self.pool.at == "tokens" else codes
            found[:, rows] = self.decode(part.repeated(len(code)), codes.flatten(0, 1)).view(len(code), -1)
        return found


def _over_steps(mask: Tensor, values: Tensor) -> Tensor:
    """(*, B, T) summed over the steps of `mask` (B, T)."""
    return values.masked_fill(~mask, 0.0).sum(-1)
