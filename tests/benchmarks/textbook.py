"""The same models as a textbook writes them: one padded batch after another, a loss over every position.

Written for the benchmarks and read by nothing else. Each holds exactly as many parameters as ours.
Shapes: B sentences, T steps, E embedding, H hidden, C code, V vocabulary.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Beta, Normal, kl_divergence
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from uncollapse.models.batch import BOS, EOS, PAD

Settings = Mapping[str, Any]


def batches(sentences: Sequence[Tensor], size: int) -> DataLoader:
    """Random batches of BOS, words, EOS, padded to their longest: (B, T + 1)."""
    return DataLoader(sentences, size, shuffle=True, collate_fn=lambda rows: pad_sequence(rows, True, PAD))


def sentence(words: Sequence[int]) -> Tensor:
    return torch.tensor([BOS, *words, EOS])


class Gaussian(nn.Module):
    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.mean, self.log_variance = nn.Linear(features, size), nn.Linear(features, size)

    def posterior(self, h: Tensor) -> Normal:
        return Normal(self.mean(h), torch.exp(0.5 * self.log_variance(h)))

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        q = self.posterior(h)
        return q.rsample(), kl_divergence(q, Normal(0.0, 1.0)).sum(-1)


class Sphere(nn.Module):
    """A von Mises-Fisher with fixed concentration, drawn by rejection; its constant KL is left out of the loss."""

    def __init__(self, features: int, size: int, kappa: float) -> None:
        super().__init__()
        self.direction, self.kappa, self.size = nn.Linear(features, size), kappa, size

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean = functional.normalize(self.direction(h), dim=-1)
        w = torch.stack([self._cosine() for _ in range(len(h))]).unsqueeze(1)
        noise = torch.randn_like(mean)
        tangent = functional.normalize(noise - (noise * mean).sum(-1, keepdim=True) * mean, dim=-1)
        return w * mean + (1 - w**2).sqrt() * tangent, torch.zeros(len(h))

    def _cosine(self) -> Tensor:
        d, k = self.size - 1, self.kappa
        b = d / (math.sqrt(4 * k**2 + d**2) + 2 * k)
        x = (1 - b) / (1 + b)
        c = k * x + d * math.log(1 - x**2)
        while True:
            z = Beta(d / 2, d / 2).sample()
            w = (1 - (1 + b) * z) / (1 - (1 - b) * z)
            if k * w + d * torch.log(1 - x * w) - c >= torch.log(torch.rand(())):
                return w


class SpikeSlab(nn.Module):
    def __init__(self, features: int, size: int, alpha: float, beta: float, spike: float, temperature: float) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(features, size), nn.Linear(features, size)
        self.mean, self.log_variance = nn.Linear(features, size), nn.Linear(features, size)
        self.prior, self.spike, self.temperature = Beta(alpha, beta), spike, temperature

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        q = Beta(functional.softplus(self.a(h)) + 0.05, functional.softplus(self.b(h)) + 0.05)
        gamma = q.rsample().clamp(1e-6, 1 - 1e-6)
        slab = Normal(self.mean(h), torch.exp(0.5 * self.log_variance(h)))
        soft = torch.sigmoid((torch.logit(gamma) + torch.logit(torch.rand_like(gamma), eps=1e-6)) / self.temperature)
        off = (soft > 0.5).float() + soft - soft.detach()
        z = off * self.spike * torch.randn_like(gamma) + (1 - off) * slab.rsample()
        kl = (1 - gamma) * kl_divergence(slab, Normal(0.0, 1.0)) + kl_divergence(q, self.prior)
        return z, kl.sum(-1)


LATENTS: Mapping[str, Callable[[int, Settings], nn.Module]] = {
    "gaussian": lambda features, given: Gaussian(features, given["size"]),
    "vmf": lambda features, given: Sphere(features, given["size"], given["kappa"]),
    "spike_slab": lambda features, given: SpikeSlab(
        features, given["size"], given["alpha"], given["beta"], given["spike"], given["temperature"]
    ),
}


class RecurrentVAE(nn.Module):
    """Encoder, one code a sentence, decoder; or a posterior at every step, or no encoder at all."""

    def __init__(self, given: Settings, vocabulary: int) -> None:
        super().__init__()
        self.given, size = given, given["inputs"]["size"]
        encoder, decoder, latent = given["encoder"], given["decoder"], given["latent"]
        self.table = nn.Embedding(vocabulary, size, PAD)
        self.encoder, features = None, 0
        if encoder["kind"] == "recurrent":
            self.encoder = _cells(encoder)(size, encoder["hidden"], encoder["layers"], batch_first=True)
            states = 2 * encoder["layers"] if encoder["features"] == "states" else 1
            features = states * encoder["hidden"]
            self.latent = LATENTS[latent["kind"]](features, latent)
        code = latent["size"]
        beside = code if "input" in decoder["inject"] else 0
        hidden, layers = decoder["hidden"], decoder["layers"]
        self.decoder = _cells(decoder)(size + beside, hidden, layers, batch_first=True)
        self.to_state = nn.Linear(code, 2 * layers * hidden) if "state" in decoder["inject"] else None
        self.dropout = nn.Dropout(decoder["dropout"])
        self.logits = nn.Linear(hidden, vocabulary)

    def encode(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Features (B, H) of sentences with EOS (B, T), or (B, T, H) where every step has a posterior."""
        embedded, rows = self.table(tokens), torch.arange(len(tokens))
        if self.given["encoder"]["features"] == "states":
            state, seen = None, []
            for t in range(tokens.shape[1]):
                _, state = self.encoder(embedded[:, t : t + 1], state)
                seen.append(torch.cat([*state[0], *state[1]], -1))
            steps = torch.stack(seen, 1)
        else:
            steps = self.encoder(embedded)[0]
        if self.given["pool"]["kind"] == "max":
            return steps.masked_fill((tokens == PAD).unsqueeze(-1), -math.inf).max(1).values
        return steps if self.given["pool"]["at"] == "latents" else steps[rows, lengths - 1]

    def decode(self, tokens: Tensor, code: Tensor) -> Tensor:
        """Logits (B, T, V) of the words after each of `tokens` (B, T)."""
        entering = self.table(tokens)
        if "input" in self.given["decoder"]["inject"]:
            entering = torch.cat([entering, code.unsqueeze(1).expand(-1, tokens.shape[1], -1)], -1)
        state = None
        if self.to_state is not None:
            h, c = self.to_state(code).chunk(2, -1)
            state = tuple(torch.stack(part.chunk(self.decoder.num_layers, -1)) for part in (h, c))
        return self.logits(self.dropout(self.decoder(entering, state)[0]))

    def draw(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Code (B, C) and KL (B,) of sentences with EOS."""
        lengths = (tokens != PAD).sum(1)
        if self.encoder is None:
            return torch.zeros(len(tokens), self.given["latent"]["size"]), torch.zeros(len(tokens))
        z, kl = self.latent(self.encode(tokens, lengths))
        if z.dim() == 3:
            there = (tokens != PAD).float()
            return z[torch.arange(len(z)), lengths - 1], (kl * there).sum(1) / lengths
        return z, kl

    def forward(self, tokens: Tensor) -> Tensor:
        """The loss of BOS, words, EOS (B, T + 1): a scalar."""
        z, kl = self.draw(tokens[:, 1:])
        return _cross_entropy(self.decode(tokens[:, :-1], z), tokens[:, 1:]) / len(tokens) + kl.mean()


class TransformerVAE(nn.Module):
    """A code for every token, to all of which the decoder attends."""

    def __init__(self, given: Settings, vocabulary: int) -> None:
        super().__init__()
        size, code, width = given["inputs"]["size"], given["latent"]["size"], given["encoder"]["hidden"]
        self.width, self.scale = width, given["latent"]["prior_scale"]
        shape = [(part["heads"], part["feedforward"], part["dropout"]) for part in (given["encoder"], given["decoder"])]
        self.table = nn.Embedding(vocabulary, size, PAD)
        self.enter_encoder, self.enter_decoder = nn.Linear(size, width), nn.Linear(size, width)
        encoding = nn.TransformerEncoderLayer(width, *shape[0], batch_first=True)
        self.encoder = nn.TransformerEncoder(encoding, given["encoder"]["layers"], enable_nested_tensor=False)
        decoding = nn.TransformerDecoderLayer(width, *shape[1], batch_first=True)
        self.decoder = nn.TransformerDecoder(decoding, given["decoder"]["layers"])
        self.latent, self.remember = Gaussian(width, code), nn.Linear(code, width)
        self.dropout, self.logits = nn.Dropout(given["encoder"]["dropout"]), nn.Linear(width, vocabulary)

    def _placed(self, tokens: Tensor, enter: nn.Linear) -> Tensor:
        place = torch.arange(tokens.shape[1]).unsqueeze(1)
        angle = place * torch.exp(torch.arange(0, self.width, 2) * (-math.log(10_000.0) / self.width))
        wave = torch.zeros(tokens.shape[1], self.width)
        wave[:, 0::2], wave[:, 1::2] = angle.sin(), angle.cos()
        return self.dropout(enter(self.table(tokens)) * math.sqrt(self.width) + wave)

    def forward(self, tokens: Tensor) -> Tensor:
        seen, padding = tokens[:, 1:], tokens[:, 1:] == PAD
        q = self.latent.posterior(self.encoder(self._placed(seen, self.enter_encoder), src_key_padding_mask=padding))
        kl = kl_divergence(q, Normal(0.0, self.scale)).sum(-1).masked_fill(padding, 0.0).sum(1) / (~padding).sum(1)
        future = nn.Transformer.generate_square_subsequent_mask(seen.shape[1]) != 0
        memory = self.remember(q.rsample())
        placed = self._placed(tokens[:, :-1], self.enter_decoder)
        states = self.decoder(placed, memory, tgt_mask=future, memory_key_padding_mask=padding)
        return _cross_entropy(self.logits(states), seen) / len(tokens) + kl.mean()


class DocumentModel(nn.Module):
    """Word counts in, word counts out (NVDM)."""

    def __init__(self, given: Settings, vocabulary: int) -> None:
        super().__init__()
        self.vocabulary, size, hidden = vocabulary, given["inputs"]["size"], given["encoder"]["hidden"]
        self.encoder = nn.Sequential(nn.Linear(vocabulary, size), nn.Tanh(), nn.Linear(size, hidden), nn.Tanh())
        self.latent = Gaussian(hidden, given["latent"]["size"])
        code, layers = given["latent"]["size"], given["decoder"]["layers"]
        width = given["decoder"]["hidden"] if layers else code
        self.decoder = nn.Sequential(nn.Linear(code, width), nn.Tanh()) if layers else nn.Identity()
        self.logits = nn.Linear(width, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        counts = functional.one_hot(tokens[:, 1:], self.vocabulary).sum(1).float()
        counts[:, [PAD, EOS]] = 0.0
        z, kl = self.latent(self.encoder(counts))
        return -(counts * functional.log_softmax(self.logits(self.decoder(z)), -1)).sum() / len(tokens) + kl.mean()


def model(given: Settings, vocabulary: int) -> nn.Module | None:
    """The textbook's model of a resolved configuration; None where none is written."""
    encoder, decoder, latent = (given[slot]["kind"] for slot in ("encoder", "decoder", "latent"))
    if decoder == "recurrent" and encoder in ("recurrent", "none") and latent in (*LATENTS, "none"):
        plain = given["pool"]["kind"] in ("last", "max") and not given["encoder"].get("bidirectional")
        return RecurrentVAE(given, vocabulary) if plain else None
    if (encoder, decoder, latent) == ("transformer", "transformer", "gaussian"):
        return TransformerVAE(given, vocabulary)
    if (encoder, decoder, latent) == ("bag", "bag", "gaussian") and given["encoder"]["layers"] == 1:
        return DocumentModel(given, vocabulary)
    return None


def optimizer(given: Settings, parameters: Any) -> torch.optim.Optimizer:
    rate = given.get("lr", given.get("peak"))
    if given["kind"] == "sgd":
        return torch.optim.SGD(parameters, lr=rate)
    return torch.optim.Adam(parameters, lr=rate, weight_decay=given.get("weight_decay", 0.0))


def epoch(model: nn.Module, stepper: torch.optim.Optimizer, loader: DataLoader, clip: float) -> float:
    """Train on every batch once; returns the sum of the losses."""
    model.train()
    total = 0.0
    for tokens in loader:
        stepper.zero_grad()
        loss = model(tokens)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        stepper.step()
        total += loss.item()
    return total


def _cells(given: Settings) -> type[nn.RNNBase]:
    return nn.LSTM if given["cell"] == "lstm" else nn.GRU


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD, reduction="sum")
