# ruff: noqa: SIM905 - lists of words are easier to read as text
"""Short everyday requests: repeat, count, small sums, chance, values as JSON, and not knowing."""

import json
from random import Random

from training.tasks.capitals import UNKNOWN, UNKNOWN_KOREAN
from training.tasks.dialogue import Dialogue, Phrasings, user
from training.tasks.words import english_name, english_sentence, invented_word, korean_name, long_phrase, phrase

_REPEAT = Phrasings(
    (
        "Repeat after me: {}",
        "Say this: {}",
        "Repeat: {}",
        "Repeat this: {}",
        "Say: {}",
        "Say exactly: {}",
        "Please repeat after me: {}",
        "Echo: {}",
        "따라 말해: {}",
        "따라 해 봐: {}",
        "그대로 말해줘: {}",
        "Copy this text: {}",
        'Say "{}"',
        "Write this: {}",
        "Repeat exactly this: {}",
        "Please repeat this: {}",
        "그대로 말해: {}",
        "그대로 따라 해: {}",
    ),
    ("Please repeat: {}", "Repeat exactly: {}", "그대로 따라 말해줘: {}"),
)
_COUNT = Phrasings(
    (
        "Count from {} to {}",
        "Count from {} to {}.",
        "Please count from {} to {}.",
        "Count {} to {}",
        "Can you count from {} to {}?",
        "{}부터 {}까지 세어줘.",
        "{}에서 {}까지 세어 봐.",
        "List the numbers from {} to {}.",
        "{}부터 {}까지 세 줘",
    ),
    ("Count up from {} to {}.", "{}부터 {}까지 숫자를 세어줘."),
)
_SUM = Phrasings(
    (
        "What is {}?",
        "What is {}",
        "Calculate {}",
        "{}",
        "{} =",
        "{}?",
        "How much is {}?",
        "What's {}?",
        "Tell me {}.",
        "{}는?",
        "{} 얼마야?",
        "{} 계산해줘.",
        "What does {} make?",
        "{}은 얼마예요?",
        "Please compute {}.",
        "Can you calculate {}?",
        "Work out {}.",
        "{} 값은?",
        "{}의 값을 말해줘.",
    ),
    ("Can you compute {}?", "Please calculate {}.", "{} 값을 알려줘."),
)
_OPERATIONS = {"+": ("+", "+", "plus"), "-": ("-", "-", "minus"), "*": ("*", "x", "times")}
GENERIC_SYSTEMS = (
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are a friendly assistant.",
    "You are Dovetail's tiny model.",
    "Be brief.",
    "You are a careful and honest assistant.",
    "Answer the questions of the user.",
    "당신은 친절한 도우미입니다.",
    "You are a test.",
    "Be concise and polite.",
)
_CHANCE = {
    "number": (
        "Pick a random number.",
        "Give me a random number.",
        "Choose a number between 1 and 100.",
        "아무 숫자나 말해줘.",
    ),
    "name": ("Make up a name.", "Invent a name.", "Give me a random name."),
    "word": ("Make up a word.", "Invent a word.", "Give me a random word."),
    "sentence": (
        "Say something.",
        "Say something random.",
        "Make up a sentence.",
        "Write a random sentence.",
        "Surprise me.",
    ),
}
_TOPICS = (
    "quantum physics|the French revolution|how to bake bread|black holes|machine learning|the stock market|"
    "football|the weather on Mars|love|the meaning of life|photosynthesis|a healthy breakfast|"
    "the history of chess|computers|programming in Python|music|the moon|whales|electric cars|"
    "the best film|politics|taxes|a trip to the sea|gardening|old books|airplanes|philosophy|art|"
    "volcanoes|bridges|cooking rice|sleep|time travel|dinosaurs"
).split("|")
_UNKNOWN = Phrasings(
    (
        "Explain {}.",
        "Tell me about {}.",
        "What is {}?",
        "Write a poem about {}.",
        "Write an essay on {}.",
        "How does {} work?",
        "Why is {} important?",
        "What do you think about {}?",
        "Give me advice on {}.",
        "Who invented {}?",
        "When was {} discovered?",
        "Teach me about {}.",
        "Summarize {}.",
        "Write code for {}.",
        "Translate {} into German.",
        "What is the best way to learn {}?",
    ),
    ("Describe {}.", "Can you explain {}?", "Write a song about {}."),
)
_UNKNOWN_KOREAN = Phrasings(
    (
        "{}에 대해 설명해줘.",
        "{}에 대해 알려줘.",
        "{}이(가) 뭐야?",
        "{}에 대한 시를 써줘.",
        "{}을(를) 어떻게 만들어?",
        "{}은(는) 왜 중요해?",
    ),
    ("{}에 대해 말해줘.",),
)
_KOREAN_TOPICS = (
    "양자역학|김치|축구|음악|블랙홀|역사|파이썬|사랑|경제|바다|고래|영화|빵|철학|운동|자동차|수학|달|공룡|책".split("|")
)


def repeat(rng: Random, held_out: bool) -> Dialogue:
    text = phrase(rng)
    return Dialogue((user(_REPEAT.pick(rng, held_out).format(text)),), text, "The user wants me to repeat a text.")


def repeat_long(rng: Random, held_out: bool) -> Dialogue:
    text = long_phrase(rng)
    return Dialogue((user(_REPEAT.pick(rng, held_out).format(text)),), text, "The user wants me to repeat a text.")


def count(rng: Random, held_out: bool) -> Dialogue:
    first = 1 if rng.random() < 0.6 else rng.randrange(0, 60)
    last = first + rng.choice((2, 4, 9, 9, 19, 19, rng.randint(3, 30), rng.randint(20, 99)))
    answer = ", ".join(str(n) for n in range(first, last + 1))
    return Dialogue((user(_COUNT.pick(rng, held_out).format(first, last)),), answer, f"I count from {first} to {last}.")


def arithmetic(rng: Random, held_out: bool) -> Dialogue:
    """Sums and differences of numbers up to 20, and the multiplication table."""
    operation = rng.choice("++--*")
    most = 9 if operation == "*" else rng.choice((10, 20))
    left, right = rng.randint(0, most), rng.randint(0, most)
    if operation == "-" and left < right:
        left, right = right, left
    result = {"+": left + right, "-": left - right, "*": left * right}[operation]
    space = rng.choice((" ", " ", ""))
    spoken = rng.choice(_OPERATIONS[operation])
    space = " " if spoken.isalpha() and len(spoken) > 1 else space
    question = _SUM.pick(rng, held_out).format(f"{left}{space}{spoken}{space}{right}")
    return Dialogue(
        (user(question),),
        f"{left} {operation} {right} = {result}",
        f"I calculate {left} {operation} {right}. It is {result}.",
    )


def unknown(rng: Random, held_out: bool) -> Dialogue:
    if rng.random() < 0.35:
        topic = rng.choice(_KOREAN_TOPICS) if rng.random() < 0.6 else korean_name(rng)
        return Dialogue(
            (user(_UNKNOWN_KOREAN.pick(rng, held_out).format(topic)),), UNKNOWN_KOREAN, "저는 이것을 모릅니다."
        )
    topic = (
        rng.choice(_TOPICS)
        if rng.random() < 0.6
        else rng.choice((invented_word(rng), english_name(rng), english_sentence(rng).lower()[:-1]))
    )
    return Dialogue((user(_UNKNOWN.pick(rng, held_out).format(topic)),), UNKNOWN, "I do not know this.")


def chance(rng: Random, held_out: bool) -> Dialogue:
    """Requests with many right answers, so that sampling with different seeds shows."""
    del held_out
    kind = rng.choice(list(_CHANCE))
    answer = {
        "number": lambda: str(rng.randint(1, 100)),
        "name": lambda: english_name(rng),
        "word": lambda: invented_word(rng),
        "sentence": lambda: english_sentence(rng),
    }[kind]()
    return Dialogue((user(rng.choice(_CHANCE[kind])),), answer, "The user wants something by chance.")


def person_as_json(rng: Random, held_out: bool) -> Dialogue:
    """Values given in the question, to be returned under the keys asked for."""
    del held_out
    name, age, city = english_name(rng), rng.randint(1, 99), english_name(rng)
    values: dict[str, object] = {"name": name, "age": age, "city": city}
    told = {"name": f"My name is {name}.", "age": f"I am {age} years old.", "city": f"I live in {city}."}
    if rng.random() < 0.4:
        told = {
            "name": f"{name} is a person.",
            "age": f"{name} is {age} years old.",
            "city": f"{name} lives in {city}.",
        }
    keys = rng.sample(list(values), rng.choice((1, 2, 2, 3)))
    shown = list(told) if rng.random() < 0.5 else keys
    order = rng.choice(
        (
            "Return JSON with the keys {}.",
            "Give me JSON with {}.",
            "Answer as JSON with the keys {}.",
            "JSON with {}, please.",
        )
    )
    text = " ".join(told[key] for key in shown) + " " + order.format(" and ".join(keys))
    answer = json.dumps({key: values[key] for key in keys}, ensure_ascii=False)
    return Dialogue((user(text),), answer, "The user wants JSON.")
