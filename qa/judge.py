"""Whether a text gives what a question asks for, told by rules: its terms, names and years, and the kind of answer.

The rules name what is missing in words that a reader understands; they are strict, and how much they count is weighed
by `answerable`. Knows no ranking and asks no language model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from citewire.index.types import Article, Span
from citewire.qa import english, facts, findings, measured, places, roles
from citewire.qa.antecedents import NOUNS, leans
from citewire.qa.question import COUNTRY_NOUNS, PLACE, Question
from citewire.qa.vectors import WordVectors

_KIND = 0.55  # least cosine between the kind of thing asked for and a name ("country", "Singapore")
_ALIASES = {"eu": "european"}  # of a union, which `places` does not know
_PLACES = ("place", "country", "city", "region")
# Who publishes news, and what stands before its name where it is told something.
_MEDIA = frozenset("outlet newspaper paper magazine website site broadcaster channel programme program agency".split())
_TOLD_TO = r"\b(?:interview(?:ed)?\s(?:with|by)|told|speaking\sto|according\sto|reported\s(?:by|in))\s(?:the\s)?"
_TAKING = frozenset(map(facts.stem, "take takes taken took bring brings brought money".split()))
_MADE = frozenset("made makes make earned earns earn booked".split())  # as what a company takes in is told too
# "Several mining companies in Ghana": things without their names.
_SOME_OF = (
    r"\b(?:an?|some|several|many|various|numerous|a number of|two|three|four|five|\d+)\s+(?:[\w-]+\s+){{0,2}}?{}\w*\s+"
    r"(?:that|who|which|in|at|to|for|of|whose)\b"
)
_BEFORE_TICKER = re.compile(r"(?:[^\W\d_a-z][\w’'.&-]*,?\s)+\W*\Z")
# Words for one thing, by stems, of which a question in everyday words has another than the news.
_ALIKE = tuple(
    frozenset(map(facts.stem, words.split()))
    for words in (
        "duty duties levy levies tariff tariffs tax taxes toll",
        "note report paper study analysis",
        "worth price priced value valued trading trades",
    )
)
_CONDITIONS = re.compile(r"\b(?:what|which)\s(?:\w+\s)?(?:conditions?|circumstances?)\b", re.IGNORECASE)
_UNDER = frozenset(map(facts.stem, ("condition", "conditions", "circumstance", "circumstances")))
_CONDITION = re.compile(
    r"\b(?:if|whether|when|once|unless|until|provided|providing|depend\w*|conditions?|conditional\w*|subject to"
    r"|as long as|only|requir\w+|contingent|in case)\b",
    re.IGNORECASE,
)
_SEATED = frozenset(map(facts.stem, "based base headquartered headquarters located seat home".split()))
# Where shares are traded, by stems of a question, and as news gives it: "(NASDAQ: LND)".
_LISTED = frozenset(
    map(
        facts.stem,
        "exchange bourse list listed listing lists trade traded share stock ticker symbol quoted market".split(),
    )
)
_LISTING = re.compile(
    r"\bticker\b|\b(?:exchange|bourse|market)s?\b.*\b(?:list(?:s|ed)?|trad(?:e|es|ed|ing)|quoted|shares?|stock)\b"
    r"|\b(?:shares?|stock)\b.*\b(?:listed|traded|quoted|exchange|bourse)\b|\bwhere\b.*\b(?:listed|shares?.*\btrade)\b",
    re.IGNORECASE,
)
_TICKER = re.compile(
    r"\b(?:N(?:ASDAQ|asdaq)|NYSE(?: American| Arca)?|AMEX|OTC\w*|LSE|LON|AIM|TSXV?|TSE|TYO|ASX|NZX|HKEX|SEHK|SSE|SZSE"
    r"|KRX|KOSDAQ|SGX|BSE|NSE|FRA|F|ETR|XETRA|EPA|AMS|EBR|Euronext\w*|OMX|STO|CPH|HEL|OSE|OSL|SIX|SWX|VIE|WSE|BME|JSE|B3)"
    r"\s?:\s?[A-Z0-9][A-Z0-9.-]{0,7}\b"
)
# "Acme, a Chinese maker of ...", "the Singapore-based firm", "the US company Lund": whose place it is stands around.
_SEAT = re.compile(
    r"(?P<place>[^\W\d_a-z][\w.]*(?:\s[^\W\d_a-z][\w.]*)?)(?P<based>-based)?\s"
    rf"(?:(?:[\w-]+\s){{0,5}}?(?:{NOUNS}|[a-z]+maker)\b\s?)?(?P<named>[^\W\d_a-z][\w’'.-]*)?"
)
_CAPITALISED = re.compile(r"(?<![\w-])(?<!North )(?<!South )(?<!Latin )(?<!Central )[^\W\d_a-z]")
_APPOSED = re.compile(
    r"(?P<name>[^\W\d_a-z][\w’'.&-]*(?:\s[^\W\d_a-z][\w’'.&-]*)*)(?:\s\([^)]*\))?,\s(?:an?|the|one of the)\s$"
)
_WINDOW = 2  # sentences before a sentence that may say who or what it speaks of
_SAID = re.compile(r"[“”\"]|\b(?:said|says|stated|states|explained|told|added|argued|wrote|commented)\b")
_DAY = re.compile(
    r"\b(?:yesterday|today|tomorrow|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:last|next|this|the previous) (?:week|month|year|quarter|spring|summer|autumn|winter))\b",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"\bhow much\b.{1,80}\b(?:pay|paid|spen[dt]|costs?|earn(?:ed)?|charged?|invest(?:ed)?|owed?|donated?)\b"
    r"|\bwhat\b.{1,80}\b(?:earn(?:ed)?|pay|paid|spen[dt]|prices?|costs?|fees?|fines?|salary|budget|capitali[sz]ation"
    r"|revenues?|profits?|income|turnover|earnings|expenses|spending|loss(?:es)?)\b"
    r"|\bwhat\b.{1,80}\bworth\b"
    r"|\b(?:how much|what)\s(?:did|does|do|has|have|had)\b.{1,80}\s(?:take|taken|bring|brought|rake|raked)\sin\b"
    r"|\bhow much\b.{1,80}\b(?:make|made)(?=\W*$|\s(?:in|from|last|on|by)\b)"
    r"|\bhow much\s(?:\w+\s)?(?:revenues?|profits?|income|turnover|money|debt|equity|spending)\b",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"\b(?:by|rise|rose|grow|grew|fall|fell|increase|decrease|drop|dropped|chang|declin|gain|growth|higher|lower|more"
    r"|less|larger|smaller|percent|percentage|share|margin|rate|tariff)\w*\b",
    re.IGNORECASE,
)
_CURRENCY = re.compile(
    r"\s?(?:[A-Z]{3}\b|yen|rupees?|francs?|won|rou?bles?|kron(?:a|er|or|ur)|pesos?|rand|lira|tenge|ringgit|baht|reais)"
)
_LEAST_MONEY = 100  # a bare number below this is a day or a rank more often than a sum
# What a quantity is measured in, by stems of its names.
_MEASURED_IN = {
    "voltag": r"[km]?V|volts?",
    "hash hashrat": r"[kMGTPE]?H/s|(?:tera|peta|exa)hash\w*",
    "speed fast": r"km/h|kph|mph|knots?|m/s|[a-z]+ (?:per|an) hour",
    "weight heavi mass weigh": r"kg|kilograms?|kilos?|g|grams?|tonn?es?|tons?|t|lbs?",
    "power": r"[kMGT]?W|(?:kilo|mega|giga)?watts?",
    "energi": r"[kMGT]?Wh|(?:kilo|mega|giga)?watt[- ]hours?",
    "length height width depth distanc tall wide deep": r"[cmk]?m|(?:kilo|centi|milli)?met(?:er|re)s?|miles?|feet|ft",
    "temperatur hot cold": r"°\s?[CF]?|degrees",
    "area": r"hectares?|acres?|km²|m²|square \w+",
    "memori storag": r"[KMGTP]B|(?:mega|giga|tera)bytes?",
    "durat": r"seconds?|minutes?|hours?|days?|weeks?|months?|years?",
    "frequenc": r"[kMG]?Hz|(?:kilo|mega|giga)hertz",
    "volum": r"lit(?:er|re)s?|gallons?|barrels?|cubic \w+",
}
_TOGETHER = re.compile(
    r"\b(?:collectively|in aggregate|jointly|combined|altogether|between them|together(?! with\b))\b", re.IGNORECASE
)
# A year that only serves to compare: "up from 2023", "than in 2022".
_COMPARED_WITH = re.compile(
    r"\b(?:from|than|versus|vs\.?|against|over|compared (?:to|with))\s(?:in\s|that of\s|the\s)*(?:19|20)\d\d\b",
    re.IGNORECASE,
)
_SINCE = re.compile(r"\b(?:since|from|until|for)\b", re.IGNORECASE)


class Judge:
    """Whether a text gives what a question asks for; `vectors` are the words it compares."""

    def __init__(self, question: Question, vectors: WordVectors) -> None:
        self._question = question
        self.vectors = vectors
        self._asked: dict[str, str] = {facts.stem(w): w for w in content_words(question.text)}
        vectors.add([*self._asked.values(), *facts.words(question.noun), question.noun, *_PLACES])
        self._countries = {places.country(n) for n in question.names} - {""}
        self._money = bool(_MONEY.search(question.text)) and not _CHANGE.search(question.text)
        self._alone = _asks_of_one(question)
        self._long = "how long" in question.text.lower()
        self._unit_terms, self._unit = _unit_asked(question.text)
        self._acronyms = _acronyms_of(question.text)
        self._known: frozenset[str] = frozenset()  # words that stand with a capital inside a sentence that was read
        self._led = roles.led(question.text)
        self._of_persons = bool(self._led) or roles.asks_for_person(question.text)
        self._taken_in = measured.taken_in(question.text)
        self._share_of = measured.shared(question.text) if question.expects == "percent" else ""
        self._conditions = bool(_CONDITIONS.search(question.text))
        self._authors = roles.asks_for_authors(question.text)
        self._lists = _LISTING.search(question.text) is not None

    def read(self, sentences: Iterable[str]) -> None:
        """Embed the words of `sentences` in one batch, before they are judged one by one, and learn names from them."""
        texts = list(sentences)
        self._known |= facts.name_words(texts)
        self.vectors.add(w for s in texts for w in [*content_words(s), *facts.names(s, self._known)])

    def answers(self, claim: str) -> bool:
        """Whether `claim` gives what is asked for and says more than the question itself."""
        self.read([claim])
        asked = set(facts.terms(self._question.text))
        new = [t for t in facts.terms(claim) if not any(facts.same_root(t, a) for a in asked)]
        return bool(new) and not self.wanted(claim, None)

    def missing(self, span: Span, article: Article) -> tuple[str, ...]:
        """What the question asks for and the sentence, read in its article, does not give."""
        q = self._question
        sentence, near = article.text[span.start : span.end], before(article.text, span)
        subject = f"{sentence}\n{near}\n{article.title}\n{opening(article.text)}"
        out = [name for name in q.names if not self._has_name(name, subject)]
        spoken_of = facts.years(sentence) or facts.years(f"{article.text}\n{article.published[:4]}")
        if q.years and not q.years & spoken_of:  # a sentence on 2022 says nothing of 2023, whatever the article has
            out += [str(y) for y in sorted(q.years)]
        whole = terms_of(article.text)
        there = {*facts.terms(sentence), *facts.terms(near)}
        if q.expects == "statement" or self._authors:  # who is quoted or signs seldom repeats what it is about
            there |= whole
        absent = [t for t in q.terms if not self._has_term(t, there, sentence)]
        if len(absent) > self._may_lack():
            out += [self._asked.get(t, t) for t in absent]
        if other := self.other_measure(sentence, near):
            out.append(other)
        if self.of_group(sentence):
            out.append(f"a figure of {q.names[0]} alone")
        if (wanted := self.wanted(sentence, whole)) and wanted not in out:
            out.append(wanted)
        return tuple(out)

    def other_measure(self, sentence: str, near: str = "") -> str:
        """The quantity asked for, if the sentence speaks of another part of it, or of the whole; "" otherwise.

        What the part is called may stand in `near`, the text before, where the sentence leans on it.
        """
        of = measured.shares(sentence) if self._share_of else ()
        if of and self._share_of not in of:
            return f"a share of {self._share_of}"
        asked = self._question.measure
        if not asked or not (asked.head or asked.part):
            return ""
        every = measured.said(sentence)
        told = [m for m in every if not asked.head or m.same_quantity(asked)]
        if every and not told and not asked.mentioned(sentence):
            return asked.name
        if not asked.part:
            others = bool(told) and all(m.part and not self._is_name(m.part) for m in told)
            return f"{asked.head} as a whole" if others else ""
        read = f"{near} {sentence}" if leans(sentence) else sentence
        keys, there = asked.keys(), set(facts.terms(read))
        short = measured.acronyms(read)
        long = {w for w in keys if self._spelled_out(w, read)}
        has = [w for w in keys if w in short or w in long or self._has_term(facts.stem(w), there, read)]
        of_it = len(has) * 2 >= len(keys) and not (told and all(m.whole for m in told))
        return "" if of_it else asked.name

    def other_years(self, span: Span, article: Article) -> bool:
        """Whether the sentence speaks of years, none of them asked about; one that it only compares with is no such."""
        if not self._question.years:
            return False
        sentence = article.text[span.start : span.end]
        said = facts.years(_COMPARED_WITH.sub(" ", sentence))
        meant = {int(d.first[:4]) for d in article.dates_in(span)}
        return bool(said) and not self._question.years & (said | meant)

    def of_group(self, sentence: str) -> bool:
        """Whether the sentence's figure is that of several together, where one of them is asked about alone."""
        return self._alone and bool(_TOGETHER.search(sentence))

    def _is_name(self, part: str) -> bool:
        """Whether what stands before a quantity is whose it is: one of the question's names."""
        return any(facts.has_name(name, part) for name in self._question.names)

    def _spelled_out(self, word: str, text: str) -> bool:
        """Whether the text has the acronym of the question's run of words that `word` stands in."""
        return any(word in run and re.search(rf"\b{short}\b", text) for short, run in self._acronyms.items())

    def _has_name(self, name: str, text: str) -> bool:
        if facts.has_name(name, text) or (name.isupper() and name.lower() in measured.acronyms(text)):
            return True
        country = places.country(name)
        return bool(country) and country in places.countries_in(text)

    def _may_lack(self) -> float:
        """How many of the question's terms a sentence may leave out.

        None of a person's title. None of two where a figure or name is asked for, since a figure of something else is
        the likeliest wrong answer; why and what are asked in words that answers seldom repeat, so half.
        """
        q = self._question
        if q.describes:
            return 0 if q.expects == "person" else (len(q.terms) - 1) / 2
        if len(q.terms) <= 2 and q.expects not in ("reason", "statement", "open"):
            return 0
        return len(q.terms) / 2

    def _has_term(self, term: str, there: set[str], sentence: str) -> bool:
        if term in there or any(facts.same_root(term, t) for t in there):
            return True
        asked = self._asked.get(term, term)
        if self._spelled_out(asked, sentence) or (term in self._unit_terms and self._unit.search(sentence)):
            return True
        if term in _SEATED and self._seated(sentence):
            return True
        if self._lists and term in _LISTED and self._listed(sentence):
            return True
        if self._conditions and term in _UNDER and _CONDITION.search(sentence):
            return True
        if roles.stands_for(term, self._question.text, sentence):
            return True
        others = content_words(sentence)
        if self._taken_in and term in _TAKING and (_MADE & set(others) or measured.same_word("revenue", others)):
            return True
        if any(term in group and not group.isdisjoint(there) for group in _ALIKE):
            return True
        if self._question.measure and measured.same_word(asked, others):
            return True
        if len(asked) > 3 and any(w.endswith(asked) for w in others):  # "SkuaMiners"
            return True
        if any(findings.same_side(findings.root(asked), findings.root(w)) for w in others):
            return True
        return any(self.vectors.alike(asked, w) for w in others)

    def says_outright(self, sentence: str) -> bool:
        """Whether the sentence says outright where something is based, or listed, or who heads it, if that is asked."""
        q = self._question
        if self._led:
            return q.expects == "person" and roles.heads(sentence, self._led)
        if self._authors:
            return q.expects == "person" and roles.signed(sentence)
        if self._lists and q.expects == "named":
            return self._listed(sentence, named=True) and all(t in _LISTED for t in q.terms)
        if q.expects != "named" or q.noun not in (*COUNTRY_NOUNS, "city", "state", "region") or not q.terms:
            return False
        return all(t in _SEATED for t in q.terms) and self._seated(sentence, named=True)

    def _listed(self, sentence: str, *, named: bool = False) -> bool:
        """Whether the sentence gives exchange and ticker, "(NYSE: LND)"; with `named`, beside the name asked about."""
        for m in _TICKER.finditer(sentence):
            owner = _BEFORE_TICKER.search(sentence[: m.start()])
            if not named or any(owner and facts.has_name(name, owner[0]) for name in self._question.names):
                return True
        return False

    def _seated(self, sentence: str, *, named: bool = False) -> bool:
        """Whether the sentence says by an adjective where a company or the like is based: "a Danish maker".

        Not where it says that of another; with `named`, only where it names the one asked about.
        """
        place_asked = self._question.noun not in ("city", "state", "region")
        for start in _CAPITALISED.finditer(sentence):
            m = _SEAT.match(sentence, start.start())
            if not m or not (m["based"] or (place_asked and places.countries_of(m["place"]))):
                continue
            called = (
                sentence[m.end("place") : m.start("named") if m["named"] else m.end()].removeprefix("-based").strip()
            )
            if not called and not (m["based"] and m["named"]):
                continue  # "Chinese Lund"
            apposed = _APPOSED.search(sentence[: m.start()])
            owner = m["named"] or (apposed["name"] if apposed else "")
            mine = any(facts.has_name(name.split()[0], owner) for name in self._question.names)
            if mine or (not owner and not named):
                return True
        return False

    def wanted(self, sentence: str, whole: frozenset[str] | None) -> str:
        """The kind of thing that the question asks for, if the sentence has none; "" otherwise.

        `whole` has the terms of the sentence's article, None for a claim, whose article has been judged already.
        """
        q = self._question
        asked = facts.numbers(q.text)
        amounts = [n for n in facts.numbers(sentence) if not any(n.matches(a) for a in asked)]
        amounts = [n for n in amounts if not (n.unit == "" and n.value in facts.years(sentence))]
        if q.expects == "percent" and not any(n.unit == "%" for n in amounts):
            return "a percentage"
        if q.expects == "amount" and not self._measures(sentence, amounts):
            return "a sum of money" if amounts and self._money else "a figure"
        if not leans(sentence) and (other := self.other_measure(sentence)):
            return other
        if q.expects == "count" and not any(self._counts(sentence, n) for n in amounts):
            countable = english.is_noun_phrase(q.noun) and not english.is_past(q.noun.split()[-1])
            return f"a number of {q.noun}" if countable else "a number"
        if self._conditions and not _CONDITION.search(sentence):
            return "a condition"
        if q.expects == "statement" and not (
            _SAID.search(sentence) and (not q.names or any(facts.has_name(n, sentence) for n in q.names))
        ):
            return "what was said"
        if q.expects == "date" and not _tells_time(sentence, q):
            return "a date"
        if q.expects == "person" and not self._who(sentence):
            return "a name"
        if q.expects == "named" and not self._named(sentence, whole):
            return f"the name of the {q.noun}" if english.is_noun_phrase(q.noun) else "a name"
        return ""

    def _measures(self, sentence: str, amounts: list[facts.Number]) -> bool:
        """Whether one of the amounts is of the kind asked for: money for a price, a time for "how long"."""
        if self._long and _SINCE.search(sentence) and _tells_time(sentence, self._question):
            return True
        if not self._money:
            return bool(amounts)
        return any(n.unit == "money" or (not n.unit and _may_be_money(sentence, n)) for n in amounts)

    def _counts(self, sentence: str, number: facts.Number) -> bool:
        """Whether what follows the number, up to five words on in the same clause, is the noun of "how many"."""
        nouns = facts.words(self._question.noun)
        if not nouns or number.unit:
            return False
        after = facts.words(re.split(r"[,;:.()]", sentence[number.end : number.end + 60])[0])[:5]
        head = nouns[-1]
        return any(facts.stem(head) in w or self.vectors.alike(head, w) for w in after)

    def _new_names(self, sentence: str) -> list[str]:
        """The names in the sentence that are not the question's own in another form ("US", "United States")."""
        own = [facts.name_key(n) for n in self._question.names]
        own += [_ALIASES[key] for key in own if key in _ALIASES]
        out = []
        for name in facts.names(sentence, self._known | facts.name_words([sentence])):
            key = facts.name_key(name)
            same = (
                key in o
                or o in key
                or facts.same_root(key, o)
                or _initials(key) == o
                or _initials(o) == key
                or facts.same_name(key, o)
                for o in own
            )
            if not any(same) and not (self._countries and self._countries & places.countries_of(name)):
                out.append(name)
        return out

    def _who(self, sentence: str) -> list[str]:
        """The new names in the sentence that can answer who.

        No adjective of a country, no place where something is done, nothing that is written small too.
        """
        every = re.findall(r"[^\W\d_]+", f"{sentence} {self._question.text}")
        small = {facts.stem(w) for w in every if w.islower()}
        new = [
            n for n in self._new_names(sentence) if not places.is_adjective(n) and facts.stem(n.lower()) not in small
        ]
        new = [
            n for n in new if re.search(rf"(?<!\bin )(?<!\bnear )(?<!\bacross )(?<!\bin the ){re.escape(n)}", sentence)
        ]
        return [n for n in new if roles.may_be_person(n)] if self._of_persons else new

    def _named(self, sentence: str, whole: frozenset[str] | None) -> bool:
        """Whether a new name stands for the noun: alike in meaning, or in an article on such things that names it."""
        noun = self._question.noun
        kinds = _PLACES if noun == PLACE else [noun]
        new = self._new_names(sentence)
        if self._lists and self._listed(sentence):
            return True
        if (
            facts.words(noun)[-1:]
            and facts.words(noun)[-1] in _MEDIA
            and any(re.search(rf"{_TOLD_TO}{re.escape(n)}", sentence) for n in new)
        ):
            return True
        if noun != PLACE and self._unit_terms & set(facts.terms(noun)) and self._unit.search(sentence):
            return True
        if any(self.vectors.alike(kind, n, _KIND) for kind in kinds for n in new):
            return True
        if not new or not facts.words(noun):
            return False
        word = facts.words(noun)[-1]
        head = facts.stem(word)
        if roles.is_role(noun) and not any(roles.may_be_person(n) and not places.countries_of(n) for n in new):
            return False
        if word in COUNTRY_NOUNS and any(places.countries_of(n) for n in new):
            return True
        if noun == PLACE:  # where something happens is an event too
            return any(re.search(rf"\bat\s(?:the\s)?{re.escape(n)}", sentence) for n in new)
        plain = content_words(re.sub(r"[^\W\d_a-z]\w*", " ", sentence))
        called = any(facts.same_root(head, facts.stem(w)) for w in plain)
        if any(self.vectors.alike(w, place, _KIND) for w in (noun, word) for place in _PLACES):
            return called  # a place is told by what its name means, checked above, or by what it is called here
        if word.endswith("ing") and not called:  # "rating": no name stands for it
            return False
        if whole is not None and head not in whole:
            return False
        some = _SOME_OF.format(re.escape(head))
        unnamed = re.search(some, sentence, re.IGNORECASE)
        return not unnamed or any(sentence.find(n) >= unnamed.end() and not places.countries_of(n) for n in new)


def _asks_of_one(question: Question) -> bool:
    """Whether a figure of the one thing that the question names is asked for: "Acme's profit", "did Acme earn"."""
    if question.expects not in ("amount", "percent", "count") or len(question.names) != 1:
        return False
    if _TOGETHER.search(question.text):
        return False
    name, parts = question.names[0], english.clause(question.text)
    owned = rf"(?<!\w){re.escape(name)}['’]s?(?!\w)"
    return bool(re.search(owned, question.text)) or (parts is not None and parts.subject == name)


def _unit_asked(text: str) -> tuple[frozenset[str], re.Pattern[str]]:
    """The terms of a question that name a quantity, and a number with a unit that it is measured in."""
    stems = set(facts.terms(text))
    units = [(set(names.split()) & stems, unit) for names, unit in _MEASURED_IN.items()]
    found = [(names, unit) for names, unit in units if names]
    if not found:
        return frozenset(), re.compile(r"(?!)")
    terms = frozenset().union(*(names for names, _ in found))
    followed = {
        b for a, b in pairwise(facts.terms(text)) if a in terms and b in ("rate", "consumpt", "level", "output")
    }
    return terms | followed, re.compile(rf"\d\s?(?:{'|'.join(unit for _, unit in found)})(?![\w/])")


def _acronyms_of(text: str) -> dict[str, frozenset[str]]:
    """Acronym -> the run of two to five words of the text that it may stand for."""
    parts = re.findall(r"[^\W\d_]+", text.lower())
    return {
        "".join(w[0] for w in run).upper(): frozenset(run)
        for size in range(2, 6)
        for run in (parts[i : i + size] for i in range(len(parts) - size + 1))
        if not facts.STOP_WORDS & set(run)
    }


def _may_be_money(sentence: str, number: facts.Number) -> bool:
    """Whether a bare number can be a sum: no small one, and none that counts what stands after it."""
    after = re.match(r"\s([^\W\d_]\w*)", sentence[number.end :])
    counted = after and after[1].lower() not in facts.STOP_WORDS and not _CURRENCY.match(sentence, number.end)
    return number.value >= _LEAST_MONEY and not counted


@lru_cache(maxsize=32)
def terms_of(text: str) -> frozenset[str]:
    """The terms of a whole article, which every one of its sentences is judged with."""
    return frozenset(facts.terms(text))


def content_words(text: str) -> list[str]:
    """Return the words of `text` that carry meaning, in lower case, repetitions kept."""
    return [w for w in facts.words(text) if w not in facts.STOP_WORDS]


def _initials(name: str) -> str:
    parts = name.split()
    return "".join(w[0] for w in parts) if len(parts) > 1 else ""


def _tells_time(sentence: str, question: Question) -> bool:
    return bool(facts.months(sentence) or facts.years(sentence) - question.years or _DAY.search(sentence))


def before(text: str, span: Span) -> str:
    """The `_WINDOW` sentences or lines before the span."""
    near = re.split(r"(?<=[.!?…”\"])\s+|\n+", text[max(0, span.start - 1000) : span.start].strip())
    return "\n".join(near[-_WINDOW:])


def opening(text: str) -> str:
    """The article's first full line."""
    return next((line for line in text.split("\n") if len(line.split()) > 4), "")


def is_heading(sentence: str) -> bool:
    """Title case without a full stop: it repeats what the text says and hides which words are names."""
    parts = [w for w in re.findall(r"[^\W\d_]+", sentence) if len(w) > 3]
    return sentence[-1] not in ".!?…”\"'" and sum(w[0].isupper() for w in parts) > 0.7 * len(parts)
