"""A client of any LLM that is served as OpenAI's is: POST URL/chat/completions, answers as server-sent events."""

import json
from typing import AsyncIterator

import httpx

from .settings import Settings

CONNECT_TIMEOUT_S = 5
DATA = "data:"
END = "[DONE]"


class LlmFailed(Exception):
    """It can't be reached, refuses, or says nothing that makes sense."""


def client(settings: Settings) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {settings.llm_key}"} if settings.llm_key else {}
    return httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(settings.llm_timeout_s, connect=CONNECT_TIMEOUT_S))


class Llm:
    def __init__(self, settings: Settings):
        self._client = client(settings)
        self._url = f"{settings.llm_url}/chat/completions"
        self._model = settings.llm_model

    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:
        """The answer, piece by piece."""
        body = {"model": self._model, "messages": messages, "stream": True}
        try:
            async with self._client.stream("POST", self._url, json=body) as response:
                if response.status_code != 200:
                    raise LlmFailed(f"status {response.status_code}")
                async for line in response.aiter_lines():
                    if line.strip() == f"{DATA} {END}":
                        return
                    if line.startswith(DATA) and (piece := _piece(line[len(DATA) :])):
                        yield piece
        except httpx.HTTPError as error:
            raise LlmFailed(type(error).__name__) from error
        raise LlmFailed("it ended in the middle")

    async def close(self):
        await self._client.aclose()


def _piece(event: str) -> str:
    try:
        choices = json.loads(event)["choices"]
        return (choices[0]["delta"].get("content") or "") if choices else ""
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise LlmFailed("an event that is none of a chat completion") from error
