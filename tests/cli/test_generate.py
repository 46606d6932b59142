"""`generate`, the sheet of a replicate, and the loading of what a final training left."""

import argparse
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from tests.support import models
from tests.support.exported_files import CORPUS, exported
from uncollapse.cli import generate as command
from uncollapse.cli.main import main
from uncollapse.models.batch import EOS
from uncollapse.models.generation.decoding import CUT, Decoding
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.corpora.corpus import Corpus, Split
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import UserError
from uncollapse.study.results import final_training, saved_model
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.training.samples import Speaker, sheet, text

SECTIONS = {"reconstructions", "variation", "interpolation", "prior"}
TRAINED = ("vat", "seqvae", "lstm_lm", "vmf", "nvrnn_labelled", "nvrnn_bow")


def nothing(sentence: str) -> None:
    """Told of progress."""


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs") / "corpora"


@pytest.fixture(scope="module")
def corpus(corpora: Path) -> Corpus:
    return prepare(CORPUS, corpora, corpora.parent)


@pytest.fixture(scope="module")
def best(corpora: Path, corpus: Corpus) -> Path:
    """The folder of the exported files, each trained for an epoch."""
    folder = corpora.parent / "best"
    for name in TRAINED:
        content = exported(name, corpus)
        models.write(folder / f"{name}.yaml", yaml.safe_dump(content, sort_keys=False))
        final_training.train(content, corpora, folder / name, nothing)
    return folder


def asked(file: Path, *given: str) -> argparse.Namespace:
    """The arguments as the command line gives them; `best` lies beside the corpora."""
    parser = argparse.ArgumentParser()
    command.options(parser)
    runs = next(folder for folder in file.parents if (folder / "corpora").is_dir())
    return parser.parse_args([str(file), *given], argparse.Namespace(runs=runs, json=False))


def said(file: Path, *given: str) -> tuple[dict[str, Any], str]:
    data, written = command.generate(asked(file, *given))
    assert written is not None
    assert json.loads(json.dumps(data)) == data
    return data, written


def refused(file: Path, *given: str) -> str:
    with pytest.raises(UserError) as error:
        command.generate(asked(file, *given))
    return str(error.value)


def untrained(name: str, corpus: Corpus) -> TextVAE:
    torch.manual_seed(0)
    return TextVAE(models.configuration(name), corpus_info_of(corpus))


@pytest.mark.parametrize("name", models.EVERY)
def test_every_model_has_a_sheet_of_what_it_can_say(name: str, corpus: Corpus) -> None:
    model = untrained(name, corpus)
    found = sheet(model, corpus, 3, Decoding(longest=8))
    assert json.loads(json.dumps(found)) == found
    reasons = len(found["cannot"])
    assert len(SECTIONS & set(found)) + reasons == len(SECTIONS), found["cannot"]
    written = text(found)
    for section in SECTIONS & set(found):
        rows = found[section]["sentences"] if "sentences" in found[section] else found[section]["draws"]
        assert len(rows) >= 4
        assert f"({found[section]['how']})" in written
    assert all(reason in written for reason in found["cannot"])


def test_a_sheet_is_the_same_for_the_same_seed_and_leaves_the_generator_alone(corpus: Corpus) -> None:
    model = untrained("vat", corpus).train()
    before = torch.get_rng_state()
    first = sheet(model, corpus, 3)
    assert torch.equal(before, torch.get_rng_state())
    assert model.training
    torch.randn(9)
    assert sheet(model, corpus, 3) == first
    assert sheet(model, corpus, 4) != first
    assert set(first) == SECTIONS | {"seed", "split", "cannot"}


def test_a_sheet_shows_validation_sentences_and_never_opens_the_test_split(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real: Callable[[Corpus, str], Split] = Corpus.split

    def noted(self: Corpus, name: str) -> Split:
        opened.append(name)
        return real(self, name)

    monkeypatch.setattr(Corpus, "split", noted)
    found = sheet(untrained("vat", corpus), corpus, 0)
    assert set(opened) == {"valid"}
    valid = corpus.split("valid")
    known = {corpus.sentence(valid[number]) for number in range(len(valid))}
    shown = [row["sentence"] for row in found["reconstructions"]["sentences"]]
    assert len(set(shown)) == 4
    assert set(shown) <= known
    assert found["variation"]["sentence"] == shown[0]
    word = shown[0].split()[found["variation"]["token"] - 1]
    assert found["variation"]["word"] == word


def test_a_language_model_draws_its_words(corpus: Corpus) -> None:
    found = sheet(untrained("lstm_lm", corpus), corpus, 0)
    assert set(found) & SECTIONS == {"prior"}
    assert "words drawn at temperature 1" in found["prior"]["how"]
    assert len({row["sentence"] for row in found["prior"]["sentences"]}) == 4
    assert all("language model" in why for why in found["cannot"])


def test_a_sentence_that_was_cut_off_is_marked(corpus: Corpus) -> None:
    model = untrained("seqvae", corpus)
    with torch.no_grad():
        model.output.logits.bias[EOS] = -1e4
        rows = Speaker(model, corpus, 0, Decoding(longest=4)).prior(3)["sentences"]
        assert all(row["sentence"].endswith(f" {CUT}") and len(row["sentence"].split()) == 5 for row in rows)
        model.output.logits.bias[EOS] = 1e4
        assert [row["sentence"] for row in Speaker(model, corpus, 0, Decoding()).prior(2)["sentences"]] == ["", ""]


def test_chosen_sentences_are_those_that_need_no_cutting(corpus: Corpus) -> None:
    lengths = corpus.split("valid").lengths
    model, shortest = untrained("seqvae", corpus), int(lengths.min())
    few = int((lengths <= shortest).sum())
    short = Speaker(model, corpus, 0, Decoding(longest=shortest)).chosen(few)
    assert set(short.lengths.tolist()) == {shortest + 1}
    assert len(Speaker(model, corpus, 0, Decoding(longest=1)).chosen(5).tokens) == 5


@pytest.mark.parametrize("name", TRAINED)
def test_what_was_trained_is_loaded_with_its_corpus(name: str, best: Path, corpora: Path, corpus: Corpus) -> None:
    weights = load_file(best / name / "model.safetensors")
    before = torch.get_rng_state()
    for place in (best / f"{name}.yaml", best / name):
        model, loaded, content = saved_model.load(place, corpora)
        assert not model.training
        assert (loaded.digest, loaded.vocabulary, content["family"]) == (corpus.digest, corpus.vocabulary, name)
        state = model.state_dict()
        assert all(torch.equal(tensor, state[key]) for key, tensor in weights.items())
    assert torch.equal(before, torch.get_rng_state())


def test_a_loaded_model_measures_what_was_measured(best: Path, corpora: Path) -> None:
    from uncollapse.models.evaluation.evaluate import evaluate
    from uncollapse.study.training.batches import evaluation_batches
    from uncollapse.study.training.training import EVALUATION_BATCH, Effort
    from uncollapse.study.training.validation import cut

    torch.set_num_threads(1)
    model, corpus, content = saved_model.load(best / "vat.yaml", corpora)
    effort = Effort.of(content["evaluate"])
    reporting = cut(corpus.split("valid"), effort.subset_sentences, effort.subset_seed).reporting
    batches = evaluation_batches(reporting, EVALUATION_BATCH)
    found = evaluate(model, batches, content["evaluate"]["full_samples"], seed=0)
    figures = json.loads((best / "vat" / "figures.json").read_text())
    assert found == {name.removeprefix("valid/"): value for name, value in figures.items() if name.startswith("valid/")}


def test_what_is_not_trained_yet_is_refused(best: Path, corpora: Path, corpus: Corpus, tmp_path: Path) -> None:
    file = models.write(tmp_path / "vat.yaml", yaml.safe_dump(exported("vat", corpus)))
    with pytest.raises(UserError, match=r"run `uncollapse train .*vat\.yaml` to its end"):
        saved_model.load(file, corpora)
    (tmp_path / "vat").mkdir()
    shutil.copy(best / "vat" / "configuration.yaml", tmp_path / "vat")
    for place in (file, tmp_path / "vat"):
        with pytest.raises(UserError, match=r"model\.safetensors cannot be found; run"):
            saved_model.load(place, corpora)
    with pytest.raises(UserError, match="no such file"):
        saved_model.load(tmp_path / "none.yaml", corpora)


def test_weights_of_an_earlier_export_are_refused(best: Path, corpora: Path, corpus: Corpus, tmp_path: Path) -> None:
    shutil.copytree(best / "seqvae", tmp_path / "seqvae")
    other = exported("seqvae", corpus, train={"epochs": 7, "batch_size": 32}, seed=4)
    file = models.write(tmp_path / "seqvae.yaml", yaml.safe_dump(other))
    with pytest.raises(UserError, match="another version of this file, which differs in train;"):
        saved_model.load(file, corpora)
    assert saved_model.load(tmp_path / "seqvae", corpora).content["family"] == "seqvae"


def test_weights_that_do_not_fit_are_refused(best: Path, corpora: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(best / "seqvae", tmp_path / "seqvae")
    whole = load_file(folder / "model.safetensors")
    name = next(iter(whole))
    for wrong in (
        {key: value for key, value in whole.items() if key != name},
        {**whole, name: whole[name][:1].clone()},
        {**whole, "strange": torch.ones(1)},
    ):
        save_file(wrong, folder / "model.safetensors")
        with pytest.raises(UserError, match="these do not fit"):
            saved_model.load(folder, corpora)
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(UserError, match="cannot be read"):
        saved_model.load(folder, corpora)


def test_a_corpus_is_taken_from_the_cache_made_again_or_refused(best: Path, corpora: Path, tmp_path: Path) -> None:
    again = saved_model.load(best / "seqvae", tmp_path / "corpora")
    assert again.corpus.digest == saved_model.load(best / "seqvae", corpora).corpus.digest
    folder = shutil.copytree(best / "seqvae", tmp_path / "seqvae")
    content = yaml.safe_load((folder / "configuration.yaml").read_text())
    content["corpus"] = {"name": "cafes", "sentences": 301}
    models.write(folder / "configuration.yaml", yaml.safe_dump(content))
    assert saved_model.load(folder, corpora).corpus.digest == again.corpus.digest
    with pytest.raises(UserError, match="what is read now is"):
        saved_model.load(folder, tmp_path / "elsewhere")
    content["corpus"] = {"path": "gone.txt", "format": "lines"}
    models.write(folder / "configuration.yaml", yaml.safe_dump(content))
    with pytest.raises(UserError, match=r"gone\.txt"):
        saved_model.load(folder, tmp_path / "elsewhere")


def test_a_corpus_of_an_earlier_version_is_not_read_as_if_it_were_of_this_one(
    best: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("uncollapse.study.results.saved_model", "uncollapse.study.corpora.prepare"):
        monkeypatch.setattr(f"{module}.PREPARATION_VERSION", 99)
    with pytest.raises(UserError, match="prepared by an earlier version"):
        saved_model.load(best / "seqvae", corpora)


def test_without_a_request_there_is_some_of_everything(best: Path) -> None:
    data, written = said(best / "vat.yaml")
    assert set(data) >= SECTIONS
    assert data["family"] == "vat"
    for title in ("reconstructions  (", "variation of token", "interpolation  (", "prior samples  ("):
        assert title in written
    assert said(best / "vat.yaml") == (data, written)
    assert said(best / "vat.yaml", "--seed", "1")[0]["prior"] != data["prior"]


def test_every_request_is_a_section_of_its_size(best: Path, corpus: Corpus) -> None:
    valid = corpus.split("valid")
    first, second = corpus.sentence(valid[0]), corpus.sentence(valid[1])
    data, _ = said(
        best / "vat.yaml",
        *("--reconstruct", "2", "--sentence", first, "--prior", "3", "--draws", "4"),
        *("--interpolate", first, second, "--steps", "6", "--vary", first, "--token", "2"),
    )
    rows = data["reconstructions"]["sentences"]
    assert [len(row["draws"]) for row in rows] == [4, 4, 4]
    assert rows[0]["sentence"] == first
    assert len(data["prior"]["sentences"]) == 3
    assert (data["interpolation"]["from"]["sentence"], data["interpolation"]["to"]["sentence"]) == (first, second)
    assert len(data["interpolation"]["sentences"]) == 6
    assert data["interpolation"]["sentences"][0] == rows[0]["mean"]
    assert (data["variation"]["word"], len(data["variation"]["draws"])) == (first.split()[1], 4)
    assert data["variation"]["mean"] == rows[0]["mean"]


def test_sentences_of_a_file_and_words_that_nobody_knows(best: Path, corpus: Corpus, tmp_path: Path) -> None:
    known = corpus.sentence(corpus.split("train")[0])
    first, second = known.split(" ", 1)
    file = models.write(tmp_path / "mine.txt", f"xylophone {second}\n{known}\n")
    data, written = said(best / "seqvae.yaml", "--sentences", str(file), "--vary", f"{first} zyzzyva")
    shown = [row["sentence"] for row in data["reconstructions"]["sentences"]]
    assert shown == [f"<unk> {second}", known]
    assert data["variation"]["sentence"] == f"{first} <unk>"
    assert data["unknown"] == ["xylophone", "zyzzyva"]
    assert "unknown words, read as <unk>: xylophone, zyzzyva" in written


def test_the_command_line_prints_json_and_ends_with_its_code(best: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = ["--runs", str(best.parent)]
    assert main(["generate", str(best / "vmf.yaml"), "--prior", "2", "--json", *runs]) == 0
    assert len(json.loads(capsys.readouterr().out)["prior"]["sentences"]) == 2
    assert main(["generate", str(best / "vmf.yaml"), "--vary", "the", "--token", "1", *runs]) == 2
    assert "variation of a token: the model has one code" in capsys.readouterr().err


def test_sentences_without_words_are_refused(best: Path, tmp_path: Path) -> None:
    file = models.write(tmp_path / "mine.txt", "the coffee\n\n  \n")
    message = refused(best / "seqvae.yaml", "--sentences", str(file))
    assert [part.split(": ")[0] for part in message.splitlines()] == [f"{file}, line 2", f"{file}, line 3"]
    assert "at least one word, and ' ' has none" in refused(best / "seqvae.yaml", "--sentence", " ")


def test_decodings_are_named_and_differ(best: Path) -> None:
    file = best / "seqvae.yaml"
    greedy, _ = said(file, "--prior", "3")
    beam, _ = said(file, "--prior", "3", "--decoding", "beam", "--beam", "1")
    drawn, _ = said(
        file, "--prior", "3", "--decoding", "sample", "--temperature", "2", "--top-k", "50", "--longest", "5"
    )
    assert beam["prior"]["sentences"] == greedy["prior"]["sentences"]
    assert "beam search of width 1" in beam["prior"]["how"]
    assert drawn["prior"]["sentences"] != greedy["prior"]["sentences"]
    assert "temperature 2 among the 50 likeliest" in drawn["prior"]["how"]
    assert all(len(row["sentence"].removesuffix(CUT).split()) <= 5 for row in drawn["prior"]["sentences"])


def test_a_vmf_goes_on_the_sphere(best: Path) -> None:
    data, _ = said(best / "vmf.yaml")
    assert "shortest arc between the mean directions" in data["interpolation"]["how"]
    straight, _ = said(best / "seqvae.yaml")
    assert "straight line between the posterior means" in straight["interpolation"]["how"]


def test_what_a_model_cannot_do_is_refused_with_the_reason(best: Path) -> None:
    assert "language model" in refused(best / "lstm_lm.yaml", "--reconstruct", "2")
    assert "one code for a whole sentence" in refused(best / "seqvae.yaml", "--vary", "the coffee", "--token", "1")


def test_a_model_with_label_context_is_told_a_class_and_shows_it(best: Path, corpus: Corpus) -> None:
    file, last = best / "nvrnn_labelled.yaml", corpus.classes[-1]
    data, written = said(file)
    assert {row["label"] for row in data["reconstructions"]["sentences"]} <= set(corpus.classes)
    assert [row["label"] for row in data["prior"]["sentences"]] == [
        corpus.classes[n % len(corpus.classes)] for n in range(4)
    ]
    assert f"  [{corpus.classes[0]}] " in written
    told, _ = said(file, "--prior", "3", "--label", last)
    assert [row["label"] for row in told["prior"]["sentences"]] == [last] * 3
    assert "unknown class 'none'" in refused(file, "--prior", "1", "--label", "none")
    assert "--label: this model is told the class of a sentence" in refused(file, "--sentence", "the coffee")
    typed, _ = said(file, "--sentence", "the coffee was good .", "--label", last)
    assert typed["reconstructions"]["sentences"][0]["label"] == last


def test_a_decoder_that_is_shown_the_bag_only_reconstructs(best: Path) -> None:
    data, _ = said(best / "nvrnn_bow.yaml")
    assert set(data) & SECTIONS == {"reconstructions"}
    assert "the bag of the very words" in refused(best / "nvrnn_bow.yaml", "--prior", "1")


ERRORS = {
    "draws": (["--draws", "0"], "--draws: a whole number from 1 to 1,000, found 0"),
    "steps": (["--steps", "1"], "--steps: a whole number from 2 to 1,000, found 1"),
    "seed": (["--seed", "-1"], "--seed: a whole number from 0"),
    "nothing": (["--prior", "0"], "--prior: a whole number from 1"),
    "beam": (["--beam", "3"], "--beam: an option of `--decoding beam`"),
    "temperature": (
        ["--temperature", "0", "--decoding", "sample"],
        "--temperature: a number from 0.01 to 100, found 0",
    ),
    "nan": (["--temperature", "nan", "--decoding", "sample"], "--temperature: a number from 0.01 to 100, found nan"),
    "normalise": (["--normalise", "-1", "--decoding", "beam"], "--normalise: a number from 0 to 10, found -1"),
    "token": (["--token", "1"], "--token: one word of a sentence"),
    "far token": (["--vary", "the coffee", "--token", "3"], "--token: a word of the sentence, from 1 to 2, found 3"),
    "test": (["--split", "test"], "--split: train or valid, for `train` alone reads the test split"),
    "label": (["--label", "x", "--prior", "1"], "--label x: this model is told no class"),
    "label of nothing": (["--label", "x"], "--label: the class of a sentence that you type, or of prior samples"),
    "file": (["--sentences", "none.txt"], "none.txt: cannot be read"),
    "device": (["--sentences", "/dev/zero"], "/dev/zero: a file is expected, and this is a pipe, a socket or a device"),
    "huge seed": (["--seed", str(2**64)], "--seed: a whole number from 0 to 999,999,999,999,999,999, found"),
    "cold": (["--temperature", "1e-320", "--decoding", "sample"], "--temperature: a number from 0.01 to 100, found"),
    "hot": (["--temperature", "1e308", "--decoding", "sample"], "--temperature: a number from 0.01 to 100, found"),
    "far": (["--normalise", "1e6", "--decoding", "beam"], "--normalise: a number from 0 to 10, found 1e+06"),
    "many": (["--prior", str(10**9)], "--prior: a whole number from 1 to 10,000, found 1000000000"),
    "wide": (["--beam", str(10**9), "--decoding", "beam"], "--beam: a whole number from 1 to 100, found"),
    "steps on": (["--steps", str(10**9)], "--steps: a whole number from 2 to 1,000, found"),
    "long": (["--longest", str(10**9)], "--longest: a whole number from 1 to 1,000, found"),
    "in all": (["--prior", "10000", "--longest", "200"], "at most 1,000,000 words are said at once"),
    "drawn": (["--reconstruct", "1000", "--draws", "1000"], "and this asks for 30,000,000; ask for fewer"),
    "beams": (["--prior", "9000", "--decoding", "beam"], "and this asks for 1,350,000; ask for fewer"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_a_wrong_option_is_refused_in_a_sentence(case: str, best: Path) -> None:
    given, expected = ERRORS[case]
    assert expected in refused(best / "vat.yaml", *given)


def test_files_of_sentences_that_are_no_such(best: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "a file is expected, and this is a pipe" in refused(best / "vat.yaml", "--sentences", str(tmp_path / "pipe"))
    long = models.write(tmp_path / "long.txt", "fine\n" + "word " * 2000)
    assert "long.txt, line 2: a sentence of at most 1,000 words" in refused(best / "vat.yaml", "--sentences", str(long))
    many = models.write(tmp_path / "many.txt", "a word\n" * 3_000_000)
    assert "bytes of sentences are read" in refused(best / "vat.yaml", "--sentences", str(many))


def test_what_is_within_every_bound_is_said(best: Path) -> None:
    data, _ = said(
        best / "vat.yaml", "--prior", "3", "--decoding", "sample", "--temperature", "0.01", "--seed", "9" * 18
    )
    assert len(data["prior"]["sentences"]) == 3


def test_all_errors_are_told_at_once(best: Path) -> None:
    assert len(refused(best / "vat.yaml", "--draws", "0", "--steps", "0", "--split", "test").splitlines()) == 3
