"""What callers tell of a technical problem: the error, the product, and what they have tried already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from worker.understanding import spoken

_PRODUCTS = {
    "Cloud Drive": r"(?:cloud|clout|acme|crowd) drives?|the drive(?: app)?|drive app",
    "Cloud Backup": r"(?:cloud|clout|acme|crowd) back[ -]?ups?|back[ -]?ups?(?: app| program| software)?|backing up",
    "Cloud API": r"(?:cloud |clout |acme |crowd )?(?:a\.? ?p\.? ?i\b\.?s?|apis?)|web ?hooks?",
}
_PRODUCT = {name: re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE) for name, pattern in _PRODUCTS.items()}
_ASKS_PRODUCT = re.compile(r"\bproduct\b|\bcloud drive\b", re.IGNORECASE)
_DRIVE = re.compile(r"\W*(?:(?:it's|the|my|our|with|um|uh)\W+)*drive\W*", re.IGNORECASE)

# --- the error: its code, its words, or what happens ---
_CODE = re.compile(r"[a-z]{0,2}\d{2,5}")
_NAMES_ERROR = re.compile(r"\berror(?: code| number| message)?(?: is| was| says| of| like| called)?$")
_ERROR_AFTER = r"\W+errors?\b"
_QUOTED = re.compile(
    r"\b(?:says?|said|saying|reads|shows?(?: me)?|(?:error )?message(?: is| was| like)?)\W+[\"“']([^\"”]{3,60})[\"”']",
    re.IGNORECASE,
)
_KNOWN_MESSAGE = re.compile(
    r"\b(connection (?:refused|reset|timed out|lost)|access denied|permission denied|out of memory|not enough space|disk (?:is )?full|"
    r"(?:gateway |request )?time ?out|too many requests|invalid (?:key|password|token)|unauthori[sz]ed|server (?:error|not found)|"
    r"certificate (?:expired|error|invalid)|quota exceeded|snapshot failed)\b",
    re.IGNORECASE,
)
_THING = r"(?:(?:(?<!of )all )?(?:my|the|our|your|this) (?:[\w-]+ ){0,3}?[\w-]+|it|everything|they)"
_HOW = (
    r"(?:(?:keeps?|kept|is|are|was|were|has|have|had|just|always|constantly|also|still|suddenly|been|be|so|very|really|extremely|too|"
    r"won't|will not|doesn't|does not|didn't|don't|do not|can't|cannot|isn't|is not|aren't|not|never|no longer|stopped|stops|on|all|being) )*"
)
_WHAT = (
    r"(?:crash\w*|freez\w+|froze\w*|hang(?:s|ing)?|stuck|slow(?:ing)?(?: down)?|down|offline|broken|work(?:s|ing)?(?: properly| right)?|"
    r"fail(?:s|ed|ing)?|tim(?:es|ed|ing) out|sync\w*|load(?:s|ing)?|open(?:s|ing)?|start(?:s|ing|ed)?(?: up)?|respond\w*|connect\w*|"
    r"disconnect\w*|upload\w*|disappear\w*|vanish\w*|missing|gone|lost|finish\w*|run(?:s|ning)?|clos(?:es|ing) (?:by )?itself|"
    r"signs? me out|logs? me out|kicks? me out|twice|empty|skipped)"
)
_TROUBLE = re.compile(rf"\b({_THING} {_HOW}{_WHAT})\b", re.IGNORECASE)
_TROUBLE_WORDS = re.compile(
    r"crash|freez|froze|hang|stuck|slow|down|offline|broken|fail|out$|disappear|vanish|missing|gone|lost|itself|empty|skipped|"
    r"keeps?|won't|n't\b|not\b|never|no longer|stop|disconnect",
    re.IGNORECASE,
)
"""One of these makes it trouble: "the app is working" is none."""
_AS_BEFORE = re.compile(r"(?:it|they|everything) .*\b(?:still|again|now)\b", re.IGNORECASE)
"""That something is as it was is no news of what it is."""
_CANNOT = re.compile(
    r"\b((?:i|we|nobody|no one) (?:can't|cannot|can not|couldn't|am unable to|are unable to|can) (?:even )?"
    r"(?:log ?in|sign ?in|log on|connect|open|sync|upload|download|access|restore|install|get in|reach|see|share|save)\b(?: (?:to |into )?(?:my|the|our|any|it)(?: [\w-]+){0,2})?)",
    re.IGNORECASE,
)

# --- steps ---
_STEPS = (
    # what is noted; what callers say when they have done it
    ("restarted the router", r"(?:restart\w*|reboot\w*|reset\w*|unplug\w*|power cycl\w*)(?: (?:the|my|our))? (?:router|modem|wifi|wi-fi|network)"),
    ("reinstalled it", r"(?:re-?install\w*|install\w* (?:it )?(?:again|anew)|uninstall\w*|remov\w+ (?:it|the app) and install\w*)"),
    ("cleared the cache", r"(?:clear\w*|empt\w+|delet\w+|flush\w*)(?: (?:the|my|its|all))?(?: \w+)? (?:cache|cookies)"),
    ("signed out and in again", r"(?:(?:log|sign)\w* (?:\w+ )?out(?: of \w+(?: \w+)?)? and (?:(?:back|then|log\w*|sign\w*) )*(?:back )?in|(?:log|sign)\w* (?:back )?in again)"),
    ("updated it", r"(?:updat(?:ed|ing)|upgrad(?:ed|ing) (?:it|the app|to the (?:latest|newest))|(?:latest|newest|new) version|install\w* the (?:latest )?update)"),
    ("restarted it", r"(?:restart\w*|reboot\w*|re-?open\w*|turn\w* (?:\w+ )*?off and (?:back )?on(?: again)?|switch\w* (?:\w+ )*?off and (?:back )?on(?: again)?|quit (?:it|the app)|power cycl\w*)"),
    ("tried another network", r"(?:another|other|different|my phone's|mobile) (?:network|wi-?fi|hotspot|internet|connection)"),
    ("tried a new key", r"(?:new|fresh|another|different) (?:api |a p i )?key"),
    ("tried another browser", r"(?:another|other|different) (?:browser|computer|machine|device|laptop)"),
)  # fmt: skip
_STEP = [(name, re.compile(rf"(?<![\w-])(?:{pattern})(?!\w)", re.IGNORECASE)) for name, pattern in _STEPS]
_HAS_DONE = re.compile(
    r"\b(?:i|we|i've|we've|i have|we have|have|he|she|they|it)?\W*(?:already|tried|try|did|done|have|i've|we've|just|even|also|after|i|we)\b",
    re.IGNORECASE,
)
_NOT_DONE = re.compile(
    r"(?:\b(?:haven't|have not|didn't|did not|don't|do not|never|not|can't|cannot|should i|shall i|do i (?:need|have) to|how (?:do|can|should) i|"
    r"need to|want to|going to|could i|would|will|i'll|let me|won't|if i|when i)\b[^.,;!?]*)$",
    re.IGNORECASE,
)
_ASKS_STEPS = re.compile(r"\btried\b|\bhave you\b|\bdid you\b", re.IGNORECASE)


def product(text: str, question: str = "") -> str:
    """The product named last: "Cloud Drive", "Cloud Backup" or "Cloud API"."""
    if _ASKS_PRODUCT.search(question) and _DRIVE.fullmatch(text):
        return "Cloud Drive"
    found = [(match.start(), name) for name, pattern in _PRODUCT.items() for match in pattern.finditer(text)]
    return max(found)[1] if found else ""


def error_message(text: str, question: str = "") -> str:
    """The error's code ("error 503", "error E104"), its words, or what happens, in the caller's words ("the app keeps crashing")."""
    quoted = _QUOTED.search(text) or _KNOWN_MESSAGE.search(text)
    return _code(text, question) or (quoted[1].strip(" .,") if quoted else "") or _trouble(text)


def _code(text: str, question: str) -> str:
    plain = re.sub(r"\berror\W+(?:code|number)?\W*", "error ", text, flags=re.IGNORECASE)
    for run in spoken.runs(plain):
        code = _CODE.fullmatch(re.sub(r"^a(?=\d{3})", "", run.code))  # the article of "a 503 error"
        is_before = re.search(rf"{_spaced(code[0])}{_ERROR_AFTER}", plain, re.IGNORECASE) if code else None
        if code and (
            _NAMES_ERROR.search(run.before) or is_before or re.search(r"\berror code\b", question, re.IGNORECASE)
        ):
            return f"error {code[0].upper()}"
    return ""


def _spaced(code: str) -> str:
    """A pattern for a code as it is written or said, digit by digit: "503", "5 0 3", "five oh three"."""
    return r"\W*".join(spoken.DIGIT_WORDS.get(c, re.escape(c)) for c in code)


def _trouble(text: str) -> str:
    for match in _TROUBLE.finditer(text):
        if _TROUBLE_WORDS.search(match[1]) and not _AS_BEFORE.match(match[1]):
            return " ".join(match[1].split())
    cannot = _CANNOT.search(text)
    return (
        " ".join(cannot[1].split())
        if cannot and re.search(r"n't|not\b|unable|nobody|no one", cannot[1], re.IGNORECASE)
        else ""
    )


def steps_tried(text: str, question: str = "") -> Iterator[str]:
    """Each step that the caller says he has done; not what he asks about, means to do, or has not done."""
    rest = text
    for name, pattern in _STEP:
        for match in pattern.finditer(rest):
            clause = re.split(r"[.;!?]", rest[: match.start()])[-1]
            is_done = _HAS_DONE.search(clause) or _ASKS_STEPS.search(question) or match[0].lower().endswith("ed")
            if is_done and not _NOT_DONE.search(clause) and not text.strip().endswith("?"):
                yield name
                rest = rest[: match.start()] + "|" * len(match[0]) + rest[match.end() :]
                break
