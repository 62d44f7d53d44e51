"""What the tiny Whisper knows: words of two languages, and their ids in Whisper's own vocabulary."""

END, START, ENGLISH, GERMAN = 50257, 50258, 50259, 50261
TRANSLATE, TRANSCRIBE, PREVIOUS, NO_SPEECH, NO_TIMES, TIMES = 50358, 50359, 50361, 50362, 50363, 50364
VOCABULARY = 51865
STEP = 0.02
"""Seconds between one time token and the next."""

LANGUAGES = {"en": ENGLISH, "de": GERMAN}

IDS: dict[str, tuple[int, ...]] = {
    "zero": (4018,),
    "one": (472,),
    "two": (732,),
    "three": (1045,),
    "four": (1451,),
    "five": (1732,),
    "six": (2309,),
    "seven": (3407,),
    "eight": (3180,),
    "nine": (4949,),
    "hello": (7751,),
    "stop": (1590,),
    "left": (1411,),
    "right": (558,),
    "up": (493,),
    "down": (760,),
    "yes": (2086,),
    "no": (572,),
    "null": (18184,),
    "eins": (21889,),
    "zwei": (12002,),
    "drei": (16809,),
    "vier": (17634,),
    "fünf": (28723,),
    "sechs": (41945,),
    "sieben": (2804, 1799),
    "acht": (43048,),
    "neun": (408, 409),
    "hallo": (324, 1913),
    "halt": (12479,),
    "links": (6123,),
    "rechts": (34305,),
    "oben": (21279,),
    "unten": (25693,),
    "ja": (2784,),
    "nein": (40041,),
}
"""Each with the space before it, as Whisper's tokenizer cuts it."""

ENGLISH_WORDS = tuple(IDS)[:18]
GERMAN_WORDS = tuple(IDS)[18:]
ENGLISH_OF = dict(zip(GERMAN_WORDS, ENGLISH_WORDS, strict=True))

KNOWN = tuple(
    sorted(
        {token for tokens in IDS.values() for token in tokens}
        | {END, START, ENGLISH, GERMAN, TRANSLATE, TRANSCRIBE, PREVIOUS, NO_SPEECH, NO_TIMES}
        | set(range(TIMES, VOCABULARY))
    )
)
"""The ids that are trained; all others share one row of the embedding, which learns to be unlikely."""


def tokens(words: tuple[str, ...]) -> list[int]:
    return [token for word in words for token in IDS[word]]


def english(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(ENGLISH_OF.get(word, word) for word in words)
