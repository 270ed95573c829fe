"""The chatbot of deploy/chatbot as a process of its own, and an LLM that says what it is told to.

    with Chatbot(pooler.url(), CHATBOT_POOL_SIZE=5) as chatbot:
        httpx.post(chatbot.url + "/register", json=...)
"""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import processes

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "chatbot"
PYTHON = "/usr/bin/python3"  # the one that has Debian's packages


def environment(database_url: str, **settings) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CHATBOT_", "PG", "BALLAST_"))}
    # What is on this machine is asked for without going through anything else.
    own = {"DATABASE_URL": database_url, "PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "*"}
    return kept | own | {name: str(value) for name, value in settings.items()}


def init_db(database_url: str, **settings) -> subprocess.CompletedProcess:
    command = [PYTHON, "-m", "chatbot.init_db"]
    given = environment(database_url, **settings)
    return subprocess.run(command, cwd=FOLDER, env=given, capture_output=True, text=True, timeout=120)


class Chatbot:
    def __init__(self, database_url: str, **settings):
        self.database_url = database_url
        self.settings = settings
        self.folder = Path(tempfile.mkdtemp(prefix="ballast-chatbot-"))
        self.log = self.folder / "log"
        self.port = 0

    def __enter__(self) -> "Chatbot":
        for _ in range(10):  # somebody may take the port between our look and the bind
            self.port = processes.free_port()
            command = [PYTHON, "-m", "uvicorn", "chatbot.main:app", "--app-dir", FOLDER]
            command += ["--host", "127.0.0.1", "--port", self.port, "--no-access-log"]
            command += ["--backlog", 4096, "--timeout-keep-alive", 75]
            given = environment(self.database_url, **self.settings)
            self.process = processes.spawn(command, self.log, env=given)
            processes.wait_until(self._up_or_gone, "the chatbot listens", deadline_s=120)
            if self.process.poll() is None:
                return self
        raise RuntimeError(f"the chatbot does not start:\n{self.log_text()}")

    def __exit__(self, *_):
        processes.stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _up_or_gone(self) -> bool:
        return processes.accepts(self.port) or self.process.poll() is not None


class FakeLlm:
    """Streams `pieces`. With `gate` cleared it waits in the middle of its answer until the gate is set.

    Embeddings tell which of `themes` a text has a word of.
    """

    def __init__(self, pieces: tuple[str, ...] = ("Twice ", "round ", "the lamp [1].")):
        self.pieces = pieces
        self.status = 200
        self.breaks_off = False
        self.asked: list[dict] = []
        self.keys: list[str] = []
        self.themes: tuple[tuple[str, ...], ...] = ()
        self.embedded: list[list[str]] = []
        self.waiting = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def __enter__(self) -> "FakeLlm":
        llm = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                (llm.embed if self.path.endswith("/embeddings") else llm.answer)(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.gate.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def embed(self, request: BaseHTTPRequestHandler):
        texts = self._read(request)["input"]
        self.embedded.append(texts)
        found = [[float(any(word in text.lower() for word in theme)) for theme in self.themes] for text in texts]
        told = {"data": [{"index": number, "embedding": vector} for number, vector in enumerate(found)]}
        request.send_response(self.status)
        request.end_headers()
        request.wfile.write(json.dumps(told).encode())

    def answer(self, request: BaseHTTPRequestHandler):
        self.asked.append(self._read(request))
        request.send_response(self.status)
        request.send_header("Content-Type", "text/event-stream")
        request.end_headers()
        for number, piece in enumerate(self.pieces):
            event = {"choices": [{"delta": {"content": piece}}]}
            request.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            request.wfile.flush()
            if number == 0 and self.breaks_off:
                return
            if number == 0 and not self.gate.is_set():
                self.waiting.set()
                self.gate.wait(60)
        request.wfile.write(b"data: [DONE]\n\n")

    def _read(self, request: BaseHTTPRequestHandler) -> dict:
        self.keys.append(request.headers.get("Authorization", ""))
        return json.loads(request.rfile.read(int(request.headers["Content-Length"])))
