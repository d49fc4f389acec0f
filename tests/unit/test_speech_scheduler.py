"""The scheduler's rules: speech-dispatcher's between priorities, and courtesy beyond them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from assistant.speech.priorities import OUTCOMES, Outcome
from assistant.speech.scheduler import BREATH_S, GAP_S, REPEAT_S, Forget, Scheduler, Start, Step, Stop
from assistant.types import Priority
from tests.speech_builders import utterance

PROGRESS, NOTIFICATION, TEXT, MESSAGE, IMPORTANT = Priority


class Stage:
    """A scheduler whose words take a second each, unless others are asked for."""

    def __init__(self, **options: Callable[..., bool]) -> None:
        self.scheduler = Scheduler(**options)  # type: ignore[arg-type]
        self.log: list[tuple[str, str]] = []
        self.times_s: list[float] = []

    def take(self, steps: list[Step], now_s: float, seconds: float = 1.0) -> None:
        for step in steps:
            match step:
                case Start(said):
                    self.log.append(("start", said.text))
                    self.times_s.append(round(now_s, 2))
                    self.scheduler.started(step, now_s + seconds)
                case Stop():
                    self.log.append(("cut", ""))
                case Forget(forgotten, reason):
                    self.log.append((reason, forgotten.text))

    def say(self, text: str, priority: Priority, now_s: float = 0.0, lasts_s: float = 60.0, **more: object) -> None:
        new = replace(utterance(text, priority, now_s, lasts_s), **more)  # type: ignore[arg-type]
        self.take(self.scheduler.offer(new, now_s), now_s)

    def until(self, end_s: float, start_s: float = 0.0) -> Stage:
        for frame in range(round(start_s * 50), round(end_s * 50) + 1):
            self.take(self.scheduler.due(frame / 50), frame / 50)
        return self

    def said(self) -> list[str]:
        return [text for what, text in self.log if what == "start"]

    def reasons(self, text: str) -> list[str]:
        return [what for what, each in self.log if each == text]


# What speech-dispatcher documents (SSIP 0.2, "Priority Categories"): (arriving, being said) and what is heard of both.
CUT, BOTH, NEVER, LAST = "cuts", "both, in turn", "the first alone", "the first, then the last of the series"
DOCUMENTED = {
    # "This message will be said immediately. It is never interrupted ... queued and said in the order they came."
    (IMPORTANT, IMPORTANT): BOTH,
    (IMPORTANT, MESSAGE): CUT,
    (IMPORTANT, TEXT): CUT,
    (IMPORTANT, NOTIFICATION): CUT,
    (IMPORTANT, PROGRESS): CUT,
    # "... doesn't interrupt itself. notification, progress or text waiting or being spoken: they are canceled."
    (MESSAGE, IMPORTANT): BOTH,
    (MESSAGE, MESSAGE): BOTH,
    (MESSAGE, TEXT): CUT,
    (MESSAGE, NOTIFICATION): CUT,
    (MESSAGE, PROGRESS): CUT,
    # "The priority text interrupts itself."
    (TEXT, IMPORTANT): BOTH,
    (TEXT, MESSAGE): BOTH,
    (TEXT, TEXT): CUT,
    (TEXT, NOTIFICATION): CUT,
    (TEXT, PROGRESS): CUT,
    # "important, message, text or progress ...: this notification is canceled. This priority interrupts itself."
    (NOTIFICATION, IMPORTANT): NEVER,
    (NOTIFICATION, MESSAGE): NEVER,
    (NOTIFICATION, TEXT): NEVER,
    (NOTIFICATION, NOTIFICATION): CUT,
    (NOTIFICATION, PROGRESS): NEVER,
    # "a newly arriving message is canceled if another message is being spoken", but the last of a series is said.
    (PROGRESS, IMPORTANT): LAST,
    (PROGRESS, MESSAGE): LAST,
    (PROGRESS, TEXT): LAST,
    (PROGRESS, NOTIFICATION): LAST,
    (PROGRESS, PROGRESS): LAST,
}


def test_every_pair_is_covered() -> None:
    assert DOCUMENTED.keys() == OUTCOMES.keys()
    assert len(DOCUMENTED) == 25


@pytest.mark.parametrize(("pair", "expected"), DOCUMENTED.items(), ids=lambda each: str(each))
def test_what_arrives_meets_what_is_said_as_speech_dispatcher_documents(
    pair: tuple[Priority, Priority], expected: str
) -> None:
    arriving, current = pair
    stage = Stage()
    stage.say("first", current, track=1)
    stage.say("second", arriving, 0.5, track=2)
    at_once = list(stage.log)
    stage.until(8, 0.5)
    heard = [each for each in stage.log if each[0] in ("start", "cut")]
    first, second = ("start", "first"), ("start", "second")
    if expected == CUT:
        again = [first] if current == PROGRESS else []  # the last of its series, which was not heard to its end
        assert at_once == [first, ("cut", ""), second]
        assert heard == [first, ("cut", ""), second, *again]
    elif expected in (BOTH, LAST):
        assert at_once == [first]
        assert heard == [first, second]
    else:
        assert at_once == [first, ("busy", "second")]
        assert heard == [first]


@pytest.mark.parametrize("waiting", Priority)
@pytest.mark.parametrize("arriving", Priority)
def test_what_arrives_meets_what_waits_as_speech_dispatcher_documents(waiting: Priority, arriving: Priority) -> None:
    """While something IMPORTANT is said, or, since those do not wait then, in the gap after it."""
    stage = Stage()
    stage.say("alert", IMPORTANT, lasts_s=9)
    start_s = 0.5 if waiting in (TEXT, MESSAGE, IMPORTANT) else 1.2
    stage.until(start_s)
    words = "five words that wait here"  # two of these are too long to be merged
    stage.say(words, waiting, start_s, track=1)
    stage.say("four words and more, new", arriving, start_s, track=2)
    stage.until(12, start_s)
    cancelled = {
        PROGRESS: set(),
        NOTIFICATION: {NOTIFICATION},
        TEXT: {TEXT, NOTIFICATION},
        MESSAGE: {TEXT, NOTIFICATION},
        IMPORTANT: {NOTIFICATION},
    }[arriving]
    gives_way = arriving == NOTIFICATION and waiting != NOTIFICATION
    assert (words in stage.said()) == (waiting not in cancelled)
    assert ("four words and more, new" in stage.said()) == (not gives_way)


def test_a_series_says_its_first_and_its_last() -> None:
    stage = Stage()
    for tenth in range(10):
        stage.say(f"{tenth} of nine", PROGRESS, tenth / 10, reason="approach")
    stage.until(5, 1)
    assert stage.said() == ["0 of nine", "9 of nine"]
    assert stage.times_s == [0.0, 1.0 + GAP_S]
    assert all(stage.reasons(f"{n} of nine") == ["displaced"] for n in range(1, 9))


def test_two_series_do_not_mix() -> None:
    stage = Stage()
    stage.say("alert", IMPORTANT)
    for text, track in (("one", 1), ("two", 2), ("one more", 1)):
        stage.say(text, PROGRESS, 0.2, track=track)
    assert stage.until(8, 0.2).said() == ["alert", "two", "one more"]


def test_the_last_of_a_series_outlives_what_cuts_it() -> None:
    stage = Stage()
    stage.say("90 percent", PROGRESS)
    stage.say("Camera lost", IMPORTANT, 0.3)
    assert stage.until(5, 0.3).said() == ["90 percent", "Camera lost", "90 percent"]


def test_an_answer_cuts_all_but_important() -> None:
    for priority in Priority:
        stage = Stage()
        stage.say("first", priority)
        stage.say("answer", MESSAGE, 0.4, reason="answer")
        assert (("start", "answer") in stage.log) == (priority != IMPORTANT)
        stage.until(4, 0.4)
        assert "answer" in stage.said()
        assert stage.times_s[1] == (1 + BREATH_S if priority == IMPORTANT else 0.4)


def test_the_newest_answer_replaces_the_one_before() -> None:
    stage = Stage()
    stage.say("alert", IMPORTANT)
    stage.say("old answer", MESSAGE, 0.1, reason="answer")
    stage.say("arrival", MESSAGE, 0.2, reason="arrival")
    stage.say("new answer", MESSAGE, 0.3, reason="answer")
    stage.say("newest", TEXT, 0.35, reason="answer")
    assert stage.until(8, 0.3).said() == ["alert", "newest", "arrival"]


def test_a_gap_comes_before_what_nobody_asked_for() -> None:
    stage = Stage()
    stage.say("one", NOTIFICATION, track=1)
    stage.until(1.0)
    stage.say("two", NOTIFICATION, 1.0, track=2)
    assert stage.until(4, 1.0).times_s == [0.0, 1.0 + GAP_S]


def test_no_gap_comes_before_an_answer_or_an_alert() -> None:
    for priority, reason in ((MESSAGE, "answer"), (IMPORTANT, "alert")):
        stage = Stage()
        stage.say("one", NOTIFICATION)
        stage.until(1.1)
        stage.say("two", priority, 1.1, reason=reason)
        assert stage.times_s == [0.0, 1.1]


def test_what_waits_together_becomes_one_sentence() -> None:
    stage = Stage()
    stage.say("They left.", MESSAGE)
    stage.until(1.0)
    stage.say("Smiling.", NOTIFICATION, 1.1, track=1, reason="smile", pan=-0.5)
    stage.say("Brows raised.", NOTIFICATION, 1.3, track=2, reason="movement", pan=0.5)
    stage.until(5, 1.3)
    assert stage.said() == ["They left.", "Smiling; Brows raised."]


@pytest.mark.parametrize("reason", ["settings", "preview"])
def test_words_of_the_device_itself_stay_apart_from_news_of_people(reason: str) -> None:
    stage = Stage()
    stage.say("Anna set verbosity to 2.", MESSAGE, reason=reason)
    stage.say("They left.", MESSAGE, 0.1, reason="departure")
    stage.say("Anna set speed to 200.", MESSAGE, 0.2, reason=reason)
    stage.until(9, 0.2)
    assert stage.said() == ["Anna set verbosity to 2.", "They left.", "Anna set speed to 200."]


def test_what_is_too_long_together_is_not_merged() -> None:
    stage = Stage()
    stage.say("They left.", MESSAGE)
    stage.say("One person, close, at one o'clock.", MESSAGE, 0.1)
    stage.say("Another person, near, at two o'clock.", MESSAGE, 0.2)
    assert len(stage.until(9, 0.2).said()) == 3


def test_of_merged_words_only_the_true_are_said() -> None:
    gone: set[str] = set()
    stage = Stage(still_true=lambda each: each.text not in gone)
    stage.say("They left.", MESSAGE)
    stage.until(1.0)
    stage.say("Smiling.", NOTIFICATION, 1.1, track=1)
    stage.say("Brows raised.", NOTIFICATION, 1.2, track=2)
    gone.add("Smiling.")
    stage.until(4, 1.2)
    assert stage.said() == ["They left.", "Brows raised."]
    assert stage.reasons("Smiling.") == ["untrue"]


def test_untrue_and_expired_words_are_never_started() -> None:
    stage = Stage(still_true=lambda each: each.text != "Smiling.")
    stage.say("Smiling.", NOTIFICATION)
    stage.say("They left.", MESSAGE)
    stage.say("late", MESSAGE, 0.1, lasts_s=0.5, reason="arrival")
    assert stage.until(4, 0.1).said() == ["They left."]
    assert stage.reasons("Smiling.") == ["untrue"]
    assert stage.reasons("late") == ["expired"]


def test_the_same_words_come_again_only_after_something_else_or_half_a_minute() -> None:
    def run(between: str, again_s: float) -> list[str]:
        stage = Stage()
        stage.say("Smiling.", NOTIFICATION, 0.0, track=1)
        if between:
            stage.until(5)
            stage.say(between, NOTIFICATION, 5.0, track=1)
        stage.until(again_s, 5)
        stage.say("Smiling.", NOTIFICATION, again_s, track=1)
        return stage.said()

    assert run("", 20) == ["Smiling."]
    assert run("", REPEAT_S + 1) == ["Smiling.", "Smiling."]
    assert run("Brows raised.", 20) == ["Smiling.", "Brows raised.", "Smiling."]


def test_one_more_person_is_news_in_the_same_words() -> None:
    stage = Stage()
    for now_s, people in ((0, 2), (5, 2), (10, 3)):
        stage.say("Another person.", MESSAGE, now_s, reason="arrival", evidence={"people": people})
        stage.until(now_s + 4, now_s)
    assert stage.times_s == [0, 10]


def test_answers_and_alerts_may_repeat() -> None:
    stage = Stage()
    for now_s in (0, 5):
        stage.say("Nobody in view.", MESSAGE, now_s, reason="answer")
        stage.say("Camera lost.", IMPORTANT, now_s + 2, reason="alert")
        stage.until(now_s + 4, now_s)
    assert len(stage.said()) == 4


def test_nobody_is_talked_over_but_for_answers_and_alerts() -> None:
    talking = True
    stage = Stage(somebody_speaks=lambda: talking)
    stage.say("They left.", MESSAGE, lasts_s=5)
    assert stage.until(2).said() == []
    stage.say("answer", MESSAGE, 2, reason="answer")
    stage.say("Camera lost.", IMPORTANT, 2.2)
    talking = False
    assert stage.until(8, 2.2).said() == ["answer", "Camera lost.", "They left."]


def test_important_words_that_were_interrupted_are_said_again_and_others_are_lost() -> None:
    for priority, expected in ((IMPORTANT, ["alert", "alert"]), (MESSAGE, ["alert"])):
        stage = Stage()
        stage.say("alert", priority)
        stage.take(stage.scheduler.interrupted(0.4), 0.4)
        assert stage.until(5, 0.4).said() == expected
        assert stage.reasons("alert")[1:] == (["start"] if priority == IMPORTANT else ["interrupted"])


def test_stop_forgets_everything() -> None:
    stage = Stage()
    stage.say("alert", IMPORTANT)
    stage.say("They left.", MESSAGE, 0.1)
    stage.say("90 percent", PROGRESS, 0.1)
    stage.take(stage.scheduler.stop(0.2), 0.2)
    assert stage.scheduler.idle
    assert stage.log[1:] == [("stopped", "They left."), ("stopped", "90 percent"), ("cut", "")]
    assert stage.until(5, 0.2).said() == ["alert"]


def test_it_says_when_it_is_due() -> None:
    stage = Stage()
    assert stage.scheduler.due_at_s() is None
    stage.say("one", MESSAGE)
    stage.say("two", MESSAGE, 0.1)
    assert stage.scheduler.due_at_s() == 1.0
    stage.until(1.0)
    assert stage.scheduler.due_at_s() == 1.0 + GAP_S


def test_an_end_told_too_late_is_of_no_consequence() -> None:
    scheduler = Scheduler()
    (first,) = scheduler.offer(utterance("one", NOTIFICATION), 0.0)
    _, second = scheduler.offer(utterance("two", IMPORTANT), 0.1)
    assert isinstance(first, Start)
    assert isinstance(second, Start)
    scheduler.started(second, 1.0)
    scheduler.started(first, 9.0)
    assert scheduler.due_at_s() == 1.0


def test_outcomes_are_named_for_the_reader() -> None:
    assert set(OUTCOMES.values()) == set(Outcome)
