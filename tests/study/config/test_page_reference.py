"""Tables and schema of a study page say what its sections say, and judge real pages as the sections do."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.places import ROOT
from uncollapse.search_spaces import page_yaml
from uncollapse.study.config.page_reference import json_schema, markdown
from uncollapse.study.config.sections import SECTIONS
from uncollapse.study.config.study_page import Page
from uncollapse.study.corpora.forms import KINDS
from uncollapse.study.validation.keys import keys, section_errors

PAGES = [*sorted((ROOT / "examples").glob("*.yaml")), ROOT / "study" / "config" / "cafes.yaml"]
SECTION_KINDS: dict[str, type] = {"page": Page, **KINDS, **SECTIONS}
MINIMAL: dict[str, Any] = {"study": "mine", "corpus": {"name": "cafes"}, "families": ["vmf"]}
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def errors(page: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(page)]


def test_it_is_a_schema_and_plain_data() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_that_were_run_are_accepted(path: Path) -> None:
    assert errors(page_yaml.load(path)) == []


def test_the_example_of_the_readme_is_accepted(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    pages = [block for block in blocks if re.search(r"^study:", block, flags=re.MULTILINE)]
    assert pages
    for block in pages:
        (tmp_path / "page.yaml").write_text(block, encoding="utf-8")
        assert errors(page_yaml.load(tmp_path / "page.yaml")) == []


@pytest.mark.parametrize(
    "corpus",
    [
        {"path": "text"},
        {"path": "text", "labels": "{stem}_y.txt", "per_class": {"train": 5}},
        {"path": "text", "labels": {"train": ["a.txt", "b.txt"]}},
        {"path": "a.csv", "text": "ref", "label": "mr", "quoted": False, "limit": 5},
        {"path": "a.jsonl", "format": "jsonl", "text": "s"},
        {"path": "a.feat", "format": "counts", "vocabulary": "words.txt", "presence": True},
        {"path": "text", "splits": {"valid": 0.1, "test": 50, "seed": 3}, "tokenizer": "subwords", "subwords": 300},
    ],
)
def test_every_form_of_a_corpus_is_accepted(corpus: dict[str, Any]) -> None:
    assert errors({**MINIMAL, "corpus": corpus}) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"famlies": ["vmf"]}, "'famlies' was unexpected"),
        ({"families": []}, "$.families"),
        ({"seed": -1}, "minimum of 0"),
        ({"search": {"trails": 3}}, "'trails' was unexpected"),
        ({"search": {"trials": 0}}, "$.search.trials: 0 is less than the minimum of 1"),
        ({"search": {"sampler": "grit"}}, "$.search.sampler"),
        ({"search": {"audit": 1.5}}, "$.search.audit: 1.5 is greater than the maximum of 1"),
        ({"resources": {"cpus": 0}}, "$.resources.cpus"),
        ({"evaluate": {"probes": ["samples", "samples"]}}, "$.evaluate.probes"),
        ({"train": {"deterministic": "yes"}}, "$.train.deterministic"),
        ({"corpus": {}}, "'name' is a required property"),
        ({"corpus": {"name": "caffes"}}, "$.corpus.name"),
        ({"corpus": {"name": "cafes", "signl": "weak"}}, "'signl' was unexpected"),
        ({"corpus": {"name": "cafes", "sentences": 19}}, "minimum of 20"),
        ({"corpus": {"path": "text", "format": "line"}}, "$.corpus.format"),
        ({"corpus": {"path": "text", "format": "lines", "presence": True}}, "'presence' was unexpected"),
        ({"corpus": {"path": "text", "format": "csv"}}, "'text' is a required property"),
        ({"corpus": {"path": "text", "lower_case": True}}, "$.corpus"),
        ({"corpus": {"path": "text", "min_words": 0}}, "$.corpus"),
        ({"corpus": {"name": "cafes", "splits": {"valid": 1.5}}}, "$.corpus.splits.valid"),
        ({"corpus": {"name": "cafes", "limit": {"tests": 3}}}, "$.corpus.limit"),
    ],
)
def test_misspelt_keys_and_values_out_of_range_are_refused(changes: dict[str, Any], said: str) -> None:
    assert said in "\n".join(errors({**MINIMAL, **changes}))


@pytest.mark.parametrize("kind", SECTION_KINDS.values(), ids=SECTION_KINDS)
def test_every_key_has_a_meaning_of_one_line(kind: type) -> None:
    for key in keys(kind):
        assert key.meaning, key.name
        assert "\n" not in key.meaning
        assert key.meaning[-1] != "."


@pytest.mark.parametrize(("name", "kind"), SECTIONS.items())
def test_the_defaults_of_a_section_are_no_errors(name: str, kind: type) -> None:
    defaults = {key.name: key.default for key in keys(kind)}
    assert section_errors(name, kind, defaults) == []
    assert errors({**MINIMAL, name: json.loads(json.dumps(defaults))}) == []


def rows(text: str, title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    (section,) = [part for part in text.split("## ") if part.startswith(title)]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_every_section_has_a_table_with_a_row_for_every_key() -> None:
    text = markdown()
    for name, kind in SECTIONS.items():
        assert [row[0] for row in rows(text, f"`{name}:`")] == [f"`{key.name}`" for key in keys(kind)]
    assert [
        "`trials`",
        "a whole number from 1",
        "`24`",
        "trials of each family; `hours` chooses another number",
    ] in rows(text, "`search:`")
    assert [row[0] for row in rows(text, "The page")] == [f"`{key.name}`" for key in keys(Page)]


def test_the_corpus_says_which_form_takes_a_key() -> None:
    found = {(row[0], row[2]): row[-1] for row in rows(markdown(), "`corpus:`")}
    assert found["`tokenizer`", "`spaces`"] == "lines, labelled, cafes"
    assert found["`tokenizer`", "`spacy`"] == "csv, tsv, jsonl"
    assert found["`path`", "needed"] == "all but cafes"
    assert found["`splits.valid`", "`0.1`"] == "all"
    assert {name for name, _ in found} >= {f"`{key.name}`" for kind in KINDS.values() for key in keys(kind)} - {
        "`splits`"
    }


def test_neither_torch_nor_ray_nor_mlflow_is_imported() -> None:
    heavy = "{'torch', 'ray', 'mlflow', 'spacy', 'tokenizers'}"
    code = f"import uncollapse.study.config.page_reference, sys; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
