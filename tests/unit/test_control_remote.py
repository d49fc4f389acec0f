"""Remotes are found, kept, lost and found again; what is in the way is said with its remedy."""

import builtins
import queue

import pytest

from assistant.controls.remote import AUTO, Evdev, Remotes
from assistant.errors import DependencyError
from tests.control_builders import FakeBus, FakeDevice, Pressed

KEYBOARD = frozenset("abcdefghijklmnopqrstuvwxyz")


class Following:
    """Remotes on a bus, and what they tell, in order."""

    def __init__(self, bus, wanted=AUTO):
        self.told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.remotes = Remotes(
            wanted,
            lambda name: self.told.put(f"key {name}"),
            self.told.put,
            lambda lost: self.told.put("lost" if lost else "back"),
            bus,
            look_again_s=0.01,
        )

    def next(self):
        return self.told.get(timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remotes.close()


def test_a_pressed_key_is_told_once_and_kept_from_others():
    device = FakeDevice("/dev/input/event5", "AB Shutter3")
    with Following(FakeBus(device)) as following:
        assert following.next() == "The remote AB Shutter3 is used."
        device.press("enter")
        device.press("enter", value=0)  # released
        device.press("playpause", value=2)  # held
        device.press("playpause")
        assert [following.next(), following.next()] == ["key enter", "key playpause"]
        assert device.grabbed
    assert device.closed


def test_a_remote_that_is_lost_is_waited_for_and_found_again():
    device = FakeDevice("/dev/input/event5", "Remote")
    bus = FakeBus(device)
    with Following(bus) as following:
        following.next()
        del bus.devices[device.path]
        device.unplug()
        assert [following.next(), following.next()] == ["The remote Remote is lost; it is waited for.", "lost"]
        again = FakeDevice("/dev/input/event9", "Remote")
        bus.devices[again.path] = again
        assert [following.next(), following.next()] == ["The remote Remote is back.", "back"]
        again.press("enter")
        assert following.next() == "key enter"


def test_a_remote_of_two_devices_is_told_once():
    first, second = FakeDevice("/dev/input/event5", "Remote"), FakeDevice("/dev/input/event6", "Remote")
    bus = FakeBus(first, second)
    with Following(bus) as following:
        assert following.next() == "The remote Remote is used."
        second.press("enter")
        assert following.next() == "key enter"
        del bus.devices[second.path]
        second.unplug()
        first.press("playpause")
        assert following.next() == "key playpause"


def test_a_keyboard_is_left_alone_unless_it_is_named():
    keyboard = FakeDevice("/dev/input/event0", "A Keyboard", KEYBOARD)
    with Following(FakeBus(keyboard)) as following:
        assert following.next().startswith("There is no remote that suits yet; it is waited for. Devices here: A Key")
        assert keyboard.closed
    named = FakeDevice("/dev/input/event0", "A Keyboard", KEYBOARD)
    with Following(FakeBus(named), "a key") as following:
        assert following.next() == "The remote A Keyboard is used."


def test_a_remote_is_named_by_its_path():
    first, second = FakeDevice("/dev/input/event5", "One"), FakeDevice("/dev/input/event6", "Two")
    with Following(FakeBus(first, second), "/dev/input/event6") as following:
        assert following.next() == "The remote Two is used."
        assert not first.grabbed


def test_without_the_right_to_read_it_says_how_to_get_it():
    with Following(FakeBus(forbidden=("/dev/input/event5",))) as following:
        sentence = following.next()
    assert "may not be read" in sentence
    assert "usermod -aG input" in sentence
    assert "udev/rules.d" in sentence


def test_a_missing_remote_is_told_once_while_it_is_waited_for():
    bus = FakeBus()
    with Following(bus, "shutter") as following:
        assert "no remote called 'shutter'" in following.next()
        device = FakeDevice("/dev/input/event5", "AB Shutter3")
        bus.devices[device.path] = device  # several looks later
        assert following.next() == "The remote AB Shutter3 is used."


def test_a_device_that_somebody_else_holds_is_read_all_the_same():
    device = FakeDevice("/dev/input/event5", "Remote")

    def taken():
        raise OSError(16, "Device or resource busy")

    device.grab = taken
    with Following(FakeBus(device)) as following:
        assert following.next() == "The remote Remote is used."


def test_a_missing_package_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "evdev":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DependencyError, match=r"facecue\[remote\]"):
        Evdev()


@pytest.fixture(scope="module")
def bus():
    pytest.importorskip("evdev", reason='evdev is not installed: pip install ".[remote]"')
    return Evdev()


@pytest.mark.parametrize(
    ("code", "name"),
    [(28, "enter"), (96, "enter"), (164, "playpause"), (115, "volumeup"), (113, "mute"), (109, "pagedown"),
     (30, "a"), (163, "nextsong"), (304, "btn_a"), (78, "plus"), (166, "stop"), (999, ""), (116, "")],
)  # fmt: skip
def test_the_kernels_keys_have_names(bus, code, name):
    assert bus.key(Pressed(1, code, 1)) == name


def test_only_pressing_counts(bus):
    assert [bus.key(Pressed(kind, 28, value)) for kind, value in ((1, 0), (1, 2), (0, 1), (2, 1))] == [""] * 4


def test_devices_are_looked_for_without_fault(bus):
    assert isinstance(bus.paths(), list)
    assert isinstance(bus.forbidden(), list)
