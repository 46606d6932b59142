"""What a budget chooses, figures worked out by hand; what a page's hours could be cut by; and what stays chosen."""

from pathlib import Path

import pytest

from tests.support import trial_records
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError
from uncollapse.study.planning import budget
from uncollapse.study.planning.budget import Numbers, choose, sentences
from uncollapse.study.planning.cuts import cuts, lines
from uncollapse.study.planning.frozen import Frozen
from uncollapse.study.stages.pace import Expected

# A search trial takes 10 + 0.5 s and a confirmation run 10 + 5 + 0.5 s. On two places a trial of both families takes
# 10.5 s, and R runs take 7.75 (R + 1) s at most; 30 s and the report's 6 s + 2 % are around them.
EXPECTED = {"one": Expected(1.0, 5.0), "two": Expected(1.0, 5.0)}
SLOTS = 2


def page(folder: Path, **sections: dict) -> Study:
    search = {"trials": 24, "stop_early": "none", **sections.pop("search", {})}
    replicate = {"configurations": 3, "seeds": 10, **sections.pop("replicate", {})}
    export = {"collapse_limit": 0.4}  # that five seeds without a collapse keep, and three do not
    return trial_records.study(
        folder, search=search, replicate=replicate, train={"epochs": 10}, export=export, **sections
    )


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        (3600, Numbers(287, 10, 3, 10)),  # (3492 - 472.75) / 10.5
        (1200, Numbers(76, 10, 3, 7)),  # 60 runs would take more than 40 % of 1140; (1140 - 333.25) / 10.5
        (600, Numbers(37, 10, 2, 5)),  # neither would 28; (552 - 162.75) / 10.5
        (300, Numbers(35, 4, 2, 5)),  # four epochs, for two configurations: (258 - 99.75) / 4.5
        (180, Numbers(9, 7, 1, 5)),  # seven epochs: (140.4 - 68.75) / 7.5, at eight no 8 trials fit
        (96, Numbers(8, 3, 1, 3)),  # nothing can be exported, and the least is left
    ],
)
def test_seeds_go_first_as_far_as_the_export_rule_allows_then_epochs(
    seconds: float, chosen: Numbers, tmp_path: Path
) -> None:
    assert choose(page(tmp_path), EXPECTED, SLOTS, seconds, "search.hours") == chosen


def test_what_is_chosen_fits(tmp_path: Path) -> None:
    study = page(tmp_path)
    for seconds in range(100, 5000, 50):
        chosen = choose(study, EXPECTED, SLOTS, seconds, "search.hours")
        taken = budget.wall(chosen.over(study), EXPECTED, SLOTS)
        assert taken.search + taken.confirmation + 30 + budget.reserve(seconds) <= seconds


def test_a_page_that_searches_nothing_gives_up_seeds_alone(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, space="", search={"trials": 24}, replicate={"seeds": 10})
    assert choose(study, EXPECTED, SLOTS, 3600, "search.hours") == Numbers(24, 9, 2, 10)


def test_too_little_is_refused_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refusal:
        choose(page(tmp_path), {**EXPECTED, "two": Expected(2.0, 5.0)}, SLOTS, 90, "--until")
    (error,) = refusal.value.errors
    assert error.startswith("--until: the least of this study (8 trials a family, 3 epochs, 1 configuration x 3 seeds")
    # search 8 (3.5 + 6.5) / 2, confirmation 3 (8.5 + 11.5) / 2 + 5.75, 30 s of starts, and the report of it all
    assert "takes 0.04 h, and 0.03 h were given; give 0.04 h, or leave out two; the families take two 62%" in error


def test_the_least_that_a_refusal_names_is_enough(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"give 0\.03 h"):
        choose(page(tmp_path), EXPECTED, SLOTS, 95, "search.hours")
    assert choose(page(tmp_path), EXPECTED, SLOTS, 0.03 * budget.HOUR, "search.hours").seeds == 3


def test_what_was_chosen_is_said_with_what_it_gives_up(tmp_path: Path) -> None:
    study = page(tmp_path, replicate={"also": ["base"]})
    said = "\n".join(sentences(study, Numbers(9, 7, 1, 3), EXPECTED, SLOTS, "0.05 h"))
    assert "0.05 h: about 9 search trials a family" in said
    assert "of 7 epochs; 1 configuration and base x 3 seeds are confirmed" in said
    assert "train.epochs 10 -> 7, replicate.configurations 3 -> 1, replicate.seeds 10 -> 3" in said
    assert "where none of 3 seeds collapses, P(collapse share < 0.4) is 0.93" in said
    assert len(sentences(study, Numbers(30, 10, 3, 10), EXPECTED, SLOTS, "2 h")) == 2


def test_cuts_stand_by_what_they_save_with_their_price(tmp_path: Path) -> None:
    rows = {row["what"]: row for row in cuts(page(tmp_path), EXPECTED, SLOTS)}
    saved = {what: row["saves_seconds"] for what, row in rows.items()}
    assert saved == pytest.approx(
        {
            "families without one": 12 * 10.5 + 30 * 7.75,
            "replicate.configurations 3 -> 1": 40 * 7.75,
            "replicate.seeds 10 -> 5": 30 * 7.75,
            "train.epochs 10 -> 5": 24 * 5 + 61 * 2.5,
            "search.trials 24 -> 12": 12 * 10.5,
            "evaluate.full_samples 64 -> 16": 61 * 7.75 - 61 * (11.75 / 2),
        }
    )
    assert list(saved.values()) == sorted(saved.values(), reverse=True)
    assert "45% instead of 26% collapses" in rows["replicate.seeds 10 -> 5"]["price"]
    assert any("search.trials 24 -> 12: saves 2 min; the best of 12" in line for line in lines(list(rows.values())))


def test_a_number_that_the_page_changes_later_is_the_pages(tmp_path: Path) -> None:
    frozen = Frozen(EXPECTED, SLOTS, asked=Numbers(24, 10, 3, 10), chosen=Numbers(37, 10, 2, 5))
    assert Numbers.of(frozen.over(page(tmp_path))) == Numbers(37, 10, 2, 5)
    assert Numbers.of(frozen.over(page(tmp_path, replicate={"seeds": 12}))) == Numbers(37, 10, 2, 12)
