"""Starts Firefox for Playwright, and relays their WebDriver BiDi messages.

    python tests/firefox_relay.py FIREFOX ARGS...

Playwright sends a command that sets colour scheme and motion of each new window. Debian's Firefox does not know it yet,
and Playwright then gives up. The relay turns only this error into a success; the profile sets the same preferences.
Once Firefox knows the command, delete this module and start Firefox itself.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import sys

COMMAND = b"emulation.setMediaFeaturesOverride"
TEXT = 0x81  # first byte of an unfragmented WebSocket text message


async def read_frame(firefox: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return first byte and content of Firefox's next WebSocket frame; servers do not mask frames (RFC 6455, 5.1)."""
    first, length = await firefox.readexactly(2)
    if length >= 126:
        wide = 2 if length == 126 else 8
        length = int.from_bytes(await firefox.readexactly(wide), "big")
    return first, await firefox.readexactly(length)


def framed(first: int, content: bytes) -> bytes:
    """Return a WebSocket frame, as `read_frame` reads it."""
    length = len(content)
    if length < 126:
        return bytes((first, length)) + content
    return (
        struct.pack(">BBH", first, 126, length) + content
        if length < 1 << 16
        else struct.pack(">BBQ", first, 127, length) + content
    )


def allowed(content: bytes) -> bytes:
    """Return a message of Firefox, or a success if it says that `COMMAND` is unknown."""
    if b'"unknown command"' not in content or COMMAND not in content:
        return content
    return json.dumps({"type": "success", "id": json.loads(content)["id"], "result": {}}).encode()


async def to_playwright(firefox: asyncio.StreamReader, playwright: asyncio.StreamWriter) -> None:
    playwright.write(await firefox.readuntil(b"\r\n\r\n"))  # the HTTP response that opens the WebSocket
    while True:
        first, content = await read_frame(firefox)
        playwright.write(framed(first, allowed(content) if first == TEXT else content))
        await playwright.drain()


async def to_firefox(playwright: asyncio.StreamReader, firefox: asyncio.StreamWriter, host: bytes) -> None:
    asked = await playwright.readuntil(b"\r\n\r\n")
    firefox.write(re.sub(rb"(?im)^host:.*\r$", b"Host: %s\r" % host, asked))  # Firefox only accepts its own
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
        pass  # else the pipe fills and Firefox blocks
    return await firefox.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(relay(sys.argv[1:])))
