"""All texts of an answer that are citewire's own words: about itself, what it cannot do, and what is missing.

The rest of an answer is quoted or worded from articles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from citewire.qa.types import REFUSAL

OVERVIEW = "What are these articles about?"
# Suggested questions.
MORE = "Tell me more"
ABOUT = "Tell me about {}"
WHO_SAID = "Who said that?"
CHANGED = "How has this changed?"
SUMMARISE = "Summarise the article “{}”"
GREETING = (
    "Hello! Ask me anything about the articles here. Each sentence of an answer shows the quote that it rests on."
)
TALK: Mapping[str, str] = {
    "greeting": GREETING,
    "thanks": "You are welcome. Ask on whenever you like.",
    "goodbye": "Goodbye! The articles stay where they are.",
    "decline": "All right. Ask me something else about the articles whenever you like.",
    "help": (
        "I answer questions about the articles here, in English: facts, reasons, lists, comparisons, how things "
        "changed, summaries, and what the articles are about. Each sentence carries a number; select it to see the "
        "exact quote. "
        "What the articles do not say, I do not answer."
    ),
}
NOT_FOR_IT: Mapping[str, str] = {
    "general": f"{REFUSAL} I know nothing but these articles.",
    "create": "I do not write new texts. I answer questions about the articles here, with quotes from them.",
    "advice": "I cannot give advice. I can tell you what the articles say about it; ask me for that.",
    "translate": "I read and answer in English only. Please ask about the articles in English.",
    "instruct": "I only answer questions about the articles here; nothing else can be changed by asking.",
    "insult": "I am sorry that this was no help. Ask me something about the articles and check the quotes yourself.",
}
NOTHING_BEFORE = "There is nothing before this that I could go on with. What would you like to know about the articles?"
NOTHING_OFFERED = "Gladly. What would you like to know about the articles?"
REFUSED = "I found no sentence that answers your last question, so I cannot go on from it. Ask it in other words."
WHOM = "Whom or what do you mean? Name it in your question, and I will look for it in the articles."
SAID = "This is what the articles say; open a quote to read it in place."
UNMENTIONED = "No article mentions “{}”."
UNQUOTED = "I find no sentence of an article that says it in these words."
NO_MORE = "The articles have nothing more on this."
UNKNOWN_SPEAKER = "The article does not say who said this."
UNTIMED = "The article does not say when; it is of {}."
COUNTED = "{} is {}, counted from the date of the article, {}."  # the time as written, its days, the article's day
UNANSWERED = "I found no sentence that answers “{}”"  # one question of a line that asks several
UNTOLD = "I found no sentence that tells of {}"  # a side of a comparison
UNCOUNTED = "I found no figure for {}"  # a side of a comparison of figures
NO_PASSAGE = "no passage answers it"  # the reason why such a sentence has no quote


def refusal(unknown: Sequence[str] = ()) -> str:
    """Return the refusal; `unknown` are names in the question that no article has."""
    if not unknown:
        return REFUSAL
    names = " or ".join(f"“{name}”" for name in unknown)
    return f"{REFUSAL} None of them mentions {names}."


_OWN = frozenset(
    (
        *(*TALK.values(), *NOT_FOR_IT.values(), NOTHING_BEFORE, NOTHING_OFFERED, REFUSED, WHOM, SAID, UNQUOTED),
        *(NO_MORE, UNKNOWN_SPEAKER),
    )
)


def is_refusal(answer: str) -> bool:
    """Say whether an answer says that the articles do not have what was asked."""
    return answer.startswith((REFUSAL, UNMENTIONED.partition("{}")[0]))


def is_own(answer: str) -> bool:
    """Return whether an answer opens with one of citewire's own replies."""
    return answer.partition("\n")[0] in _OWN
