"""What callers tell sales: how many they are, which plan they have, and what they are interested in."""

from __future__ import annotations

import re

from worker.understanding import spoken

_COUNT = r"(?P<count>(?:a |one )?(?:[\w-]+,? ){0,5}?[\w,-]+)"
_PEOPLE = r"(?:people|persons|employees|users|seats|licen[cs]es|staff|members|colleagues|coworkers|developers|workers|of us|heads?|person (?:team|company|business)|man (?:team|company))"
_SIZES = (
    re.compile(rf"\b(?:about|around|roughly|approximately|nearly|almost|some|over|for|with|have|has|are|of|we're|us|got|need|is)\W+{_COUNT}[ -]{_PEOPLE}\b", re.IGNORECASE),
    re.compile(rf"^\W*{_COUNT}[ -]{_PEOPLE}\b", re.IGNORECASE),
    re.compile(r"\b(?:team|company|business|firm|group|staff|department) of (?:about |around |roughly |nearly |some )?(?P<count>[\w,-]+(?: [\w-]+){0,4})", re.IGNORECASE),
)  # fmt: skip
_EXACT_SIZE = re.compile(
    r"\b(?:it's|it is|it'll be|that's|that'd be|would be|will be|'ll be|be|like|just|only|maybe|make (?:it|that))\W+"
    rf"(?:about |around |roughly |nearly |some |like )?(?P<count>(?:[\w-]+ ){{0,4}}?[\w,-]+)[ -]{_PEOPLE}\b",
    re.IGNORECASE,
)
_BARE_SIZE = re.compile(
    r"\b(?:we're|we are|we were|we'll be|we will be|if it (?:were|was)(?: for)?|there are|there're|there'll be|there will be) (?:about |around |roughly |nearly |some )?(?P<count>[\w,-]+(?: [\w-]+){0,4})(?=\W*(?:$|[.,;]))",
    re.IGNORECASE,
)
"""In these the words must be the number and nothing else: "there are two charges" tells no size."""
_OTHER_SIZE = re.compile(r"^\W*(?:\w+\W+){0,3}?(?:(?:what|how) about|what if|and)(?: it (?:were|was))?(?: for)? (?P<count>[\w,-]+(?: [\w-]+){0,4})\W*$", re.IGNORECASE)  # fmt: skip
"""Said to a price: "and for twenty?"."""
_TELLS_PRICE = re.compile(r"\bper seat\b(?!.*\bsuits? you\b)", re.IGNORECASE | re.DOTALL)
"""Not when it ends by offering a time, of which "how about ten?" is then said."""
_CODE = re.compile(r"[a-z]{2,}\d{3,}")
_CORRECTS = re.compile(r"\b(?:no|sorry|i mean|actually|rather|make (?:it|that))\b", re.IGNORECASE)
_ALONE = re.compile(r"\b(?:just|only) (?:me|myself)\b|\bby myself\b|\bone[- ]person\b|\bjust the one\b", re.IGNORECASE)
_ASKS_SIZE = re.compile(r"\bhow (?:many|big|large)\b|\bsize\b|\bnumber of people\b", re.IGNORECASE)
_MAX_SIZE = 1_000_000

_PLANS = {
    "Cloud Pro": r"(?:cloud|clout) pro\b|\bpro plan",
    "Cloud Team": r"(?:cloud|clout) team\b|\bteams? plan",
    "Cloud Business": r"(?:cloud|clout) business\b|\bbusiness plan|\benterprise(?: plan)?",
}
_PLAN = {name: re.compile(rf"(?<!\w){pattern}\b", re.IGNORECASE) for name, pattern in _PLANS.items()}
_HAVE = re.compile(
    r"\b(?:i'm|i am|we're|we are|currently|right now|presently|still) (?:currently |still |right now )?(?:on|in|with|using|have|paying for)(?: the| your| a)?\W*$"
    r"|\b(?:i|we) (?:currently |already |now |still )?(?:have|use|got|pay for)(?: the| your| a)?\W*$"
    r"|\b(?:my|our)(?: current| present)?(?: plan is)?(?: the)?\W*$"
    r"|\bfrom(?: the| our| my)?\W*$",
    re.IGNORECASE,
)
_ASKS_PLAN = re.compile(r"\bwhich plan (?:do you have|are you on)\b|\bcurrent plan\b", re.IGNORECASE)
_FEATURES = (
    ("single sign-on", r"single[ -]sign[ -]?(?:on|in)|\bs\.?s\.?o\b"),
    ("shared folders", r"shared? folders?|sharing"),
    ("file versions", r"(?:file )?version(?:s|ing| history)|older versions"),
    ("backup of every computer", r"back ?up (?:of )?(?:every|all|each) (?:our |the )?(?:computers?|machines?|laptops?)"),
    ("more storage", r"more (?:storage|space|room)|bigger storage|terabytes?"),
    ("support around the clock", r"(?:24|twenty[ -]four)[ /-]*(?:7|seven|hours?)|around the clock|priority support"),
    ("more seats", r"(?:more|additional|extra|another) (?:\w+ )?(?:seats?|licen[cs]es?|users?)"),
    ("a demo", r"demo(?:nstration)?s?"),
    ("an upgrade", r"upgrad(?:e|es|ing)|(?:larger|bigger|better|higher) plan"),
    ("a quote", r"quot(?:e|es|ation)"),
)  # fmt: skip
_WISHES = frozenset({"a demo", "an upgrade", "a quote"})
"""What somebody wants before he has named a plan or a feature."""
_FEATURE = [(name, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)) for name, pattern in _FEATURES]


def company_size(text: str, question: str) -> str:
    """How many people: "40". A bare number counts when that was asked."""
    for pattern in _SIZES:
        for match in pattern.finditer(text):
            if (size := _size(match["count"])) is not None:
                return str(size)
    for pattern in (_EXACT_SIZE, _BARE_SIZE):
        for match in pattern.finditer(text):
            if (size := spoken.number(match["count"])) and size <= _MAX_SIZE:
                return str(size)
    if _TELLS_PRICE.search(question) and (other := _OTHER_SIZE.match(text)):
        size = spoken.number(other["count"])
        return str(size) if size and size <= _MAX_SIZE else ""
    if _ASKS_SIZE.search(question):
        return "1" if _ALONE.search(text) else _size_alone(text)
    return "1" if re.search(r"\b(?:just|only) for (?:me|myself)\b|\bit's just me\b", text, re.IGNORECASE) else ""


def _size_alone(text: str) -> str:
    """The number in the answer to "how many?": of "fifty, sixty" the larger, of "fifty, no, forty" the last, of a code none."""
    if any(_CODE.fullmatch(run.code) for run in spoken.runs(text)):
        return ""
    sizes = [n for n in spoken.numbers(text) if 0 < n <= _MAX_SIZE]
    if not sizes:
        return ""
    return str(sizes[-1] if _CORRECTS.search(text) else max(sizes))


def _size(words: str) -> int | None:
    """The number that ``words`` are, end with, or begin with; None when there is none."""
    tokens = words.replace("-", " ").split()
    parts = [tokens[start:] for start in range(len(tokens))] + [tokens[:end] for end in range(len(tokens) - 1, 0, -1)]
    sizes = (spoken.number(" ".join(part)) for part in parts)
    return next((size for size in sizes if size is not None and 0 < size <= _MAX_SIZE), None)


def current_plan(text: str, question: str) -> str:
    """The plan that the caller says he has."""
    for name, pattern in _PLAN.items():
        match = pattern.search(text)
        if match and (_HAVE.search(text[: match.start()]) or _ASKS_PLAN.search(question)):
            return name
    return ""


def interest(text: str, *, current_plan: str) -> str:
    """The plan or the feature that the caller asks about; a plan before a feature, and never the one he has."""
    plans = plans_named(text, current_plan=current_plan)
    features = [name for name, pattern in _FEATURE if pattern.search(text)]
    if plans:
        return plans[-1]
    wanted = [name for name in features if name not in _WISHES] or features
    return wanted[0] if wanted else ""


def plans_named(text: str, *, current_plan: str) -> list[str]:
    """The plans in the words, smallest first, without the one that the caller has."""
    return [name for name, pattern in _PLAN.items() if name != current_plan and pattern.search(text)]
