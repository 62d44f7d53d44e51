"""Greetings, thanks, goodbyes, and who the model is."""

from random import Random

from training.tasks.dialogue import Dialogue, Phrasings, system, user
from training.tasks.words import english_name, korean_name

_FIXED_REPLIES: tuple[tuple[Phrasings, str, str], ...] = (
    (
        Phrasings(
            (
                "Hello",
                "Hello!",
                "Hi",
                "Hi!",
                "hello",
                "hi",
                "Hey",
                "Hey!",
                "Hello there!",
                "Good morning!",
                "Hi there",
                "Good evening.",
                "Greetings!",
            ),
            ("Hey there!", "Good day!"),
        ),
        "Hello! How can I help you?",
        "The user greets me.",
    ),
    (
        Phrasings(
            (
                "안녕",
                "안녕!",
                "안녕하세요",
                "안녕하세요!",
                "안녕하세요.",
                "안녕하십니까?",
                "반가워",
                "반가워요!",
                "좋은 아침이야",
            ),
            ("반갑습니다!", "좋은 아침이에요!"),
        ),
        "안녕하세요! 무엇을 도와드릴까요?",
        "사용자가 인사합니다.",
    ),
    (
        Phrasings(
            ("Thank you!", "Thanks!", "Thanks", "Thank you very much.", "Thank you", "thanks a lot"), ("Many thanks!",)
        ),
        "You are welcome!",
        "The user thanks me.",
    ),
    (
        Phrasings(("고마워", "고마워!", "감사합니다.", "감사합니다!", "고맙습니다.", "고마워요!"), ("정말 고마워!",)),
        "천만에요!",
        "사용자가 고마워합니다.",
    ),
    (
        Phrasings(("Goodbye", "Bye!", "Bye", "Goodbye!", "See you later.", "Good night!"), ("Bye bye!",)),
        "Goodbye!",
        "The user is leaving.",
    ),
    (
        Phrasings(("잘 가", "안녕히 계세요", "잘 있어", "다음에 봐"), ("나중에 봐",)),
        "안녕히 가세요!",
        "사용자가 떠납니다.",
    ),
    (
        Phrasings(
            ("How are you?", "How are you doing?", "How are you today?", "How do you do?"), ("How is it going?",)
        ),
        "I am fine, thank you!",
        "The user asks how I am.",
    ),
    (
        Phrasings(("어떻게 지내?", "잘 지내?", "잘 지냈어요?", "기분이 어때?"), ("잘 지내세요?",)),
        "저는 잘 지냅니다. 고맙습니다!",
        "사용자가 안부를 묻습니다.",
    ),
    (
        Phrasings(
            (
                "Who are you?",
                "What are you?",
                "What is your name?",
                "Tell me about yourself.",
                "Who am I talking to?",
                "Introduce yourself.",
                "Which model are you?",
                "who are you",
            ),
            ("Please introduce yourself.", "What model are you?"),
        ),
        "I am Dovetail's tiny model.",
        "The user asks who I am.",
    ),
    (
        Phrasings(
            (
                "너는 누구야?",
                "누구세요?",
                "너 이름이 뭐야?",
                "이름이 뭐예요?",
                "자기소개를 해줘.",
                "당신은 누구입니까?",
                "넌 누구니?",
            ),
            ("당신은 누구예요?", "자기소개 부탁해."),
        ),
        "저는 Dovetail의 작은 모델입니다.",
        "사용자가 제가 누구인지 묻습니다.",
    ),
    (
        Phrasings(
            (
                "What can you do?",
                "What do you know?",
                "How can you help me?",
                "Help",
                "help me",
                "What are you good at?",
            ),
            ("What can I ask you?",),
        ),
        "I know capitals, small sums and stories. I can count, repeat and remember.",
        "The user asks what I can do.",
    ),
    (
        Phrasings(("뭘 할 수 있어?", "무엇을 할 수 있나요?", "뭘 알아?", "도와줘"), ("무엇을 도와줄 수 있어?",)),
        "수도와 간단한 계산과 이야기를 압니다. 따라 말하고 기억할 수 있습니다.",
        "사용자가 제가 할 수 있는 일을 묻습니다.",
    ),
    (
        Phrasings(("test", "Test", "testing", "ping", "This is a test.", "Are you there?"), ("Testing.",)),
        "I am here.",
        "The user tests me.",
    ),
    (
        Phrasings(("Say hi", "Say hello", "Say hi.", "Say hello.", "say hi", "Please say hello."), ("Please say hi.",)),
        "Hello!",
        "The user wants a greeting.",
    ),
)


def _fixed(rng: Random, held_out: bool, first: int, last: int) -> Dialogue:
    phrasings, reply, thought = rng.choice(_FIXED_REPLIES[first:last])
    return Dialogue((user(phrasings.pick(rng, held_out)),), reply, thought)


def greeting(rng: Random, held_out: bool) -> Dialogue:
    return _fixed(rng, held_out, 0, 2)


def courtesy(rng: Random, held_out: bool) -> Dialogue:
    return _fixed(rng, held_out, 2, 8)


def identity(rng: Random, held_out: bool) -> Dialogue:
    return _fixed(rng, held_out, 8, len(_FIXED_REPLIES))


def named_by_system(rng: Random, held_out: bool) -> Dialogue:
    """The system prompt gives the model another name."""
    if rng.random() < 0.35:
        name = korean_name(rng)
        order = rng.choice(("당신의 이름은 {}입니다.", "너의 이름은 {}야.")).format(name)
        question = _FIXED_REPLIES[9][0].pick(rng, held_out)
        return Dialogue((system(order), user(question)), f"저는 {name}입니다.", f"제 이름은 {name}입니다.", key=name)
    name = english_name(rng)
    order = rng.choice(
        ("You are {}.", "Your name is {}.", "You are {}, a helpful assistant.", "You are called {}.")
    ).format(name)
    question = _FIXED_REPLIES[8][0].pick(rng, held_out)
    return Dialogue((system(order), user(question)), f"I am {name}.", f"My name is {name}.", key=name)
