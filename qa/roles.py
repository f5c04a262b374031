"""Who heads an organisation, in words of questions and of news: "boss", "who runs Lund", "chief executive".

Knows the titles of those who lead and of others that are always persons. Who writes is here too: "the authors of the
note", "wrote analysts Ana Ruiz and Bob Lee". Knows no organisation and no person.
"""

from __future__ import annotations

import re

from citewire.qa import english, facts

TITLE = "CEO chief executive"  # what articles call who is asked for as the boss

_CAP = r"[^\W\d_a-z][\w’'.-]*"
_PERSON = rf"(?P<person>{_CAP}(?:\s{_CAP}){{1,3}})"
# Titles of one who leads the whole, in the order in which they are tried.
_TITLE = (
    r"(?:(?:[Cc]hairman|[Cc]hairwoman|[Cc]hair|[Ff]ounder|[Cc]o-?[Ff]ounder|[Pp]resident|CEO|[Oo]wner)\s(?:and|&)\s(?:the\s)?)?"
    r"(?:CEO|C\.E\.O\.|[Cc]hief [Ee]xecutive(?: [Oo]fficer)?|[Cc]hair(?:man|woman|person)?|[Pp]resident"
    r"|[Mm]anaging [Dd]irector|[Gg]eneral [Mm]anager|[Dd]irector[- ][Gg]eneral|[Bb]oss|[Hh]ead)"
)
LEADS = re.compile(
    rf"(?<![\w-])(?<!vice )(?<!Vice )(?<!deputy )(?<!former )(?<!ex-){_TITLE}(?![\w-])(?!\s(?:designate|emerit\w+))"
    r"|\b(?:heads|leads|runs)\s(?:the\s(?:company|firm|group|bank)|[^\W\d_a-z])"
)
_ORG = rf"{_CAP}(?:\s(?:(?:of|and|&)\s)?{_CAP}){{0,3}}"
_COMPANY = (
    r"(?:[Tt]he|[Ii]ts|[Tt]heir)\s?(?:company|firm|group|bank|maker|manufacturer|brewer|airline|business)?['’]?s?"
)
_HEADS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_PERSON},?\s(?P<of1>{_COMPANY}|{_ORG}['’]s?)\s(?:(?!former|vice|deputy|then|ex)[a-z]+\s){{0,2}}{_TITLE}(?![\w-])",
        rf"{_PERSON},?\s(?:(?:who\s)?(?:is|was|became)\s|as\s)?(?:the\s)?{_TITLE}\s(?:of|at)\s(?P<of>(?:the\s)?{_ORG}|the\scompany)",
        rf"(?P<of>{_COMPANY}|{_ORG}(?:['’]s?)?)\s{_TITLE},?\s{_PERSON}",
        rf"{_TITLE}\s(?:of|at)\s(?P<of>(?:the\s)?{_ORG}|the\scompany),?\s{_PERSON}",
        rf"{_PERSON}\s(?:heads|leads|runs)\s(?P<of>(?:the\s)?{_ORG})",
    )
)
_THE_COMPANY = re.compile(_COMPANY)
_ASKED = r"(?:boss|head|leader|chief|top (?:man|woman|manager|executive)|big boss|number one)"
_NOW = r"(?:,?\s(?:now|today|currently|right now))?"
_WHOM = r"(?P<of>[^?]{2,60}?)"
_WHO = r"\W*(?:who(?:['’]s|\s(?:is|was))|what(?:['’]s|\sis|\swas)\sthe\snames?\sof)\s(?:now\s|currently\s)?"
_LEADER = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_WHO}(?:the\s)?(?:current\s|new\s|present\s)?{_ASKED}\s(?:of|at)\s{_WHOM}{_NOW}\W*",
        rf"{_WHO}(?P<of>[^?]{{2,60}}?)['’]s?\s(?:current\s|new\s|present\s)?{_ASKED}{_NOW}\W*",
        rf"\W*who\s(?:now\s|currently\s)?(?:heads?|runs?|leads?|manages?|headed|led|ran)(?:\sup)?\s{_WHOM}{_NOW}\W*",
        rf"{_WHO}(?:in\scharge\sof|running|heading|leading|at\sthe\s(?:helm|head|top)\sof)"
        rf"\s{_WHOM}{_NOW}\W*",
    )
)
_NAMED = re.compile(rf"{_CAP}(?<!['’]s)(?:\s(?:(?:of|and|the|&)\s){{0,2}}{_CAP}){{0,4}}")
_LEADING = frozenset(
    map(facts.stem, "boss head heads leader chief top run runs ran lead leads led manage charge helm running".split())
)
_PERSONS = re.compile(
    r"(?:.*\s)?(?:boss|chief|ceo|cfo|cto|coo|chair(?:man|woman|person)?|president|director|executive|officer|leader"
    r"|minister|mayor|governor|secretary|spokes(?:man|woman|person)|analyst|author|writer|editor|reporter|journalist|coach"
    r"|captain|manager|founder|inventor|lawyer|judge|economist|engineer)s?"
)
_TITLED = re.compile(
    rf"\W*who(?:['’]s|\s(?:is|was|are|were))\s(?:(?:the|an?|its|their)\s|[^?]{{2,40}}?['’]s?\s)(?:current\s|new\s)?"
    rf"(?P<noun>[a-z-]+(?:\s[a-z-]+){{0,3}}?)(?=\s(?:{english.PREPOSITIONS}|who|that)\b|\W*$)",
    re.IGNORECASE,
)
_TITLES = {
    "ceo": re.compile(r"\b[Cc]hief [Ee]xecutive\b"),
    "chief executive": re.compile(r"\bCEO\b"),
}
_WRITTEN = re.compile(
    r"\b(?:wrote|written|writes|writing|author(?:s|ed)?|penned|co-?wrote)\b"
    r"|\b(?:report|note|article|study|paper|piece) by\s[^\W\d_a-z]"
)
_AUTHORS_ASKED = re.compile(
    r"\W*who(?:(?:['’]s|\s(?:is|was|are|were))\sthe\s(?:authors?|writers?)\sof|\s(?:wrote|penned|authored))\s(?:the|this|that)\b",
    re.IGNORECASE,
)
_THOSE = r"(?:(?:the\s)?(?:its\s)?(?:analysts?|economists?|researchers?|strategists?|reporters?|authors?)\s)?"
_SIGNED = re.compile(
    rf"\b(?:wrote|writes|(?:written|penned|authored|published|report|note|article|study|paper)\sby)\s{_THOSE}{_PERSON}"
    rf"|{_PERSON.replace('person', 'writer')}(?:\sand\s{_CAP}(?:\s{_CAP})*)?\s(?:wrote|writes)\b"
)
_WRITING = frozenset(map(facts.stem, "author authors writer writers wrote written write penned".split()))


# Last words of names that are no persons: legal forms and kinds of organisations and places.
_NO_PERSON = frozenset(
    "inc corp corporation company co ltd llc plc gmbh ag group holdings bank capital partners technologies technology"
    " systems labs university college institute school council court house office department ministry agency commission"
    " association union league cup party times post news journal street city county state states kingdom river island"
    " islands mining platforms digital media international foundation fund reserve airlines motors energy pharma"
    " museum park bridge airport church hospital committee parliament senate congress act day".split()
)
_INNER_CAPITAL = re.compile(r"(?!Mc|Mac|De|Di|Le|La|Van|Fitz)\w*[a-z][A-Z]|[A-Z]{2,}[a-z]")


def may_be_person(name: str) -> bool:
    """Whether a name can be a person's, by its form alone: no legal form, acronym or "JPMorgan" in it."""
    parts = name.split()
    return parts[-1].lower() not in _NO_PERSON and not any(
        (w.isupper() and len(w.strip(".")) > 2) or _INNER_CAPITAL.match(w) for w in parts
    )


def is_role(noun: str) -> bool:
    """Whether a noun phrase, lower case, is what a person is: "finance chief"."""
    return bool(_PERSONS.fullmatch(noun))


def led(question: str) -> str:
    """Return the organisation whose head a question asks for, as written; "" of other questions.

    >>> led("Who's the boss of Lund?"), led("Who runs the night programme?"), led("Who is the head of design at Lund?")
    ('Lund', '', '')
    """
    for pattern in _LEADER:
        if m := pattern.fullmatch(question):
            of = re.sub(r"^the\s(?=(?-i:[^\W\d_a-z]))", "", m["of"].strip())
            plain = of.split()
            if question.islower():  # written without capitals
                name = 1 <= len(plain) <= 2 and plain[0] not in facts.STOP_WORDS and not english.is_plural(of)
            else:
                name = bool(_NAMED.fullmatch(of))
            return of if name else ""
    return ""


def asks_for_person(question: str) -> bool:
    """Whether a question with "who" asks for one by a title that only persons have: "Who is the mayor of Oslo?"."""
    m = _TITLED.match(question)
    return m is not None and is_role(m["noun"].lower())


def heads(sentence: str, organisation: str) -> bool:
    """Whether a sentence says outright who heads the organisation: "Lund's chief executive, Ana Ruiz".

    "The company's" stands for the organisation; a title with nothing beside it does not say of what.
    """
    for pattern in _HEADS:
        for m in pattern.finditer(sentence):
            of = next((words for key, words in m.groupdict().items() if key.startswith("of") and words), "")
            whose = re.sub(r"['’]s?$", "", of)
            mine = _THE_COMPANY.fullmatch(whose) or (whose and facts.has_name(organisation, whose))
            if mine and may_be_person(m["person"]) and not facts.has_name(organisation, m["person"]):
                return True
    return False


def asks_for_authors(question: str) -> bool:
    """Whether it is asked who wrote something."""
    return bool(_AUTHORS_ASKED.match(question))


def signed(sentence: str) -> bool:
    """Whether a sentence names a person as the writer of something: "wrote analysts Ana Ruiz and Bob Lee"."""
    return any(may_be_person(m["person"] or m["writer"]) for m in _SIGNED.finditer(sentence))


def stands_for(term: str, question: str, sentence: str) -> bool:
    """Whether a sentence has in other words what a stem of the question says of a person's place or work."""
    if term in _LEADING and led(question):
        return bool(LEADS.search(sentence))
    if term in _WRITING:
        return bool(_WRITTEN.search(sentence)) or signed(sentence)
    if term in ("ceo", "chief", "execut"):
        asked = question.lower()
        return any(title in asked and said.search(sentence) for title, said in _TITLES.items())
    return False
