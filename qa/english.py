"""Forms of English verbs and nouns, and the parts of a question: what is asked, auxiliary, subject, predicate.

Knows closed classes (auxiliaries, prepositions, irregular verbs) and spelling rules, no lexicon. Where the words leave
open where a subject ends, there is no reading rather than a likely one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Base, past and participle of the irregular verbs (Quirk et al. 1985, section 3.12 ff.); "=" repeats the form before.
_TABLE = """
arise arose arisen|awake awoke awoken|be was been|bear bore borne|beat = beaten|become became become|begin began begun
bend bent =|bet = =|bid = =|bind bound =|bite bit bitten|bleed bled =|blow blew blown|break broke broken|breed bred =
bring brought =|build built =|burst = =|buy bought =|cast = =|catch caught =|choose chose chosen|cling clung =
come came come|cost = =|creep crept =|cut = =|deal dealt =|dig dug =|do did done|draw drew drawn|drink drank drunk
drive drove driven|eat ate eaten|fall fell fallen|feed fed =|feel felt =|fight fought =|find found =|flee fled =
fly flew flown|forbid forbade forbidden|forecast = =
forget forgot forgotten|forgive forgave forgiven|freeze froze frozen
get got =|give gave given|go went gone|grind ground =|grow grew grown|hang hung =|have had =|hear heard =
hide hid hidden|hit = =|hold held =|hurt = =|keep kept =|know knew known|lay laid =|lead led =|leave left =
lend lent =|let = =|lie lay lain|light lit =|lose lost =|make made =|mean meant =|meet met =|mistake mistook mistaken
overcome overcame overcome|overtake overtook overtaken|pay paid =|put = =|quit = =|read = =|rebuild rebuilt =
ride rode ridden|ring rang rung|rise rose risen|run ran run|say said =|see saw seen|seek sought =|sell sold =
send sent =|set = =|shake shook shaken|shed = =|shine shone =|shoot shot =|show showed shown|shrink shrank shrunk
shut = =|sing sang sung|sink sank sunk|sit sat =|sleep slept =|slide slid =|speak spoke spoken|spend spent =
split = =|spread = =|spring sprang sprung|stand stood =|steal stole stolen|stick stuck =|sting stung =
strike struck =|strive strove striven|swear swore sworn|sweep swept =|swim swam swum|swing swung =|take took taken
teach taught =|tear tore torn|tell told =|think thought =|throw threw thrown|undergo underwent undergone
understand understood =|undertake undertook undertaken|uphold upheld =|upset = =|wake woke woken|wear wore worn
win won =|wind wound =|withdraw withdrew withdrawn|withhold withheld =|write wrote written
"""
_IRREGULAR: dict[str, tuple[str, str]] = {}
for _verb in re.split(r"[|\n]", _TABLE.strip()):
    _base, _past, _participle = _verb.split()
    _past = _base if _past == "=" else _past
    _IRREGULAR[_base] = _past, (_past if _participle == "=" else _participle)
_BASES = {past: base for base, (past, _) in reversed(_IRREGULAR.items())}
_PARTICIPLES = frozenset(participle for _, participle in _IRREGULAR.values())

_DOUBLING = re.compile(r"(?:\b(?:com|ad|per|sub|trans|o|e|re)mit|(?<!f)fer|cur|[mp]pel|rebel|trol|gret|quip|allot)$")
_SHORT_CVC = re.compile(r"[^aeiou\W]*(?:qu)?[aeiou][^aeiouwxy\W]")
# How a stem before "-ed" ends that was written with "e": "acquir-ed", "clos-ed", "generat-ed".
_LOST_E = re.compile(
    r"(?:(?<![eo])at|creat|i[sz]|us|as|os|[lnr]s|ais|cur|[cvzu]|dg|rg|[ae]ng|lung|[^e]ag|uir|[pv]ir|[pl]or|stor"
    r"|as?ur|sur|[^aeou]ut|[bdgkpt]l|[bf]in|pos|[^o]id|ud|rad|cod|[^aeo][aio]k|yp|ap)$"
)
_NOT_LOST_E = re.compile(r"(?:\b[bh]ang|eap|aid|oud|focus|discus|ss|i[ae]s)$")

AUXILIARIES = "is|are|was|were|do|does|did|has|have|had|will|would|can|could|should"
_AUXILIARY = re.compile(rf"\b(?P<aux>{AUXILIARIES})(?P<not>n['’]t)?\b", re.IGNORECASE)
WH = "who|whom|whose|what|which|when|where|why|how"
PREPOSITIONS = (
    "in|at|on|by|for|from|to|with|since|of|under|after|until|into|about|over|during|before|between|against|as"
)
_OPENS = re.compile(rf"(?:(?:{PREPOSITIONS})\s+)?(?:{WH})\b", re.IGNORECASE)
_DETERMINER = frozenset(
    "the a an this that these those its his her their our your my some any no every each all both".split()
)
_FUNCTION = _DETERMINER | frozenset(
    f"{PREPOSITIONS}|up|down|out|off|away|back|than|through|across|and|or|but|not|it|him|them|me|us|you|because|if|when"
    "|while|that|so|too|again|first|last|more|most|less|such|there|here|now|only|ever|never|also|still".split("|")
)
_PRONOUN = frozenset("i you he she it we they there this that these those".split())
_ADVERB = re.compile(
    r"(?!(?:rely|apply|supply|reply|imply|comply|multiply|fly|ally|rally|tally|bully|family|assembly|monopoly)\Z)(?:\w+ly|also|ever|never|first|finally|again|still|now|just|once|not|already|even)\Z"
)
_VERBAL = re.compile(r"\w{2,}(?:is|iz|ify|[^aeiou]at)e?\Z|\w{3,}[td]en\Z")
_CAPITAL = re.compile(r"[^\W\d_a-z]")
_PLURAL = re.compile(
    r"(?!(?:gas|bias|atlas|lens|news|texas|always|perhaps)\Z)"
    r"(?:[\w’'-]*[^\Wsui]s|[\w’'-]*[^\W](?:ies|ches|shes|sses|xes|ses)|people|men|women|children|media|data)"
)
_SUBJECT_ASKED = re.compile(
    r"(?:who|what|which(?:\s[\w’'-]+){1,3}?)\s(?:first\s)?(?P<verb>[a-z]+)\s(?P<object>[^,?;:]{1,80}?)\s*\??",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A question with its auxiliary before the subject.

    Attributes:
        wh: what is asked, "How many ferries"; "" for yes or no.
        aux: the auxiliary in lower case.
        negated: whether it is "didn't", "isn't" ...
        subject, verb, rest: "Lund", "run", "in 2023"; with a form of "be", `verb` is the first word of the predicate.
    """

    wh: str
    aux: str
    negated: bool
    subject: str
    verb: str
    rest: str


def past(verb: str) -> str:
    """Return the past of a base form.

    >>> [past(verb) for verb in ("shut", "plan", "acquire", "carry", "open", "commit")]
    ['shut', 'planned', 'acquired', 'carried', 'opened', 'committed']
    """
    return _IRREGULAR[verb][0] if verb in _IRREGULAR else _regular(verb)


def _regular(verb: str) -> str:
    if verb.endswith("e"):
        return verb + "d"
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    if _SHORT_CVC.fullmatch(verb) or _DOUBLING.search(verb):
        return verb + verb[-1] + "ed"
    return verb + "ed"


def participle(past_form: str) -> str:
    """Return the participle that belongs to a past form: "bought", "grown" of "grew"."""
    base = _BASES.get(past_form)
    return _IRREGULAR[base][1] if base else past_form


def is_past(word: str) -> bool:
    """Whether a lower-case word has the form of a past or a participle."""
    return bool(re.fullmatch(r"\w{2,}ed", word)) or word in _BASES or word in _PARTICIPLES


def base(verb: str) -> str:
    """Return the base form of a past or third-person form, by spelling alone.

    >>> [base(verb) for verb in ("mined", "planned", "sold", "carried", "opened", "acquired", "mines", "passes")]
    ['mine', 'plan', 'sell', 'carry', 'open', 'acquire', 'mine', 'pass']
    """
    if verb in _BASES:
        return _BASES[verb]
    if verb in ("has", "had"):
        return "have"
    if re.search(r"ie[ds]$", verb):
        return verb[:-3] + "y" if len(verb) > 4 else verb[:-1]
    if verb.endswith("ed"):
        return _unstem(verb[:-2])
    if re.search(r"(?:s|x|ch|sh|o)es$", verb) and not verb.endswith(("oses", "ases", "uses", "ises", "enses")):
        return verb[:-2]
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else verb


def _unstem(stem: str) -> str:
    """The base of the stem before "-ed"."""
    if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "aeiou":
        whole = stem[-2:] in ("ll", "ss", "zz", "ff") and not re.search(r"[aeiou]\w*(?:[cbdp]ell|troll)$", stem)
        return stem if whole or len(stem) == 3 else stem[:-1]
    lost = _SHORT_CVC.fullmatch(stem) or (_LOST_E.search(stem) and not _NOT_LOST_E.search(stem))
    return stem + "e" if lost else stem


def third(verb: str) -> str:
    """Return the third person singular of a base form."""
    if verb in ("be", "have", "do", "go"):
        return {"be": "is", "have": "has", "do": "does", "go": "goes"}[verb]
    if re.search(r"(?:s|x|z|ch|sh)$", verb):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"


def is_plural(noun: str) -> bool:
    """Whether the last word of a noun phrase looks plural; "gas" and "analysis" do not."""
    last = noun.lower().split()[-1] if noun.split() else ""
    return bool(_PLURAL.fullmatch(last)) and not last.endswith(("'s", "’s"))


def singular(noun: str) -> str:
    """Return a regular plural's singular: "capitals", "companies", "losses"."""
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    if re.search(r"(?:ss|x|ch|sh)es$", noun):
        return noun[:-2]
    return noun[:-1] if is_plural(noun) and noun.endswith("s") else noun


def possessive(name: str) -> str:
    """Return the genitive: "Canaan's", "its rivals'"."""
    return name + ("'" if name.split() and is_plural(name) and name.split()[-1].islower() else "'s")


def agreeing(aux: str, plural: bool) -> str:
    """Return the auxiliary in the number of its subject."""
    pairs = (("is", "are"), ("was", "were"), ("does", "do"), ("has", "have"))
    return next((pair[plural] for pair in pairs if aux.lower() in pair), aux)


def opens_question(text: str) -> bool:
    """Whether `text` begins as a question does: with a question word or an auxiliary."""
    return bool(_OPENS.match(text) or _AUXILIARY.match(text))


def clause(text: str) -> Clause | None:
    """Return the parts of a question with an auxiliary before its subject, None where they cannot be told apart.

    >>> clause("How many ferries did Lund sell in 2023?")
    Clause(wh='How many ferries', aux='did', negated=False, subject='Lund', verb='sell', rest='in 2023')
    >>> clause("Why did the plan fail?").subject
    'the plan'
    """
    asked = text.strip().rstrip("?!. ")
    if not opens_question(asked):
        return None
    found = _AUXILIARY.search(asked)
    if not found:
        return None
    wh = asked[: found.start()].strip()
    opens = _OPENS.match(wh)
    if (wh and not opens) or len(wh.split()) > 9:
        return None
    if opens and re.search(r"\b(?:that|who|which|whose)\b|,", wh[opens.end() :]):
        return None  # the auxiliary is that of a relative clause
    tokens = asked[found.end() :].split()
    aux = found["aux"].lower()
    at = _predicate(tokens, aux)
    if not at:
        return None
    while at < len(tokens) - 1 and _ADVERB.match(tokens[at]) and tokens[at] != "not":
        tokens.append(tokens.pop(at))  # "did Acme first open" reads as "did Acme open first"
    subject, verb, rest = " ".join(tokens[:at]), tokens[at], " ".join(tokens[at + 1 :])
    if aux in ("did", "do", "does") and verb != "not" and (verb in _FUNCTION or is_plural(verb)):
        return None  # no base form
    return Clause(wh, aux, bool(found["not"]), subject, verb, rest)


_WHICH = re.compile(r"\b(?P<wh>which|what)\s", re.IGNORECASE)
_ONE_OF = re.compile(
    r"(?:ones?\s)?of\s(?:all\s)?(?:the|these|those|its|his|her|their|our)\s(?:(?:two|three|four|five|many|other|\d+)\s)*",
    re.IGNORECASE,
)
_NO_NOUN = re.compile(r"(?:ones?|else|all|two|three|four|five|both|happened|happens|next)\Z")
_RELATIVE = ("that", "who", "which", "whose")
_MOST_NOUNS = 4  # words of a noun phrase that is asked for


def noun_asked(text: str) -> str:
    """Return the noun phrase that a question with "which" or "what" wants the name of, lower case; "" if none is read.

    It ends where a verb or a preposition begins. A word in "-s" before another verb belongs to it, one before anything
    else is the verb.

    >>> noun_asked("Which of the mining firms left Norland?"), noun_asked("What drew all those firms to Norland?")
    ('mining firms', '')
    """
    for opens in _WHICH.finditer(text):
        phrase = re.split(r"[?,;:.](?:\s|$)", text[opens.end() :])[0]
        asked = _ONE_OF.sub("", phrase, count=1) if _ONE_OF.match(phrase) else phrase
        tokens = asked.split()
        end = _noun_end(tokens, opens["wh"].lower())
        words = [t.lower() for t in tokens[:end]]
        while words and _ADVERB.match(words[-1]):
            words.pop()
        if words and not _NO_NOUN.match(words[-1]):
            return re.sub(r"['’]s?$", "", " ".join(words))
    return ""


def is_noun_phrase(words: str) -> bool:
    """Whether words can be shown as a noun phrase: some, and none of them a function word or a past that is no more."""
    tokens = words.lower().split()
    return bool(tokens) and not any(t in _FUNCTION or _is_auxiliary(t) or _only_past(t) for t in tokens)


def _is_auxiliary(word: str) -> bool:
    return bool(_AUXILIARY.fullmatch(word)) or word in ("may", "might", "must", "shall", "be", "been")


def _only_past(word: str) -> bool:
    """Whether a word is the past of an irregular verb and neither its participle nor its base: "drew"."""
    return word in _BASES and word not in _PARTICIPLES and word not in _IRREGULAR and word not in ("saw", "found")


def _noun_end(tokens: list[str], wh: str) -> int:
    """How many tokens make up the noun phrase that "which" or "what" stands before; 0 where none does."""
    first = tokens[0].lower() if tokens and tokens[0] != "US" else ""
    if not tokens or first in _FUNCTION or _is_auxiliary(first) or _opens_verb(tokens, wh):
        return 0
    for at, token in enumerate(tokens[: _MOST_NOUNS + 1]):
        low, following = token.lower(), tokens[at + 1 :]
        if re.search(r"['’]s?$", token) and following:
            return at + 1
        if at and _ends_noun(tokens, at):
            named = wh == "what" and all(_CAPITAL.match(t) for t in tokens[:at]) and not _is_auxiliary(low)
            return 0 if named else at  # "what Lund sold"
    return 0


def _opens_verb(tokens: list[str], wh: str) -> bool:
    """Whether the first token is the verb whose subject is asked for: "what drew ...", "which won"."""
    first, second = tokens[0].lower(), tokens[1] if len(tokens) > 1 else ""
    follows = not second or second.lower() in _FUNCTION or bool(_CAPITAL.match(second))
    if _only_past(first) or (first.endswith("ed") and is_past(first) and (wh == "what" or follows)):
        return True
    if first in _BASES and first not in _IRREGULAR:  # "led", "built", "made"
        return wh == "what" or follows
    third_person = first.endswith("s") and (follows or base(first) in _IRREGULAR or bool(_VERBAL.match(base(first))))
    return (
        third_person
        and second.lower() not in _RELATIVE
        and not (second and (_is_verb(second.lower()) or second.lower() in PREPOSITIONS.split("|")))
    )


def _is_verb(word: str) -> bool:
    return _is_auxiliary(word) or word in _IRREGULAR or is_past(word)


def _ends_noun(tokens: list[str], at: int) -> bool:
    """Whether the noun phrase ends before the token at `at`, which is not the first."""
    word = tokens[at].lower()
    before = next((t.lower() for t in reversed(tokens[:at]) if not _ADVERB.match(t)), "")
    behind = [t.lower() for t in tokens[at + 1 :] if not _ADVERB.match(t)]
    following, later = [*behind, "", ""][:2]
    if _is_auxiliary(word) or word in _RELATIVE:
        return True
    if word in PREPOSITIONS.split("|") or word in ("within", "among", "near", "outside", "behind"):
        return any(_is_verb(t.lower()) or t.lower().endswith("s") for t in tokens[at + 1 :])
    if _ADVERB.match(word) or not tokens[at].islower():
        return False
    if is_past(word) and word not in _IRREGULAR:
        return not (is_plural(following) and _is_verb(later) and not _is_verb(following))  # "listed miners reported"
    if is_plural(before) and not before.endswith("ss"):
        return word in _IRREGULAR or not _is_verb(following)  # "firms make", and not "sports clubs won"
    if not word.endswith("s") or word.endswith("ss"):
        return False
    return bool(base(word) in _IRREGULAR or _VERBAL.match(base(word)) or not following or not _is_verb(following))


def _predicate(tokens: list[str], aux: str) -> int:
    """Where the predicate begins, 0 where that is open."""
    if len(tokens) < 2:
        return 0
    if tokens[0].lower() in _PRONOUN and tokens[1].lower() not in ("of",):
        return 1 if tokens[0].lower() not in _DETERMINER or tokens[1].lower() in _FUNCTION else _in_phrase(tokens, aux)
    if not _CAPITAL.match(tokens[0]):
        return _in_phrase(tokens, aux)
    at = 1
    while at < len(tokens) and (
        _CAPITAL.match(tokens[at])
        or (tokens[at].lower() in ("and", "of", "&", "the") and _CAPITAL.match(" ".join(tokens[at + 1 : at + 2])))
    ):
        at += 1
    if any(re.search(r"['’]s?$", t) for t in tokens[:at]) or (at < len(tokens) and tokens[at] in ("and", "or", "of")):
        return _in_phrase(tokens, aux)
    if at < len(tokens) and aux not in ("is", "are", "was", "were", "has", "have", "had"):
        following = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
        if is_plural(tokens[at]):  # "American regulators have"
            return _in_phrase(tokens, aux)
        if tokens[at] not in _IRREGULAR and following in _IRREGULAR and not _ADVERB.match(tokens[at]):
            return 0  # "Kestrel stock fall", "Kestrel help run it"
    return at if at < len(tokens) and re.match(r"\w", tokens[at]) else 0


def _in_phrase(tokens: list[str], aux: str) -> int:
    """The same for a subject with common nouns: the one word that can be the verb."""
    verbal = aux in ("is", "are", "was", "were", "has", "have", "had")
    found = [i for i in range(1, len(tokens)) if _may_be_verb(tokens, i, verbal)]
    if verbal and found and found == list(range(found[0], found[-1] + 1)):
        return found[0]  # "been fined"
    if len(found) > 1:
        known = [i for i in found if tokens[i] in _IRREGULAR or _VERBAL.match(tokens[i])]
        found = known if len(known) == 1 else found
    if verbal and not found and not any(t.lower() in _FUNCTION - {"the", "of"} for t in tokens[1:]):
        found = [len(tokens) - 1]  # "is the ferry late"
    return found[0] if len(found) == 1 else 0


def _may_be_verb(tokens: list[str], i: int, verbal: bool) -> bool:
    word, before = tokens[i], tokens[i - 1].lower()
    if not word.islower() or not word.isalpha() or word in _FUNCTION or before in _DETERMINER or before == "to":
        return False
    if before in PREPOSITIONS.split("|"):
        return False
    if verbal:
        return is_past(word) or word.endswith("ing")
    following = tokens[i + 1].lower() if i + 1 < len(tokens) else ""
    if is_plural(word) or following == "of":
        return False
    return not following or following in _FUNCTION or not following.isalpha() or bool(_CAPITAL.match(tokens[i + 1]))


def ask(wh: str, parts: Clause) -> str:
    """Return the question with another question word: "When did Lund sell?" of "Why did Lund sell?"."""
    aux = parts.aux + ("n't" if parts.negated else "")
    asked = " ".join(f"{wh} {aux} {parts.subject} {parts.verb} {parts.rest}".split())
    return asked[0].upper() + asked[1:] + "?"


def ask_of_object(wh: str, text: str) -> str:
    """Return a question about the object of a question about the subject, "" where the object's end is open.

    >>> ask_of_object("when", "Who bought the old bridge?")
    'When was the old bridge bought?'
    """
    thing = object_asked_of(text)
    if not thing:
        return ""
    found = _SUBJECT_ASKED.fullmatch(text.strip())
    plural = is_plural(thing.split(" of ")[0]) and thing.split()[-1].islower()
    return f"{wh.capitalize()} {'were' if plural else 'was'} {thing} {participle(found['verb'])}?" if found else ""


def object_asked_of(text: str) -> str:
    """Return the object of a question about the subject, "" where its end is open: "the old bridge"."""
    found = _SUBJECT_ASKED.fullmatch(text.strip())
    if not found or not is_past(found["verb"]) or found["verb"] in ("had", "was", "were", "did"):
        return ""
    inside = _FUNCTION - {"the", "a", "an", "of", "its", "his", "her", "their", "and"}
    return "" if any(w.lower() in inside for w in found["object"].split()) else found["object"]


def statement(parts: Clause) -> str:
    """Return the clause as a statement without what is asked: "Lund sold in 2023"."""
    if parts.aux in ("did", "do", "does") and not parts.negated and parts.verb != "not":
        verb = past(parts.verb) if parts.aux == "did" else third(parts.verb) if parts.aux == "does" else parts.verb
        return " ".join(f"{parts.subject} {verb} {parts.rest}".split())
    negation = "not " if parts.negated else ""
    return " ".join(f"{parts.subject} {parts.aux} {negation}{parts.verb} {parts.rest}".split())
