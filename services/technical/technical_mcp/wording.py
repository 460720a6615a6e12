"""What callers say about products, problems and tickets, brought into a form that can be compared. Endings do not matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from backoffice.customers import PRODUCTS
from backoffice.words import Unreadable

_DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
_ENDINGS = ("ing", "ed", "es", "s", "e")
_SHORTEST_STEM = 3
_MAX_BETWEEN = 2
_SMALL_WORDS = frozenset(re.findall(r"\w+", "a am an and are i is it my of our so the to very was we"))
"""Left out of phrases and of what callers say: they tell nothing, and stand between what does."""
_RESTARTED_NETWORK = re.compile(
    r"(?:restart|reboot|reset)\w*(?: the| my| our)? (?:router|modem|wi-?fi|network)", re.IGNORECASE
)


def product(words: str) -> str:
    """``"cloud drive"``, ``"the Drive"``, ``"api"`` -> the product's name; ``""`` for nothing said. Raises Unreadable."""
    said = set(re.findall(r"[a-z]+", words.lower())) - {"the", "my", "our", "cloud"}
    if not said:
        return ""
    found = [name for name in PRODUCTS if name.split()[-1].lower() in {*said, *(w.rstrip("s") for w in said)}]
    if len(found) != 1:
        raise Unreadable(f"The product is not clear: it is {choice(PRODUCTS)}.")
    return found[0]


def ticket_id(words: str) -> str:
    """``"TK-30215"``, ``"t k three oh two one five"``, ``"ticket 30215"`` -> ``"TK-30215"``. Raises Unreadable."""
    tokens = re.findall(r"[a-z]+|\d+", words.lower())
    digits = "".join(_DIGITS.get(token, token if token.isdigit() else "") for token in tokens)
    if not re.fullmatch(r"\d{5}", digits):
        raise Unreadable("A ticket number is the letters T K and five digits.")
    return f"TK-{digits}"


def choice(names: Sequence[str]) -> str:
    """``"Cloud Drive, Cloud Backup or Cloud API"``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def matches(phrases: Iterable[str], words: str) -> int:
    """How many words of the phrases are in the text; a phrase counts when its words come in order, with at most two between."""
    said = _stems(words)
    return sum(len(stems) for phrase in phrases if _stands_in(stems := _stems(phrase), said))


def tried(phrases: Iterable[str], words: str) -> bool:
    """Whether what the caller has tried is what the phrases name; who restarted the router did not restart the app."""
    return matches(phrases, _RESTARTED_NETWORK.sub("router", words)) > 0


def _stands_in(wanted: Sequence[str], said: Sequence[str]) -> bool:
    ends = {n for n, word in enumerate(said) if word == wanted[0]}
    for word in wanted[1:]:
        ends = {n for end in ends for n in range(end + 1, min(end + 2 + _MAX_BETWEEN, len(said))) if said[n] == word}
    return bool(ends)


def _stems(words: str) -> list[str]:
    text = words.lower().replace("’", "'").replace("n't", " not").replace("cannot", "can not")
    return [_stem(word) for word in re.findall(r"[a-z]+|\d+(?:\.\d+)?", text) if word not in _SMALL_WORDS]


def _stem(word: str) -> str:
    """``crashes``, ``crashing``, ``crash`` -> ``crash``; ``copies``, ``copy`` -> ``copy``; ``stopped`` -> ``stop``."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST_STEM:
            return stem[:-1] if ending in ("ing", "ed") and re.search(r"([bdgmnprt])\1$", stem) else stem
    return word
