"""Command lines as nobody means them: every command with options that it has, or nearly has, and values of any kind.

No word names a page, a study or a file that is there, so that nothing ever starts.
"""

import re
from argparse import ArgumentParser
from importlib import import_module

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from uncollapse.cli.main import COMMANDS

LASTING = ("ui", "dashboard", "check")  # go on for long where nothing is wrong, so their words are only parsed
VALUES = (
    *(
        "",
        " ",
        "-",
        "--",
        "=",
        ".",
        "..",
        "~",
        "*",
        "x",
        "nothing.yaml",
        "../../x",
        "/dev/null",
        "a/b",
        "%s",
        "{}",
        "[/red]",
    ),
    *("0", "-1", "-0", "1", "7", "1e9", "1.5", "nan", "-inf", "9" * 30, "9" * 5000, "0x10", "1_000", "٣"),
    *(
        "07:00",
        "25:99",
        "2020-01-01T00:00",
        "2027-13-01T07:00",
        "auto",
        "local",
        "127.0.0.1:1",
        "[/red]:9",
        "sqlite:///x",
    ),
    *(
        "\n",
        "\t",
        "\x00",
        "\x1b[31m",
        "\x7f",
        "ü",
        "文",
        "\u202e",
        "\u2028",
        "\udcff",
        "\N{GRINNING FACE}",
        "a" * 300,
        "w" * 5000,
    ),
    *("vmf", "seqvae", "greedy", "x:Y", "latent", "valid", "none", "null", "true", "'", '"', "$(false)", ";"),
)


def _options(module: str) -> list[str]:
    """Every option that a command adds to those of all."""
    parser = ArgumentParser()
    import_module(f"uncollapse.cli.{module}").options(parser)
    return re.findall(r"--[a-z][a-z-]*", parser.format_help())


OPTIONS = {name: sorted({"--json", "--help", *_options(command.module)}) for name, command in COMMANDS.items()}
STRANGE = (
    "--",
    "-x",
    "--js",
    "--jsonn",
    "--RUNS",
    "--runs=",
    "--runs=\x00",
    "---",
    "--ü",
    "-1",
    "-",
    "--=",
    "--json=1",
)


@st.composite
def command_lines(draw: DrawFn) -> list[str]:
    """A command, nearly always one that there is, and up to six words."""
    names = (*COMMANDS, *COMMANDS, *COMMANDS, "statuss", "", "-", "--json", "--version", "\x1b[31m", "RUN")
    command = draw(st.sampled_from(names))
    options = st.sampled_from(OPTIONS.get(command, ["--json"]))
    values = st.sampled_from(VALUES)
    word = st.one_of(values, options, st.tuples(options, values).map(list), st.sampled_from(STRANGE))
    words = [command]
    for one in draw(st.lists(word, max_size=5)):
        words += one if isinstance(one, list) else [one]
    return words
