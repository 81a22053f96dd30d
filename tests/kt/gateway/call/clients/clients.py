"""Asks a gateway as an application would; prints what came of it as JSON.

`clients.py NAME URL TEXT STREAMED`: the text that was said, and the error with its causes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

KEY = "any"
MODEL = "gpt-4o-mini"
CLAUDE = "m"
said: list[str] = []


def asked(text: str) -> Any:
    """One message."""
    return [{"role": "user", "content": text}]


def told(texts: Iterable[Any]) -> None:
    """Keep what is said, as it comes."""
    said.extend(str(text or "") for text in texts)


def use_openai(url: str, text: str, streamed: bool) -> None:
    """Chat completions of the openai SDK."""
    import openai

    chat = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY).chat.completions
    if streamed:
        events = chat.create(model=MODEL, messages=asked(text), stream=True)
        told(event.choices[0].delta.content for event in events if event.choices)
    else:
        told([chat.create(model=MODEL, messages=asked(text)).choices[0].message.content])


def use_openai_responses(url: str, text: str, streamed: bool) -> None:
    """Responses of the openai SDK."""
    import openai

    responses = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY).responses
    if streamed:
        events = responses.create(model=MODEL, input=text, stream=True)
        told(event.delta for event in events if event.type == "response.output_text.delta")
    else:
        told([responses.create(model=MODEL, input=text).output_text])


def use_anthropic(url: str, text: str, streamed: bool) -> None:
    """Messages of the anthropic SDK."""
    import anthropic

    messages = anthropic.Anthropic(base_url=url, api_key=KEY).messages
    asking: Any = {"model": CLAUDE, "max_tokens": 50, "messages": asked(text)}
    if streamed:
        with messages.stream(**asking) as events:
            told(events.text_stream)
    else:
        told([messages.create(**asking).content[0].text])


def use_langchain(url: str, text: str, streamed: bool) -> None:
    """LangChain by OpenAI's protocol."""
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(base_url=f"{url}/v1", api_key=KEY, model=MODEL)
    told(one.content for one in (model.stream(text) if streamed else [model.invoke(text)]))


def use_langchain_anthropic(url: str, text: str, streamed: bool) -> None:
    """LangChain by Anthropic's."""
    from langchain_anthropic import ChatAnthropic

    model = ChatAnthropic(base_url=url, api_key=KEY, model=CLAUDE, max_tokens=50)
    told(one.text for one in (model.stream(text) if streamed else [model.invoke(text)]))


def use_llama_index(url: str, text: str, streamed: bool) -> None:
    """LlamaIndex."""
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai import OpenAI

    model = OpenAI(model=MODEL, api_base=f"{url}/v1", api_key=KEY)
    messages = [ChatMessage(role="user", content=text)]
    if streamed:
        told(one.delta for one in model.stream_chat(messages))
    else:
        told([model.chat(messages).message.content])


def use_instructor(url: str, text: str, streamed: bool) -> None:
    """Instructor, which asks for a value of a type."""
    import instructor
    import openai
    from pydantic import BaseModel

    class Note(BaseModel):
        note: str | None = None

    client = instructor.from_openai(
        openai.OpenAI(base_url=f"{url}/v1", api_key=KEY), mode=instructor.Mode.JSON
    )
    asking: Any = {"model": MODEL, "messages": asked(text), "response_model": Note}
    if streamed:
        for one in client.chat.completions.create_partial(**asking):
            said[:] = [one.note or ""]
    else:
        told([client.chat.completions.create(**asking).note])


def use_pydantic_ai(url: str, text: str, streamed: bool) -> None:
    """Pydantic AI."""
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=f"{url}/v1", api_key=KEY)
    agent = Agent(OpenAIChatModel(MODEL, provider=provider))

    async def stream() -> None:
        async with agent.run_stream(text) as result:
            async for one in result.stream_text(delta=True):
                told([one])

    if streamed:
        asyncio.run(stream())
    else:
        told([agent.run_sync(text).output])


def use_openai_agents(url: str, text: str, streamed: bool) -> None:
    """OpenAI's agents."""
    import openai
    from agents import Agent, OpenAIResponsesModel, Runner, set_tracing_disabled

    set_tracing_disabled(True)

    async def run() -> None:
        client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY)
        agent = Agent(name="a", model=OpenAIResponsesModel(model=MODEL, openai_client=client))
        if not streamed:
            told([(await Runner.run(agent, text)).final_output])
            return
        async for event in Runner.run_streamed(agent, text).stream_events():
            data = getattr(event, "data", None)
            if getattr(data, "type", "") == "response.output_text.delta":
                told([data.delta])

    asyncio.run(run())


def use_litellm(url: str, text: str, streamed: bool) -> None:
    """LiteLLM by OpenAI's protocol."""
    import litellm

    litellm.suppress_debug_info = True
    asking: Any = {"api_base": f"{url}/v1", "api_key": KEY, "messages": asked(text)}
    answer = litellm.completion(model=f"openai/{MODEL}", stream=streamed, **asking)
    if streamed:
        told(one.choices[0].delta.content for one in answer)
    else:
        told([answer.choices[0].message.content])


CLIENTS: dict[str, Callable[[str, str, bool], None]] = {
    name.removeprefix("use_").replace("_", "-"): use
    for name, use in list(globals().items())
    if name.startswith("use_")
}


def outcome(name: str, url: str, text: str, streamed: bool) -> dict[str, str]:
    """What a client says, and its error with all that led to it."""
    said.clear()
    error: BaseException | None = None
    try:
        CLIENTS[name](url, text, streamed)
    except Exception as exc:  # noqa: BLE001
        error = exc
    reasons = []
    while error is not None:
        reasons.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return {"said": "".join(said), "error": "\n".join(reasons)}


if __name__ == "__main__":
    _, client, where, prompt, stream = sys.argv
    print(json.dumps(outcome(client, where, prompt, stream == "streamed")))
