"""The clock of the stages tells how far each is and adds up what it took."""

from v2m.stages import STAGES, StageClock


def test_a_stage_is_told_from_nothing_to_done() -> None:
    told: list[tuple[str, float]] = []
    clock = StageClock(lambda stage, fraction: told.append((stage, fraction)))
    with clock.stage("analyze") as report:
        report(0.5)
    assert told == [("analyze", 0.0), ("analyze", 0.5), ("analyze", 1.0)]


def test_each_stage_has_its_seconds_and_a_repeated_one_their_sum() -> None:
    clock = StageClock()
    for stage in (*STAGES, "render"):
        with clock.stage(stage):
            sum(range(200_000))
    assert tuple(clock.seconds) == STAGES
    assert clock.seconds["render"] > 0
    before = clock.seconds["render"]
    with clock.stage("render"):
        sum(range(200_000))
    assert clock.seconds["render"] > before


def test_what_ran_side_by_side_shares_the_seconds_that_passed() -> None:
    told: list[tuple[str, float]] = []
    clock = StageClock(lambda stage, fraction: told.append((stage, fraction)))
    clock.seconds["render"] = 8.0
    clock.divide({"render": 9.0, "master": 3.0})
    assert clock.seconds == {"render": 6.0, "master": 2.0}
    assert told[-1] == ("master", 1.0)
