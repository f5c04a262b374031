"""Starts Firefox for Playwright, and passes on what both say over WebDriver BiDi.

    python tests/firefox_relay.py FIREFOX ARGS...

Playwright tells each new window which colours and how much motion it has; Debian's Firefox knows no such command yet,
and Playwright then gives up. This refusal alone becomes a "done" on its way back; what such windows have is what the
profile says. Once Firefox knows the command, this module can go: the path of Firefox is then the path to start.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import sys

COMMAND = b"emulation.setMediaFeaturesOverride"
TEXT = 0x81  # first byte of a WebSocket message of text in one piece


async def read_frame(firefox: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return the first byte and the content of what Firefox sends next; a server masks nothing (RFC 6455, 5.1)."""
    first, length = await firefox.readexactly(2)
    if length >= 126:
        wide = 2 if length == 126 else 8
        length = int.from_bytes(await firefox.readexactly(wide), "big")
    return first, await firefox.readexactly(length)


def framed(first: int, content: bytes) -> bytes:
    """Return what `read_frame` reads."""
    length = len(content)
    if length < 126:
        return bytes((first, length)) + content
    return (
        struct.pack(">BBH", first, 126, length) + content
        if length < 1 << 16
        else struct.pack(">BBQ", first, 127, length) + content
    )


def allowed(content: bytes) -> bytes:
    """Return a message of Firefox; where it does not know `COMMAND`, that it is done."""
    if b'"unknown command"' not in content or COMMAND not in content:
        return content
    return json.dumps({"type": "success", "id": json.loads(content)["id"], "result": {}}).encode()


async def to_playwright(firefox: asyncio.StreamReader, playwright: asyncio.StreamWriter) -> None:
    playwright.write(await firefox.readuntil(b"\r\n\r\n"))  # the answer over HTTP that begins a WebSocket
    while True:
        first, content = await read_frame(firefox)
        playwright.write(framed(first, allowed(content) if first == TEXT else content))
        await playwright.drain()


async def to_firefox(playwright: asyncio.StreamReader, firefox: asyncio.StreamWriter, host: bytes) -> None:
    asked = await playwright.readuntil(b"\r\n\r\n")
    firefox.write(re.sub(rb"(?im)^host:.*\r$", b"Host: %s\r" % host, asked))  # it takes requests to its own port alone
    while sent := await playwright.read(1 << 16):
        firefox.write(sent)
        await firefox.drain()
    firefox.close()


async def relay(command: list[str]) -> int:
    """Run Firefox until it ends; return its exit code."""
    firefox = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert firefox.stderr
    address = None
    while not address:
        line = await firefox.stderr.readline()
        if not line:
            return await firefox.wait()
        address = re.search(rb"WebDriver BiDi listening on ws://((.+):(\d+))", line)
    where, host, port = address[1], address[2].decode(), int(address[3])

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, port)
        try:
            await asyncio.gather(to_firefox(reader, back, where), to_playwright(there, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # Firefox has ended

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    print(
        f"WebDriver BiDi listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True
    )
    while await firefox.stderr.readline():
        pass  # else it would wait for room in the pipe
    return await firefox.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(relay(sys.argv[1:])))
