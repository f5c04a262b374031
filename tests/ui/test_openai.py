"""OpenAI's chat completions, with OpenAI's own client: whole and streamed, citations, refusals, turns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import get_args

import httpx
import openai
import pytest
from conftest import until
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import (
    EXAMPLES,
    HALF,
    NOT_FOR_IT,
    OPEN_CLAIMS,
    OVERVIEW,
    WHOLE,
    ScriptedAnswerer,
    ScriptedIndex,
    over_index,
    scripted_choice,
)
from served import serving

from citewire.index.types import Span
from citewire.qa.claims import Judgement, Place
from citewire.qa.telling import Telling
from citewire.qa.types import Event, Turn, Verdict
from citewire.ui.ask_routes import Served, Waiting
from citewire.ui.chat import Chat, Loaded
from citewire.ui.openai_routes import _inert, _Reply, router
from citewire.ui.page import Site, build_page

pytestmark = pytest.mark.slow  # processes, servers or real networks


@pytest.fixture(scope="module")
def url(answerer: ScriptedAnswerer) -> Iterator[str]:
    chat = Chat(lambda: Loaded(answerer, ScriptedIndex(), "scripted"))
    served = Served(Path("an/index"), "m", "f" * 64, lambda: 7, lambda *_: None)
    with serving(lambda: Site(build_page(chat, EXAMPLES), [router(chat, served)])) as address:
        until(lambda: chat.background.done)
        yield address


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as made:
        yield made


def asked(question: str) -> list[openai.types.chat.ChatCompletionMessageParam]:
    return [{"role": "system", "content": "Be short."}, {"role": "user", "content": question}]


def test_an_answer_with_its_citations(client: openai.OpenAI, url: str) -> None:
    got = client.chat.completions.create(model="scripted", messages=asked(EXAMPLES[0]), temperature=0.3)
    message = got.choices[0].message
    assert (got.object, got.model, got.choices[0].finish_reason) == ("chat.completion", "scripted", "stop")
    assert message.content == " ".join(claim.text for claim in OPEN_CLAIMS)
    assert message.refusal is None
    assert message.annotations
    first, quote = message.annotations[0], OPEN_CLAIMS[0].quotes[0]
    assert first.type == "url_citation"
    place = first.url_citation
    assert message.content[place.start_index : place.end_index] == OPEN_CLAIMS[0].text
    assert first.model_extra
    assert first.model_extra["citewire"] == {
        "number": quote.n, "article": quote.article, "start": quote.start, "end": quote.end, "text": quote.text,
        "verdict": OPEN_CLAIMS[0].verdict,
    }  # fmt: skip
    assert place.url.startswith(("https://", f"{url}/v1/articles/"))
    assert place.title == ScriptedIndex().article(quote.article).title
    assert got.model_extra
    assert got.model_extra["citewire"]["question"] == EXAMPLES[0]


@pytest.mark.parametrize("question", [*sorted(WHOLE), "toll"])
def test_chunks_are_the_whole(question: str, client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="scripted", messages=asked(question)).choices[0]
    text, reason, annotations, refusal = "", None, None, None
    for chunk in client.chat.completions.create(model="scripted", messages=asked(question), stream=True):
        assert chunk.object == "chat.completion.chunk"
        delta = chunk.choices[0].delta
        text += delta.content or ""
        annotations = (delta.model_extra or {}).get("annotations", annotations)
        refusal = delta.refusal or refusal
        reason = chunk.choices[0].finish_reason or reason
    assert (text, reason, refusal) == (whole.message.content, whole.finish_reason, whole.message.refusal)
    assert annotations == [one.model_dump() for one in whole.message.annotations or []]


WORDS = st.text("ab 1[]().\n-é", min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
CLAIMS = st.lists(
    st.tuples(WORDS, st.sampled_from(get_args(Verdict)), st.lists(st.integers(0, 3), max_size=3)), max_size=5
)


@settings(max_examples=80)
@given(said=CLAIMS, listed=st.booleans(), lead=st.sampled_from(["", "Two things:"]), withholds=st.booleans())
def test_any_stream_is_the_whole_text_with_every_sentence_cited_where_it_stands(
    said: list[tuple[str, Verdict, list[int]]], listed: bool, lead: str, withholds: bool
) -> None:
    index = ScriptedIndex()
    path = index.articles()[0].path
    text = index.article(path).text
    told = Telling("?", withholds=withholds, listed=listed, lead=lead)
    events: list[Event] = [told.searched([])]
    for words, verdict, spots in said:
        places = tuple(Place(path, Span(at, at + 5), text[at : at + 5]) for at in spots)
        events.append(told.add(words, Judgement(verdict, 0.5, "", places)))
    events.append(told.answer("answered", "m", 1))

    async def rest() -> AsyncGenerator[Event | Waiting]:
        for event in events[1:]:
            yield event

    async def streamed() -> list[str]:
        reply = _Reply(Loaded(ScriptedAnswerer(), index, "m"), "http://localhost")
        return [line async for line in reply.events(events[0], rest())]

    *lines, done = asyncio.run(streamed())
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    content = "".join(delta.get("content", "") for delta in deltas)
    assert (content, done) == (_inert(chunks[-1]["citewire"]["text"]), "data: [DONE]\n\n")
    (cited,) = [delta["annotations"] for delta in deltas if "annotations" in delta]
    wanted = [(claim.text, quote) for claim in told.shown for quote in claim.quotes]
    assert len(cited) == len(wanted)
    at = -1
    for one, (sentence, quote) in zip(cited, wanted, strict=True):
        place, exact = one["url_citation"], one["citewire"]
        assert content[place["start_index"] : place["end_index"]] == _inert(sentence)
        assert place["start_index"] >= at
        at = place["start_index"]
        assert text[exact["start"] : exact["end"]] == exact["text"] == quote.text
        assert exact["number"] == quote.n


def test_a_list_keeps_its_form(client: openai.OpenAI) -> None:
    got = client.chat.completions.create(model="scripted", messages=asked("What are these articles about?"))
    assert got.choices[0].message.content == OVERVIEW.text


@pytest.mark.parametrize(
    ("question", "refusal"),
    [
        ("Is there a toll?", "The 3 articles do not say this [1]."),
        ("A poem?", NOT_FOR_IT.text),
        ("The lighthouse?", None),
    ],
)
def test_what_is_refused(question: str, refusal: str | None, client: openai.OpenAI) -> None:
    message = client.chat.completions.create(model="", messages=asked(question)).choices[0].message
    assert message.refusal == refusal
    assert message.content == (refusal or HALF.text)


def test_what_was_said_before_reaches_the_answerer(client: openai.OpenAI, answerer: ScriptedAnswerer) -> None:
    client.chat.completions.create(
        model="scripted",
        messages=[
            {"role": "user", "content": "When?"},
            {"role": "assistant", "content": "In May."},
            {"role": "user", "content": [{"type": "text", "text": "And where?"}]},
        ],
    )
    assert answerer.histories[-1] == (Turn("When?", "In May."),)


def test_errors_are_those_that_the_client_knows(client: openai.OpenAI, url: str) -> None:
    with pytest.raises(openai.BadRequestError, match="The question is empty"):
        client.chat.completions.create(model="scripted", messages=asked(" "))
    with pytest.raises(openai.BadRequestError, match="The last message is not the user's"):
        client.chat.completions.create(model="scripted", messages=[{"role": "assistant", "content": "Hello"}])
    with pytest.raises(openai.UnprocessableEntityError, match=r"body\.messages"):
        client.chat.completions.create(model="scripted", messages=[])
    with pytest.raises(openai.InternalServerError, match="could not be finished"):
        client.chat.completions.create(model="scripted", messages=asked("crash"))
    with pytest.raises(openai.APIError, match="could not be finished"):
        list(client.chat.completions.create(model="scripted", messages=asked("crash"), stream=True))
    answer = httpx.post(
        f"{url}/v1/chat/completions", json={"messages": [{"role": "user", "content": "?"}]},
        headers={"Origin": "http://evil.example"},
    )  # fmt: skip
    assert answer.status_code == 403


def test_models_can_be_named(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["scripted"]
    index = ScriptedIndex()
    chat = Chat(lambda: over_index(index), choice=scripted_choice())
    served = Served(Path("an/index"), "m", "f" * 64, lambda: 7, lambda *_: None)
    with serving(lambda: Site(build_page(chat, EXAMPLES), [router(chat, served)])) as address:
        until(lambda: chat.background.done)
        with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=4) as other:
            assert [model.id for model in other.models.list()] == ["scripted", "scripted with care"]
            got = other.chat.completions.create(model="scripted with care", messages=asked(EXAMPLES[0]))
            assert got.model_extra
            assert got.model_extra["citewire"]["model"] == "scripted with care"
