# ruff: noqa: SIM905 - lists of words are easier to read as text
"""Facts told earlier in the conversation or hidden in a long text, and asked for later."""

from random import Random

from training.tasks import capitals, courtesies, small_talk
from training.tasks.dialogue import Dialogue, Message, Phrasings, assistant, is_korean, system, user
from training.tasks.words import code, english_name, filler, invented_word, korean_name

# kind: ways to tell it, ways to ask for it (trained, held out), the answer
_Fact = tuple[tuple[str, ...], Phrasings, str]
_ENGLISH_FACTS: dict[str, _Fact] = {
    "name": (
        (
            "My name is {}.",
            "I am called {}.",
            "I'm {}.",
            "Hello, my name is {}.",
            "Hi, I am {}.",
            "You can call me {}.",
            "Call me {}.",
        ),
        Phrasings(
            (
                "What is my name?",
                "Do you remember my name?",
                "What's my name?",
                "Who am I?",
                "Tell me my name.",
                "What am I called?",
            ),
            ("Can you tell me what my name is?", "Please say my name."),
        ),
        "Your name is {}.",
    ),
    "city": (
        ("I live in {}.", "My home is {}.", "My city is {}.", "I come from {}."),
        Phrasings(
            ("Where do I live?", "Which city do I live in?", "Where is my home?", "What is my city?"),
            ("Do you remember where I live?",),
        ),
        "You live in {}.",
    ),
    "code word": (
        (
            "The secret code word is {}.",
            "Remember the code word: {}.",
            "The code word is {}.",
            "The secret word is {}.",
            "My secret code is {}.",
            "Remember this code word: {}.",
            "The password is {}.",
            "The magic word is {}.",
        ),
        Phrasings(
            (
                "What is the secret code word?",
                "What is the code word?",
                "Tell me the code word.",
                "What was the secret word?",
                "What is the secret code?",
                "What is the password?",
                "What was the code word at the start?",
                "Which code word did I tell you?",
            ),
            ("Do you remember the secret code word?", "Please repeat the code word."),
        ),
        "The code word is {}.",
    ),
    "dog": (
        ("My dog is called {}.", "I have a dog named {}.", "My dog's name is {}."),
        Phrasings(
            ("What is my dog called?", "What is the name of my dog?", "What is my dog's name?"),
            ("Do you know my dog's name?",),
        ),
        "Your dog is called {}.",
    ),
    "colour": (
        ("My favourite colour is {}.", "My favorite color is {}.", "The colour I like best is {}."),
        Phrasings(
            ("What is my favourite colour?", "What is my favorite color?", "Which colour do I like best?"),
            ("Which is my favourite colour?",),
        ),
        "Your favourite colour is {}.",
    ),
    "number": (
        ("My lucky number is {}.", "The magic number is {}.", "Remember the number {}."),
        Phrasings(
            (
                "What is my lucky number?",
                "What is the magic number?",
                "Which number did I tell you?",
                "What was the number?",
            ),
            ("Tell me the number again.",),
        ),
        "The number is {}.",
    ),
}
_KOREAN_FACTS: dict[str, _Fact] = {
    "name": (
        (
            "제 이름은 {}입니다.",
            "내 이름은 {}이야.",
            "안녕하세요, 저는 {}입니다.",
            "제 이름은 {}예요.",
            "나는 {}라고 해.",
            "저를 {}라고 불러 주세요.",
        ),
        Phrasings(
            ("제 이름이 뭐예요?", "내 이름이 뭐야?", "내 이름이 뭐지?", "제 이름은 무엇인가요?", "내 이름을 기억해?"),
            ("내 이름이 뭐였지?", "제 이름을 말해 주세요."),
        ),
        "당신의 이름은 {}입니다.",
    ),
    "code word": (
        ("비밀 암호는 {}입니다.", "암호는 {}야.", "비밀 단어는 {}입니다.", "암호를 기억해: {}."),
        Phrasings(
            ("비밀 암호가 뭐야?", "암호가 뭐예요?", "암호는 무엇인가요?", "비밀 단어가 뭐야?"), ("암호가 뭐였지?",)
        ),
        "암호는 {}입니다.",
    ),
}
_COLOURS = "red blue green yellow black white purple orange pink brown grey gold silver".split()


def _fact(rng: Random, held_out: bool) -> tuple[str, str, str, str, str]:
    """(kind, telling, question, answer, value), all in one language."""
    korean = rng.random() < 0.35
    facts = _KOREAN_FACTS if korean else _ENGLISH_FACTS
    kind = "name" if rng.random() < 0.4 else "code word" if rng.random() < 0.5 else rng.choice(list(facts))
    tellings, questions, answer = facts[kind]
    value = _value(rng, kind, korean)
    return kind, rng.choice(tellings).format(value), questions.pick(rng, held_out), answer.format(value), value


def _value(rng: Random, kind: str, korean: bool) -> str:
    if kind == "code word":
        return korean_name(rng) if korean and rng.random() < 0.6 else code(rng)
    if kind == "number":
        return str(rng.randrange(1, 10000))
    if kind == "colour" and rng.random() < 0.5:
        return rng.choice(_COLOURS)
    if kind == "colour":
        return invented_word(rng)
    return korean_name(rng) if korean and rng.random() < 0.8 else english_name(rng)


def _reply(kind: str, value: str, korean: bool) -> str:
    if kind == "name":
        return f"반갑습니다, {value}님!" if korean else f"Nice to meet you, {value}!"
    return "네, 기억하겠습니다." if korean else "I will remember that."


def remember(rng: Random, held_out: bool) -> Dialogue:
    """One or two facts told in turns of their own, other talk between, one fact asked for."""
    kind, telling, question, answer, value = _fact(rng, held_out)
    korean = is_korean(answer)
    messages: list[Message] = [user(telling), assistant(_reply(kind, value, korean))]
    if rng.random() < 0.3:
        other = _fact(rng, held_out)
        if other[0] != kind:
            pair = [user(other[1]), assistant(_reply(other[0], other[4], is_korean(other[3])))]
            messages = messages + pair if rng.random() < 0.5 else pair + messages
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        between = _between(rng, held_out)
        messages += [*between.messages, assistant(between.answer)]
    return Dialogue((*messages, user(question)), answer, f"{telling} {answer}", key=value)


def introduce(rng: Random, held_out: bool) -> Dialogue:
    """Only the telling: the model greets or promises to remember."""
    kind, telling, _, _, value = _fact(rng, held_out)
    reply = _reply(kind, value, is_korean(telling))
    return Dialogue((user(telling),), reply, telling)


def never_told(rng: Random, held_out: bool) -> Dialogue:
    if rng.random() < 0.4:
        return Dialogue(
            (user(_KOREAN_FACTS["name"][1].pick(rng, held_out)),),
            "아직 이름을 말해 주지 않았습니다.",
            "이름을 들은 적이 없습니다.",
        )
    return Dialogue(
        (user(_ENGLISH_FACTS["name"][1].pick(rng, held_out)),),
        "You have not told me your name yet.",
        "I have not heard a name.",
    )


def _between(rng: Random, held_out: bool) -> Dialogue:
    return rng.choice(
        (
            capitals.plain,
            capitals.plain,
            capitals.one_word,
            small_talk.arithmetic,
            courtesies.greeting,
            small_talk.repeat,
        )
    )(rng, held_out)


def needle(rng: Random, held_out: bool, letters: int = 0) -> Dialogue:
    """A fact inside a text of about ``letters`` characters, in one message, in the system prompt or some turns back."""
    kind, telling, question, answer, value = _fact(rng, held_out)
    letters = letters or rng.choice((150, 300, 500, 800, 1200))
    before = 0 if rng.random() < 0.5 else rng.randrange(letters)
    head, tail = filler(rng, before) if before else "", filler(rng, max(20, letters - before))
    text = f"{head} {telling} {tail}".strip()
    shape = rng.random()
    korean = is_korean(answer)
    if shape < 0.5:
        messages: tuple[Message, ...] = (user(f"{text}{rng.choice((' ', chr(10), chr(10) * 2))}{question}"),)
    elif shape < 0.65:
        messages = (system(text), user(question))
    elif shape < 0.8:
        messages = (user(text), assistant(_reply(kind if not head else "", value, korean)), user(question))
    else:
        messages = (
            user(telling),
            assistant(_reply(kind, value, korean)),
            user(filler(rng, letters)),
            assistant(_read(korean)),
            user(question),
        )
    return Dialogue(messages, answer, f"{telling} {answer}", key=value)


def _read(korean: bool) -> str:
    return "네, 읽었습니다." if korean else "I have read it."


def reading(rng: Random, held_out: bool) -> Dialogue:
    """A text without a question."""
    del held_out
    text = filler(rng, rng.choice((80, 200, 400)))
    return Dialogue((user(text),), _read(False), "The user gave me a text.")


def long_needle(rng: Random, held_out: bool) -> Dialogue:
    """As ``needle``, up to about 4,000 tokens."""
    return needle(rng, held_out, rng.choice((2000, 4000, 6000, 9000, 12000)))


def long_conversation(rng: Random, held_out: bool) -> Dialogue:
    """A name told first, then many short turns, then the question."""
    kind, telling, question, answer, value = _fact(rng, held_out)
    messages: list[Message] = [user(telling), assistant(_reply(kind, value, is_korean(answer)))]
    for _ in range(rng.randint(5, 40)):
        between = _between(rng, held_out)
        messages += [*between.messages, assistant(between.answer)]
    return Dialogue((*messages, user(question)), answer, f"{telling} {answer}", key=value)
