"""`run`: the whole study, in this process, in one that is started again when it dies, or left behind."""

import datetime
import os
import sys
import time
from argparse import ArgumentParser, Namespace
from functools import partial

from uncollapse.analysis.counted import counted
from uncollapse.cli import Answer
from uncollapse.cli.arguments import page_options, study_of, workspace_of
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError
from uncollapse.study.execution import notification
from uncollapse.study.execution.notification import News
from uncollapse.study.output import warn
from uncollapse.study.planning.until import moment, shown
from uncollapse.study.storage.locks import refuse_running
from uncollapse.study.storage.workspace import Workspace

Until = datetime.datetime | None


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    page_options(parser)
    add = parser.add_argument
    add("--fresh-workers", action="store_true", help="a new worker process for every trial")
    add(
        "--until",
        metavar="WHEN",
        help="when the study is to have ended, report included: 07:00, or 2027-03-01T07:00; trials, epochs and seeds "
        "are chosen for it as for `search.hours`",
    )
    add("--restart", action="store_true", help="start the driver again whenever it dies")
    add("--detach", action="store_true", help="leave the study running in the background, with --restart, and return")
    add(
        "--new-tracking",
        action="store_true",
        help="put aside an MLflow database or experiment that cannot be used, and fill a new one from the ledger",
    )
    add("--notify", metavar="COMMAND", help="a shell command that gets news as JSON on its standard input")


def run(arguments: Namespace) -> Answer:
    """Check everything that can be known first, then run."""
    from uncollapse.study.planning.preflight import errors

    began = time.time()
    study, until = study_of(arguments), _until(arguments.until)
    workspace = workspace_of(arguments, study.name)
    if found := errors(study, workspace, arguments.address, arguments.cpus):
        raise UserError(found)
    news = News(study.name, arguments.notify, warn)
    if not supervised():
        refuse_running(workspace.folder)
    words = arguments.words + ([] if until is None else ["--until", until.isoformat()])  # the last one counts
    if arguments.detach:
        from uncollapse.study.planning.resolution import warnings

        for sentence in warnings(study):
            warn(f"warning: {sentence}")
        return _left_behind(workspace, words)
    if arguments.restart:
        return _restarted(workspace, words, news)
    return _run(study, workspace, arguments, news, until, began)


def _until(said: str | None) -> Until:
    """The moment that `--until` names; one that has passed is refused, but to a driver that is started again."""
    if said is None:
        return None
    now = datetime.datetime.now().astimezone()
    found = moment(said, now)
    if found <= now and not supervised():
        raise UserError(f"--until: a moment to come, found {said!r} at {shown(now)}; name a later one")
    return found


def supervised() -> bool:
    """Whether this driver was started by the process that starts it again."""
    return os.environ.get("UNCOLLAPSE_SUPERVISOR") == str(os.getppid())


def _left_behind(workspace: Workspace, words: list[str]) -> Answer:
    from uncollapse.study.execution import supervisor

    command = supervisor.again([*words, "--restart"], ("--detach", "--json"))
    process = supervisor.leave_behind(command, workspace.log)
    lines = [
        f"{workspace.study}: left behind as process {process}; its driver is started again when it dies",
        f"log      {workspace.log}",
        f"back     uncollapse status {workspace.study} --watch",
        f"end      uncollapse stop {workspace.study}",
    ]
    return {"process": process, "log": str(workspace.log)}, "\n".join(lines)


def _restarted(workspace: Workspace, words: list[str], news: News) -> Answer:
    from uncollapse.study.execution import supervisor

    command = supervisor.again(words, ("--restart",))
    sys.exit(supervisor.Supervisor(command, workspace, news, warn).run())


def _run(study: Study, workspace: Workspace, arguments: Namespace, news: News, until: Until, began: float) -> Answer:
    from uncollapse.study.execution import driver, supervisor

    launch = driver.Launch(
        page=arguments.page,
        address=arguments.address,
        cpus=arguments.cpus,
        reuse_workers=not arguments.fresh_workers,
        to_stderr=arguments.json,
        trouble=partial(news, notification.TROUBLE),
        until=until,
        began=began,
        new_tracking=arguments.new_tracking,
    )
    try:
        done = driver.run(study, workspace, launch)
    except UserError:
        raise
    except KeyboardInterrupt:
        news(notification.STOPPED, "stopped by the user; nothing is lost")
        raise
    except Exception as error:
        news(notification.FAILED, f"failed: {error}")
        raise
    if done["failed"]:
        news(notification.FAILED, done["failed"])
        return {**done, "code": supervisor.IN_VAIN if supervised() else 1}, _text(done)
    news(notification.ENDED, f"ended after {done['took']}; the report is {done['report']}")
    return done, _text(done)


def _text(done: dict) -> str:
    from uncollapse.study.results.refusals import told

    lines = [done["table"], "", f"report   {done['report']}"]
    lines += [f"best     {path}" for path in done["best"]]
    lines += told(done["not_exported"])
    lines += _untracked(done)
    lines += [f"failed   {done['failed']}"] if done["failed"] else []
    return "\n".join([*lines, f"took     {done['took']}"])


def _untracked(done: dict) -> list[str]:
    """What MLflow does not have, and why."""
    unsent, refused = done["unsent"], done["set_aside"]
    remedy = done["tracking"] or "run the study again when it answers"
    lines = [f"tracking MLflow lacks {counted(unsent, 'item')} yet; {remedy}"] if unsent else []
    if refused:
        lines.append(f"tracking MLflow refused {counted(len(refused), 'item')}, set aside; the last: {refused[-1]}")
    return lines
