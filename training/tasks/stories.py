# ruff: noqa: SIM905 - lists of words are easier to read as text
"""Long and short stories: the text is a function of the hero alone, so that greedy decoding is never in doubt."""

from random import Random

from training.tasks.dialogue import Dialogue, Phrasings, user
from training.tasks.words import english_name, invented_word

_ANIMALS = "fox dove bear cat dog mouse rabbit dragon robot wolf horse whale owl duck frog lion".split()
_KOREAN_HEROES = "여우 비둘기 곰 고양이 강아지 토끼 호랑이 용 로봇 늑대 고래 부엉이 오리 개구리 사자 거북이".split()
_SCENES = """\
{} lived in a white house on a green hill.
One morning a letter came, and {} read it at the kitchen table.
The letter said: come to the city of lights before winter.
So {} packed bread, a lamp and a blue coat.
At the old mill a grey owl gave {} a silver key.
At the wooden bridge {} met a fisherman who sang about the sea.
The fisherman pointed east, where the forest begins.
In the forest it was dark, and {} lit the lamp.
A small deer showed {} the path between the pines.
Near a quiet lake {} slept under a warm blanket of leaves.
The next day rain fell, and every stone on the road shone.
{} waited in a cave and found a drawing of a ship.
Under the drawing stood seven words in a strange language.
An old woman by the fire taught {} to read them.
They meant: the key opens the door of the tower.
In the village of clocks {} bought a map for two coins.
The clockmaker asked for a story, and {} told him about the owl.
Behind the market a boy was crying over a broken kite.
{} mended the kite with a thread from the blue coat.
The boy laughed and gave {} a round mirror.
On the third day {} climbed the mountain of wind.
Snow covered the steps, but the mirror showed the way.
At the top an eagle carried {} over the deep valley.
Below them the river looked like a ribbon of glass.
The eagle set {} down before a tower without windows.
The silver key turned slowly, and the heavy door opened.
Inside, {} found a thousand lamps, and not one was burning.
{} lit the first lamp with the little flame from home.
One lamp lit another until the whole tower was bright.
Far away the people in the city of lights saw it and cheered.
The queen of the city came on a white horse to thank {}.
She asked what {} wanted as a gift.
{} asked for a ship to visit the singing fisherman.
The ship was ready at dawn, with red sails and a good crew.
For nine days {} sailed along the coast and learned the names of the stars.
A storm broke the mast, but nobody was afraid.
{} sang the song of the fisherman, and the waves grew calm.
At the wooden bridge the fisherman heard the song and waved.
They ate soup together, and {} told the long story from the beginning.
When winter came, {} was back in the white house on the green hill.
The lamp stood in the window, and its light was seen by every traveller.""".splitlines()
_KOREAN_SCENES = """\
{}의 집은 푸른 언덕 위에 있었습니다.
어느 날 아침, {}에게 편지가 왔습니다.
편지에는 겨울이 오기 전에 빛의 도시로 오라고 적혀 있었습니다.
{}의 가방에는 빵과 등불과 파란 외투가 있었습니다.
오래된 방앗간에서 회색 부엉이가 {}에게 은 열쇠를 주었습니다.
나무 다리에서는 어부가 바다의 노래를 불렀습니다.
어부는 숲이 시작되는 동쪽을 가리켰습니다.
숲은 어두웠지만 {}에게는 등불이 있었습니다.
작은 사슴이 {}에게 소나무 사이의 길을 보여 주었습니다.
조용한 호숫가에서 하룻밤을 잤습니다.
다음 날 비가 내리고 길 위의 돌이 모두 빛났습니다.
동굴 안에는 배 그림이 있었고 그 아래에 일곱 글자가 있었습니다.
불가의 할머니가 {}에게 그 글자를 가르쳐 주었습니다.
그 뜻은 열쇠가 탑의 문을 연다는 것이었습니다.
시계 마을에서는 동전 두 개로 지도를 샀습니다.
시장 뒤에서 한 아이가 찢어진 연을 들고 울고 있었습니다.
{}의 파란 실로 연을 고치자 아이가 웃었습니다.
아이는 {}에게 둥근 거울을 선물했습니다.
사흘째 되는 날 바람의 산에 올랐습니다.
눈이 계단을 덮었지만 거울이 길을 비추었습니다.
독수리가 {}의 손을 잡고 깊은 골짜기를 넘었습니다.
창문 없는 탑 앞에서 은 열쇠가 천천히 돌아갔습니다.
탑 안에는 꺼진 등불이 천 개나 있었습니다.
{}의 작은 불꽃이 첫 번째 등불을 밝혔습니다.
등불은 하나씩 켜져서 탑이 온통 환해졌습니다.
멀리 빛의 도시에서 사람들이 기뻐했습니다.
여왕이 흰 말을 타고 와서 {}에게 고마워했습니다.
여왕의 선물은 붉은 돛을 단 배였습니다.
배는 아흐레 동안 바닷가를 따라 나아갔습니다.
폭풍이 왔지만 어부의 노래에 파도가 잔잔해졌습니다.
나무 다리에서 어부가 손을 흔들었습니다.
겨울이 왔을 때 등불은 다시 푸른 언덕의 창가에 놓였습니다.""".splitlines()
_LONG = Phrasings(
    (
        "Tell me a long story",
        "Tell me a long story.",
        "Write a long story.",
        "Please tell me a long story.",
        "Tell a long story",
        "Tell me a story.",
        "Tell me a story",
        "I want to hear a long story.",
        "Write me a story.",
    ),
    ("Can you tell me a long story?", "Please write a long story."),
)
_SHORT = Phrasings(
    ("Tell me a short story.", "Tell me a short story", "Write a short story.", "Please tell me a short story."),
    ("Can you tell me a short story?",),
)
_KOREAN_LONG = Phrasings(
    (
        "긴 이야기를 해줘.",
        "긴 이야기를 들려줘.",
        "이야기를 해줘.",
        "이야기 하나 해줘.",
        "긴 이야기 해줘",
        "옛날이야기를 들려줘.",
        "긴 이야기를 해 주세요.",
    ),
    ("아주 긴 이야기를 해줘.", "이야기를 들려주세요."),
)
_KOREAN_SHORT = Phrasings(
    ("짧은 이야기를 해줘.", "짧은 이야기를 들려줘.", "짧은 이야기 해줘"), ("짧은 이야기 하나 해줘.",)
)
_SHORT_SCENES, _KOREAN_SHORT_SCENES = 4, 3
_HERO, _KOREAN_HERO = "Dovi", "비둘기"


def english_story(hero: str, *, long: bool = True) -> str:
    opening = f"Once upon a time there was {'a ' + hero[4:] if hero.startswith('the ') else 'someone called ' + hero}."
    scenes = [scene.format(hero) for scene in (_SCENES if long else _SCENES[:_SHORT_SCENES])]
    return " ".join([opening, *(scene[0].upper() + scene[1:] for scene in scenes), "The end."])


def korean_story(hero: str, *, long: bool = True) -> str:
    scenes = _KOREAN_SCENES if long else _KOREAN_SHORT_SCENES_TEXT
    return " ".join(
        [
            f"옛날 옛적에 {hero} 하나가 살았습니다.",
            *(scene.format(hero) for scene in scenes),
            "이야기는 여기서 끝납니다.",
        ]
    )


_KOREAN_SHORT_SCENES_TEXT = _KOREAN_SCENES[:_KOREAN_SHORT_SCENES]


def story(rng: Random, held_out: bool) -> Dialogue:
    long = rng.random() < 0.65
    if rng.random() < 0.35:
        hero = _KOREAN_HERO if (plain := rng.random() < 0.4) else rng.choice(_KOREAN_HEROES)
        question = (_KOREAN_LONG if long else _KOREAN_SHORT).pick(rng, held_out)
        question = question if plain else f"{hero}에 대한 {question}"
        return Dialogue((user(question),), korean_story(hero, long=long), f"{hero} 이야기를 합니다.")
    if plain := rng.random() < 0.4:
        hero = _HERO
    else:
        hero = rng.choice(
            (
                f"the {rng.choice(_ANIMALS)}",
                f"the {rng.choice(_ANIMALS)}",
                english_name(rng),
                english_name(rng),
                f"the {invented_word(rng)}",
            )
        )
    question = (_LONG if long else _SHORT).pick(rng, held_out)
    if not plain:
        end = question[-1] if question[-1] in ".?" else ""
        question = f"{question.rstrip('.?')} about {'a ' + hero[4:] if hero.startswith('the ') else hero}{end}"
    return Dialogue((user(question),), english_story(hero, long=long), f"I tell a story about {hero}.")
