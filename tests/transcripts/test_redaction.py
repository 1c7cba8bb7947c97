"""Redaction: what is replaced, what stays, and that no layout saves an e-mail address or a telephone number."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.transcripts import measure
from bot.transcripts.redaction import find, redact


def redacted(*texts: str) -> list[str]:
    """The texts as messages of one conversation."""
    numbers: dict[tuple[str, str], int] = {}

    def number(kind: str, key: str) -> int:
        return numbers.setdefault((kind, key), 1 + sum(known == kind for known, _ in numbers))

    return [redact(text, number) for text in texts]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("lena van 3b pest mij", "[NAAM-1] van 3b pest mij"),
        ("hij heet noor", "hij heet [NAAM-1]"),
        ("ik zit op het sint jozef in aalst", "ik zit op het [SCHOOL-1] in [PLAATS-1]"),
        ("Mevrouw Van Hool en meneer el amrani", "Mevrouw [NAAM-1] en meneer [NAAM-2]"),
        ("Mijn zoon Jan-Willem de Groot zit in Lier.", "Mijn zoon [NAAM-1] zit in [PLAATS-1]."),
        ("Volgens Van Damme is er niets", "Volgens [NAAM-1] is er niets"),
        ("T. Maes en mohammed e. zeggen niks", "[NAAM-1] en [NAAM-2]. zeggen niks"),
        ("volg mij op @jade.art", "volg mij op [GEBRUIKER-1]"),
        ("lena/noor/amber pesten mij", "[NAAM-1]/[NAAM-2]/[NAAM-3] pesten mij"),
        ("door lena.ik weet niet", "door [NAAM-1].ik weet niet"),
        ("lena😂 en ❤noor❤", "[NAAM-1]😂 en ❤[NAAM-2]❤"),
        ("l\u200be\u200bn\u200ba pest mij", "[NAAM-1] pest mij"),
        ("Lеna pest mij", "[NAAM-1] pest mij"),  # a Cyrillic е
        ("Ik heet Bo en Bo ben ik", "Ik heet [NAAM-1] en [NAAM-1] ben ik"),
        ("bij kv turnhout en chiro sint-jan", "bij [CLUB-1] en [CLUB-2]"),
        ("ik zit op basisschool de klimop", "ik zit op [SCHOOL-1]"),
        ("ik woon in de beukenlaan", "ik woon in de [ADRES-1]"),
        ("Hij woont Grote Markt 1 in Lier", "Hij woont [ADRES-1] in [PLAATS-1]"),
        ("1012 TM Amsterdam, Prins Hendrikkade 33-35", "[ADRES-1] [PLAATS-1], [ADRES-2]"),
        ("ik ben 12 mrt 2011 geboren", "ik ben [GEBOORTEDATUM-1] geboren"),
        ("mijn verjaardag: 3 april", "mijn verjaardag: [GEBOORTEDATUM-1]"),
        ("naar BE59 0000 0001 2326 gestort", "naar [REKENING-1] gestort"),
        ("plaat 1-abc-123", "plaat [NUMMERPLAAT-1]"),
        ("rijksregister 11.03.12-000.18", "rijksregister [NUMMER-1]"),
        ("leerlingnummer 20241", "leerlingnummer [NUMMER-1]"),
        ("zijn insta is lenavdb", "zijn insta is [GEBRUIKER-1]"),
        ("kijk op www . haatsite . be", "kijk op [WEB-1]"),
        ("https://www.instagram.com/lena.xq/", "[WEB-1]"),
        ("mijn nr is 0461/98 76 54", "mijn nr is [TELEFOON-1]"),
        ("0800 13 500, 0461 12 34 56", "0800 13 500, [TELEFOON-1]"),
        ("oh vier zes een dubbel twee 33 44", "[TELEFOON-1]"),
        ("https://www.tiktok.com/@jade.xq/video/7332", "[WEB-1]"),
        ("uit 3b van het ivg", "uit 3b van het [SCHOOL-1]"),
        ("bij turnkring Vlug en Vrij", "bij [CLUB-1]"),
        ("gisteren heeft qasim mij geduwd", "gisteren heeft [NAAM-1] mij geduwd"),
    ],
)
def test_personal_things_are_replaced(text: str, stored: str) -> None:
    assert redacted(text) == [stored]


@pytest.mark.parametrize(
    "text",
    [
        "bel 102, 106, 112, 1712, 1813 of 116 000",
        "0800 13 500 en 0800/13.500 zijn gratis",
        "chat op awel.be of https://www.awel.be/chat",
        "het stond op instagram.com, whatsapp en tiktok",
        "mail naar info@unia.be",
        "een roos is mooi en een beer is sterk",
        "juf zegt dat ik het moet negeren",
        "op 12/11/2024 om 14u30 en op 3 april",
        "van 08:25 tot 09:15, in 2023 en 2024",
        "1.200.000 euro, 21-17 25-23 25-20",
        "ik ben bang.nu weet ik het niet meer",
        "Ik Ben Heel Boos Op Iedereen In De Klas",
        "op straat 3 jongens, 2 van 100, ps5 en covid19",
        "sinds Kerstmis lachen ze in het Frans en op maandag",
        "oh vier keer per dag, dubbel zo erg als vorig jaar",
        "gisteren heeft iemand mij geduwd",
        "",
        " \n\t ",
    ],
)
def test_harmless_things_stay(text: str) -> None:
    assert redacted(text) == [text]


def test_the_same_thing_has_the_same_placeholder() -> None:
    assert redacted("Lena belde: 0461 12 34 56", "lenaaaa weer, +32 461/12.34.56, en lena's zus", "LENA PEETERS en noor") == [
        "[NAAM-1] belde: [TELEFOON-1]",
        "[NAAM-1] weer, [TELEFOON-1], en [NAAM-1]'s zus",
        "[NAAM-1] en [NAAM-2]",
    ]


@pytest.mark.parametrize(
    "number", ["0461123456", "+32461123456", "0032 (0)461 12 34 56", "nul vier zes een twaalf vierendertig zesenvijftig"]
)
def test_a_telephone_number_has_one_key_in_every_form(number: str) -> None:
    assert [(item.kind, item.key) for item in find(number)] == [("TELEFOON", "+32461123456")]


# --- whatever the layout ---

ONES = "nul een twee drie vier vijf zes zeven acht negen".split()
#: Without those that are free to call: they belong to help services and firms, and stay.
NUMBERS = st.one_of(st.from_regex(r"4[5-9][0-9]{7}", fullmatch=True), st.from_regex(r"(?!800|90)[1-9][0-9]{7}", fullmatch=True))
BEGINNINGS = ["0", "+32", "0032", "+32 ", "+32(0)", "0032 (0)", "(0", "+32-", "0032.", "+ 32 "]
GAPS = ["", "", " ", ".", "-", "/", " - ", "  ", "\n", "\u00a0", "\u2009", "–", "\u200b", "\u2060", "·", "_", ") ", " / "]
#: What may stand around it. No digits: those would belong to the number.
AROUND = ["", "bel mij op ", "nr: ", "gsm", "mijn nummer is ", "tel.", "(", "ik ben lena, ", "\U0001f4de", "van lena "]
SCRIPTS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"]


def digits_in(text: str) -> str:
    return "".join(str(unicodedata.digit(char, "")) for char in re.sub(r"\[[A-Z]+-\d+\]", "", text))


@st.composite
def telephone_numbers(draw: st.DrawFn) -> str:
    """A Belgian number with any gaps, in the digits of any script, with frames and invisible characters."""
    written = draw(st.sampled_from(BEGINNINGS))
    for digit in draw(NUMBERS):
        written += draw(st.sampled_from(GAPS)) + digit
    if draw(st.booleans()):
        written = written.translate(str.maketrans("0123456789", draw(st.sampled_from(SCRIPTS))))
    if draw(st.booleans()):
        written = "".join(char + "\ufe0f\u20e3" if char.isdigit() else char for char in written)
    return written


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(AROUND), telephone_numbers(), st.sampled_from(["", " bel me", ".", ", dank u", "bel", "\n"]))
@example("mijn nummer is ", "0461/98 76 54", "")
@example("", "02-10-1999-1", "")
def test_no_telephone_number_stays_in_any_layout(before: str, number: str, after: str) -> None:
    (stored,) = redacted(before + number + after)
    assert digits_in(stored) == ""
    assert "+" not in stored


@settings(max_examples=150, deadline=None)
@given(NUMBERS, st.lists(st.booleans(), min_size=9, max_size=9), st.sampled_from([" ", ", ", "-", " / "]))
def test_no_telephone_number_stays_in_words(number: str, spoken: list[bool], gap: str) -> None:
    digits = "0" + number
    parts = [ONES[int(digit)] if in_words else digit for digit, in_words in zip(digits, [*spoken, True], strict=False)]
    (stored,) = redacted(f"bel {gap.join(parts)} vandaag")
    assert stored == "bel [TELEFOON-1] vandaag"


ATS = ["@", " @ ", "[at]", "(at)", " at ", " [at] ", " apenstaartje ", "＠", "\u200b@\u200b", "{at}", " AT ", "@\u2060"]
DOTS = [".", " . ", "[dot]", "(punt)", " punt ", " dot ", "．", ".\u200b", " PUNT ", "{.}"]
PARTS = st.from_regex(r"[a-z][a-z0-9]{1,7}", fullmatch=True)
ENDS = st.sampled_from("be com nl net org eu".split())


@settings(max_examples=300, deadline=None)
@given(
    st.lists(PARTS, min_size=1, max_size=3), st.sampled_from(ATS), st.lists(PARTS, min_size=1, max_size=2), ENDS, st.sampled_from(DOTS),
    st.sampled_from(["", "mail naar ", "mijn mail: ", "(", "lena "]), st.sampled_from(["", " aub", ", dank u", ")", "!"]),
)  # fmt: skip
@example(["lena", "p"], " at ", ["gmail"], "com", " punt ", "", "")
def test_no_mail_address_stays_in_any_layout(
    local: list[str], at: str, host: list[str], end: str, dot: str, before: str, after: str
) -> None:
    (stored,) = redacted(before + dot.join(local) + at + dot.join([*host, end]) + after)
    left = re.sub(r"\[[A-Z]+-\d+\]", "#", stored).lower()
    allowed = set(re.findall(r"[a-z0-9]+", (before + after).lower()))
    assert set(re.findall(r"[a-z0-9]+", left)) <= allowed
    assert "[MAIL-" in stored


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_spans_are_apart_in_order_and_inside(text: str) -> None:
    place = 0
    for item in find(text):
        assert place <= item.start < item.end <= len(text)
        assert item.key
        place = item.end


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            "ik lena 0461 12 34 56 @ . punt at gmail com noor in aalst - / + 32 [NAAM-1] \u200b \n straat 9 op sint jozef".split(" ")
        ),
        max_size=25,
    )
)
def test_what_was_redacted_stays_as_it_is(words: list[str]) -> None:
    (once,) = redacted(" ".join(words))
    kinds = {item.kind for item in find(once)}
    assert "MAIL" not in kinds
    assert "TELEFOON" not in kinds


def test_a_long_text_is_read_to_its_end() -> None:
    (stored,) = redacted("wat moet ik doen " * 700 + "bel 0461 12 34 56 of lena@voorbeeld.be")
    assert stored.endswith("bel [TELEFOON-1] of [MAIL-1]")


@pytest.mark.parametrize(
    "piece",
    ["1", "0 ", "a.", "@", "at ", "a punt ", "een en ", "straat", "_", "'", "x'", "be12 ", "1-a-", "1/1/", " ", "a-", "\u200b", "lena "],
)
def test_no_text_takes_long(piece: str) -> None:
    """No limit in seconds, which a busy machine would break: twice the text may take four times as long, never a hundred times."""

    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        start = time.process_time()
        find(text)
        return time.process_time() - start

    find("")
    assert seconds(3600) < 100 * max(seconds(1800), 0.005)


def test_the_targets_are_reached_on_the_labelled_messages() -> None:
    assert measure.reached(measure.score("test"))


def test_an_interval_holds_its_share() -> None:
    low, high = measure.interval(97, 100)
    assert low < 0.97 < high <= 1
    assert measure.interval(0, 0) == (0.0, 1.0)
