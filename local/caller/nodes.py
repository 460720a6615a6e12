"""What the scripts of callers and of evals hold besides names and numbers: words as they are spoken, patterns, cues."""

from __future__ import annotations

import re

import yaml
from yaml_lines import nodes


class Nodes(nodes.Nodes):
    """See there."""

    def text(self, node: yaml.Node, what: str, example: str) -> str:
        """Words on one line, however they are laid out in the file."""
        return " ".join(super().text(node, what, example).split())

    def pattern(self, node: yaml.Node, what: str) -> re.Pattern[str] | None:
        """A regular expression; it will be searched for without regard to case."""
        words = self.text(node, what, '"how can I help"')
        if not words:
            return None
        try:
            return re.compile(words, re.IGNORECASE)
        except (OverflowError, RecursionError):
            self.wrong(node, f"{what} is no regular expression: {words!r} repeats too often", "mend it")
            return None
        except re.error as e:
            right = 'mend it, or escape what is meant as it stands: "\\$49\\.99", "really\\?"'
            self.wrong(
                node, f"{what} is no regular expression: {e.msg} at character {(e.pos or 0) + 1} of {words!r}", right
            )
            return None

    def cue(self, node: yaml.Node) -> re.Pattern[str] | float | None:
        """The value of `after:`: seconds when it is a number, else a pattern."""
        if nodes.is_number(node):
            return self.number(node, "`after`", least=0, most=120)
        return self.pattern(node, "`after`")
