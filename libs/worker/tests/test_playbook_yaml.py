"""Reading a playbook: everything that is wrong is told at once, with line and remedy."""

from pathlib import Path

import pytest
from worker.playbook.playbook import PlaybookError, load

GOOD = """\
service: billing
facts: [account_id]
tools:
  account:
    call: get_account
    with: {account_id: "{account_id}"}
rules:
  - name: ask
    when: {missing: account_id}
    ask: Which account?
    again: ["Which one?"]
  - name: look
    when: {known: account_id, not_called: account}
    call: account
  - name: hello
    when: {done: account, not_said: hello}
    say: Hello {account.name:first}.
  - name: last
    say: What else?
    repeat: true
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "playbook.yaml"
    path.write_text(text)
    return path


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(PlaybookError) as refused:
        load(written(tmp_path, text))
    return refused.value.problems


def test_a_good_playbook_is_read(tmp_path: Path) -> None:
    book = load(written(tmp_path, GOOD))
    assert (book.service, [rule.name for rule in book.rules]) == ("billing", ["ask", "look", "hello", "last"])


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("missing: account_id", "mising: account_id", 9, "unknown key 'mising': did you mean 'missing'?"),
        ("missing: account_id", "missing: acount_id", 8, "unknown fact 'acount_id': did you mean 'account_id'?"),
        ("not_called: account}", "not_called: acount}", 12, "unknown tool 'acount': did you mean 'account'?"),
        ("not_said: hello", "not_said: helo", 15, "unknown rule 'helo': did you mean 'hello'?"),
        ("call: account\n", "call: acount\n", 12, "unknown tool 'acount': did you mean 'account'?"),
        ("{account.name:first}", "{acount.name}", 15, "unknown tool 'acount' in {acount.name}"),
        ("{account.name:first}", "{account.name:frist}", 15, "unknown format 'frist': did you mean 'first'?"),
        ("{account.name:first}", "{account.name", 17, "a placeholder is malformed"),
        ("{account.name:first}", "{nme}", 15, "unknown fact 'nme'"),
        ("say: What else?", "say: What else {account_id}?", 18, "the last rule must always speak"),
        ("    repeat: true\n", "    repeat: maybe\n", 20, "true or false"),
        ("name: hello", "name: look", 15, "stands 2 times"),
        ('again: ["Which one?"]', "again: [a, b, c]", 11, "at most twice"),
        ('again: ["Which one?"]', 'agian: ["Which one?"]', 11, "did you mean 'again'?"),
        ("    call: account\n", "", 12, "the rule does nothing"),
        ("{missing: account_id}", "{heard: '('}", 9, "not a regular expression"),
        ("{missing: account_id}", "{answer: {ask: yess}}", 9, "unknown answer 'yess': did you mean 'yes'?"),
        ("{missing: account_id}", "{answer: {aks: yes}}", 8, "unknown question 'aks': did you mean 'ask'?"),
        ("{missing: account_id}", "{result: {account: x}}", 9, "must be tool.field"),
        ("{missing: account_id}", "{intent: biling}", 8, "unknown intent 'biling': did you mean 'billing'?"),
        ("service: billing\n", "", 1, "'service' is missing"),
        ("\"{account_id}\"", "\"{account.id}\"", 1, "needs its own result"),
        ("call: get_account", "call: get_account\n    known_by: [x]", 6, "unknown argument 'x'"),
        ("facts: [account_id]", "facts: [account_id]\nfacts: [date]", 3, "stands twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert any(p.startswith(f"playbook.yaml:{line}: ") and words in p for p in found), found


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    bad = GOOD.replace("missing:", "mising:").replace("repeat: true", "repeat: perhaps")
    assert len(problems(tmp_path, bad)) == 2


@pytest.mark.parametrize(
    "text", ["", "rules: [", "- a\n- b", "just words", "service: x\nrules: 3", "service: x\nrules: []", "tools: 3"]
)
def test_what_is_no_playbook_is_refused_in_words(tmp_path: Path, text: str) -> None:
    assert all(p.startswith("playbook.yaml:") for p in problems(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match=r"playbook\.yaml"):
        load(tmp_path / "playbook.yaml")


def test_knowledge_comes_from_the_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "facts.md").write_text("# About\n\n## Opening hours\nNine to\nfive.\n")
    text = GOOD.replace("facts:", "knowledge: facts.md\nfacts:").replace(
        "{account.name:first}", "{knowledge.opening_hours}"
    )
    assert load(written(tmp_path, text)).knowledge == {"opening_hours": "Nine to five."}
    found = problems(tmp_path, text.replace("opening_hours", "opening_hour"))
    assert any("did you mean 'knowledge.opening_hours'?" in p for p in found)
    assert any("there is no file" in p for p in problems(tmp_path, text.replace("facts.md", "fcts.md")))
