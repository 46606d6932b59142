"""The report: one page that opens offline, and the same numbers as CSV and JSON."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import plotly.io
import plotly.offline
from markupsafe import Markup

from uncollapse.analysis.comparison.configurations import estimator
from uncollapse.analysis.counted import counted
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report import contents
from uncollapse.analysis.report.figures.catalogue import looks_of, pictures
from uncollapse.analysis.report.figures.style import Picture, dark_of
from uncollapse.analysis.report.samples import written
from uncollapse.analysis.report.sentences import family_sentences, headline
from uncollapse.analysis.report.summary import jsonable, summarise
from uncollapse.analysis.whole_file import write_whole


def write(found: Findings, folder: Path) -> Path:
    """Write `report/index.html`, its CSV tables and `summary.json` under a study's folder; returns the page's path.

    Every file is replaced in one step, so that a reader never sees half of one.
    """
    target = Path(folder) / "report"
    for name, table in tables(found).items():
        write_whole(target / f"{name}.csv", table.to_csv(index=False))
    write_whole(target / "summary.json", json.dumps(summarise(found), indent=1, ensure_ascii=False, allow_nan=False))
    write_whole(target / "index.html", page(found))
    return target / "index.html"


def tables(found: Findings) -> dict[str, pd.DataFrame]:
    """The report's CSV files by name."""
    return {table.name: table.data(found) for table in contents.tables() if table.data}


def page(found: Findings) -> str:
    """The whole page as one HTML text; nothing in it is fetched from anywhere."""
    looks, drawn = looks_of(found), pictures(found)
    return _template().render(
        study=found.study,
        answer=headline(found),
        sentences=family_sentences(found),
        looks=looks,
        pictures=drawn,
        panels=_panel_ids(drawn),
        sections=[section for section in contents.SECTIONS if section.present(found)],
        grids={table.name: table.cells(found) for table in contents.tables() if table.cells},
        counts=_state_counts(found),
        facts=_facts(found),
        thresholds=found.thresholds,
        written=written(found),
        settings=_pretty(found.study.get("settings")),
        corpus=_flat(found.study.get("corpus")),
        figures=Markup(_figures_json(drawn)),
        dark=Markup(_script_safe(json.dumps(dark_of(looks)))),
        plotly=Markup(plotly.offline.get_plotlyjs()),
    )


@cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["tight"] = _tight
    return environment.get_template("report.html")


def _tight(text: str) -> str:
    """Figures that a line break must not part: `25 %`, `K = 64`."""
    return text.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0")


def _panel_ids(drawn: Mapping[str, Picture]) -> dict[str, list[list[str]]]:
    return {
        name: [[f"{name}-{i}-{j}" for j in range(len(tab.panels))] for i, tab in enumerate(picture.tabs)]
        for name, picture in drawn.items()
    }


def _figures_json(drawn: Mapping[str, Picture]) -> str:
    ids = _panel_ids(drawn)
    entries = [
        f"{json.dumps(ids[name][i][j])}: {plotly.io.to_json(panel.figure, validate=False)}"
        for name, picture in drawn.items()
        for i, tab in enumerate(picture.tabs)
        for j, panel in enumerate(tab.panels)
    ]
    return _script_safe("{" + ",\n".join(entries) + "}")


def _script_safe(text: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c")


def _state_counts(found: Findings) -> dict[str, int]:
    counts = found.judged["state"].value_counts()
    return {str(state): int(n) for state, n in counts.items()}


def _facts(found: Findings) -> dict[str, str]:
    study, of = found.study, estimator
    facts = {
        "code": study.get("code_version"),
        "packages": _flat(study.get("packages")),
        "epochs": study.get("epochs"),
        "search metric": study.get("select"),
        "during training": _evaluation(
            study, "subset", of(study, "nll_iw", "subset"), "a fixed subset of the validation split"
        ),
        "at the end of a confirmation run": _evaluation(
            study, "valid", of(study, "nll_iw"), "the full validation split"
        ),
        "resources per trial": _flat(study.get("resources")),
        "verdict": found.thresholds.sentence(),
    }
    return {name: str(value) for name, value in facts.items() if value}


def _evaluation(study: Mapping[str, Any], split: str, name: str, where: str) -> str:
    count = study.get(f"{split}_sentences")
    return f"{name} on {where}" + (f" ({counted(count, 'sentence')})" if isinstance(count, int) else "")


def _flat(value: Any, prefix: str = "") -> str:
    """Nested facts in one line: `train 8,000; vocabulary 1,243`."""
    if not isinstance(value, Mapping):
        return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
    return "; ".join(
        _flat(item) if isinstance(item, Mapping) else f"{prefix}{key} {_flat(item)}" for key, item in value.items()
    )


def _pretty(settings: Any) -> str:
    return json.dumps(jsonable(settings), indent=2, ensure_ascii=False) if settings else ""
