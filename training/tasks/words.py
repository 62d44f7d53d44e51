# ruff: noqa: SIM905 - lists of words are easier to read as text
"""Made-up names, codes and sentences: material that can only be copied, never remembered."""

import string
from random import Random

_ONSETS = "b c d f g h j k l m n p r s t v w z br cl dr fl gr kr pl st tr sh th ch".split()
_VOWELS = "a e i o u a e i o u ai ee ou ia".split()
_CODAS = ["", "", "", "n", "r", "l", "s", "m", "k", "t", "x", "nd", "rt"]
_NAMES = (
    "Anna Ben Clara David Emma Felix Grace Henry Iris Jack Kate Leo Mia Noah Olivia Paul Quinn Rosa Sam Tina "
    "Uma Victor Wendy Yara Zoe Alice Bob Carol Dana Erik Frank Gina Hana Ivan Julia Karl Lena Max Nina Oscar "
    "Peter Ruth Simon Tom Vera Walter Minsu Jisoo Hyunwoo Sora"
).split()
_SYLLABLES = (
    "가 강 건 경 고 공 구 규 기 나 남 다 도 동 라 란 람 려 로 루 리 린 마 모 무 미 민 바 배 범 별 보 빈 빛 사 산 서 석 "
    "선 설 성 소 솔 수 숙 순 승 시 신 아 안 애 연 영 예 오 온 용 우 원 유 윤 율 은 이 인 일 임 재 정 제 주 준 지 진 "
    "차 찬 채 철 초 태 하 한 해 현 형 혜 호 화 환 희"
).split()
_ADJECTIVES = (
    "old small quiet green tall red bright slow busy narrow deep warm cold round heavy light empty soft dark "
    "young white black clever lonely gentle proud tired happy strange noisy"
).split()
_NOUNS = (
    "house river bridge garden window table market road hill tower boat train letter book lamp door forest field "
    "wall clock mountain island village kitchen school station ship farm shop cloud song stone tree cup chair"
).split()
_VERBS = "stands waits sleeps turns shines rests lies works moves changes grows sings falls opens".split()
_PLACES = (
    "near the sea|behind the hill|in the valley|beside the road|under the bridge|at the corner|by the lake|"
    "in the north|across the field|on the island|above the town|at the end of the street"
).split("|")
_KOREAN_SUBJECTS = (
    "오래된 집|작은 강|조용한 다리|푸른 정원|높은 탑|붉은 배|느린 기차|밝은 등불|깊은 숲|넓은 들판|둥근 시계|하얀 구름"
).split("|")
_KOREAN_PLACES = ("바닷가에|언덕 뒤에|골짜기에|길 옆에|다리 아래에|호숫가에|북쪽에|섬 위에|마을 끝에|시장 앞에").split(
    "|"
)
_KOREAN_VERBS = "있습니다|서 있습니다|남아 있습니다|보입니다|잠들어 있습니다|기다립니다".split("|")
_FIXED = (
    "The quick brown fox jumps over the lazy dog.",
    "This is a line of text.",
    "The sky is blue and the grass is green.",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
    "All work and no play makes Jack a dull boy.",
    "Nothing happens here.",
    "오늘은 날씨가 맑습니다.",
    "hello world",
    "word",
)


def invented_word(rng: Random, most: int = 3) -> str:
    """A pronounceable lower-case word of two to ``most`` syllables."""
    return "".join(
        rng.choice(_ONSETS) + rng.choice(_VOWELS) + (rng.choice(_CODAS) if rng.random() < 0.5 else "")
        for _ in range(rng.randint(2, most))
    )


def english_name(rng: Random) -> str:
    return rng.choice(_NAMES) if rng.random() < 0.25 else invented_word(rng).capitalize()


def korean_name(rng: Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=rng.choice((2, 2, 3, 3, 4))))


def code(rng: Random) -> str:  # noqa: PLR0911 - one a kind
    """A word, number or hyphenated mix, as people choose for passwords and code words."""
    kind = rng.randrange(7)
    if kind == 0:
        return str(rng.randrange(100, 1_000_000))
    if kind == 1:
        return invented_word(rng).upper()
    if kind == 2:
        return f"{invented_word(rng, 2)}-{rng.randrange(10, 1000)}"
    if kind == 3:
        return f"{rng.choice(_ADJECTIVES)}-{rng.choice(_NOUNS)}".upper() + rng.choice(("", f"-{rng.randrange(100)}"))
    if kind == 4:
        return "".join(rng.choices(string.ascii_uppercase + string.digits, k=rng.randint(3, 6)))
    if kind == 5:
        return f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}"
    return invented_word(rng)


def english_sentence(rng: Random) -> str:
    kind = rng.randrange(6)
    noun, adjective, place = rng.choice(_NOUNS), rng.choice(_ADJECTIVES), rng.choice(_PLACES)
    if kind == 0:
        return f"{english_name(rng)} has {rng.randrange(2, 100)} {noun}s {place}."
    if kind == 1:
        return f"{english_name(rng)} likes the {adjective} {noun}."
    if kind == 2:
        return f"There are {rng.randrange(2, 1000)} {adjective} {noun}s {place}."
    return f"The {adjective} {noun} {rng.choice(_VERBS)} {place}."


def korean_sentence(rng: Random) -> str:
    return f"{rng.choice(_KOREAN_SUBJECTS)} {rng.choice(_KOREAN_PLACES)} {rng.choice(_KOREAN_VERBS)}."


def filler(rng: Random, letters: int) -> str:
    """About ``letters`` characters of text without any fact worth keeping."""
    kind = rng.random()
    if kind < 0.25:
        line = rng.choice(_FIXED) if rng.random() < 0.6 else english_sentence(rng)
        return " ".join([line] * (letters // (len(line) + 1) + 1))
    parts: list[str] = []
    size = 0
    while size < letters:
        if kind < 0.40:
            part = korean_sentence(rng)
        elif kind < 0.50:
            part = rng.choice(_NOUNS) if rng.random() < 0.7 else invented_word(rng)
        else:
            part = english_sentence(rng)
        parts.append(part)
        size += len(part) + 1
    return " ".join(parts)


def phrase(rng: Random) -> str:
    """One to six words in either language, to be said back exactly."""
    kind = rng.random()
    if kind < 0.25:
        return code(rng)
    if kind < 0.45:
        return " ".join(korean_name(rng) for _ in range(rng.randint(1, 4)))
    if kind < 0.75:
        return " ".join(
            rng.choice((rng.choice(_NOUNS), rng.choice(_ADJECTIVES), invented_word(rng), str(rng.randrange(1000))))
            for _ in range(rng.randint(1, 6))
        )
    if kind < 0.85:
        return english_sentence(rng)
    return "".join(rng.choices(string.ascii_letters + string.digits + "-_.!", k=rng.randint(3, 12)))


def long_phrase(rng: Random) -> str:
    """Four to twenty-five made-up words, names and codes: dense practice in copying."""
    kinds = rng.choice(
        ((invented_word,), (english_name,), (korean_name,), (code,), (invented_word, english_name, korean_name, code))
    )
    return " ".join(rng.choice(kinds)(rng) for _ in range(rng.randint(4, 25)))
