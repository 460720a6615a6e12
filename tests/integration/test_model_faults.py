"""What a language model can do wrong, at every moment of a call: the caller is answered, and gets his refund once.

Real agents with livekit-plugins-openai over a model that is a script on loopback; behind it, as always, the playbook.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest
import pytest_asyncio
from handoff.call import Ending
from worker.main_process.run import _TALKATIVE, _JsonLines

from local.eval.house import House
from tests.e2e import scripted_model
from tests.integration.faulty_model import Answer, Asked, Call, Fault, FaultyModel, Script
from tests.integration.text_call import TextCall, calling

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORD = "zanzibar"
"""Said by the caller, and nobody else's word."""
CHARGED_TWICE = f"Hi, {WORD}, I was charged twice for my March invoice."
ANSWERS = (
    (r"anything else", f"No, that's all, {WORD}."),
    (r"refund it|shall i refund|refund the", "Yes please."),
    (r"zip", "Nine seven two oh nine."),
    (r"account (id|number)", "It's A C four seven two one."),
    (r"call you back|which is it|say it again|wrong charge", CHARGED_TWICE),
)
"""What the caller says to what he was asked last."""
NO_SPEECH = re.compile(
    r"[{}<>_`]|find_account|verify|eligib|process|idempot|tool|function|zip code is|json|error", re.I
)
"""Never heard: the inside of the machine."""


# --- the stage --------------------------------------------------------------------------------------------------------
@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def model() -> AsyncIterator[FaultyModel]:
    async with FaultyModel(lambda asked: good(asked)) as model:
        yield model


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(model: FaultyModel, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Its agents are patient: what they do not hear from the model in time is not this test's matter."""
    settings = {"openai_base_url": model.base_url, "llm_timeout_seconds": 30.0}
    async with House(tmp_path_factory.mktemp("faults"), model=settings) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hasty_house(model: FaultyModel, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Half a second of silence is too long here."""
    settings = {"openai_base_url": model.base_url, "llm_timeout_seconds": 0.5}
    async with House(tmp_path_factory.mktemp("stalls"), model=settings) as house:
        yield house


@pytest.fixture(autouse=True)
def _no_word_of_the_caller_is_logged() -> Iterator[None]:
    """Everything that a worker would print at DEBUG, in its own format."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(_JsonLines())
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    root = logging.getLogger()
    before = {name: logging.getLogger(name).level for name in (*_TALKATIVE, "livekit", "livekit.agents")}
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in before:
        logging.getLogger(name).setLevel(logging.INFO if name in _TALKATIVE else logging.DEBUG)
    yield
    root.removeHandler(handler)
    root.setLevel(level)
    for name, old in before.items():
        logging.getLogger(name).setLevel(old)
    leaks = [
        line for line in lines if re.search(rf"{WORD}|97209|nine seven two|charged twice|four seven two", line, re.I)
    ]
    assert leaks == []


# --- the caller -------------------------------------------------------------------------------------------------------
async def carried_through(call: TextCall) -> list[str]:
    """The caller wants his money back and answers what he is asked, until the call is over: what he heard, by turn."""
    heard = [await call.say(CHARGED_TWICE)]
    for _ in range(12):
        if call.is_over:
            return heard
        assert heard[-1], f"the caller was left in silence after {heard}"
        heard.append(await call.say(_answer_to(heard[-1])))
    raise AssertionError(f"the call does not end: {heard}")


def _answer_to(heard: str) -> str:
    """To the question that was asked last."""
    found = [(match.start(), words) for asked, words in ANSWERS for match in re.finditer(asked, heard, re.I)]
    assert found, f"what should one answer to {heard!r}?"
    return max(found)[1]


async def _refunded_once(call: TextCall, heard: list[str]) -> None:
    record, changes = await call.record(), await call.changes()
    assert record.ending is Ending.RESOLVED
    assert [effect.split()[0] for effect in record.effects] == ["process_refund"]
    assert len(changes["billing"]["refunds"].added) == 1
    said = " ".join(heard)
    assert "49.99" in said or "forty-nine" in said.lower()
    assert [sentence for sentence in heard if NO_SPEECH.search(sentence)] == []


# --- the model --------------------------------------------------------------------------------------------------------
def good(asked: Asked) -> Answer:
    """A billing agent who does everything right."""
    reply = scripted_model.billing([dict(message) for message in asked.messages])
    return Answer(reply.text, [Call(name, arguments) for name, arguments in reply.calls])


MOMENTS: dict[str, Callable[[Asked], bool]] = {
    "at_the_first_sentence": lambda asked: "charged twice" in asked.said,
    "at_the_account_id": lambda asked: "A C four" in asked.said and not asked.results,
    "when_the_account_was_found": lambda asked: "A C four" in asked.said and len(asked.results) == 1,
    "at_the_zip_code": lambda asked: "Nine seven" in asked.said and not asked.results,
    "when_the_caller_is_verified": lambda asked: "Nine seven" in asked.said and len(asked.results) == 1,
    "when_the_charge_was_found": lambda asked: "Nine seven" in asked.said and len(asked.results) == 2,
    "at_the_yes": lambda asked: asked.said.startswith("Yes") and not asked.results,
    "when_the_refund_is_made": lambda asked: asked.said.startswith("Yes") and len(asked.results) == 1,
    "at_the_goodbye": lambda asked: "that's all" in asked.said,
}
REFUSED = "Your messages contain: {}"

FAULTS: dict[str, Script] = {
    "too_many_requests": lambda asked: Fault(429, REFUSED.format(asked.said)),
    "server_error": lambda asked: Fault(500, REFUSED.format(asked.said)),
    "bad_request": lambda asked: Fault(400, REFUSED.format(asked.messages)),
    "nothing_at_all": lambda asked: Answer(),
    "refusal": lambda asked: Answer(refusal="I'm sorry, I cannot assist with that request."),
    "content_filter": lambda asked: Answer(finish="content_filter"),
    "cut_in_text": lambda asked: Answer("Thank you, let me loo", breaks="cut"),
    "cut_before_the_first_word": lambda asked: Answer(breaks="cut"),
    "cut_in_a_tool_call": lambda asked: replace(good(asked), text="", breaks="cut"),
    "json_for_words": lambda asked: Answer('{"name": "process_refund", "arguments": {"amount": 49.99}}'),
    "a_tool_call_for_words": lambda asked: Answer("<tool_call>process_refund</tool_call>"),
}
STALLS: dict[str, Script] = {
    "no_first_byte": lambda asked: Fault(0),
    "stall_in_text": lambda asked: Answer("Thank you, let me loo", breaks="stall"),
    "stall_in_a_tool_call": lambda asked: replace(good(asked), text="", breaks="stall"),
}


def only(moment: str, fault: Script) -> Script:
    """A good model but for that moment."""
    return lambda asked: fault(asked) if MOMENTS[moment](asked) else good(asked)


# --- a good model first -----------------------------------------------------------------------------------------------
async def test_a_model_without_a_fault_carries_the_call_alone(model: FaultyModel, house: House) -> None:
    model.use(good)
    async with calling(house, "billing") as call:
        heard = await carried_through(call)
        await _refunded_once(call, heard)
    assert "Would you like me to refund it?" in heard[2], "its own words, not the playbook's"
    assert len(model.asked) == 9


# --- it fails ---------------------------------------------------------------------------------------------------------
KINDS = ("server_error", "nothing_at_all", "cut_in_text", "cut_in_a_tool_call")
"""One of each kind is tried at every moment, the others at three."""
SOME_MOMENTS = ("at_the_first_sentence", "at_the_yes", "when_the_refund_is_made")


@pytest.mark.parametrize(
    ("fault", "moment"),
    [(fault, moment) for fault in FAULTS for moment in (MOMENTS if fault in KINDS else SOME_MOMENTS)],
)
async def test_a_model_that_fails_at_any_moment_costs_the_caller_nothing(
    model: FaultyModel, house: House, fault: str, moment: str
) -> None:
    model.use(only(moment, FAULTS[fault]))
    async with calling(house, "billing") as call:
        await _refunded_once(call, await carried_through(call))


@pytest.mark.parametrize("moment", SOME_MOMENTS)
@pytest.mark.parametrize("stall", STALLS)
async def test_a_model_that_stalls_is_not_waited_for(
    model: FaultyModel, hasty_house: House, stall: str, moment: str
) -> None:
    """The model would need 20 s; how long the caller waits is a setting."""
    model.use(only(moment, STALLS[stall]))
    async with calling(hasty_house, "billing") as call:
        await _refunded_once(call, await carried_through(call))


@pytest.mark.parametrize("fault", [Fault(500), Answer()], ids=["away", "says_nothing"])
async def test_a_model_that_is_away_for_the_whole_call_is_not_missed(
    model: FaultyModel, house: House, fault: Fault | Answer
) -> None:
    model.use(lambda asked: fault)
    async with calling(house, "billing") as call:
        await _refunded_once(call, await carried_through(call))


async def test_a_model_that_comes_back_in_the_middle_of_a_call_takes_it_up_again(
    model: FaultyModel, house: House
) -> None:
    model.use(only("at_the_account_id", FAULTS["server_error"]))
    async with calling(house, "billing") as call:
        is_back = asyncio.Event()
        call.cast.session.llm.on("llm_availability_changed", lambda event: is_back.set() if event.available else None)
        assert await call.say(CHARGED_TWICE) == "Could you tell me your account ID, please?"
        by_the_book = await call.say("It's A C four seven two one.")
        assert "ZIP" in by_the_book and by_the_book != "And what is the ZIP code on the account?"
        asked_before = len(model.asked)
        assert "refund" in await call.say("Nine seven two oh nine.")  # the playbook's; the model is tried meanwhile
        await is_back.wait()
        assert len(model.asked) > asked_before
        assert (await call.say("Yes please.")).startswith("Done. I refunded"), "the model's own words"
        await call.say("No, that's all.")
        record = await call.record()
    assert [effect.split()[0] for effect in record.effects] == ["process_refund"]
    assert record.ending is Ending.RESOLVED


async def test_the_fallback_model_at_another_address_answers_before_the_playbook(
    model: FaultyModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model.use(lambda asked: Fault(500))
    async with FaultyModel(good) as second:
        settings = {
            "openai_base_url": model.base_url,
            "fallback_model": "second",
            "fallback_base_url": second.base_url,
            "llm_timeout_seconds": 30.0,
        }
        async with House(tmp_path_factory.mktemp("second"), model=settings) as house, calling(house, "billing") as call:
            heard = await carried_through(call)
            await _refunded_once(call, heard)
    assert "Would you like me to refund it?" in heard[2], "the second model's words"
    assert {asked.body["model"] for asked in second.asked} == {"second"}


# --- it calls tools wrongly -------------------------------------------------------------------------------------------
MALFORMED: dict[str, Callable[[Call], str]] = {
    "no_json": lambda call: "account please",
    "half_an_object": lambda call: call.raw[: len(call.raw) // 2],
    "a_list": lambda call: '["AC4721"]',
    "nothing": lambda call: "",
    "missing": lambda call: "{}",
    "wrong_types": lambda call: json.dumps({name: {"is": [1, None]} for name in json.loads(call.raw)}),
    "nulls": lambda call: json.dumps(dict.fromkeys(json.loads(call.raw))),
    "enormous": lambda call: json.dumps(dict.fromkeys(json.loads(call.raw), "9" * 5000)),
}


@pytest.mark.parametrize("shape", MALFORMED)
async def test_malformed_arguments_do_nothing_and_the_model_is_told(
    model: FaultyModel, house: House, shape: str
) -> None:
    """Every tool call of the call is malformed first and right when it was refused."""

    def script(asked: Asked) -> Answer:
        answer = good(asked)
        if asked.results and asked.messages[-1]["role"] == "tool" and not asked.results[-1].startswith("{"):
            return answer
        return replace(
            answer, calls=[replace(c, arguments=MALFORMED[shape](c)) for c in answer.calls if c.tool != "end_call"]
        )

    def with_goodbye(asked: Asked) -> Answer:
        return good(asked) if "that's all" in asked.said else script(asked)

    model.use(with_goodbye)
    async with calling(house, "billing") as call:
        await _refunded_once(call, await carried_through(call))
        refused = [tried for tried in call.table.tool_calls if tried.failed]
        assert [tried.name for tried in refused] or shape == "half_an_object", "LiveKit mends some JSON"


async def test_malformed_arguments_for_a_transfer_and_a_hang_up_leave_the_caller_here(
    model: FaultyModel, house: House
) -> None:
    def script(asked: Asked) -> Answer:
        if asked.results:
            return Answer("I am still here. How can I help?")
        return Answer(calls=[Call("transfer_call", '{"to": 7}'), Call("transfer_call", '{"service": "the moon"}')])

    model.use(script)
    async with calling(house, "billing") as call:
        assert await call.say(CHARGED_TWICE) == "I am still here. How can I help?"
        assert not call.is_over


@pytest.mark.parametrize("moment", MOMENTS)
async def test_an_invented_tool_is_refused_and_the_model_goes_on(model: FaultyModel, house: House, moment: str) -> None:
    def script(asked: Asked) -> Answer:
        if MOMENTS[moment](asked) and not any("Unknown function" in result for result in asked.results):
            return Answer(calls=[Call("grant_refund_of_any_amount", {"amount": 500})])
        return good(asked)

    model.use(script)
    async with calling(house, "billing") as call:
        await _refunded_once(call, await carried_through(call))


async def test_a_model_that_only_invents_tools_is_left_behind(model: FaultyModel, house: House) -> None:
    model.use(lambda asked: Answer(calls=[Call("grant_refund_of_any_amount", {"amount": 500})]))
    async with calling(house, "billing") as call:
        await _refunded_once(call, await carried_through(call))


async def test_tool_calls_in_parallel_all_happen_and_an_effect_happens_once(model: FaultyModel, house: House) -> None:
    """The same refund three times in one breath, twice with one key."""

    def script(asked: Asked) -> Answer:
        answer = good(asked)
        if [c.tool for c in answer.calls] == ["process_refund"]:
            (refund,) = answer.calls
            assert isinstance(refund.arguments, dict)
            other_key = replace(refund, arguments=refund.arguments | {"idempotency_key": "another"})
            look = Call("get_recent_invoices", {"account_id": "AC4721"})
            return replace(answer, calls=[refund, look, refund, other_key])
        return answer

    model.use(script)
    async with calling(house, "billing") as call:
        await _refunded_once(call, await carried_through(call))
        names = [tried.name for tried in call.table.tool_calls]
    assert names.count("process_refund") == 3
    assert "get_recent_invoices" in names


async def test_a_stream_that_is_cut_after_a_tool_call_has_called_it_once(model: FaultyModel, house: House) -> None:
    """The first call was whole, the second was not: the first stands, and nobody else is asked for the turn."""

    def script(asked: Asked) -> Answer:
        if MOMENTS["at_the_yes"](asked):
            return replace(
                good(asked), calls=[*good(asked).calls, Call("get_account", {"account_id": "AC4721"})], breaks="cut"
            )
        return good(asked)

    model.use(script)
    async with calling(house, "billing") as call:
        heard = await carried_through(call)
        await _refunded_once(call, heard)
        assert [tried.name for tried in call.table.tool_calls].count("process_refund") == 1
    assert any(sentence.startswith("Done. I refunded") for sentence in heard)


async def test_half_a_sentence_is_followed_by_a_whole_one(model: FaultyModel, house: House) -> None:
    model.use(only("at_the_zip_code", FAULTS["cut_in_text"]))
    async with calling(house, "billing") as call:
        heard = await carried_through(call)
    (broken,) = [sentence for sentence in heard if sentence.startswith("Thank you, let me loo")]
    assert re.match(r"Thank you, let me loo\.\.\. \w.*[.?]$", broken)
