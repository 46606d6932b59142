"""The command as a user types it: what is light answers at once, what is wrong is said in sentences."""

import datetime
import importlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from uncollapse.cli.main import COMMANDS, main
from uncollapse.study.execution import driver, supervisor
from uncollapse.study.execution.control import Control
from uncollapse.study.execution.ray_tune import signals_restored
from uncollapse.study.planning import preflight
from uncollapse.study.storage.workspace import Workspace

SMALL = {"study": "bad", "corpus": {"name": "cafes", "sentences": 300}, "families": ["vmf"]}


def write(folder: Path, **changes: object) -> str:
    path = folder / "bad.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}), encoding="utf-8")
    return str(path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message of a command that must end with exit code 2 and no traceback."""
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return said.err


def plan(capsys: pytest.CaptureFixture[str], page: str, runs: Path) -> str:
    return refused(capsys, "plan", page, "--runs", str(runs), "--no-calibrate")


@pytest.mark.parametrize(
    ("said", "words"), [("7 o'clock", "a time of day such as 07:00"), ("2020-01-01T07:00", "a moment to come")]
)
def test_a_moment_that_is_none_to_come_is_refused(
    said: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(capsys, "run", write(tmp_path), "--runs", str(tmp_path / "runs"), "--until", said)
    assert f"--until: {words}" in error
    assert said in error


def test_a_study_that_is_left_behind_is_told_the_moment_and_not_the_time_of_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(supervisor, "leave_behind", lambda command, log: started.append(command) or 1)
    assert main(["run", write(tmp_path), "--runs", str(tmp_path / "runs"), "--detach", "--until", "07:00"]) == 0
    said = [word for before, word in pairwise(started[0]) if before == "--until"]
    moment = datetime.datetime.fromisoformat(said[-1])
    assert (moment.hour, moment.minute) == (7, 0)
    assert datetime.timedelta(0) < moment - datetime.datetime.now().astimezone() <= datetime.timedelta(hours=25)


PAGES = {
    "unknown family": ({"families": ["vmff"]}, ["unknown family 'vmff'", "did you mean 'vmf'"]),
    "unknown key": ({"serch": {}}, ["unknown key of a study 'serch'", "did you mean 'search'"]),
    "unknown key of a section": ({"search": {"trails": 3}}, ["search.trails", "did you mean 'trials'"]),
    "kappa": ({"override": {"latent": {"kappa": -1}}}, ["vmf.latent.kappa", "must be at least 0.001", "found -1"]),
    "alpha": (
        {"families": ["hsvae"], "override": {"latent": {"alpha": 0}}},
        ["hsvae.latent.alpha", "must be at least 0.05", "found 0"],
    ),
    "one sentence": ({"corpus": {"path": "one.txt", "format": "lines"}}, ["at least 2 sentences", "has 1"]),
    "empty corpus": ({"corpus": {"path": "empty.txt", "format": "lines"}}, ["empty.txt", "the file is empty"]),
    "binary file": ({"corpus": {"path": "binary.txt", "format": "lines"}}, ["binary.txt", "binary file"]),
    "missing column": (
        {"corpus": {"path": "table.csv", "format": "csv", "text": "txet"}},
        ["txet", "did you mean 'text'"],
    ),
    "labels": (
        {"corpus": {"path": "lines.txt", "format": "labelled", "labels": "labels.txt"}},
        ["12", "11"],
    ),
    "missing file": ({"corpus": {"path": "nowhere.txt", "format": "lines"}}, ["nowhere.txt"]),
    "too many GPUs": ({"resources": {"gpus": 99}}, ["resources.gpus", "found 99"]),
    "unreachable server": ({"tracking": "http://127.0.0.1:9"}, ["tracking", "does not"]),
    "tracking is no URI": ({"tracking": "mlruns"}, ["tracking", "found 'mlruns'"]),
    "counts have no order": (
        {"corpus": {"path": "counts.txt", "format": "counts"}},
        ["counts keep no order", "vmf"],
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that a corpus section of `PAGES` names."""
    (tmp_path / "one.txt").write_text("a single sentence\n")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "binary.txt").write_bytes(b"\x00\xff\xfe\x89PNG" * 50)
    (tmp_path / "table.csv").write_text("text,label\n" + "a sentence,x\n" * 12)
    (tmp_path / "lines.txt").write_text("a sentence\n" * 12)
    (tmp_path / "labels.txt").write_text("0\n" * 11)
    (tmp_path / "counts.txt").write_text("1 1:2 2:1\n" * 12)
    return tmp_path


@pytest.mark.parametrize("case", PAGES)
def test_plan_refuses_a_bad_page_in_sentences(case: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes, expected = PAGES[case]
    said = plan(capsys, write(folder, **changes), folder / "runs")
    for part in expected:
        assert part in said, said


def test_every_error_of_a_page_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = write(tmp_path, families=["vmff", "seqva"], train={"epochs": 0}, seed=-1)
    said = plan(capsys, page, tmp_path / "runs")
    assert said.count("uncollapse: ") == 4
    for part in ("'vmff'", "'seqva'", "train.epochs", "seed"):
        assert part in said


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    said = plan(capsys, write(tmp_path), tmp_path / "file" / "runs")
    assert "cannot be written" in said


def test_pages_that_are_no_yaml_or_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "twice.yaml").write_text("study: a\nstudy: b\n")
    (tmp_path / "not.yaml").write_text("study: [a\n")
    assert "given twice" in plan(capsys, str(tmp_path / "twice.yaml"), tmp_path)
    assert "line" in plan(capsys, str(tmp_path / "not.yaml"), tmp_path)
    assert "no such file" in plan(capsys, str(tmp_path / "none.yaml"), tmp_path)


def test_a_study_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("status", "report", "export", "verify"):
        assert "no study 'none'" in refused(capsys, name, "none", "--runs", str(tmp_path))


def test_plan_says_what_would_run_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = write(tmp_path, replicate={"configurations": 2, "seeds": 10}, search={"trials": 5})
    assert main(["plan", page, "--runs", str(tmp_path / "runs"), "--no-calibrate", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["trials"] == {"search": 5, "replicate": 30}, "two configurations and the base, ten seeds each"
    assert said["resolution"]["none_high"] == pytest.approx(0.2589, abs=1e-4)  # 1 - 0.05^(1/10)
    assert said["resolution"]["collapses"] == 2, "of ten seeds, by the Beta quantiles of scipy"
    assert said["warnings"] == []
    assert not list((tmp_path / "runs").glob("*/study.json"))


def test_a_plan_of_one_of_everything_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = write(
        tmp_path,
        search={"trials": 1},
        replicate={"configurations": 1, "seeds": 1, "also": []},
        train={"epochs": 1, "patience": 0},
    )
    assert main(["plan", page, "--runs", str(tmp_path / "runs"), "--no-calibrate"]) == 0
    said = capsys.readouterr().out
    assert "1 trial at most: 1 configuration (" in said
    ones = re.findall(r"\b1 (\w+)", said)
    assert "family" in ones
    assert "epoch" in ones
    assert [word for word in ones if word.endswith("s")] == []


@pytest.mark.parametrize("words", [["run"], ["run", "--restart"]])
def test_a_command_runs_in_another_thread(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python lets the main thread alone say what a signal does."""
    monkeypatch.setattr(supervisor, "again", lambda *given: [sys.executable, "-c", "raise SystemExit(7)"])
    monkeypatch.setattr(supervisor, "DEATHS", 0)
    monkeypatch.setattr(driver, "run", listening)
    ended: list[object] = []

    def call() -> None:
        try:
            ended.append(main([*words, write(tmp_path), "--runs", str(tmp_path / "runs")]))
        except SystemExit as end:
            ended.append(end.code)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(120)
    assert ended == [7 if "--restart" in words else 0]


def listening(study: object, workspace: Workspace, launch: object) -> dict[str, object]:
    """A study's run as far as signals are concerned."""
    with Control(workspace.control, print).listening(), signals_restored():
        said = dict.fromkeys(("table", "report", "took", "failed", "unsent", "tracking"), "")
        return said | {"best": [], "set_aside": [], "not_exported": {}}


@pytest.mark.parametrize(
    ("limit", "remedy"), [(0.1, "`replicate.seeds: 18` would do"), (0.0, "no number of seeds would do")]
)
def test_plan_warns_where_no_outcome_could_be_exported(
    limit: float, remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = {"collapse_limit": limit}
    page = write(tmp_path, replicate={"seeds": 3}, export=export)
    assert main(["plan", page, "--runs", str(tmp_path / "runs"), "--no-calibrate"]) == 0
    said = capsys.readouterr().out
    assert "warning    export: of a model with a code nothing can be exported: where none of 3 seeds collapses" in said
    assert remedy in said
    models = write(tmp_path, replicate={"seeds": 3}, export=export, families=["lstm_lm"])
    assert main(["plan", models, "--runs", str(tmp_path / "runs"), "--no-calibrate"]) == 0
    assert "warning" not in capsys.readouterr().out, "a language model has no code to lose"


def test_plan_calibrates_on_the_real_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = {"inputs": {"size": 8}, "encoder": {"hidden": 8}, "decoder": {"hidden": 8}}
    page = write(tmp_path, override=small, families=["vmf", "lstm_lm"])
    assert main(["plan", page, "--runs", str(tmp_path / "runs"), "--json"]) == 0
    said = capsys.readouterr()
    assert "calibrating" in said.err
    cost = json.loads(said.out)["cost"]
    assert [row["family"] for row in cost["families"]] == ["vmf", "lstm_lm"]
    assert cost["training_seconds"] > 0
    assert cost["sentences"]["train"] == 240


LIGHT = (["families"], ["families", "--json"], ["show", "vmf"], ["show", "hsvae", "--json"], ["--version"])


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys; from uncollapse.cli.main import main\n"
        "try: code = main(sys.argv[1:])\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = {'torch', 'ray', 'mlflow', 'optuna', 'pandas', 'spacy', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imports {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_bad_page_is_refused_without_anything_heavy(tmp_path: Path) -> None:
    script = (
        "import sys; from uncollapse.cli.main import main\n"
        "code = main(sys.argv[1:])\n"
        "heavy = {'torch', 'ray', 'mlflow', 'optuna', 'pandas', 'spacy'} & set(sys.modules)\n"
        "sys.exit(f'imports {heavy}' if heavy else code)"
    )
    page = write(tmp_path, families=["vmff"])
    done = subprocess.run([sys.executable, "-c", script, "plan", page], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr


@pytest.mark.parametrize("words", [["families"], ["families", "--json"], ["show", "vmf"]])
def test_a_reader_that_leaves_is_no_traceback(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-P", "-m", "uncollapse", *words]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.parametrize(("encoding", "words"), [("ascii", ["families"]), ("latin-1", ["show", "vmf", "--json"])])
def test_an_encoding_that_lacks_letters_is_no_traceback(encoding: str, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "uncollapse", *words],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding)


def test_a_full_disk_under_standard_output_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-P", "-m", "uncollapse", "families"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("uncollapse: standard output cannot be written (No space left on device)")
    assert len(done.stderr.splitlines()) == 1


PLACES = {
    "CPUs below none": (["--cpus", "-3"], "--cpus: from 1 to "),
    "no CPU": (["--cpus", "0"], "--cpus: from 1 to "),
    "more CPUs than there are": (["--cpus", "100000"], "found 100,000"),
    "no number of CPUs": (["--cpus", "1e9"], "argument --cpus: invalid int value: '1e9'"),
    "no address": (["--address", "inf"], "--address inf: auto, HOST:PORT or ray://HOST:PORT"),
    "markup as an address": (["--address", "[/red]:9"], "--address [/red]:9: auto, HOST:PORT"),
    "an empty address": (["--address", ""], "--address : auto, HOST:PORT"),
    "nobody there": (["--address", "127.0.0.1:1"], "none does ([Errno 111] Connection refused)"),
}


@pytest.mark.parametrize("command", ["run", "plan", "run --detach"])
@pytest.mark.parametrize("case", PLACES)
def test_where_a_study_cannot_run_is_said_before_anything_is_made(
    case: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, sentence = PLACES[case]
    error = refused(capsys, *command.split(), write(tmp_path), "--runs", str(tmp_path / "runs"), *words)
    assert sentence in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_what_a_trial_needs_is_compared_with_what_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "local_cpus", lambda: 8)
    page = write(tmp_path, resources={"cpus": 4})
    error = refused(capsys, "plan", page, "--runs", str(tmp_path), "--no-calibrate", "--cpus", "2")
    assert "--cpus offers 2 of this machine's, found 4" in error


WRONG = {
    "command": (["statuss", "x"], "unknown command 'statuss'; did you mean 'status'?"),
    "option": (["status", "x", "--wach"], "unknown option '--wach' of uncollapse status; did you mean '--watch'?"),
    "value": (["generate", "x", "--decoding", "bem"], "unknown value of --decoding 'bem'; did you mean 'beam'?"),
    "number": (["generate", "x", "--prior", "y"], "argument --prior: invalid int value: 'y'"),
    "nothing": ([], "the following arguments are required: command"),
    "less": (["show"], "the following arguments are required: family; `uncollapse show --help`"),
    "more": (["show", "vmf", "hsvae"], "uncollapse show has no use for 'hsvae'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_words_that_are_wrong_are_refused_in_a_sentence(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, sentence = WRONG[case]
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"uncollapse: {sentence}")
    assert len(said.err.splitlines()) == 1
    if words:
        assert main([*words, "--json"]) == 2
        assert json.loads(capsys.readouterr().out)["errors"][0].startswith(sentence)


def test_all_unknown_options_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(refused(capsys, "status", "x", "--wach", "--foo", "y").splitlines()) == 3


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_where_the_list_says_and_loads_the_modules_of_no_other(name: str) -> None:
    script = (
        "import sys; from uncollapse.cli import main as command\n"
        "found = command.parser(sys.argv[1:]).format_help()\n"
        "loaded = {name for name in sys.modules if name.startswith('uncollapse.cli.')}\n"
        "print(*sorted(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", script, name], capture_output=True, text=True, check=True)
    of_commands = {f"uncollapse.cli.{command.module}" for command in COMMANDS.values()}
    own = f"uncollapse.cli.{COMMANDS[name].module}"
    assert of_commands & set(done.stdout.split()) == {own}
    assert callable(getattr(importlib.import_module(own), name))


def test_tracking_uris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "SERVER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "does not" in preflight.tracking_errors(f"http://127.0.0.1:{silent.getsockname()[1]}")[0]
    assert "absolute" in preflight.tracking_errors("sqlite:///relative.db")[0]
    assert preflight.tracking_errors(f"sqlite:///{tmp_path}/mlflow.db") == []
    assert "postgresql+psycopg2" in preflight.tracking_errors("postgresql://127.0.0.1/db")[0]
    assert preflight.tracking_errors("postgresql+psycopg2://127.0.0.1/db") == []
