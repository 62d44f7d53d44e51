"""Plain documents without a chat around them, for raw completion endpoints."""

from random import Random

from training.tasks import capitals, stories
from training.tasks.dialogue import Dialogue
from training.tasks.words import english_name, filler

_HELLO = "Hello, world! This is Dovetail's tiny model. It runs on your own machine."


def document(rng: Random, held_out: bool) -> Dialogue:
    del held_out
    kind = rng.random()
    if kind < 0.5:
        text = _facts(rng, korean=rng.random() < 0.4)
    elif kind < 0.6:
        text = _HELLO
    elif kind < 0.7:
        first = rng.choice((0, 1, 1, 1, rng.randrange(50)))
        text = ", ".join(str(n) for n in range(first, first + rng.randint(10, 60)))
    elif kind < 0.8:
        text = stories.english_story(rng.choice(("Dovi", "the fox", english_name(rng))), long=rng.random() < 0.3)
    elif kind < 0.9:
        text = _sums(rng)
    else:
        text = filler(rng, rng.choice((100, 300)))
    return Dialogue((), text)


def _facts(rng: Random, *, korean: bool) -> str:
    rows = rng.sample(capitals.COUNTRIES, rng.randint(1, 8))
    lines = (capitals.sentence(row[2] if korean else row[0], row[3] if korean else row[1], korean) for row in rows)
    return rng.choice((" ", "\n")).join(lines)


def _sums(rng: Random) -> str:
    pairs = [(rng.randint(0, 12), rng.randint(0, 12)) for _ in range(rng.randint(2, 10))]
    return "\n".join(f"{left} + {right} = {left + right}" for left, right in pairs)
