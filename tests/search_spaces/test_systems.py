"""No system of the five papers is missing."""

from collections.abc import Mapping

import pytest

from uncollapse.cli.main import COMMANDS
from uncollapse.study.config import families

PAGES_OF: Mapping[str, tuple[str, ...]] = {  # a system of a paper: the families that stand for it
    "RNNLM and LSTM-LM, inputless too": ("lstm_lm", "rnnlm", "rnnlm_inputless"),
    "Gaussian VAE (SeqVAE, G-VAE), LSTM and GRU": ("gru_vae", "seqvae"),
    "beta-VAE": ("beta_vae",),
    "VAE-LSTM-base, the code through the first state only": ("vae_gru_base", "vae_lstm_base"),
    "word dropout": ("word_dropout_vae",),
    "KL annealing, every schedule": ("annealed_vae",),
    "cyclical annealing": ("cyclical_vae",),
    "aggressive training": ("aggressive",),
    "SkipVAE": ("skipvae",),
    "WAE-RNF, planar flows": ("wae_rnf",),
    "iVAE": ("ivae",),
    "iVAE_MI": ("ivae_mi",),
    "attention pooling": ("attnpool",),
    "AvgPool": ("avgpool",),
    "MaxPool": ("maxpool",),
    "AbsPool": ("abspool",),
    "VAE-CNN": ("vae_cnn", "vae_cnn_inputless"),
    "vMF-VAE, fixed kappa": ("vmf", "vmf_inputless", "vmf_target_kl"),
    "vMF-VAE, learned kappa": ("vmf_learned",),
    "NVRNN, standard, inputless and with label context": (
        "nvrnn",
        "nvrnn_inputless",
        "nvrnn_labelled",
        "vmf",
        "vmf_inputless",
    ),
    "NVRNN-BoW": ("nvrnn_bow", "vmf_bow"),
    "G-NVDM": ("g_nvdm",),
    "v-NVDM": ("v_nvdm",),
    "fDARN": ("fdarn",),
    "HR-VAE": ("hrvae",),
    "spike-and-slab posteriors": ("hsvae",),
    "B-VAE, B-HSVAE, BERT and the simple classifier": ("b_hsvae", "b_vae", "bert_classifier", "simple_classifier"),
    "HSVAE": ("hsvae",),
    "MAT-VAE": ("mat_vae",),
    "TON-VAE": ("ton_vae",),
    "VAE_L1 and VAE_L2": ("vae_l1", "vae_l2"),
    "VAT": ("vat", "vat_sum"),
    "MiniBERT": ("minibert",),
}
BY_COMMAND = {"transfer heads": "transfer"}  # what is no model of its own


def test_all_systems_of_the_papers_are_here() -> None:
    assert len(PAGES_OF) + len(BY_COMMAND) == 34
    assert set(BY_COMMAND.values()) <= set(COMMANDS)


@pytest.mark.parametrize("system", PAGES_OF)
def test_every_system_has_a_page(system: str) -> None:
    assert PAGES_OF[system]
    assert set(PAGES_OF[system]) <= set(families.names())


def test_every_page_stands_for_a_system() -> None:
    assert {name for names in PAGES_OF.values() for name in names} == set(families.names())
