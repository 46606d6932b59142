"""BERT as an encoder. Shapes: B sentences, T steps, V vocabulary, P pieces of a sentence, H features."""

from collections.abc import Sequence
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional

from uncollapse.models.batch import BOS, EOS, PAD, UNK
from uncollapse.models.configuration import weights
from uncollapse.models.configuration.bounds import Size
from uncollapse.models.corpus_info import CorpusInfo


class BERT(nn.Module):
    """A pre-trained BERT over the words' own pieces; each word is given the mean of its pieces' last states.

    A sentence becomes [CLS], the pieces of its words, [SEP]; its EOS is given the state of [SEP]. UNK is the model's
    unknown piece. The corpus's words are cut into pieces once, so any corpus does, and cased or uncased is the model's
    affair.

    Args:
        name: a name on the hub, or a local folder with weights as safetensors, the configuration and the tokenizer.
        frozen: the weights stay as they are and dropout is off; only what reads the features is trained.
        most_pieces: of a sentence; at most the model's own limit. Words beyond it are given zeros, so choose it, or
            `corpus.max_words`, large enough.
    """

    reads_tokens = True

    def __init__(
        self,
        embedding: int,
        corpus_info: CorpusInfo,
        /,
        *,
        name: str = "bert-base-uncased",
        frozen: bool = True,
        most_pieces: Size = 512,
    ) -> None:
        super().__init__()
        self.tokenizer, self.model = _load(name)
        self.size, self.frozen = self.model.config.hidden_size, frozen
        self.most = min(most_pieces, self.model.config.max_position_embeddings)
        self.model.requires_grad_(not frozen)
        self.pieces: Tensor
        self.register_buffer("pieces", _pieces(self.tokenizer, corpus_info), persistent=False)
        self.ends = (self.tokenizer.cls_token_id, self.tokenizer.sep_token_id)

    def train(self, mode: bool = True) -> "BERT":
        """As torch's, but a frozen model stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Word ids (B, T) to (B, T, H)."""
        states, owner = self._states(tokens, mask)
        return _mean_by_owner(states, owner, tokens.shape[1])

    def start(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """The state of [CLS]: (B, H)."""
        return self._states(tokens, mask)[0][:, 0]

    def know(self, words: Sequence[str]) -> None:
        """Read further words, by the ids that follow those of the corpus info and of words that were told before."""
        more = _table([_cut(self.tokenizer, word) for word in words]).to(self.pieces.device)
        width = max(self.pieces.shape[1], more.shape[1])
        tables = [functional.pad(table, (0, width - table.shape[1]), value=-1) for table in (self.pieces, more)]
        self.pieces = torch.cat(tables)

    def _states(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, P, H) last states and who owns each (B, P)."""
        ids, owner = self._spread(tokens, mask)
        return self.model(input_ids=ids, attention_mask=(owner > -2).long()).last_hidden_state, owner

    def _spread(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Piece ids (B, P) and which step owns each (B, P): -1 is [CLS], -2 padding."""
        rows = [self._sentence(tokens[row][mask[row]]) for row in range(len(tokens))]
        longest = max(len(ids) for ids, _ in rows)
        ids = tokens.new_zeros(len(rows), longest)
        owner = torch.full_like(ids, -2)
        for row, (sentence, owners) in enumerate(rows):
            ids[row, : len(sentence)], owner[row, : len(owners)] = sentence, owners
        return ids, owner

    def _sentence(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """[CLS], the pieces of the words before EOS, [SEP], and their owners; [SEP] belongs to EOS."""
        table = self.pieces[words[:-1]]
        real = table >= 0
        steps = torch.arange(len(words) - 1, device=words.device).unsqueeze(1).expand_as(table)
        ids, owners = table[real][: self.most - 2], steps[real][: self.most - 2]
        first, last = (words.new_tensor([end]) for end in self.ends)
        ends = words.new_tensor([-1]), words.new_tensor([len(words) - 1])
        return torch.cat([first, ids, last]), torch.cat([ends[0], owners, ends[1]])


def _mean_by_owner(states: Tensor, owner: Tensor, steps: int) -> Tensor:
    """(B, P, H) to (B, T, H): the mean over the pieces that a step owns; zeros where it owns none."""
    owned = owner >= 0
    slots = owner.clamp_min(0)
    counts = states.new_zeros(len(states), steps).scatter_add_(1, slots, owned.to(states))
    sums = states.new_zeros(len(states), steps, states.shape[-1])
    sums = sums.scatter_add(1, slots.unsqueeze(-1).expand_as(states), states * owned.unsqueeze(-1))
    return sums / counts.clamp_min(1).unsqueeze(-1)


def _pieces(tokenizer: Any, corpus_info: CorpusInfo) -> Tensor:
    """(V, most pieces of a word) ids, -1 where a word has fewer."""
    assert len(corpus_info.words) == corpus_info.size, "BERT reads words and not numbers"
    cut = [_cut(tokenizer, word) for word in corpus_info.words]
    for special in (PAD, UNK, BOS, EOS):
        cut[special] = [tokenizer.unk_token_id]
    return _table(cut)


def _cut(tokenizer: Any, word: str) -> list[int]:
    """Ids of a word's pieces, at least one."""
    return tokenizer.encode(word, add_special_tokens=False) or [tokenizer.unk_token_id]


def _table(cut: Sequence[Sequence[int]]) -> Tensor:
    """Ids of each word's pieces as rows, -1 where a word has fewer."""
    table = torch.full((len(cut), max(map(len, cut))), -1)
    for row, ids in enumerate(cut):
        table[row, : len(ids)] = torch.tensor(ids)
    return table


def _load(name: str) -> tuple[Any, Any]:
    """The tokenizer and the model called `name`; ValueError with the remedy where the library or the weights lack."""
    try:
        from transformers import AutoModel, AutoTokenizer
    except ImportError:
        raise ValueError(weights.LIBRARY) from None
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        model = AutoModel.from_pretrained(name, trust_remote_code=False, use_safetensors=True)
    except (OSError, ValueError, SafetensorError) as error:
        raise ValueError(weights.lacking(name, str(error).splitlines()[0])) from None
    return tokenizer, model
