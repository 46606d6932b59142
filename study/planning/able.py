"""What of a study can run here: what each family lacks is said before anything starts. Free of torch."""

from dataclasses import replace

from uncollapse.models.configuration import resolve, weights
from uncollapse.study.config.families import Family
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError
from uncollapse.study.planning import corpus_compatibility


def weight_errors(study: Study) -> list[str]:
    """Weights that families of a study start from and that are not here, one sentence a family."""
    found = ((family.name, weights.error(resolve.resolve(family.base))) for family in study.families)
    return [f"{name}.{error}" for name, error in found if error is not None]


def only_able(study: Study) -> Study:
    """A study of `families: all` with those that can run here, and a sentence for each that cannot.

    Raises:
        UserError: none can.
    """
    if not study.every:
        return study
    lacks = {family.name: _lacking(study, family) for family in study.families}
    able = tuple(family for family in study.families if not lacks[family.name])
    left_out = [f"families: all: without {name}: {error}" for name, errors in lacks.items() for error in errors]
    if not able:
        raise UserError(left_out)
    return replace(study, families=able, left_out=(*study.left_out, *left_out))


def _lacking(study: Study, family: Family) -> list[str]:
    alone = replace(study, families=(family,), evaluate=replace(study.evaluate, probes=()))
    return corpus_compatibility.errors(alone) + weight_errors(alone)
