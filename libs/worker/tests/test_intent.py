"""What a caller wants, by keywords and classifier together, and what is neither an intent nor out of scope."""

import logging
from collections.abc import Iterator

import pytest
from worker.understanding import classifier, intent
from worker.understanding.encoder import ModelProblem
from worker.understanding.intent import SURE, best_guess, find_intent, find_intents, is_out_of_scope


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    find_intents.cache_clear()
    yield
    find_intents.cache_clear()


def names(said: str) -> list[str]:
    return [found.name for found in find_intents(said)]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Hi, I was charged twice for my March invoice.", "billing"),
        ("yeah hi um my in voice is way too high this month", "billing"),
        ("The payment page shows an error.", "technical"),
        ("nothing happens when I press save", "technical"),
        ("we've outgrown our package what's the next size up", "sales"),
        ("let me talk to whoever runs this place", "escalation"),
        ("I don't want to talk to a robot", "escalation"),
        ("until when can I drop by today", "general"),
        ("It's not about billing, it's a technical problem.", "technical"),
        ("No it's not technical, it's about my bill", "billing"),
    ],
)
def test_a_clear_matter_is_found(said: str, wanted: str) -> None:
    found = find_intent(said)
    assert found is not None
    assert found.name == wanted
    assert SURE <= found.confidence <= 1


def test_how_it_was_found_is_told() -> None:
    plain, hinted = find_intent("I want a refund for my invoice"), find_intent("nothing happens when I press save")
    assert plain is not None and hinted is not None
    assert (plain.found_by, hinted.found_by) == ("keywords", "classifier")


@pytest.mark.parametrize(
    "said",
    ["", "Hello?", "Um, I have a question.", "may I ask something", "The thing with the card.", "marching boards"],
)
def test_an_unclear_matter_is_none_and_leads_to_a_question(said: str) -> None:
    assert find_intent(said) is None


@pytest.mark.parametrize(
    "said",
    [
        "yes", "no", "Thanks.", "thank you very much", "A C four seven two one", "My account ID is A C 4 7 2 1.", "AC4721",
        "nine seven two oh nine", "my zip code is 97209", "march", "it was in March", "forty nine ninety nine", "$49.99", "ten people",
        "Sarah Chen", "one moment please", "what did you say?", "the second one", "I don't know", "goodbye", "",
    ],
)  # fmt: skip
def test_an_answer_in_a_dialogue_is_neither_an_intent_nor_out_of_scope(said: str) -> None:
    assert find_intents(said) == ()
    assert not is_out_of_scope(said)


@pytest.mark.parametrize(
    "said",
    [
        "what's the weather like in Boston", "sorry I think I have the wrong number", "tell me a joke", "who won the game yesterday",
        "how do I bake a cherry pie", "turn on the lights in the hall", "I need a flight to Madrid on Friday",
    ],
)  # fmt: skip
def test_talk_about_something_else_is_out_of_scope(said: str) -> None:
    assert is_out_of_scope(said)
    assert find_intent(said) is None


@pytest.mark.parametrize(
    "said",
    ["my bill is wrong", "the app is broken", "what plans do you have", "your manager please", "where are you located"],
)
def test_a_matter_of_ours_is_not_out_of_scope(said: str) -> None:
    assert not is_out_of_scope(said)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("I was charged twice, and the app keeps crashing", ["billing", "technical"]),
        ("the app keeps crashing and I was charged twice", ["billing", "technical"]),
        ("I'd like a quote for ten seats, and my invoice for March is wrong", ["billing", "sales"]),
        ("What are your opening hours? And I was charged twice.", ["billing", "general"]),
        ("You charged me twice again, I want to speak to a manager", ["escalation", "billing"]),
        ("my invoice is wrong and also the whole system is down", ["technical", "billing"]),
    ],
)
def test_of_several_matters_the_most_urgent_comes_first(said: str, wanted: list[str]) -> None:
    assert names(said) == wanted


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("so I paid by card, then the page closed, and I paid again, and now the money's gone twice", "billing"),
        (
            "I've been trying since yesterday, and I restarted it, and I reinstalled everything, but the app just closes",
            "technical",
        ),
        (
            "we're a small company, about thirty people, and a friend recommended you, so what would you charge us",
            "sales",
        ),
        ("my order was cancelled but I was still charged for it", "billing"),
        ("I was charged on the third, fourth, and fifth", "billing"),
    ],
)
def test_one_matter_told_at_length_stays_one(said: str, wanted: str) -> None:
    assert names(said) == [wanted]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("It's about my invoice, no wait, it's about the app", ["technical"]),
        ("It's about the app, actually no, it's about my bill", ["billing"]),
        ("my invoice is wrong, I mean, the app keeps crashing", ["technical"]),
        ("I was charged twice, sorry, and the app keeps crashing", ["billing", "technical"]),
        ("I was charged twice in March, no wait, April", ["billing"]),
        ("The app crashes, I mean I pay you for this", ["technical"]),
        ("both billing and technical", ["billing", "technical"]),
    ],
)
def test_a_correction_takes_the_place_of_what_was_said_before_it(said: str, wanted: list[str]) -> None:
    assert names(said) == wanted


def test_a_guess_can_be_had_however_unsure() -> None:
    assert best_guess("the thing with the card").confidence < SURE


def test_without_the_models_package_keywords_do_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "probabilities", lambda text: None)
    assert names("I was charged twice, and the app keeps crashing") == ["billing", "technical"]
    assert find_intent("until when can I drop by today") is None
    assert is_out_of_scope("what's the weather")
    assert not is_out_of_scope("nothing happens when I press save")


def test_a_wrong_model_is_complained_of_once_and_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(text: str) -> None:
        raise ModelProblem("model.onnx is not the file that belongs here")

    intent._complain.cache_clear()
    monkeypatch.setattr(classifier, "probabilities", refuse)
    with caplog.at_level(logging.ERROR):
        assert names("I want a refund for my invoice") == ["billing"]
        assert names("my server keeps crashing with an error") == ["technical"]
    assert [record.message for record in caplog.records] == ["model.onnx is not the file that belongs here"]
