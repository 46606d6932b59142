"""Files that would run something if they were unpickled: they are refused or put aside, and run nothing."""

import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from tests.support import models
from tests.support.arbitrary_pages import ask
from tests.support.exported_files import CORPUS, exported
from uncollapse.models.configuration import components, resolve
from uncollapse.study.corpora import cache
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.results import final_training
from uncollapse.study.storage.fingerprints import digest, fingerprint
from uncollapse.study.training import checkpoints

FACTS = {"study": "mine", "settings": {"families": {}, "search": {}, "replicate": {"configurations": 1, "seeds": 1}}}


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def mark_of(folder: Path) -> Path:
    return folder / "marker"


def with_payloads(folder: Path, real: Path) -> Iterator[tuple[str, bytes]]:
    """Files in the place of a checkpoint, by what they are."""
    payload = Payload(mark_of(folder))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield f"a pickle of protocol {protocol}", pickle.dumps(payload, protocol)
    for new in (True, False):
        made = io.BytesIO()
        torch.save(
            {"model": payload, "optimization": {}, "update": {}, "history": []},
            made,
            _use_new_zipfile_serialization=new,
        )
        yield f"torch's {'zip' if new else 'older'} format", made.getvalue()
    changed = io.BytesIO()
    with zipfile.ZipFile(real) as source, zipfile.ZipFile(changed, "w", zipfile.ZIP_STORED) as copy:
        for name in source.namelist():
            copy.writestr(name, pickle.dumps(payload) if name.endswith("data.pkl") else source.read(name))
    yield "a real checkpoint with another pickle in it", changed.getvalue()
    sound = io.BytesIO()
    torch.save({"weights": torch.zeros(2)}, sound)
    yield "weights of something else", sound.getvalue()
    yield "nothing", b""


def test_a_payload_in_a_list_of_payloads_would_really_run(tmp_path: Path) -> None:
    """The payload works: what follows shows something."""
    pickle.loads(pickle.dumps(Payload(mark_of(tmp_path))))
    assert mark_of(tmp_path).exists()
    mark_of(tmp_path).unlink()
    torch.save(Payload(mark_of(tmp_path)), tmp_path / "x.pt")
    torch.load(tmp_path / "x.pt", weights_only=False)
    assert mark_of(tmp_path).exists()


def test_a_trials_checkpoint_with_a_payload_is_put_aside(tmp_path: Path) -> None:
    place = tmp_path / "trial.pt"
    training = models.training("seqvae")
    next(training.epochs())
    checkpoints.save(training, place)
    for name, content in list(with_payloads(tmp_path, place)):
        place.write_bytes(content)
        fresh = models.training("seqvae")
        before = {key: value.clone() for key, value in fresh.model.state_dict().items()}
        assert not checkpoints.resume(fresh, place), name
        assert all(torch.equal(before[key], value) for key, value in fresh.model.state_dict().items()), name
        assert not place.exists()
        (tmp_path / "trial.pt.unreadable").unlink()
    assert not mark_of(tmp_path).exists()


def test_a_checkpoint_with_one_changed_bit_is_never_trained_on(tmp_path: Path) -> None:
    """Torch reads a changed weight without a word; what goes on must be exactly what was saved, or begin anew."""
    place = tmp_path / "trial.pt"
    training = models.training("seqvae")
    next(training.epochs())
    checkpoints.save(training, place)
    content, random = place.read_bytes(), np.random.default_rng(0)
    saved = training.model.state_dict()
    aside = 0
    for at in random.integers(0, len(content), 60):
        changed = bytearray(content)
        changed[at] ^= 1 << int(random.integers(8))
        place.write_bytes(changed)
        again = models.training("seqvae")
        if checkpoints.resume(again, place):
            assert all(torch.equal(saved[key], value) for key, value in again.model.state_dict().items())
            assert again.history == training.history
        else:
            aside += 1
    assert aside > 40


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`runs/`, and `best/seqvae.yaml` with its finished training beside it."""
    place = tmp_path_factory.mktemp("trained")
    corpus = prepare(CORPUS, place / "runs" / "corpora", Path())
    content = exported("seqvae", corpus, corpus_folder=str(place))
    models.write(place / "best" / "seqvae.yaml", yaml.safe_dump(content, sort_keys=False))
    final_training.train(content, place / "runs" / "corpora", place / "best" / "seqvae", lambda sentence: None)
    return place


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "copy")


def test_a_final_trainings_checkpoint_with_a_payload_is_put_aside(copy: Path) -> None:
    content = yaml.safe_load((copy / "best" / "seqvae.yaml").read_text())
    model = resolve.resolve(content["model"])
    how = [content["train"], content["evaluate"], content.get("search")]
    name = digest(model, content["seed"], how, content["corpus_digest"], fingerprint(model))
    undisturbed = json.loads((copy / "best" / "seqvae" / "figures.json").read_text())
    for number, payload in enumerate((pickle.dumps(Payload(mark_of(copy))), b"")):
        out = copy / f"out{number}"
        out.mkdir()
        (out / f"checkpoint-{name}.pt").write_bytes(payload)
        words = (
            "train",
            str(copy / "best" / "seqvae.yaml"),
            "--edited",
            "--out",
            str(out),
            "--runs",
            str(copy / "runs"),
        )
        answer = ask(*words)
        assert answer.code == 0, answer.err
        assert f"checkpoint-{name}.pt is damaged or of another training" in answer.out
        assert not list(out.glob("checkpoint-*")), "the name is the one that the training looks for"
        assert json.loads((out / "figures.json").read_text()) == undisturbed
    assert not mark_of(copy).exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_weights_with_a_payload_are_refused(protocol: int, copy: Path) -> None:
    weights = copy / "best" / "seqvae" / "model.safetensors"
    torch.save(Payload(mark_of(copy)), weights)
    saved = weights.read_bytes()
    header = json.dumps({"__metadata__": {"pickle": "x" * 10}}).encode()
    padded = len(header).to_bytes(8, "little") + header
    for content in (pickle.dumps(Payload(mark_of(copy)), protocol), saved, padded, b"", b"\xff" * 16):
        weights.write_bytes(content)
        answer = ask("generate", str(copy / "best" / "seqvae.yaml"), "--runs", str(copy / "runs"))
        assert answer.code == 2
        assert "model.safetensors: the weights are those of the model" in answer.errors[0]
    assert not mark_of(copy).exists()


@pytest.mark.parametrize("file", ["train.tokens.npy", "valid.offsets.npy", "train.factors.npz", "corpus.json"])
def test_a_prepared_corpus_with_a_payload_is_made_again(file: str, copy: Path) -> None:
    (folder,) = (path for path in (copy / "runs" / "corpora").iterdir() if path.is_dir())
    whole = (folder / file).read_bytes()
    made = io.BytesIO()
    np.save(made, np.array([Payload(mark_of(copy))], object), allow_pickle=True)
    for content in (made.getvalue(), pickle.dumps(Payload(mark_of(copy)))):
        (folder / file).write_bytes(content)
        words = ("generate", str(copy / "best" / "seqvae.yaml"), "--prior", "1", "--runs", str(copy / "runs"))
        assert ask(*words).code == 0
        assert (folder / file).read_bytes() == whole
    assert not mark_of(copy).exists()


def test_a_payload_under_a_forged_seal_is_not_unpickled_either(copy: Path) -> None:
    (folder,) = (path for path in (copy / "runs" / "corpora").iterdir() if path.is_dir())
    for name in ("train.tokens.npy", "train.factors.npz"):
        value = np.array([Payload(mark_of(copy))], object)
        with (folder / name).open("wb") as file:
            np.savez(file, topic=value) if name.endswith("npz") else np.save(file, value, allow_pickle=True)
    whole = json.loads((folder / cache.INDEX).read_text())
    del whole["sha256"]
    for name, told in whole["files"].items():
        told.update({"bytes": (folder / name).stat().st_size, "sha256": cache.sha256(folder / name)})
    (folder / cache.INDEX).write_text(json.dumps({"sha256": cache.seal(whole), **whole}))
    assert cache.intact(folder) is not None, "the forged seal holds"
    corpus = cache.load(folder)
    with pytest.raises(ValueError, match=r"Python objects|allow_pickle=False"):
        corpus.split("train")
    with pytest.raises(ValueError, match=r"Python objects|allow_pickle=False"):
        corpus.factors("train")
    assert not mark_of(copy).exists()


@pytest.mark.parametrize("command", ["plan", "show", "train", "generate"])
def test_yaml_that_would_make_objects(command: str, tmp_path: Path) -> None:
    mark = mark_of(tmp_path)
    call = f"!!python/object/apply:os.system ['touch {mark}']"
    for text in (call, f"study: {call}\n", f"base: {{a: {call}}}\n", f"? {call}\n: 1\n"):
        page = models.write(tmp_path / "page.yaml", text)
        words = () if command == "show" else ("--runs", str(tmp_path / "runs"))
        answer = ask(command, str(page), *words)
        assert answer.code == 2
        assert "a page carries no tags" in answer.errors[0]
    yaml.unsafe_load(call)
    assert mark.exists(), "the payload works where a loader makes objects"


@pytest.mark.parametrize("command", ["plan", "show", "train", "generate"])
def test_a_pickle_in_the_place_of_a_page(command: str, tmp_path: Path) -> None:
    page = tmp_path / "page.yaml"
    words = () if command == "show" else ("--runs", str(tmp_path / "runs"))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        page.write_bytes(pickle.dumps(Payload(mark_of(tmp_path)), protocol))
        assert ask(command, str(page), *words).code == 2
    assert not mark_of(tmp_path).exists()


@pytest.mark.parametrize("command", ["status", "report", "export", "verify"])
@pytest.mark.parametrize("file", ["study.json", "ledger.journal"])
def test_a_pickle_in_the_place_of_what_is_recorded(command: str, file: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "study.json").write_text(json.dumps({**FACTS, "corpus": {}, "code": ""}))
    (folder / "ledger.journal").write_text("")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        (folder / file).write_bytes(pickle.dumps(Payload(mark_of(tmp_path)), protocol) + b"\n")
        answer = ask(command, "mine", "--runs", str(tmp_path))
        assert answer.code == 2
        assert file in answer.errors[0]
    assert not mark_of(tmp_path).exists()


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_a_folder_of_weights_brings_no_code_and_no_pickle(file: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    folder, mark = tmp_path / "bert", mark_of(tmp_path)
    touches = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n"
    models.write(folder / "evil.py", touches + "class Config: pass\nclass Model: pass\nclass Tokenizer: pass\n")
    own = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model", "AutoTokenizer": ["evil.Tokenizer", None]}
    models.write(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
    torch.save({"weight": Payload(mark)}, folder / file)
    for kind in ("evil", "bert"):
        models.write(folder / "config.json", json.dumps({"model_type": kind, "auto_map": own, "hidden_size": 8}))
        models.write(folder / "tokenizer_config.json", json.dumps({"auto_map": own}))
        settings = components.resolve("encoder", {"kind": "bert", "name": str(folder)})
        with pytest.raises(ValueError, match=r"encoder\.name: the weights of"):
            components.build("encoder", settings, 0, models.CORPUS_INFO)
    assert not mark.exists()
