from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.speech.budget import count_words
from assistant.speech.claims import CUES
from assistant.speech.policy import Policy
from assistant.types import Considered, Manner, Person, Priority, Utterance
from tests.speech_builders import expression, person, phrases, scene

FPS = 20


def policy(**options: Any) -> Policy:
    return Policy(phrases(), **options)


class Story:
    """Show scenes to a policy at 20 a second; every utterance counts as spoken at once."""

    def __init__(self, **options: Any) -> None:
        self.policy = policy(**options)
        self.frame = 0
        self.said: list[tuple[float, Utterance]] = []
        self.held_back: list[tuple[float, Utterance, str]] = []

    @property
    def now_s(self) -> float:
        return self.frame / FPS

    def show(self, seconds: float, *people: Person, brightness: float = 0.5) -> Story:
        return self.play(seconds, lambda _: people, brightness)

    def play(self, seconds: float, people: Callable[[float], Iterable[Person]], brightness: float = 0.5) -> Story:
        for _ in range(round(seconds * FPS)):
            self.keep(self.policy.consider(scene(*people(self.now_s), brightness=brightness), self.now_s))
            self.frame += 1
        return self

    def keep(self, considered: Considered) -> None:
        self.held_back += [(self.now_s, each, reason) for each, reason in considered.suppressed]
        if considered.utterance is not None:
            self.said.append((self.now_s, considered.utterance))
            self.policy.spoken(considered.utterance, self.now_s, 0.2)

    def texts(self) -> list[str]:
        return [each.text for _, each in self.said]

    def reasons(self, text: str) -> set[str]:
        return {reason for _, each, reason in self.held_back if each.text == text}


def test_an_arrival_is_said_once_with_place_and_movement() -> None:
    story = Story().show(8, person("AU12", x=590))
    assert story.texts() == ["One person, close, at one o'clock, smiling."]
    at_s, said = story.said[0]
    assert 0.5 <= at_s <= 0.8
    assert said.priority == Priority.MESSAGE
    assert said.reason == "arrival"
    assert said.track == 1
    assert said.evidence["people"] == 1
    assert said.evidence["AU12"] == 0.95
    assert said.evidence["hour"] == 1
    assert said.evidence["distance_m"] == pytest.approx(0.69, abs=0.01)
    assert said.pan > 0.5
    assert said.expires_at_s == pytest.approx(at_s + 3)


def test_nobody_is_claimed_on_an_empty_clip() -> None:
    story = Story().show(20)
    assert story.texts() == []
    assert story.held_back == []


def test_a_face_that_flashes_up_is_no_person() -> None:
    story = Story()
    for track in range(1, 10):
        story.show(0.3, person("AU12", track=track, x=60.0 * track)).show(0.6)
    assert story.texts() == []


def test_a_departure_is_said_when_somebody_is_gone_for_good() -> None:
    story = Story().show(3, person()).show(1.2).show(1, person())
    assert story.texts() == ["One person, close, ahead."]
    story.show(3)
    assert story.texts()[1:] == ["They left."]
    assert story.said[1][1].reason == "departure"


def test_who_never_was_announced_does_not_leave() -> None:
    assert Story().show(0.4, person()).show(4).texts() == []


def test_a_new_number_for_the_same_place_is_nobody_new() -> None:
    story = Story().show(4, person(track=1)).show(0.5).show(6, person(track=2, x=340))
    assert story.texts() == ["One person, close, ahead."]


def test_several_who_come_together_are_counted() -> None:
    pair = (person(track=1, x=590, width=120), person(track=2, x=50))
    story = Story().show(5, *pair)
    assert story.texts() == ["Two people. Nearest, close, at one o'clock."]
    story.show(12, pair[0])
    assert story.texts()[1:] == ["One person left."]
    assert Story().show(12, *pair).show(4).texts()[1:] == ["Everyone left."]


def test_somebody_who_joins_is_another_person() -> None:
    first, second = person(track=1, width=120), person(track=2, x=50)
    assert Story().show(11, first).show(2, first, second).texts()[1:] == ["Another person, close, at eleven o'clock."]


def test_a_smile_that_begins_later_is_said_when_it_lasts() -> None:
    story = Story().show(4, person()).show(3, person("AU12"))
    assert story.texts()[1:] == ["Smiling."]
    at_s, said = story.said[1]
    assert 4.5 <= at_s <= 4.8
    assert (said.priority, said.reason) == (Priority.NOTIFICATION, "smile")
    assert said.evidence == {"AU12": 0.95}
    assert "not settled" in story.reasons("Smiling.")


def test_a_brief_movement_dies() -> None:
    story = Story(verbosity=3).show(4, person())
    for _ in range(8):
        story.show(0.4, person("AU04")).show(1, person())
    assert story.texts() == ["One person, close, ahead."]
    assert story.reasons("Brows lowered.") == {"not settled"}


def test_a_movement_is_not_repeated_while_it_lasts_nor_soon_after() -> None:
    story = Story().show(4, person()).show(30, person("AU12"))
    assert story.texts()[1:] == ["Smiling."]
    again = Story().show(4, person()).show(2, person("AU12")).show(2, person()).show(3, person("AU12"))
    assert again.texts()[1:] == ["Smiling."]
    assert "repeated" in again.reasons("Smiling.")


def test_a_wavering_movement_counts_as_one() -> None:
    story = Story().show(4, person())
    for _ in range(30):
        story.show(0.8, person("AU12")).show(0.4, person())
    assert story.texts()[1:] == ["Smiling."]


def test_a_movement_that_comes_back_much_later_is_news_again() -> None:
    story = Story().show(4, person()).show(2, person("AU12")).show(15, person()).show(2, person("AU12"))
    assert story.texts()[1:] == ["Smiling.", "Smiling."]


def test_laughing_after_smiling_is_news_and_smiling_after_laughing_is_not() -> None:
    laugh = person("AU06", "AU12", "AU26")
    story = Story().show(4, person()).show(4, person("AU12")).show(4, laugh).show(4, person("AU12"))
    assert story.texts()[1:] == ["Smiling.", "Laughing."]


def test_the_more_newsworthy_movement_is_said_first() -> None:
    story = Story(verbosity=4).show(4, person()).show(6, person("AU17", "AU04", "AU12"))
    assert story.texts()[1] == "Smiling."


def test_with_several_people_a_movement_has_a_direction() -> None:
    one, two = person(track=1, width=120, x=320), person(track=2, x=590)
    smiling = person("AU12", track=2, x=590)
    assert Story().show(10, one, two).show(2, one, smiling).texts()[1:] == ["At one o'clock, smiling."]


def test_one_face_is_not_spoken_of_all_the_time() -> None:
    story = Story().show(4, person()).show(0.9, person("AU12")).show(1.3, person("AU15"))
    assert story.texts()[1:] == ["Smiling."]
    assert "just spoken of" in story.reasons("Mouth corners down.")


def test_news_that_waited_too_long_is_dropped_with_the_reason() -> None:
    story = Story(max_words_per_10_s=4).show(20, person("AU12"))
    assert story.texts() == ["One person, close, ahead."]
    tight = Story(max_words_per_10_s=1).show(20, person("AU12"))
    assert tight.texts() == ["Smiling."]
    assert "expired" in tight.reasons("One person.")
    assert "rate limit" in tight.reasons("One person, close, ahead, smiling.")


def test_plain_movements_leave_room_for_a_smile() -> None:
    busy = Story(verbosity=3).show(1, person()).show(12, person("AU04"))
    assert busy.texts() == ["One person, close, ahead.", "Brows lowered."]
    short = Story(verbosity=3, max_words_per_10_s=7).show(1, person()).show(4, person("AU04"))
    assert short.texts() == ["One person, close, ahead."]
    smile = Story(verbosity=3, max_words_per_10_s=7).show(1, person()).show(4, person("AU12"))
    assert smile.texts()[1:] == ["Smiling."]


LEVELS = {"AU12": 2, "AU15": 2, "AU04": 3, "AU24": 4}


@pytest.mark.parametrize("verbosity", [1, 2, 3, 4])
def test_each_level_says_more_and_the_transcript_tells_what_was_left_out(verbosity: int) -> None:
    for unit, level in LEVELS.items():
        story = Story(verbosity=verbosity).show(4, person()).show(4, person(unit)).show(8)
        texts = story.texts()
        assert texts[0] == "One person, close, ahead."
        assert texts[-1] == "They left."
        assert (len(texts) == 3) == (verbosity >= level)
        assert any(reason == "verbosity" for _, _, reason in story.held_back) == (verbosity < level)


def test_a_cue_that_is_off_is_not_said_and_the_transcript_says_so() -> None:
    story = Story(cues=CUES - {"smile"}).show(4, person("AU12")).show(4, person("AU15")).show(8)
    assert story.texts() == ["One person, close, ahead.", "Mouth corners down.", "They left."]
    assert "cue off" in story.reasons("Smiling.")
    assert Story(cues=CUES - {"departure"}).show(4, person()).show(8).texts() == ["One person, close, ahead."]
    assert Story(cues=CUES - {"arrival"}).show(4, person()).show(8).texts() == ["They left."]
    assert Story(cues=frozenset()).show(4, person("AU12")).show(8).texts() == []


def test_settings_change_while_it_runs() -> None:
    story = Story(verbosity=1).show(4, person("AU12"))
    story.policy.configure(verbosity=2)
    assert story.policy.verbosity == 2
    assert story.show(2, person()).show(2, person("AU15")).texts()[1:] == ["Mouth corners down."]
    story.policy.configure(cues=frozenset({"arrival"}), max_words_per_10_s=20)
    story.show(4).show(3, person(x=630))
    assert story.texts()[2:] == ["One person, close, at one o'clock."]


def test_who_is_too_far_is_left_out_and_nobody_flickers_at_the_limit() -> None:
    story = Story(farthest_m=1.0).show(4, person(width=50))  # 1.4 m
    assert story.texts() == []
    for _ in range(5):
        story.show(1, person(width=75)).show(1, person(width=65))  # 0.9 and 1.05 m
    assert story.texts() == ["One person, close, ahead."]
    assert story.show(8, person(width=50)).texts()[1:] == ["They left."]


def test_an_answer_tells_of_no_more_people_than_the_verbosity_allows() -> None:
    crowd = scene(*[person(track=number) for number in range(1, 10)])
    told = [policy(verbosity=level).describe_scene(crowd).count("One person, close") for level in (1, 2, 3, 4)]
    assert told == [1, 3, 4, 6]


def test_emotions_are_hedged_and_need_confidence() -> None:
    sure = person("AU12", shows=expression("happiness", confidence=0.9))
    story = Story(emotions=True).show(4, person()).show(5, sure)
    assert story.texts()[1:] == ["Seems happy, because mouth corners up."]
    unsure = person("AU12", shows=expression(top="happiness"))
    story = Story(emotions=True).show(4, person()).show(5, unsure)
    assert story.texts()[1:] == ["Smiling."]
    assert story.reasons("Seems happy.") == {"below confidence"}


def test_no_movement_is_said_of_a_head_turned_away() -> None:
    assert Story().show(8, person("AU12", yaw_deg=60)).texts() == ["One person, close, ahead."]


def test_darkness_is_an_alert_once_and_its_end_too() -> None:
    story = Story().show(4, person()).show(10, brightness=0.02).show(10, brightness=0.5)
    assert story.texts()[1:] == ["It is dark; I cannot see well.", "I can see again."]
    assert all(each.priority == Priority.IMPORTANT for _, each in story.said[1:])
    assert story.said[1][0] == pytest.approx(8.0, abs=0.1)


def test_who_cannot_be_seen_in_the_dark_has_not_left() -> None:
    assert "They left." not in Story().show(4, person()).show(20, brightness=0.02).texts()


def test_dusk_does_not_flicker() -> None:
    story = Story()
    for _ in range(10):
        story.show(1, brightness=0.05).show(1, brightness=0.07)
    assert story.texts() == []


def test_after_a_pause_everything_is_new() -> None:
    story = Story().show(4, person())
    story.frame += 20 * FPS
    story.show(2)
    assert story.texts() == ["One person, close, ahead."]


def test_dropped_words_count_as_not_said() -> None:
    story = Story().show(4, person()).show(1, person("AU12"))
    _, smile = story.said[-1]
    assert smile.text == "Smiling."
    story.policy.dropped(smile)
    story.show(3, person("AU12"))
    assert story.texts()[1:] == ["Smiling.", "Smiling."]


def test_who_was_announced_in_dropped_words_does_not_leave() -> None:
    story = Story().show(1, person())
    story.policy.dropped(story.said[-1][1])
    assert story.show(5).texts() == ["One person, close, ahead."]


def test_an_answer_tells_the_whole_scene() -> None:
    answer = policy().answer(scene(person("AU12")), 3.0)
    assert answer.text == "One person, close, ahead, smiling."
    assert (answer.priority, answer.reason) == (Priority.MESSAGE, "answer")
    assert answer.expires_at_s > 3.0
    assert policy().describe_scene(scene()) == "Nobody in view."


def test_a_face_that_is_not_tracked_is_not_spoken_of() -> None:
    assert Story().show(5, person("AU12", track=0)).texts() == []


# What somebody does


def test_facing_is_part_of_the_arrival_and_turning_to_you_is_news() -> None:
    facing, away = person(manner=Manner(facing=True)), person(manner=Manner(facing=False), yaw_deg=40)
    assert Story().show(8, facing).texts() == ["One person, close, ahead, facing you."]
    story = Story().show(35, away).show(3, facing)
    assert story.texts() == ["One person, close, ahead.", "Facing you."]
    assert story.said[1][1].reason == "facing"
    assert "verbosity" in story.reasons("Turned away.")


def test_two_news_of_one_person_at_once_are_one_sentence() -> None:
    away, smiles = person(manner=Manner(facing=False), yaw_deg=40), person("AU12", manner=Manner(facing=True))
    story = Story().show(4, away).show(0.5, person("AU12", manner=Manner(facing=False))).show(6, smiles)
    assert story.texts()[1:] == ["Smiling.", "Facing you."], "each as soon as it is sure"
    story = Story().show(1, away).show(2.2, smiles)
    assert story.texts()[1:] == ["Facing you, smiling."], "both were sure while the arrival was still fresh"
    both = story.said[1][1]
    assert {"AU12", "yaw_deg"} <= both.evidence.keys()
    assert both.reason == "facing"
    assert story.policy.still_true(both)
    story.show(0.1, person(manner=Manner(facing=True)))
    assert not story.policy.still_true(both), "the smile has gone"
    story.policy.dropped(both)
    assert story.show(3, person(manner=Manner(facing=True))).texts()[2:] == ["Facing you."]


def test_what_does_not_fit_or_is_plainer_is_not_put_beside_other_news() -> None:
    away, smiles = person(manner=Manner(facing=False), yaw_deg=40), person("AU12", manner=Manner(facing=True))
    tight = Story(max_words_per_10_s=6).show(1, away).show(4, smiles)
    assert tight.texts()[1:] == ["Facing you."]
    frowns = person("AU04", manner=Manner(facing=True))
    assert Story(verbosity=4).show(1, away).show(3, frowns).texts()[1:] == ["Facing you."]
    quiet = Story(cues=CUES - {"smile"}).show(1, away).show(6, smiles)
    assert quiet.texts()[1:] == ["Facing you."]


def test_turning_to_and_fro_does_not_chatter() -> None:
    facing, away = person(manner=Manner(facing=True)), person(manner=Manner(facing=False))
    story = Story(verbosity=4)
    for _ in range(6):
        story.show(2, facing).show(2, away)
    assert story.texts() == ["One person, close, ahead, facing you.", "Turned away."]


def test_each_nod_is_news_and_a_shake_is_another() -> None:
    nod, shake = person(manner=Manner(gesture="nodding")), person(manner=Manner(gesture="shaking"))
    story = Story().show(4, person()).show(1.5, nod).show(8, person()).show(1.5, shake).show(8, person())
    assert story.texts()[1:] == ["Nodding.", "Shaking head."]
    at_s, said = story.said[1]
    assert at_s == pytest.approx(4.0, abs=0.1)
    assert said.reason == "gesture"


def test_talking_and_coming_closer_are_details() -> None:
    busy = person(manner=Manner(talking=True, motion="approaching"))
    assert Story(verbosity=2).show(4, person()).show(8, busy).texts() == ["One person, close, ahead."]
    assert Story(verbosity=3).show(4, person()).show(8, busy).texts()[1:] == ["Talking."]
    detailed = Story(verbosity=4, max_words_per_10_s=20).show(4, person()).show(8, busy)
    assert detailed.texts()[1:] == ["Talking.", "Coming closer."]


def test_somebody_who_goes_on_talking_is_told_once() -> None:
    story = Story(verbosity=4).show(4, person())
    for _ in range(8):
        story.show(3, person(manner=Manner(talking=True))).show(1.5, person())
    assert story.texts().count("Talking.") <= 2


def test_long_closed_eyes_are_told_once_and_only_where_asked() -> None:
    def asleep(at_s: float) -> list[Person]:
        return [person(manner=Manner(eyes_closed_s=max(0.0, at_s - 4)))]

    assert Story().play(20, asleep).texts() == ["One person, close, ahead."]
    story = Story(cues=CUES).play(20, asleep)
    assert story.texts()[1:] == ["Eyes closed for long."]
    assert story.said[1][0] == pytest.approx(6.0, abs=0.2)


def test_the_nearest_who_faces_you_is_told_of() -> None:
    away = person(track=1, width=120, x=320, manner=Manner(facing=False))
    facing = person(track=2, x=590, manner=Manner(facing=True))
    assert Story().show(3, away, facing).texts() == ["Two people. One person, close, at one o'clock."]


MANNERS = st.builds(
    Manner,
    st.sampled_from([None, True, False]),
    st.sampled_from(["", "", "nodding", "shaking"]),
    st.sampled_from(["", "approaching", "leaving"]),
    st.booleans(),
    st.sampled_from([0.0, 0.0, 3.0]),
)
SHOWN = st.lists(st.sampled_from(["AU12", "AU06", "AU26", "AU04", "AU15", "AU43"]), max_size=3)
SPELLS = st.lists(st.tuples(st.floats(0.2, 6), st.booleans(), SHOWN, MANNERS), min_size=1, max_size=12)


@given(SPELLS, st.sampled_from([1, 2, 3, 4]))
@settings(max_examples=40, deadline=None)
def test_whatever_people_do_words_keep_to_the_budget_and_nothing_is_repeated_without_a_change(
    spells: list[tuple[float, bool, list[str], Manner]], verbosity: int
) -> None:
    story = Story(verbosity=verbosity, cues=CUES)
    changes = []
    for seconds, there, shown, manner in spells:
        changes.append(story.now_s)
        story.show(seconds, *([person(*shown, manner=manner)] if there else []))
    for at_s, said in story.said:
        assert count_words(said.text) <= 9
        window = [each for start_s, each in story.said if at_s <= start_s < at_s + 10]
        assert sum(count_words(each.text) for each in window) <= 12
    for index, (at_s, said) in enumerate(story.said):
        for again_s, other in story.said[index + 1 :]:
            if other.text == said.text and again_s - at_s < 30:
                assert any(at_s - 3 < change_s < again_s for change_s in changes)
