from assistant.clock import ManualClock
from assistant.commands.analyze import Progress


def test_progress_is_told_in_plain_lines_every_few_seconds():
    clock, lines = ManualClock(), []
    progress = Progress(200, clock, lines.append)
    for done in range(13):
        progress.at(done)
        clock.set(clock.now_s() + 1.0)
    assert lines == ["5 of 200 files, about 195 s left", "10 of 200 files, about 190 s left"]


def test_before_the_first_file_is_done_no_time_is_guessed():
    clock, lines = ManualClock(), []
    progress = Progress(2, clock, lines.append)
    clock.set(6.0)
    progress.at(0, ", at 5 s of film.mp4")
    assert lines == ["0 of 2 files, at 5 s of film.mp4"]
