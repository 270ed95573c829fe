"""A user of the chatbot: an HTTP client with a name."""

import json
import secrets
import uuid

import httpx

PASSWORD = "a good secret"


class Visitor(httpx.Client):
    def __init__(self, url: str):
        super().__init__(base_url=url, timeout=60)
        self.name = f"visitor-{secrets.token_hex(6)}"

    def credentials(self, **other: str) -> dict[str, str]:
        return {"name": self.name, "password": PASSWORD} | other

    def come_in(self) -> "Visitor":
        assert self.post("/register", json=self.credentials()).status_code == 201
        assert self.post("/login", json=self.credentials()).status_code == 200
        return self

    def ask(self, question: str = "What is a transaction?", conversation=None, key=None, **more) -> httpx.Response:
        body = {"question": question, "key": str(key or uuid.uuid4())} | more
        if conversation:
            body["conversation_id"] = str(conversation)
        return self.post("/chat/query", json=body)

    def events(self, question: str = "What is a transaction?", **more) -> list[tuple[str, object]]:
        """Of a streamed answer."""
        response = self.ask(question, stream=True, **more)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/event-stream")
        return [_event(block) for block in response.text.strip().split("\n\n")]


def _event(block: str) -> tuple[str, object]:
    name, data = block.split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))
