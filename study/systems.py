"""The systems of the five papers, numbered as this project numbers them; every one has a page or a command."""

from collections.abc import Mapping

SYSTEMS: Mapping[str, str] = {
    "S1": "RNNLM and LSTM-LM, inputless too",
    "S2": "Gaussian VAE (SeqVAE, G-VAE), LSTM and GRU",
    "S3": "beta-VAE",
    "S4": "VAE-LSTM-base, the code through the first state only",
    "S5": "word dropout",
    "S6": "KL annealing, every schedule",
    "S7": "cyclical annealing",
    "S8": "aggressive training",
    "S9": "SkipVAE",
    "S10": "WAE-RNF, planar flows",
    "S11": "iVAE",
    "S12": "iVAE_MI",
    "S13": "attention pooling",
    "S14": "AvgPool",
    "S15": "MaxPool",
    "S16": "AbsPool",
    "S17": "VAE-CNN",
    "S18": "vMF-VAE, fixed kappa",
    "S19": "vMF-VAE, learned kappa",
    "S20": "NVRNN, standard, inputless and with label context",
    "S21": "NVRNN-BoW",
    "S22": "G-NVDM",
    "S23": "v-NVDM",
    "S24": "fDARN",
    "S25": "HR-VAE",
    "S26": "spike-and-slab posteriors",
    "S27": "B-VAE, B-HSVAE, BERT and the simple classifier",
    "S28": "HSVAE",
    "S29": "MAT-VAE",
    "S30": "TON-VAE",
    "S31": "VAE_L1 and VAE_L2",
    "S32": "VAT",
    "S33": "MiniBERT",
    "S34": "transfer heads",
}
BY_COMMAND: Mapping[str, str] = {
    "S33": "uncollapse transfer, on the vectors of a MiniBERT",
    "S34": "uncollapse transfer, on frozen or fine-tuned encoders",
}
