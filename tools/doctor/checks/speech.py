"""The providers: whether they are reached, let us in, and know the models that we ask for."""

from __future__ import annotations

import aiohttp
from worker.settings import Settings

from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import Kind, Target

_ANSWER_SECONDS = 5.0
OPENAI = "https://api.openai.com/v1"


async def speech(target: Target) -> Answer:
    """Without speech to text and a voice an agent hears nothing and says its last words from a file."""
    settings = target.worker()
    url, variable = _speech_url(settings)
    if target.kind is Kind.COMPOSE and url.startswith("http://speech:"):
        raise Skipped("the bundled speech server is open between the containers alone; docker compose ps tells")
    # A speech server of one's own needs no key; with none given it gets a stand-in, as a worker gives it.
    return await _ask(
        target,
        url,
        variable,
        settings.openai_api_key,
        (settings.stt_model, settings.tts_model) if variable == "OPENAI_API_KEY" else (),
    )


async def model(target: Target) -> Answer:
    """A model that fails costs every answer VOICEMESH_LLM_TIMEOUT_SECONDS of silence, until the playbook has taken over."""
    settings = target.worker()
    if not settings.has_model:
        raise Skipped("no language model: the playbook answers")
    url, variable = (
        settings.openai_base_url or OPENAI,
        "OPENAI_BASE_URL" if settings.openai_base_url else "OPENAI_API_KEY",
    )
    return await _ask(target, url, variable, settings.openai_api_key, (settings.llm_model,))


def _speech_url(settings: Settings) -> tuple[str, str]:
    if settings.speech_url:
        return settings.speech_url, "VOICEMESH_SPEECH_URL"
    if settings.openai_base_url:
        return settings.openai_base_url, "OPENAI_BASE_URL"
    return OPENAI, "OPENAI_API_KEY"


async def _ask(target: Target, url: str, variable: str, key: str, models: tuple[str, ...]) -> Answer:
    where = f"{variable}, in {target.home}"
    asked = f"{url.rstrip('/')}/models"
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(asked, headers=headers) as response:
            status = response.status
            body = await response.json(content_type=None) if status == 200 else None
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        return "", [
            Trouble(f"no provider answers at {url} ({type(error).__name__})", where, f"curl -sS {asked}; start it, or mend {variable}; a firewall to the provider?")
        ]  # fmt: skip
    except ValueError:
        body = None
    if status in (401, 403):
        return "", [Trouble(f"{url} refuses our key ({status})", f"OPENAI_API_KEY, in {target.home}", f"set OPENAI_API_KEY to a key of that provider, in {target.home}")]  # fmt: skip
    if status == 429:
        return "", [Trouble(f"{url} says that we ask too much (429)", where, "raise the limits at the provider, or set VOICEMESH_FALLBACK_BASE_URL and _SPEECH_URL", is_fatal=False)]  # fmt: skip
    if status >= 500:
        return "", [Trouble(f"{url} fails ({status})", where, f"the provider's status page; {target.restart('speech')} where it is yours")]  # fmt: skip
    data = body.get("data") if isinstance(body, dict) else None
    known = {str(each.get("id", "")) for each in data if isinstance(each, dict)} if isinstance(data, list) else set()
    missing = [each for each in models if known and each not in known]
    if missing:
        return "", [Trouble(f"{url} does not list {', '.join(missing)}", where, f"choose one of its models (curl -sS {asked}) in VOICEMESH_LLM_MODEL, _STT_MODEL, _TTS_MODEL", is_fatal=False)]  # fmt: skip
    return f"it answers at {url}" + (f", and has {', '.join(models)}" if models and known else "")
