"""Run espeak-ng in a process of its own: `python -m assistant.speech.espeak_worker LIBRARY DATA VOICE PROSODY`.

espeak-ng is GPL-3 and native; here it can be killed without harm. Its C interface is described in its own
speak_lib.h; the numbers below are the constants of that interface.
"""

from __future__ import annotations

import ctypes
import itertools
import sys
from typing import Any, Final

from assistant.speech import frames
from assistant.speech.frames import VoiceError
from assistant.speech.prosody import Prosody

_RETRIEVAL: Final = 1  # samples go to the callback, not to a sound device
_DONT_EXIT: Final = 0x8000  # a bad data path is an error code, not the end of the process
_RATE_PARAMETER, _VOLUME_PARAMETER, _PITCH_PARAMETER, _PUNCTUATION_PARAMETER = 1, 2, 3, 5
_PUNCTUATION: Final = {"none": 0, "all": 1, "some": 2}
_FASTEST_WPM: Final = 449  # from 450 on the engine hands over to a time stretcher, whose numbers mean other speeds
_STRETCHED: Final = 1.19  # its number for a word a minute: 600 of it gave 505 words a minute, 475 gave 396
_POSITION_CHARACTER: Final = 1
_UTF8: Final = 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _CVoice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),  # several: a priority byte and a string each, ended by a zero priority
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


class Espeak:
    """Speak with espeak-ng through ctypes. Blocks; one per process, since the engine keeps global state.

    Args:
        library: path of the shared library.
        data: path of the folder espeak-ng-data, at most about 160 characters: the engine cuts longer ones.
        voice: a language code such as "en" or "en-gb"; "" to leave it open, for listing.
        prosody: how it speaks.

    Raises:
        VoiceError: the library, its data or the voice cannot be had.
    """

    def __init__(self, library: str, data: str, voice: str, prosody: Prosody) -> None:
        try:
            self._library: Any = ctypes.CDLL(library)
        except OSError as error:
            raise VoiceError(f"its library {library} cannot be loaded ({error})") from error
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_CVoice))
        self._rate_hz = self._library.espeak_Initialize(_RETRIEVAL, 0, data.encode(), _DONT_EXIT)
        if self._rate_hz <= 0:
            raise VoiceError(f"its data in {data} cannot be read")
        self._samples: list[bytes] = []
        self._callback = _CALLBACK(self._collect)  # kept: ctypes does not hold it for the library
        self._library.espeak_SetSynthCallback(self._callback)
        if voice and self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise VoiceError(f"it has no voice {voice!r}")
        for parameter, value in (
            (_RATE_PARAMETER, engine_rate(prosody.words_per_minute)),
            (_VOLUME_PARAMETER, min(max(prosody.volume, 0), 200)),
            (_PITCH_PARAMETER, min(max(prosody.pitch, 0), 99)),
            (_PUNCTUATION_PARAMETER, _PUNCTUATION[prosody.punctuation]),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)

    def speak(self, text: str) -> tuple[int, bytes]:
        """Return the rate in Hz and mono int16 samples of the whole text."""
        self._samples.clear()
        encoded = text.replace("\0", " ").encode("utf-8") + b"\0"
        status = self._library.espeak_Synth(
            encoded, ctypes.c_size_t(len(encoded)), 0, _POSITION_CHARACTER, 0, _UTF8, None, None
        )
        if status != 0 or self._library.espeak_Synchronize() != 0:
            raise VoiceError(f"it returned error {status}")
        return self._rate_hz, b"".join(self._samples)

    def voices(self) -> list[str]:
        """Return language codes, such as "en-gb", in alphabetical order."""
        found = set()
        listed = self._library.espeak_ListVoices(None)
        for entry in itertools.takewhile(bool, map(listed.__getitem__, itertools.count())):  # ends with a null pointer
            at = entry.contents.languages
            while at and ctypes.string_at(at, 1) != b"\0":
                code = ctypes.string_at(at + 1)
                found.add(code.decode("utf-8", "replace"))
                at += len(code) + 2
        return sorted(found)

    def _collect(self, wav: Any, count: int, _events: Any) -> int:
        if wav and count > 0:
            self._samples.append(ctypes.string_at(wav, count * 2))
        return 0  # 1 would abort the synthesis


def engine_rate(words_per_minute: int) -> int:
    """Return the engine's number for a speed, from 80 to 500 words a minute, else the nearest of these."""
    wpm = min(max(words_per_minute, 80), 500)
    return wpm if wpm <= _FASTEST_WPM else round(wpm * _STRETCHED)


def main(arguments: list[str]) -> int:
    """Serve requests from standard input until it ends."""
    library, data, voice, prosody = arguments
    return frames.serve_process(lambda: Espeak(library, data, voice, Prosody.decoded(prosody)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
