"""The assembled model: likelihoods, KLs and weights against loops. Shapes: B sentences, T steps, C code, K samples."""

import pytest
import torch
from torch import Tensor, nn

from tests.support import models
from uncollapse.models import text_vae
from uncollapse.models.batch import BOS, EOS, PAD, Batch
from uncollapse.models.configuration import constraints
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.layers import likelihoods
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.variable import Variable

LENGTHS = [3, 8, 5]
WORDS = models.batch(LENGTHS)


def posterior(model: TextVAE) -> tuple[dict[str, Variable], Tensor]:
    pooled = model.encode(WORDS).pooled
    variables = model.latent(pooled)
    return variables, model.code(variables, pooled)


def test_a_batch_knows_its_mask_and_its_inputs() -> None:
    words = Batch(torch.tensor([[7, EOS, PAD], [5, 6, EOS]]), torch.tensor([2, 3]))
    assert words.mask.tolist() == [[True, True, False], [True, True, True]]
    assert words.previous.tolist() == [[BOS, 7, EOS], [BOS, 5, 6]]
    assert torch.equal(words.to(torch.device("cpu")).tokens, words.tokens)


# Pages whose decoder predicts words in their order and sees nothing of the sentence but its code and the words so far.
IN_ORDER = [
    name
    for name in models.EVERY
    if constraints.predicts(models.configuration(name)) == "words"
    and not models.configuration(name)["inputs"]["bag_size"] + models.configuration(name)["inputs"]["label_size"]
]


@pytest.mark.parametrize("name", IN_ORDER)
def test_decode_is_the_sum_of_log_softmax_over_words_and_eos(name: str) -> None:
    model = models.model(name).eval()
    _, code = posterior(model)
    hidden = model.decoder(model.inputs.for_decoder(WORDS), WORDS.mask, code)
    log_p = model.output.logits(hidden).log_softmax(-1)
    expected = [
        sum(log_p[row, step, WORDS.tokens[row, step]] for step in range(length)) for row, length in enumerate(LENGTHS)
    ]
    torch.testing.assert_close(model.decode(WORDS, code), torch.stack(expected))


@pytest.mark.parametrize("name", IN_ORDER)
def test_probabilities_of_all_next_words_add_up_to_one(name: str) -> None:
    model = models.model(name).eval()
    vocabulary = torch.arange(models.VOCABULARY)
    tokens = torch.stack([torch.full_like(vocabulary, 9), vocabulary], 1)
    words = Batch(tokens, torch.full_like(vocabulary, 2))
    pooled = model.encode(models.batch([2])).pooled
    one = model.code(model.latent(pooled), pooled).expand(len(vocabulary), *[-1] * (pooled.dim() - 1))
    first = Batch(tokens[:, :1], torch.ones_like(vocabulary))
    there = {"code_mask": torch.ones(len(vocabulary), one.shape[1], dtype=torch.bool)} if one.dim() == 3 else {}
    log_next = model.decode(words, one, **there) - model.decode(first, one, **there)
    assert log_next.exp().sum().item() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("name", models.EVERY)
def test_the_trace_is_what_was_drawn_and_what_it_costs(name: str) -> None:
    model = models.model(name).eval()
    torch.manual_seed(5)
    trace = model.trace(WORDS)
    torch.manual_seed(5)
    variables, code = posterior(model)
    torch.testing.assert_close(trace.reconstruction, -model.decode(WORDS, code))
    assert set(trace.kl) == set(variables) == set(model.latent.variables)
    for name_of, variable in variables.items():
        charged = variable.kl
        if charged.dim() == 2:
            charged = torch.stack([charged[row, :length].sum() for row, length in enumerate(LENGTHS)])
        torch.testing.assert_close(trace.kl[name_of], charged)


@pytest.mark.parametrize("name", models.EVERY)
def test_the_average_over_steps_exists_where_steps_have_posteriors(name: str) -> None:
    model = models.model(name).eval()
    trace = model.trace(WORDS)
    if model.pool.at == "features":
        assert trace.kl_mean == {}
        return
    steps = model.encode(WORDS).steps
    expected = [model.latent(steps[row, :length])["z"].kl.mean() for row, length in enumerate(LENGTHS)]
    torch.testing.assert_close(trace.kl_mean["z"], torch.stack(expected))
    if model.pool.at == "latents":
        last = model.latent(torch.stack([steps[row, length - 1] for row, length in enumerate(LENGTHS)]))
        torch.testing.assert_close(trace.kl["z"], last["z"].kl)


@pytest.mark.parametrize("name", models.WITH_LATENT)
def test_weights_are_the_three_log_densities_of_every_sample(name: str) -> None:
    model = models.model(name).eval()
    pooled = model.encode(WORDS).pooled
    h = pooled.expand(4, *pooled.shape)
    variables = model.latent(h)
    code = model.code(variables, h)
    found = model.weigh(WORDS, variables, code)
    assert found.shape == (4, 3)
    for sample in range(4):
        expected = model.decode(WORDS, code[sample])
        for variable in variables.values():
            ratio = (variable.log_p - variable.log_q)[sample]
            expected = expected + (ratio if ratio.dim() == 1 else (ratio * WORDS.mask).sum(1))
        torch.testing.assert_close(found[sample], expected)


@pytest.mark.parametrize("name", models.WITH_LATENT)
def test_log_weights_draw_afresh_for_every_sample(name: str) -> None:
    model = models.model(name).eval()
    weights = model.log_weights(WORDS, model.encode(WORDS), 5)
    assert weights.shape == (5, 3)
    assert weights.isfinite().all()
    assert len(set(weights[:, 0].tolist())) == 5


def test_a_code_of_another_sentence_comes_with_its_own_mask() -> None:
    model = models.model("vat").eval()
    _, codes = posterior(model)
    swapped = model.decode(WORDS, codes.roll(1, 0), WORDS.mask.roll(1, 0))
    for row, length in enumerate(LENGTHS):
        other = LENGTHS[row - 1]
        words = Batch(WORDS.tokens[row : row + 1, :length], WORDS.lengths[row : row + 1])
        alone = model.decode(words, codes[row - 1 : row or None, :other], torch.ones(1, other, dtype=torch.bool))
        torch.testing.assert_close(swapped[row], alone[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["seqvae", "vat", "g_nvdm"])
def test_weights_of_a_batch_are_those_of_each_sentence_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_vae, "ALIKE", 2)
    model = models.model(name).eval()
    with torch.no_grad():
        h = model.encode(WORDS).pooled.expand(4, -1, *[-1] * (2 if name == "vat" else 1))
        variables = model.latent(h)
        found = model.weigh(WORDS, variables, model.code(variables, h))
        for row, length in enumerate(LENGTHS):
            alone = WORDS.of(torch.tensor([row]))
            assert alone.tokens.shape == (1, length)
            given = {key: variable.value[:, row : row + 1] for key, variable in variables.items()}
            if name == "vat":
                given, own = {key: value[:, :, :length] for key, value in given.items()}, h[:, row : row + 1, :length]
            else:
                own = h[:, row : row + 1]
            again = model.latent(own, given)
            weights = model.weigh(alone, again, model.code(again, own))
            torch.testing.assert_close(found[:, row : row + 1], weights, atol=1e-4, rtol=1e-5)


def test_only_real_targets_meet_the_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    model, plain, seen = models.model("seqvae").eval(), likelihoods.word_losses, []

    def noted(states: Tensor, logits: nn.Linear, targets: Tensor) -> Tensor:
        seen.append(len(states))
        return plain(states, logits, targets)

    monkeypatch.setattr(likelihoods, "word_losses", noted)
    model.trace(WORDS)
    assert seen == [sum(LENGTHS)]


@pytest.mark.parametrize("name", models.EVERY)
def test_parts_fit_whatever_their_sizes(name: str) -> None:
    sizes = {"inputs": {"size": 7}, "latent": {"size": 5}, "encoder": {"hidden": 6}, "decoder": {"hidden": 10}}
    configuration = models.family(name).override(sizes).configure({})
    model = text_vae.TextVAE(configuration, CorpusInfo(23, classes=3))
    tokens = torch.randint(4, 23, (2, 4))
    trace = model.trace(Batch(tokens, torch.tensor([4, 2]), torch.tensor([0, 2])))
    assert trace.reconstruction.shape == (2,)
    assert model.output.logits.out_features == (3 if model.decoder.predicts == "label" else 23)


@pytest.mark.parametrize(
    ("name", "learned"), [("ton_vae", {"pseudo_inputs"}), ("fdarn", {"prior_bias", "prior_before"})]
)
def test_a_learned_prior_is_not_of_the_inference(name: str, learned: set[str]) -> None:
    model = models.model(name)
    inference = {id(parameter) for parameter in model.inference_parameters()}
    left = {key.split(".")[0] for key, value in model.latent.named_parameters() if id(value) not in inference}
    assert left == learned
