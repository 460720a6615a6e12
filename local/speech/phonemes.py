"""The phoneme program: `python -m local.speech.phonemes` reads JSON lines of text and writes JSON lines of IPA.

It is a process of its own because the library it loads, espeak-ng, is GPL-3.0: nothing of it enters the server, and this
file imports nothing of ours. It ends when its input ends, that is, with its parent.
"""

from __future__ import annotations

import ctypes
import json
import signal
import sys

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1
_IPA = 0x02


def load() -> ctypes.CDLL:
    """espeak-ng from the wheel, with its data. Raises RuntimeError when it cannot start."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int]
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    data = espeakng_loader.get_data_path().encode()
    if library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, _DONT_EXIT) < 0:
        raise RuntimeError("espeak-ng did not start: its data folder is missing or damaged")
    return library


def to_ipa(library: ctypes.CDLL, text: str) -> str:
    """The IPA of one clause, with stress marks."""
    buffer = ctypes.create_string_buffer(text.encode())
    rest = ctypes.c_void_p(ctypes.addressof(buffer))
    spoken = []
    while rest.value:
        spoken.append(library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA).decode())
    return " ".join(part.strip() for part in spoken if part.strip())


def main() -> None:
    """Answers each line {"language": ..., "clauses": [...]} with {"ipa": [...]}; or {"error": ...} for an unknown language."""
    # Ctrl-C reaches the whole group; who ends this process is its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    library = load()
    for line in sys.stdin:
        asked = json.loads(line)
        if library.espeak_SetVoiceByName(asked["language"].encode()) != 0:
            answer: dict[str, object] = {"error": f"espeak-ng has no voice {asked['language']}"}
        else:
            answer = {"ipa": [to_ipa(library, clause) for clause in asked["clauses"]]}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
