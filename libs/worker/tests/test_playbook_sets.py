"""Shared rule sets: put in place by `use`, replaced by name, and their mistakes told with their own file and line."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from worker.playbook import yaml as playbook_yaml
from worker.playbook.playbook import Playbook, PlaybookError, load
from worker.playbook.story import Story
from worker.testing.playbook import Play

SETS = ("manners", "identity", "transfers", "ending")
BOOK = """\
service: sales
facts: [interest]
rules:
  - use: manners
  - name: hours
    when: {heard_now: hours}
    say: From eight to six. Is there anything else I can help you with?
    question: anything_else
  - use: transfers
  - use: identity
    when: {heard: my plan}
  - name: greet
    when: {known: identity_capability}
    say: Hello {display_name:first}. Is there anything else I can help you with?
    question: anything_else
    helped: true
  - use: ending
  - name: last
    say: What is it about?
    repeat: true
"""


def book(tmp_path: Path, text: str = BOOK) -> Playbook:
    (tmp_path / "playbook.yaml").write_text(text)
    return load(tmp_path / "playbook.yaml")


@cache
def read_once(text: str) -> Playbook:
    """Most tests talk with the same one."""
    with TemporaryDirectory() as folder:
        return book(Path(folder), text)


def play(text: str = BOOK, **more: object) -> Play:
    tools = {
        "transfer_call": lambda service, summary: None,
        "end_call": lambda outcome: None,
        "find_account": lambda account_id: {"account_id": account_id, "exists": True},
        "verify_identity": lambda account_id, postal_code: {
            "verified": True, "account_id": account_id, "name": "Sarah Chen",
        },
    }  # fmt: skip
    return Play(read_once(text), tools, **more)  # type: ignore[arg-type]


def test_a_set_stands_where_it_is_used_with_its_tools_and_facts(tmp_path: Path) -> None:
    used = book(tmp_path)
    names = [rule.name for rule in used.rules]
    assert names.index("repeat_that") < names.index("hours") < names.index("hand_over") < names.index("ask_account")
    assert {"interest", "account_id", "postal_code"} <= used.facts
    assert {"hand_over", "verify_identity", "hang_up"} <= used.tools.keys()


def test_a_condition_beside_use_limits_every_rule_of_the_set() -> None:
    dialogue = play()
    assert dialogue.caller("Um, well, you know.") == "What is it about?"
    assert dialogue.caller("It's about my plan.") == "Could you tell me your account ID, please?"
    assert dialogue.caller("AC4721") == "Thank you. And what is the ZIP code on the account?"
    assert dialogue.caller("97209") == "Hello Sarah. Is there anything else I can help you with?"


def test_a_rule_and_a_tool_of_the_same_name_replace_those_of_the_set() -> None:
    text = BOOK.replace(
        "rules:\n", "tools:\n  hang_up:\n    call: end_call\n    with: {outcome: failed}\nrules:\n"
    ).replace(
        "  - use: transfers\n",
        "  - name: hand_over\n    when: {intent: billing}\n    say: Not here.\n  - use: transfers\n",
    )
    dialogue = play(text)
    assert dialogue.caller("I was charged twice.") == "Not here."
    dialogue.caller("Goodbye.")
    assert dialogue.called("end_call") == [{"outcome": "failed"}]


def test_an_unknown_set_is_told_with_what_would_be_right(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError) as refused:
        book(tmp_path, BOOK.replace("use: manners", "use: maners"))
    assert refused.value.problems == ["playbook.yaml:4: unknown rule set 'maners': did you mean 'manners'?"]


def test_a_mistake_in_a_set_is_told_with_the_sets_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "manners.yaml").write_text(
        "rules:\n  - name: thanks\n    wen: {intent: sales}\n    say: You're welcome.\n"
    )
    for name in SETS[1:]:
        (tmp_path / f"{name}.yaml").write_text((files("worker.playbook") / "sets" / f"{name}.yaml").read_text())
    monkeypatch.setattr(playbook_yaml, "_SETS", tmp_path)
    with pytest.raises(PlaybookError) as refused:
        book(tmp_path)
    assert refused.value.problems == ["manners.yaml:3: unknown key 'wen': did you mean 'when'?"]


def test_a_wrong_name_in_a_set_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "manners.yaml").write_text(
        "rules:\n  - name: thanks\n    when: {known: acount_id}\n    say: You're welcome, {display_name:first}.\n"
    )
    for name in SETS[1:]:
        (tmp_path / f"{name}.yaml").write_text((files("worker.playbook") / "sets" / f"{name}.yaml").read_text())
    monkeypatch.setattr(playbook_yaml, "_SETS", tmp_path)
    with pytest.raises(PlaybookError) as refused:
        book(tmp_path)
    assert refused.value.problems[0].startswith("manners.yaml:2: unknown fact 'acount_id': did you mean 'account_id'?")


def test_an_unknown_intent_service_and_mood_are_told(tmp_path: Path) -> None:
    wrong = BOOK.replace("{heard_now: hours}", "{pending: [biling], visited: [sale], mood: [angry]}")
    with pytest.raises(PlaybookError) as refused:
        book(tmp_path, wrong)
    assert [problem.split(": ", 1)[1] for problem in refused.value.problems] == [
        "unknown intent 'biling': did you mean 'billing'?",
        "unknown mood 'angry': known are: negative, neutral, positive",
        "unknown service 'sale': did you mean 'sales'?",
    ]


# --- what the call's record tells -------------------------------------------------------------------------------------
def test_what_else_was_mentioned_takes_the_place_of_anything_else() -> None:
    dialogue = play(story=Story(pending_intents=("technical", "billing")))
    assert dialogue.caller("What are your hours?") == "From eight to six. You also mentioned a technical problem."
    assert dialogue.called("transfer_call")[0]["service"] == "technical"


def test_it_is_called_by_the_callers_own_words() -> None:
    dialogue = play(story=Story(pending_intents=("technical",)))
    dialogue.heard("I'd like an upgrade, and my Cloud Drive app keeps crashing.")
    dialogue.agent("Hi there, I'm your sales specialist.")
    assert dialogue.caller("What are your hours?").endswith(
        "You also mentioned that your Cloud Drive app keeps crashing."
    )


def test_what_this_service_takes_itself_is_no_matter_for_others() -> None:
    dialogue = play(story=Story(pending_intents=("sales",)))
    assert dialogue.caller("What are your hours?").endswith("Is there anything else I can help you with?")


def test_a_general_question_that_triage_heard_does_not_go_back_to_it() -> None:
    dialogue = play(story=Story(pending_intents=("general",), services=("triage", "sales")))
    assert dialogue.caller("What are your hours?").endswith("Is there anything else I can help you with?")


def test_who_says_no_to_anything_else_is_reminded_of_what_he_mentioned() -> None:
    dialogue = play()
    dialogue.caller("What are your hours?")
    dialogue.story = Story(pending_intents=("billing",))
    assert dialogue.caller("No, thank you.") == "You also mentioned a question about your bill."


@pytest.mark.parametrize(
    ("condition", "story", "holds"),
    [
        ('effect: "^process_refund"', Story(effects=("process_refund RF-20417 49.99",)), True),
        ('effect: "^process_refund"', Story(effects=("open_ticket TK-30401",)), False),
        ("mood: negative", Story(), False),
        ("frustrated: true", Story(is_frustrated=True), True),
        ("frustrated: false", Story(is_frustrated=True), False),
        ("visited: billing", Story(services=("triage", "billing", "sales")), True),
        ("visited: sales", Story(services=("triage", "sales")), False),
        ("returning: true", Story(services=("sales", "billing", "sales"), is_returning=True), True),
        ("returning: false", Story(services=("triage", "sales")), True),
        ("service: sales", Story(), True),
        ("service: [billing, technical]", Story(), False),
        ("several: true", Story(), False),
        ("out_of_scope: false", Story(), True),
    ],
)
def test_the_story_is_a_condition(tmp_path: Path, condition: str, story: Story, holds: bool) -> None:
    text = f"service: sales\nrules:\n  - name: here\n    when: {{{condition}}}\n    say: It holds.\n  - name: last\n    say: No.\n    repeat: true\n"
    assert Play(book(tmp_path, text), story=story).caller("Hm.") == ("It holds." if holds else "No.")


def test_what_was_said_before_the_call_came_here_counts_until_the_caller_speaks() -> None:
    text = BOOK.replace("{heard_now: hours}", "{heard_before: hours}")
    dialogue = play(text, story=Story(services=("billing", "sales")))
    dialogue.heard("When are your hours?")
    dialogue.agent("Hi there, I'm your sales specialist.")
    assert dialogue.go_on().startswith("From eight to six.")
    assert dialogue.caller("Mumble.") != "From eight to six."


def test_values_of_the_story_can_be_said(tmp_path: Path) -> None:
    text = (
        "service: sales\nrules:\n  - name: here\n    say: 'You came from {returning:service}, with {effect.process_refund:spelled}.'\n"
        "  - name: last\n    say: No.\n    repeat: true\n"
    )
    story = Story(("process_refund RF-20417 49.99",), services=("sales", "billing", "sales"), is_returning=True)
    assert Play(book(tmp_path, text), story=story).go_on() == "You came from billing specialist, with R F, 2 0 4 1 7."
    assert Play(book(tmp_path, text)).go_on() == "No."


# --- every service ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("service", ["billing", "technical", "sales", "escalation", "triage"])
def test_every_service_asks_and_answers_in_the_same_way(service: str) -> None:
    dialogue = play(BOOK.replace("service: sales", f"service: {service}"))
    assert dialogue.caller("Hold on a second.") == "Of course, take your time."
    assert (
        dialogue.caller("What's the weather like?")
        == "I'm sorry, this is Acme Cloud. I can help you with bills, technical problems, and our plans. Is there anything else I can help you with?"
    )
    assert dialogue.caller("No.").endswith("Goodbye.")


def test_escalation_sends_nobody_to_escalation() -> None:
    dialogue = play(BOOK.replace("service: sales", "service: escalation"), story=Story(is_frustrated=True))
    dialogue.caller("This is ridiculous!")
    assert dialogue.called("transfer_call") == []


def test_what_another_service_asked_is_asked_afresh() -> None:
    dialogue = play(story=Story(services=("billing", "sales"), began_with="Hi there, it's sales."))
    dialogue.agent("Could you tell me your account ID, please?")
    dialogue.heard("Actually, what is my plan?")
    dialogue.agent("Hi there, it's sales.")
    assert dialogue.go_on() == "Could you tell me your account ID, please?"
    assert dialogue.caller("Hm.").startswith("I didn't get your account ID.")


def test_who_needs_a_moment_hears_again_what_is_wanted() -> None:
    dialogue = play()
    dialogue.caller("What is my plan?")
    dialogue.caller("AC4721")
    assert dialogue.caller("Hm.").endswith("It has five digits. What is it?")
    assert dialogue.caller("Hold on a second.") == "Of course, take your time with the ZIP code."
    assert dialogue.caller("nine seven two oh nine").startswith("Hello Sarah.")


def test_a_summary_tells_facts_that_services_share_and_none_that_a_service_made_for_itself() -> None:
    text = BOOK.replace("facts: [interest]", "facts: [interest, story, postal_code]")
    facts = {"interest": "a demo", "story": "you called about it", "postal_code": "97209"}
    dialogue = play(text, facts=facts)
    dialogue.caller("My app keeps crashing.")
    told = dialogue.called("transfer_call")[0]["summary"]
    assert "interest a demo" in told
    assert "story" not in told and "97209" not in told


@pytest.mark.parametrize("said", ["That's it.", "Okay, I'm done.", "No, that's all I have.", "That is everything."])
def test_that_is_it_ends_no_call_while_another_question_is_open(said: str) -> None:
    dialogue = play()
    dialogue.caller("What is my plan?")
    assert dialogue.caller(said).startswith("I didn't get your account ID.")
    assert dialogue.caller("It's A C four seven two one, that's it.").endswith("what is the ZIP code on the account?")
    assert dialogue.caller("Nine seven two oh nine, that's all I have.").startswith("Hello Sarah.")
    assert dialogue.called("end_call") == []
    assert dialogue.caller(said).endswith("Goodbye.")


def test_a_goodbye_ends_the_call_whatever_is_open() -> None:
    dialogue = play()
    dialogue.caller("What is my plan?")
    assert dialogue.caller("I'll call again, bye.").endswith("Goodbye.")


def test_that_is_all_with_nothing_open_ends_the_call_and_a_greeting_is_asked_once_more() -> None:
    dialogue = play()
    assert dialogue.caller("No thanks, that's all.").endswith("Goodbye.")
    greeted = play()
    greeted.agent("Thanks for calling. How can I help?")
    assert greeted.caller("That's all.") == "Sorry, I didn't get that. How can I help?"
    assert greeted.caller("That's all.").endswith("Goodbye.")


@pytest.mark.parametrize("said", ["What was that?", "Sorry, what?", "Oh, what's that, please?", "Sorry?"])
def test_who_did_not_hear_it_hears_it_again(said: str) -> None:
    dialogue = play()
    asked = dialogue.caller("What is my plan?")
    assert dialogue.caller(said) == asked


@pytest.mark.parametrize(
    "said", ["I don't have it.", "I don't know it by heart.", "No idea.", "I can't find my account ID."]
)
def test_who_has_no_account_id_hears_where_it_is_and_is_offered_a_callback(said: str) -> None:
    dialogue = play()
    dialogue.caller("What is my plan?")
    assert dialogue.caller(said).startswith("It's the letters A C and four digits, at the top of every invoice.")
    assert "or say yes" in dialogue.caller("I can't find it.")
    dialogue.caller("Yes.")
    assert dialogue.called("transfer_call")[0]["service"] == "escalation"


def test_who_does_not_know_his_zip_code_may_still_find_it() -> None:
    dialogue = play()
    dialogue.caller("What is my plan? My account is AC4721.")
    assert "call you back" in dialogue.caller("I don't know it.")
    assert dialogue.caller("Nine seven two oh nine.").startswith("Hello Sarah.")


def test_the_zip_code_of_another_account_is_asked_for_by_its_name() -> None:
    dialogue = play(facts={"display_name": "Sarah Chen"})
    assert (
        dialogue.caller("What is my plan? My account is AC4721.")
        == "And what is the ZIP code on the account A C, 4 7 2 1?"
    )


def test_an_unclear_anything_else_ends_with_a_person_after_two_questions() -> None:
    dialogue = play()
    dialogue.caller("What are your hours?")
    said = [dialogue.caller(words) for words in ("Hm.", "Hm.", "Hm.")]
    assert [text.endswith("?") for text in said] == [True, True, False]
    assert dialogue.called("transfer_call")[0]["service"] == "escalation"


@pytest.mark.parametrize("said", ["[card]", "It's [card].", "My card number is [card], please.", "[number]"])
def test_who_reads_a_card_out_hears_that_none_is_needed_and_the_question_once_more(said: str) -> None:
    call = play()
    call.caller("Hello.")
    assert call.caller(said).startswith(
        "Please don't tell me card numbers. None is needed, and nothing of it was kept."
    )


def test_who_says_more_than_his_card_is_answered() -> None:
    assert play().caller("My card [card] is fine, what are your hours?").startswith("From eight to six.")
