"""How a caller feels: a score per turn by VADER's lexicon, smoothed over the call, and the signals that mean "get me somebody else".

Words that only name a matter ("problem", "charged", "error") are neutral here: calmly reporting a fault is no anger.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from handoff.call import Mood, Sentiment
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped,unused-ignore]

NEGATIVE, POSITIVE = -0.3, 0.3
"""Scores from which a mood has a label."""
_NEWEST = 0.6
"""Share of the newest turn in the score of the call; what came before fades."""
_VERY_NEGATIVE, _NEGATIVE_FOR_LONG = -0.6, -0.5
"""Of one turn, and of the call."""

_TRADE = frozenset(
    re.findall(
        r"\S+",
        "abandon abandoned accept accepted agree agreed alert apologize asset assets attack block blocked blocking "
        "blocks broke broken cancel cancelled cancelling cancels charged charges clear clearly complain complaining "
        "complaint complaints confuse confused confusing crash create created credit credits critical cut damage "
        "damaged damages dead debt defective delay delayed demand denied dispute disputed disputing doubt doubts drop "
        "easy emergency error errors exception fail failed failing fails failure failures fatal fault faults faulty "
        "fine fire firing forget forgotten fraud fraudulent free freeze fun gift hacked help helpful helping illegal "
        "interest interested interests interrupt interrupted join lag lags leave legal like likes limited lose loses "
        "losing lost low matter matters miss missed misses missing mistake mistakes no number ok okay pay penalty "
        "please poor problem problems promise protect protected questioned refuse refused reject rejected rejection "
        "rejects rich risk safe save saved secure security share shared shares solution solutions solve solved sorry "
        "steal stolen stop stopped stops stuck support supported supports sure suspended suspicious trouble troubles "
        "trust trusted unfortunately urgent value violation vulnerable want warning warnings well worried worry wrong "
        "yeah yep yes",
    )
)
"""VADER's words that say nothing about the mood of a caller of a help line."""

_LAWYER = r"(?:lawyers?|(?<!power of )attorneys?|solicitors?)"
LEGAL_THREAT = (
    rf"(?:hear\w*|call\w*) from (?:my|our|a) {_LAWYER}"
    rf"|(?:call|calling|contact\w*|involv\w+|get|getting|hir(?:e|ing)|see|seeing|bring in|go to|going to|turn to|talk to|speak (?:to|with)|set|sic)"
    rf" (?:my|our|a) {_LAWYER}(?! first\b| before\b| about\b)"
    rf"|(?:my|our) {_LAWYER} (?:will|is going to|are going to|'ll)(?! (?:need|want|like|use|be using|sign|pay|look)\b)|my {_LAWYER}'ll"
    r"|lawyer up|sue you|(?:i|we)(?:'ll| will| would| could| can| should) sue|(?:going to|gonna|want to|have to) sue|suing|lawsuit|small claims|legal action|take you to court|see you in court"
)
"""A lawyer who only needs an invoice, or works at the caller's firm, threatens nobody."""
_DEMANDS = re.compile(
    r"(?<!\w)(?:"
    r"(?:give|get|put|let|pass|transfer|connect)\s+(?:me\s+)?(?:on\s+|through\s+)?(?:to\s+|with\s+|speak\s+to\s+|talk\s+to\s+)?(?:your|a|the|some)\s*(?:manager|supervisor|boss|superior)"
    r"|(?:speak|talk|speaking|talking)\s+(?:to|with)\s+(?:your|a|the|some)\s*(?:manager|supervisor|boss|superior)"
    r"|(?:want|need|where(?:'s| is))\s+(?:your|a|the)\s+(?:manager|supervisor|boss)"
    rf"|{LEGAL_THREAT}|ombudsman|better business bureau|bbb|trading standards"
    r"|(?:cancel(?:l?ing)?|close|closing|end|ending|terminate|terminating)\s+(?:my|the|our|this|that|everything|all)(?:\s+\w+){0,2}\s*(?:account|accounts|plan|subscription|service|contract|membership|everything|of it)"
    r"|cancel everything|i'm leaving you|(?:leave|leaving|switch(?:ing)?|go(?:ing)?|moving|move) (?:you guys )?(?:for|to) (?:a |your |the |another )?(?:competitors?|competition|provider|someone else|somebody else)|take (?:my|our) business elsewhere"
    r")(?!\w)"
)
_ANGER = re.compile(
    r"(?<!\w)(?:"
    r"unacceptable|ridiculous|outrageous|disgrace(?:ful)?|disgust(?:ed|ing)|appalling|pathetic|useless|incompetent|joke of a|furious|livid|angry|pissed(?: off)?|fuming|outraged|infuriating|"
    r"fed up|sick (?:and tired )?of|(?:i|we)(?:'ve| have) had (?:it (?:with|up to)|enough)|that's it\W+(?:i|we)(?:'ve| have) had it|tired of (?:this|your|calling|explaining|repeating|waiting)|enough is enough|"
    r"worst (?:service|company|support|experience|customer)|terrible (?:service|company|support|experience)|waste of (?:my )?time|wasting my time|"
    r"this is (?:a joke|insane|absurd|crazy|nonsense|bullshit|bull|unbelievable)|are you (?:kidding|joking|serious|stupid|deaf)|(?<!from )(?<!by )(?<!to )(?<!with )you people|"
    r"(?:third|fourth|fifth|sixth|tenth|hundredth|umpteenth) time (?:i|i've|i have|i'm|we|calling|this)|how many (?:more )?times|"
    r"(?:so|very|really|extremely|beyond|incredibly|getting) (?:frustrated|frustrating|annoyed|annoying|upset|disappointed|mad)|i'm (?:frustrated|upset|annoyed|mad)|"
    r"nobody (?:is )?(?:help\w*|listen\w*|care\w*)|no one (?:is )?(?:help\w*|listen\w*|care\w*)|not listening|stop (?:asking|wasting|lying)|rip(?:ping)? me off|ripoff|rip off|scamm(?:ers?|ing)|(?:you are|you're) a scam|thieves|robbing|lied to me|lying to me|"
    r"fuck\w*|shit\w*|bullshit|damn\w*|god ?dammit|goddamn|crap|bastards?|bitch\w*|asshole\w*|arse(?:holes?)?|bloody|wtf|what the hell|go to hell|screw (?:you|this)|idiots?|morons?"
    r")(?!\w)"
)
_LEADING_NO = re.compile(r"(?:no|nope|nah)(?!\w)[\s,.!]*", re.IGNORECASE)
"""An answer, and for VADER the denial of all that follows ("no, thanks")."""
_DENIED = re.compile(r"(?:not|n't|never|no longer|isn't|without) (?:\w+ ){0,2}$")


def score(text: str) -> float:
    """From -1 (very negative) to 1; 0 says nothing of a mood."""
    said = _LEADING_NO.sub("", text.strip())
    compound = float(_analyzer().polarity_scores(said)["compound"]) if said else 0.0
    return round(max(-1.0, compound - (0.5 if _finds(_ANGER, text) else 0.0)), 3)


def update(previous: Sentiment, text: str, history: Sequence[str]) -> Sentiment:
    """The sentiment after one more turn of the caller.

    ``history`` holds the caller's earlier turns, oldest first. ``trend`` is the score's change since the first of them
    (below 0: it gets worse).
    """
    now = score(text)
    smoothed = now if not history else (1 - _NEWEST) * previous.score + _NEWEST * now
    smoothed = round(max(-1.0, min(1.0, smoothed)), 3)
    trend = round(smoothed - score(history[0]), 3) if history else 0.0
    return Sentiment(_label(smoothed), smoothed, trend)


def is_frustrated(sentiment: Sentiment, text: str) -> bool:
    """Whether the caller should go past any queue: swears, demands a manager, threatens to leave or with a lawyer, or stays
    very negative. A complaint stated calmly is none of these."""
    if _finds(_ANGER, text) or _finds(_DEMANDS, text):
        return True
    return sentiment.score <= _NEGATIVE_FOR_LONG and score(text) <= _VERY_NEGATIVE


def _label(value: float) -> Mood:
    if value <= NEGATIVE:
        return Mood.NEGATIVE
    return Mood.POSITIVE if value >= POSITIVE else Mood.NEUTRAL


def _finds(pattern: re.Pattern[str], text: str) -> bool:
    words = " ".join(text.lower().replace("’", "'").split())
    return any(not _DENIED.search(words[: match.start()]) for match in pattern.finditer(words))


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    analyzer = SentimentIntensityAnalyzer()
    for word in _TRADE:
        analyzer.lexicon.pop(word, None)
    return analyzer
