"""`plan`: what would run, where, for how long, and what the seeds will be able to say. Starts nothing."""

from argparse import ArgumentParser, Namespace

from uncollapse.api import studies
from uncollapse.cli import Answer
from uncollapse.cli.arguments import page_options, study_of, workspace_of
from uncollapse.study.output import warn


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    page_options(parser)
    parser.add_argument("--no-calibrate", action="store_true", help="skip the short run that estimates hours")


def plan(arguments: Namespace) -> Answer:
    """Check everything, then say what the study would do."""
    study = study_of(arguments)
    calibrate, runs = not arguments.no_calibrate, workspace_of(arguments, study.name).runs
    found = studies.plan(study, runs, arguments.address, arguments.cpus, calibrate, _said(arguments.json))
    return found.data, found.text


def _said(as_json: bool) -> studies.Say:
    """Progress goes to standard error; with JSON only that it takes a while."""

    def say(sentence: str) -> None:
        if sentence == studies.CALIBRATING:
            warn(f"{sentence}; --no-calibrate skips this")
        elif not as_json:
            warn(sentence)

    return say
