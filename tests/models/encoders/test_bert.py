"""BERT encoders, loaded through the real code from a tiny model made here."""

from pathlib import Path

import pytest
import torch

from tests.support import models
from uncollapse.models.batch import Batch
from uncollapse.models.configuration import components
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.probes.fine_tuning import Setting, fine_tune
from uncollapse.models.probes.vectors import VECTORS, offered
from uncollapse.models.text_vae import TextVAE

transformers = pytest.importorskip("transformers")
WORDS = ("<pad>", "<unk>", "<bos>", "<eos>", "tea", "teapot", "cup", "xyz")
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "tea", "##pot", "cup", "c"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bert")
    (place / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    transformers.BertTokenizer(str(place / "vocab.txt")).save_pretrained(place)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(PIECES),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=12,
    )
    transformers.BertModel(config).save_pretrained(place)
    return place


def built(folder: Path, **options: object) -> torch.nn.Module:
    settings = components.resolve("encoder", {"kind": "bert", "name": str(folder), **options})
    return components.build("encoder", settings, 0, CorpusInfo(len(WORDS), WORDS))


def words() -> Batch:
    return Batch(torch.tensor([[5, 4, 6, 3], [6, 7, 3, 0]]), torch.tensor([4, 3]))


def test_a_word_is_the_mean_of_its_pieces_and_eos_is_the_separator(folder: Path) -> None:
    encoder = built(folder).eval()
    found = encoder(words().tokens, words().mask)
    ids = torch.tensor([[2, 5, 6, 5, 7, 3]])  # [CLS] tea ##pot tea cup [SEP]
    states = encoder.model(input_ids=ids).last_hidden_state[0]
    expected = torch.stack([states[1:3].mean(0), states[3], states[4], states[5]])
    torch.testing.assert_close(found[0], expected)
    unknown = encoder.model(input_ids=torch.tensor([[2, 7, 1, 3]])).last_hidden_state[0, 1:]
    torch.testing.assert_close(found[1, :3], unknown, atol=1e-5, rtol=1e-5)


def test_a_frozen_model_has_no_gradient_and_no_dropout(folder: Path) -> None:
    frozen, free = built(folder).train(), built(folder, frozen=False).train()
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    batch = words()
    assert torch.equal(frozen(batch.tokens, batch.mask), frozen(batch.tokens, batch.mask))
    assert not torch.equal(free(batch.tokens, batch.mask), free(batch.tokens, batch.mask))
    free.eval()(batch.tokens, batch.mask).square().sum().backward()
    assert any(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in free.parameters())


def test_words_beyond_the_limit_are_given_zeros(folder: Path) -> None:
    encoder = built(folder, most_pieces=4).eval()
    found = encoder(words().tokens, words().mask)
    assert found[0, 0].abs().sum() > 0  # teapot took both places
    assert found[0, 1:3].abs().sum() == 0
    assert found[0, 3].abs().sum() > 0


@pytest.mark.parametrize("page", ["b_vae", "b_hsvae", "bert_classifier", "minibert"])
def test_pages_with_a_bert_train_once_they_are_pointed_at_weights(folder: Path, page: str) -> None:
    settings = models.configuration(page, encoder={"kind": "bert", "name": str(folder)})
    model = TextVAE(settings, CorpusInfo(len(WORDS), WORDS, classes=2))
    batch = Batch(words().tokens, words().lengths, torch.tensor([0, 1]))
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = model.trace(batch).reconstruction.mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_further_words_are_read_by_their_pieces(folder: Path) -> None:
    encoder = built(folder).eval()
    encoder.know(("teapotpot", "c"))
    batch = Batch(torch.tensor([[8, 9, 4, 3]]), torch.tensor([4]))
    states = encoder.model(input_ids=torch.tensor([[2, 5, 6, 6, 8, 5, 3]])).last_hidden_state[0]
    expected = torch.stack([states[1:4].mean(0), states[4], states[5], states[6]])
    torch.testing.assert_close(encoder(batch.tokens, batch.mask)[0], expected)


def test_the_start_is_the_state_of_cls(folder: Path) -> None:
    settings = models.configuration("minibert", encoder={"kind": "bert", "name": str(folder)})
    model = TextVAE(settings, CorpusInfo(len(WORDS), WORDS, classes=2)).eval()
    states = model.encoder.model(input_ids=torch.tensor([[2, 5, 6, 5, 7, 3]])).last_hidden_state
    torch.testing.assert_close(VECTORS["start"](model, words())[0], states[0, 0])
    assert offered(model) == ("start", "mean", "sum")


def test_a_frozen_bert_is_fine_tuned_in_a_copy(folder: Path) -> None:
    settings = models.configuration("minibert", encoder={"kind": "bert", "name": str(folder)})
    model = TextVAE(settings, CorpusInfo(len(WORDS), WORDS, classes=2)).eval()
    batch = Batch(words().tokens, words().lengths, torch.tensor([0, 1]))
    tuned = fine_tune(model, VECTORS["start"], lambda epoch: [batch], 2, 0, Setting(epochs=1))
    moved = zip(model.encoder.parameters(), tuned.model.encoder.parameters(), strict=True)
    assert any(not torch.equal(old, new) for old, new in moved)
    assert not any(parameter.requires_grad for parameter in model.encoder.parameters())


def test_missing_weights_say_what_to_download_and_where_to_point(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"encoder\.name: the weights of .* name that folder"):
        built(tmp_path)
