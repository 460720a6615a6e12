"""A caller's words made comparable: written and heard text look the same, sentences come apart, bare answers are recognised."""

from __future__ import annotations

import re
from itertools import pairwise

_FILLER = re.compile(r"(?<!\w)(?:u+m+|u+h+|e+r+m*|h+m+|mhm|a+h+)(?!\w)")
_NOT_A_WORD = re.compile(r"[^\w\s']+")
_POSSIBLE_CUT = re.compile(
    r"[.;!?]+\s+"
    r"|,?\s+(?:and\s+(?:also|then|besides)|and\s+by\s+the\s+way|by\s+the\s+way|as\s+well\s+as|also|plus|besides|but|and|then)\s+"
    r"|,\s+(?!\d)",
    re.IGNORECASE,
)
_CLAUSES_MAX = 6
"""A longer story is looked at as a whole; each clause costs the classifier about 5 ms."""

_ANSWER_WORDS = frozenset(
    re.findall(
        r"\S+",
        # agreement and its opposite, thanks, greetings
        "yes yeah yep yup yea ya no nope nah not ok okay okey alright right correct exactly absolutely definitely sure fine good great "
        "perfect thanks thank you thx cheers please bye goodbye hello hi hey there morning afternoon evening sorry pardon what uh huh mm oh "
        "well so the a it's it is that's that i am i'm my and me was in on of at for about around maybe perhaps "
        # digits, letters, amounts
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen "
        "twenty thirty forty fifty sixty seventy eighty ninety hundred thousand double triple dollars dollar cents cent bucks pounds euros "
        "point dash hyphen b c d e f g h j k l m n o p q r s t u v w x y z ac "
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth twentieth thirtieth "
        # time
        "january february march april may june july august september october november december monday tuesday wednesday thursday friday "
        "saturday sunday today tomorrow yesterday noon o'clock half past quarter am pm last next this week month year",
    )
)
_CODE_WORDS = frozenset(re.findall(r"\S+", "account id number code zip postal ticket invoice order"))
"""They belong to an answer when letters or digits follow."""
_CODE_LENGTH_MIN = 3
_NUMBER = re.compile(r"\d[\d,.:/-]*(?:st|nd|rd|th)?|[a-z]{1,3}-?\d+")


_LONG_CODE = re.compile(r"(?:[a-z]{2,3}-?)?\d{4,}", re.IGNORECASE)
_SPELLED = frozenset(
    re.findall(
        r"\S+",
        "zero oh one two three four five six seven eight nine b c d e f g h j k l m n o p q r s t u v w x y z ac",
    )
)


def plain(text: str) -> str:
    """Lower case, no punctuation, no "um": what a recogniser hears and what somebody writes become the same."""
    words = _NOT_A_WORD.sub(" ", text.lower().replace("’", "'"))
    return " ".join(_FILLER.sub(" ", words).split())


def clauses(text: str) -> tuple[str, ...]:
    """The parts of a text that might each be a matter of its own; just the text when it cannot be cut, or into too many."""
    parts = tuple(part.strip() for part in _POSSIBLE_CUT.split(text) if part and part.strip())
    return parts if 1 < len(parts) <= _CLAUSES_MAX else (text,)


def is_bare_answer(text: str) -> bool:
    """Whether the words can only answer a question: yes and no, thanks, letters and digits, a date, an amount; or nothing at all."""
    words = plain(re.sub(r"(?<=\d)[.,](?=\d)", "", text)).split()
    spelled = sum(1 for word in words if _NUMBER.fullmatch(word) or word in _SPELLED)
    allowed = _ANSWER_WORDS | _CODE_WORDS if spelled >= _CODE_LENGTH_MIN or _LONG_CODE.search(text) else _ANSWER_WORDS
    return all(word in allowed or _NUMBER.fullmatch(word) for word in words)


def pairs_and_words(said: str) -> frozenset[str]:
    """The words of a plain text, and each two that stand side by side ("charged_twice")."""
    words = said.split()
    return frozenset([*words, *map("_".join, pairwise(words))])
