"""The page and its files: complete, offline, true to the records, and never half written."""

import csv
import html.parser
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.analysis import synthetic
from tests.support.tables import OK, frame, replicate
from uncollapse.analysis.comparison.configurations import best
from uncollapse.analysis.findings import Findings, find
from uncollapse.analysis.report import contents
from uncollapse.analysis.report.page import page, write
from uncollapse.analysis.report.samples import written
from uncollapse.analysis.report.summary import markdown, summarise, text
from uncollapse.analysis.report.wording import percent_range
from uncollapse.analysis.schema import Records
from uncollapse.analysis.sparsity.stability import LIVING


class Page(html.parser.HTMLParser):
    """Collects a page's words, its references, and whether its tags are balanced."""

    VOID = ("meta", "link", "br", "img", "input", "hr")

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.references: list[str] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.errors: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.errors.append(tag)

    def handle_data(self, data: str) -> None:
        target = self.scripts if self.open and self.open[-1] == "script" else self.words
        target.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture(scope="module")
def records() -> Records:
    return synthetic.records(trials=12, seeds=6, epochs=4)


@pytest.fixture(scope="module")
def found(records: Records) -> Findings:
    return find(records)


@pytest.fixture(scope="module")
def folder(found: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(found, tmp_path_factory.mktemp("study")).parent


@pytest.fixture(scope="module")
def parsed(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def test_the_page_is_well_formed_and_holds_every_family(parsed: Page, records: Records) -> None:
    assert (parsed.open, parsed.errors) == ([], [])
    for family in records.study["families"]:
        assert f"{family} :" in parsed.text or f"{family}:" in parsed.text


def test_nothing_is_fetched_from_anywhere(parsed: Page) -> None:
    assert all(reference.startswith("#") for reference in parsed.references)
    own = [script for script in parsed.scripts if "plotly.js v" not in script[:200]]
    assert not re.search(r"https?://", " ".join(own) + parsed.text)


def test_every_plot_has_its_figure(folder: Path, parsed: Page) -> None:
    figures = json.loads(parsed.scripts[0])
    wanted = re.findall(r'data-figure="([^"]+)"', (folder / "index.html").read_text(encoding="utf-8"))
    assert sorted(figures) == sorted(wanted)
    assert {name.split("-")[0] for name in wanted} >= {"collapse", "threshold", "likelihood", "hoyer", "response"}


def test_a_family_has_one_colour_in_all_figures(parsed: Page, records: Records) -> None:
    figures = json.loads(parsed.scripts[0])
    named = [trace for figure in figures.values() for trace in figure["data"] if trace.get("name") == "vmf"]
    colours = {trace.get("line", {}).get("color") or trace["marker"]["color"] for trace in named}
    assert len(named) >= 3
    assert len(colours) == 1


def test_every_lost_trial_is_on_the_page(parsed: Page, records: Records) -> None:
    lost = records.trials[records.trials["state"].isin(["failed", "diverged", "missing"])]
    assert len(lost) > 3
    assert all(key in parsed.text for key in lost["key"])


def test_figures_on_the_page_are_recomputed_from_the_records(parsed: Page, records: Records) -> None:
    """Counts, a Wilson interval, a median and a correlation by another route: plain Python and SciPy."""
    rows = records.trials.to_dict("records")
    judged = [r for r in rows if r["stage"] == "replicate" and r["family"] == "seqvae" and r["state"] == "finished"]
    dead = [r for r in judged if min(r["valid/mi"], r["valid/latent_gain"]) < 0.1]
    assert f"{len(dead)} of {len(judged)} confirmation runs over 3 configurations" in parsed.text
    figures: dict[str, list[float]] = {}
    for r in judged:
        figures.setdefault(r["configuration"], []).append(r["valid/nll_iw"])
    best = min(figures, key=lambda name: float(np.median(figures[name])))
    own = [r for r in judged if r["configuration"] == best]
    k = sum(min(r["valid/mi"], r["valid/latent_gain"]) < 0.1 for r in own)
    interval = stats.binomtest(k, len(own)).proportion_ci(method="wilson")
    assert f"{k}/{len(own)} ({100 * interval.low:.0f}–{100 * interval.high:.0f} %)" in parsed.text
    assert f"{np.median(figures[best]):.2f} (" in parsed.text
    searched = [
        r for r in rows if r["stage"] == "search" and r["family"] == "seqvae" and r["subset/mi"] == r["subset/mi"]
    ]
    rho = stats.spearmanr([r["param.optimizer.lr"] for r in searched], [r["subset/mi"] for r in searched])[0]
    assert f"ρ(mi) {rho:+.2f} (".replace("-", "−") in parsed.text


def test_tables_and_summary_hold_the_same_numbers(folder: Path, records: Records) -> None:
    answer = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    with (folder / "configurations.csv").open(encoding="utf-8", newline="") as file:
        table = {row["configuration"]: row for row in csv.DictReader(file)}
    assert len(table) == len(answer["configurations"]) == 27
    for row in answer["configurations"]:
        assert float(table[row["configuration"]]["nll"]) == pytest.approx(row["nll"])
    with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == len(records.trials)
    assert (folder / "curves.csv").stat().st_size > 0


def test_writing_again_replaces_and_leaves_nothing_beside(folder: Path, found: Findings) -> None:
    write(found, folder.parent)
    tables = {f"{table.name}.csv" for table in contents.tables() if table.data}
    assert {path.name for path in folder.iterdir()} == {"index.html", "summary.json", *tables}


def test_the_same_records_give_the_same_summary(records: Records, found: Findings) -> None:
    assert json.dumps(summarise(find(records))) == json.dumps(summarise(found))


def test_terminal_and_markdown_tables_name_their_estimator(found: Findings) -> None:
    assert "nll_iw (K = 64)" in text(found)
    lines = [line for line in markdown(found).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(synthetic.FAMILIES)
    assert len({line.count("|") for line in lines}) == 1


def test_hostile_text_cannot_leave_its_place() -> None:
    small = synthetic.records(("seqvae",), trials=3, seeds=2, epochs=2, losses=False)
    trials = small.trials.assign(cause="</script><b>boom</b>")
    trials.loc[0, "state"] = "failed"
    found = find(Records({**small.study, "name": "<i>x</i>"}, trials, small.curves))
    source = page(found)
    assert "<b>boom" not in source
    assert "<i>x" not in source
    assert (Page(source).open, Page(source).errors) == ([], [])


def test_sentences_of_the_best_configuration_and_its_first_seed_are_shown_as_text(tmp_path: Path) -> None:
    records = synthetic.records(("lstm_lm", "maxpool"), trials=4, configurations=2, seeds=3, losses=False)
    texts = {key: {"samples.txt": f"sheet <of> {key}"} for key in records.trials["key"]}
    found = find(replace(records, texts=texts))
    sheets = written(found)
    assert [one.family for one in sheets] == ["lstm_lm", "maxpool"]
    winners = best(found.configurations).set_index("family")["configuration"]
    assert all(one.configuration == winners[one.family] and one.seed == 100 for one in sheets)
    shown = page(found)
    assert all(one.sheet.replace("<", "&lt;").replace(">", "&gt;") in shown for one in sheets)
    assert 'id="words"' not in page(find(records))


def answer_of(*levels: float) -> str:
    """The answer of a study of so many families at these NLLs on ten seeds that move all of them."""
    rows = [
        replicate(f"f{f}", f"c{f}", s, **OK, nll_iw=level + s + 0.1 * ((7 * f + 3 * s) % 5))
        for f, level in enumerate(levels)
        for s in range(10)
    ]
    return " ".join(
        summarise(find(Records({}, frame(*rows), pd.DataFrame(columns=["key", "epoch", "updates"]))))["answer"]
    )


HOW = "95 % confidence set of the best, by exact sign tests over shared seeds"


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ((30.0, 30.01, 35.0), f"Best likelihood: f0 and f1 cannot be told apart, and f2 is worse ({HOW}); "),
        ((30.0, 35.0), f"Best likelihood: f0, better than f1 ({HOW}); the lowest median is f0 c0's nll_iw "),
        ((30.0,), "f0 alone has nll_iw "),
    ],
)
def test_the_answer_says_which_families_may_be_best(levels: tuple[float, ...], said: str) -> None:
    assert said in answer_of(*levels)


def test_few_seeds_are_said_to_tell_nothing(found: Findings) -> None:
    """In the made-up study one family finished seven seeds, of which eight families would need eight."""
    answer = " ".join(summarise(found)["answer"])
    assert "Best likelihood: " in answer
    assert "below that of" not in answer


def test_what_decides_sparsity_is_said_where_its_interval_says_so(found: Findings) -> None:
    answer = " ".join(summarise(found)["answer"])
    spread = found.sparsity.spread
    known = spread[(spread["measure"] == "hoyer_sample") & (spread["of"] == LIVING)].dropna(subset=["share_low"])
    assert len(known)
    parts = answer[answer.index("How sparse") :].split("; ")
    for row in known.to_dict("records"):
        decides = (
            "the configuration" if row["share_low"] > 0.5 else "the seed" if row["share_high"] < 0.5 else "undecided"
        )
        named = f"{row['family']} ({percent_range(row['share_low'], row['share_high'])})"
        assert [decides in part for part in parts if named in part] == [True]
