"""The page's own configuration is trial 0, then what the study starts from; nothing is trained twice."""

from pathlib import Path

import pytest

from tests.support import trial_records
from tests.support.trial_records import records
from uncollapse.analysis.schema import DROPPED, FINISHED
from uncollapse.study.config import families
from uncollapse.study.errors import UserError
from uncollapse.study.stages.stated_points import stated_points
from uncollapse.study.storage.fingerprints import configuration_id

NO_STOPS = {"stop_early": "none"}


@pytest.mark.parametrize("name", [name for name in families.names() if families.load(name).search])
def test_the_base_of_every_page_is_a_point_of_its_space(name: str) -> None:
    family = families.load(name)
    (base,) = stated_points(family, [])
    assert base.origin == "base"
    assert base.configuration == family.configure({})
    assert base.params


def test_a_start_that_the_space_cannot_draw_is_tried_all_the_same() -> None:
    family = families.load("seqvae")
    _, inside, outside = stated_points(
        family, [{"seqvae": {"latent": {"size": 8}}}, {"seqvae": {"latent": {"size": 5}}}, {"other": {}}]
    )
    assert inside.params["latent.size"] == "8"
    assert outside.params == {}
    assert outside.configuration["latent"]["size"] == 5


def test_base_and_start_come_first_and_more_may_be_added(tmp_path: Path) -> None:
    first = {"one": {"latent": {"size": 4, "prior_scale": 0.3}}}
    second = {"one": {"latent": {"size": 7}}}
    study = trial_records.study(tmp_path, names=("one",), search={"trials": 4, "start": [first], **NO_STOPS})
    trial_records.run(trial_records.search(study, tmp_path))
    assert [one.origin for one in records(tmp_path, "one")] == ["base", "start", "sampler", "sampler"]
    grown = trial_records.study(tmp_path, names=("one",), search={"trials": 6, "start": [first, second], **NO_STOPS})
    trial_records.run(trial_records.search(grown, tmp_path))
    found = records(tmp_path, "one")
    assert [one.origin for one in found[4:]] == ["start", "sampler"]
    assert [one.configuration["latent"]["size"] for one in found if one.origin == "start"] == [4, 7]
    assert found[0].configuration_id == configuration_id(study.families[0].configure({}))


def test_what_was_trained_already_is_dropped_and_counts_as_no_trial(tmp_path: Path) -> None:
    space = "search:\n  latent: {size: {choice: [2, 3, 4, 5]}}\n"
    study = trial_records.study(tmp_path, space=space, names=("one",), search={"trials": 9, **NO_STOPS})
    stage = trial_records.search(study, tmp_path)
    done = trial_records.run(stage)
    base = study.families[0].configure({})["latent"]["size"]
    sizes = [one.configuration["latent"]["size"] for one in done]
    assert sorted(sizes) == sorted({2, 3, 4, 5, base})
    found = records(tmp_path, "one")
    doubles = [one for one in found if one.state == DROPPED]
    assert {one.state for one in found} == {FINISHED, DROPPED}
    assert len(doubles) >= 20
    assert all(one.cause.startswith("it proposes what trial ") for one in doubles)
    assert stage.planned() == {"one": len(sizes)}
    again = trial_records.search(study, tmp_path)
    assert not again.left()
    assert again.next_trial() is None


def test_every_wrong_start_is_refused_at_once(tmp_path: Path) -> None:
    wrong = ["none.yaml", {"two": {}}, {"one": {"latent": {"sise": 3}}}, {"one": 3}]
    with pytest.raises(UserError) as error:
        trial_records.study(tmp_path, names=("one",), search={"start": wrong})
    found = error.value.errors
    assert len(found) == 4
    assert "search.start[0]: none.yaml: no such file" in found[0]
    assert "search.start[2]" in found[2]
    assert "sise" in found[2]
