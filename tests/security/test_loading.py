"""Nothing that the product reads is run as code: read from the sources, so that it stays so."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.places import ROOT

PRODUCT = ("models", "search_spaces", "study", "analysis")
UNPICKLERS = ("pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle")
LOADERS = (
    "load_all",
    "unsafe_load",
    "unsafe_load_all",
    "full_load",
    "full_load_all",
    "Loader",
    "UnsafeLoader",
    "FullLoader",
)
RUN = ("eval", "exec", "__import__")
# annotations and defaults of components, once `_is_plain` has found nothing that runs
EVALUATES = {"models/configuration/signatures.py"}


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call by its dotted name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keyword(call: ast.Call, name: str) -> object:
    """The literal given for a keyword; None where it is absent, ... where it is no literal."""
    found = next((given.value for given in call.keywords if given.arg == name), None)
    return None if found is None else found.value if isinstance(found, ast.Constant) else ...


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def errors(source: str, name: str = "part.py") -> list[str]:
    """Everything in a source that could run what it reads."""
    found = [f"imports {module}" for module in imports(source) if module.split(".")[0] in UNPICKLERS]
    for called, call in calls(source):
        last = called.split(".")[-1]
        if called == "torch.load" and keyword(call, "weights_only") is not True:
            found.append("torch.load without weights_only=True")
        elif called.startswith(("torch.jit", "torch.package", "torch.hub")) or called == "torch.export.load":
            found.append(called)
        elif keyword(call, "allow_pickle") not in (None, False):
            found.append(f"{called} with allow_pickle")
        elif last in ("read_pickle", "to_pickle", "load_checkpoint_and_dispatch"):
            found.append(called)
        elif called.startswith("yaml.") and (last in LOADERS or (last == "load" and not _safe(call))):
            found.append(f"{called} with a loader that makes objects")
        elif (called in RUN and name not in EVALUATES) or called in ("os.system", "os.popen", "subprocess.getoutput"):
            found.append(called)
        elif last == "from_pretrained" and keyword(call, "trust_remote_code") is not False:
            found.append(f"{called} without trust_remote_code=False")
        elif called.startswith("AutoModel") and keyword(call, "use_safetensors") is not True:
            found.append(f"{called} without use_safetensors=True")
    return found


def _safe(call: ast.Call) -> bool:
    loader = [ast.unparse(value) for value in (*call.args[1:], *(given.value for given in call.keywords))]
    return loader in (["PageLoader"], ["yaml.SafeLoader"], ["yaml.CSafeLoader"])


@pytest.mark.parametrize("package", PRODUCT)
def test_nothing_that_is_read_is_run(package: str) -> None:
    paths = sorted((ROOT / package).rglob("*.py"))
    assert len(paths) > 2
    found = {
        str(path.relative_to(ROOT)): errors(path.read_text("utf-8"), str(path.relative_to(ROOT))) for path in paths
    }
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_weights_are_kept_as_safetensors_and_checkpoints_read_as_weights() -> None:
    """What is checked above exists: the checks look at something."""
    everything = [
        pair for package in PRODUCT for path in (ROOT / package).rglob("*.py") for pair in calls(path.read_text())
    ]
    names = [called for called, _ in everything]
    for expected in ("torch.load", "np.load", "np.save", "yaml.load", "eval", "load_model"):
        assert expected in names, expected


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\n",
        "def f():\n    from pickle import loads\n",
        "import torch\ntorch.load(path)\n",
        "torch.load(path, weights_only=False)\n",
        "torch.load(path, weights_only=safe)\n",
        "np.load(path, allow_pickle=True)\n",
        "numpy.savez(path, allow_pickle=choice)\n",
        "yaml.load(text, yaml.Loader)\n",
        "yaml.load(text, Loader=yaml.FullLoader)\n",
        "yaml.load(text)\n",
        "yaml.unsafe_load(text)\n",
        "pd.read_pickle(path)\n",
        "eval(text)\n",
        "os.system(text)\n",
        "AutoTokenizer.from_pretrained(name)\n",
        "AutoModel.from_pretrained(name, trust_remote_code=True, use_safetensors=True)\n",
        "AutoModel.from_pretrained(name, trust_remote_code=False)\n",
    ],
)
def test_each_danger_is_seen(source: str) -> None:
    assert len(errors(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path, weights_only=True)\n",
        "np.load(path)\n",
        "np.load(path, allow_pickle=False)\n",
        "yaml.load(text, PageLoader)\n",
        "yaml.safe_load(text)\n",
        "model.eval()\n",
    ],
)
def test_what_is_safe_is_left_alone(source: str) -> None:
    assert errors(source) == []
