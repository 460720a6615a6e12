"""The near end of the phoneme program: text in, IPA out, punctuation kept; starts it, and starts it again if it dies."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from functools import lru_cache
from pathlib import Path

from local.speech.spoken import spoken_form

_ROOT = Path(__file__).resolve().parents[2]
_CLAUSE = re.compile(r"(.*?)([.,;:!?…—]+(?=\s|$)|$)\s*", re.DOTALL)
_KEPT_MARKS = ".,;:!?—"


class PhonemizerDied(Exception):
    """The phoneme program ended twice in a row, or answered nonsense; its own words are on stderr."""


class Phonemizer:
    """One phoneme program, used by several threads in turn. ``close`` ends it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def ipa(self, text: str, language: str) -> str:
        """Phonemes of one sentence: clauses of IPA, each followed by its punctuation mark. Raises PhonemizerDied."""
        # Half a surrogate pair, as a cut text may end in, is no text.
        clauses = split_clauses(spoken_form(text.encode("utf-8", "ignore").decode()))
        if not clauses:
            return ""
        spoken = self._ask(language, [words for words, _ in clauses])
        return " ".join(ipa + mark for ipa, (_, mark) in zip(spoken, clauses, strict=True) if ipa)

    def close(self) -> None:
        """Ends the program by ending its input."""
        with self._lock:
            self._end()

    def _ask(self, language: str, clauses: list[str]) -> list[str]:
        with self._lock:
            for _attempt in range(2):
                answer = self._exchange({"language": language, "clauses": clauses})
                if answer is not None:
                    return answer
                self._end()
        raise PhonemizerDied("the phoneme program (python -m local.speech.phonemes) does not answer")

    def _exchange(self, asked: dict[str, object]) -> list[str] | None:
        process = self._process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            return None
        if not line:
            return None
        answer = json.loads(line)
        if "error" in answer:
            raise PhonemizerDied(str(answer["error"]))
        return [str(part) for part in answer["ipa"]]

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "local.speech.phonemes"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.close()
        except OSError:
            pass  # it died first
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@lru_cache(maxsize=1024)
def split_clauses(text: str) -> tuple[tuple[str, str], ...]:
    """(words, punctuation mark) of each clause. espeak-ng swallows punctuation; both voices breathe by it.

    A mark counts only before a space or the end, so that 49.99 and 10:30 stay whole.
    """
    found = []
    for words, marks in _CLAUSE.findall(text.replace("…", ".")):
        mark = next((mark for mark in marks if mark in _KEPT_MARKS), "")
        if any(c.isalnum() for c in words):
            found.append((words.strip(), mark))
    return tuple(found)
