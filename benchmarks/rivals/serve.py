"""An OpenAI-compatible server for systems that cannot run weights themselves: the same model, the same embedder.

    python serve.py JOB.json

llama.cpp answers /v1/chat/completions from `Job.gguf`, one request at a time. sentence-transformers answers
/v1/embeddings with the normalised vectors of `Job.embedder`. When both are loaded, the server prints its address on
127.0.0.1 on a line of its own. GET /counts waits until no chat request runs and returns the sums of all requests since
the start: {"calls", "prompt_tokens", "cached_tokens" (those of the prompts that llama.cpp still had),
"output_tokens"}. Without a temperature a client gets the most likely token. The server knows nothing of the systems.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from protocol import Job

CONTEXT = 8192  # tokens of prompt and reply
CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"

Vectors = Callable[[list[str]], list[bytes]]


class Counts:
    """The tokens of the chat requests; safe to use from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._sums = dict.fromkeys(("calls", "prompt_tokens", "cached_tokens", "output_tokens"), 0)

    def __enter__(self) -> Counts:
        with self._changed:
            self._running += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def add(self, usage: dict[str, Any]) -> None:
        """Add the `usage` of one reply."""
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        with self._changed:
            for key, value in zip(
                self._sums, (1, usage["prompt_tokens"], cached, usage["completion_tokens"]), strict=True
            ):
                self._sums[key] += value

    def when_idle(self) -> dict[str, int]:
        """Return the sums once no request runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._running)
            return dict(self._sums)


def tokens(server: str) -> tuple[int, int]:
    """Return the tokens read and written since a server started; for adapters."""
    with urlopen(f"{server}/counts") as reply:
        sums = json.load(reply)
    return sums["prompt_tokens"], sums["output_tokens"]


def start_model(gguf: str, threads: int) -> Any:
    """Return llama.cpp's server, which listens on its own port and stops when the object is deleted."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = gguf
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.sampling.temp = 0.0
    params.use_jinja = True
    return xllamacpp.Server(params)


def load_embedder(folder: str, threads: int) -> Vectors:
    """Return a function from texts to their vectors, float32 as bytes."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    one_at_a_time = threading.Lock()

    def vectors(texts: list[str]) -> list[bytes]:
        with one_at_a_time:
            return [row.astype("float32").tobytes() for row in model.encode(texts, normalize_embeddings=True)]

    return vectors


class Server(ThreadingHTTPServer):
    """Passes chat requests to `chat`, the address of llama.cpp's server, and embeds texts itself."""

    def __init__(self, chat: str, vectors: Vectors) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.chat = urlsplit(chat)
        self.vectors = vectors
        self.counts = Counts()


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Return the counts or the model's name."""
        if self.path == "/counts":
            self._send(self.server.counts.when_idle())
        elif self.path == "/v1/models":
            self._send({"object": "list", "data": [{"id": "local", "object": "model", "owned_by": "local"}]})
        else:
            self._refuse(f"there is no {self.path}", HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Chat or embed."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == CHAT:
            with self.server.counts:
                self._chat(body)
        elif self.path == EMBEDDINGS:
            self._embed(body)
        else:
            self._refuse(f"there is no {self.path}", HTTPStatus.NOT_FOUND)

    def _chat(self, body: dict[str, Any]) -> None:
        asked = (body.get("stream_options") or {}).get("include_usage", False)
        if body.get("stream"):
            body["stream_options"] = {"include_usage": True}
        connection = HTTPConnection(str(self.server.chat.hostname), self.server.chat.port)
        with closing(connection):
            connection.request("POST", CHAT, json.dumps(body).encode(), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            if body.get("stream") and reply.status == HTTPStatus.OK:
                self._relay(reply, asked)
                return
            said = json.loads(reply.read())
            if "usage" in said:
                self.server.counts.add(said["usage"])
            self._send(said, HTTPStatus(reply.status))

    def _relay(self, reply: HTTPResponse, asked: bool) -> None:
        """Pass an event stream on at once; the event with the usage goes only to a client that asked for it."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in reply:
            usage = _usage(line)
            if usage:
                self.server.counts.add(usage)
            if not usage or asked:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def _embed(self, body: dict[str, Any]) -> None:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        if not all(isinstance(text, str) for text in texts):
            self._refuse("input must be text or a list of texts, not tokens", HTTPStatus.BAD_REQUEST)
            return
        packed = body.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": at,
                "embedding": base64.b64encode(row).decode() if packed else list(memoryview(row).cast("f")),
            }
            for at, row in enumerate(self.server.vectors(texts))
        ]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        self._send({"object": "list", "data": data, "model": body.get("model", ""), "usage": usage})

    def _refuse(self, why: str, status: HTTPStatus) -> None:
        self._send({"error": {"message": why, "type": "invalid_request_error", "code": status}}, status)

    def _send(self, value: Any, status: HTTPStatus = HTTPStatus.OK) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Print nothing for each request."""


def _usage(line: bytes) -> dict[str, Any]:
    """Return the token usage in a line of an event stream; it may be empty, a comment, the end, or another event."""
    data = line.removeprefix(b"data: ").strip()
    return json.loads(data).get("usage") or {} if data.startswith(b"{") else {}


def main() -> None:
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    vectors = load_embedder(job.embedder, job.threads)
    vectors(["The first text takes longer."])
    model = start_model(job.gguf, job.threads)
    with Server(model.listening_address, vectors) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
