"""`run`: the whole study."""

from argparse import Namespace

from study.commands import Answer
from study.commands.pagefile import study_of, workspace_of
from study.errors import UserError


def run(arguments: Namespace) -> Answer:
    """Check everything that can be known first, then run."""
    from study.checks import faults

    study = study_of(arguments)
    workspace = workspace_of(arguments, study.name)
    if found := faults(study, workspace, arguments.address):
        raise UserError(found)
    from study import running

    done = running.run(
        study,
        workspace,
        running.Launch(
            page=arguments.page,
            address=arguments.address,
            cpus=arguments.cpus,
            reuse_workers=not arguments.fresh_workers,
            to_stderr=arguments.json,
        ),
    )
    return done, _text(done)


def _text(done: dict) -> str:
    lines = [done["table"], "", f"report   {done['report']}"]
    lines += [f"best     {path}" for path in done["best"]]
    lines += [f"no best  {family}: {why}" for family, why in done["not_exported"].items()]
    if done["unsent"]:
        lines.append(f"tracking {done['unsent']} items are not in MLflow yet; run the study again when it answers")
    return "\n".join([*lines, f"took     {done['took']}"])
