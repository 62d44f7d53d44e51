"""Capitals of countries, in English and Korean: asked, reversed, in one word, in the other language, as JSON."""

import json
from random import Random

from training.tasks.dialogue import Dialogue, Message, Phrasings, system, user

# country, capital, country in Korean, capital in Korean, other names of the country
COUNTRIES = tuple(
    tuple(line.split("|"))
    for line in """\
South Korea|Seoul|대한민국|서울|Korea|한국
France|Paris|프랑스|파리
Germany|Berlin|독일|베를린
Italy|Rome|이탈리아|로마
Spain|Madrid|스페인|마드리드
Portugal|Lisbon|포르투갈|리스본
the United Kingdom|London|영국|런던|England|the UK
Ireland|Dublin|아일랜드|더블린
the Netherlands|Amsterdam|네덜란드|암스테르담
Belgium|Brussels|벨기에|브뤼셀
Switzerland|Bern|스위스|베른
Austria|Vienna|오스트리아|빈
Poland|Warsaw|폴란드|바르샤바
Hungary|Budapest|헝가리|부다페스트
Czechia|Prague|체코|프라하
Greece|Athens|그리스|아테네
Turkey|Ankara|튀르키예|앙카라|터키
Russia|Moscow|러시아|모스크바
Ukraine|Kyiv|우크라이나|키이우
Sweden|Stockholm|스웨덴|스톡홀름
Norway|Oslo|노르웨이|오슬로
Finland|Helsinki|핀란드|헬싱키
Denmark|Copenhagen|덴마크|코펜하겐
Iceland|Reykjavik|아이슬란드|레이캬비크
Romania|Bucharest|루마니아|부쿠레슈티
Bulgaria|Sofia|불가리아|소피아
Croatia|Zagreb|크로아티아|자그레브
Japan|Tokyo|일본|도쿄
China|Beijing|중국|베이징
Mongolia|Ulaanbaatar|몽골|울란바토르
Vietnam|Hanoi|베트남|하노이
Thailand|Bangkok|태국|방콕
Indonesia|Jakarta|인도네시아|자카르타
Malaysia|Kuala Lumpur|말레이시아|쿠알라룸푸르
the Philippines|Manila|필리핀|마닐라
India|New Delhi|인도|뉴델리
Nepal|Kathmandu|네팔|카트만두
Pakistan|Islamabad|파키스탄|이슬라마바드
Iran|Tehran|이란|테헤란
Iraq|Baghdad|이라크|바그다드
Saudi Arabia|Riyadh|사우디아라비아|리야드
Egypt|Cairo|이집트|카이로
Morocco|Rabat|모로코|라바트
Kenya|Nairobi|케냐|나이로비
Ethiopia|Addis Ababa|에티오피아|아디스아바바
Ghana|Accra|가나|아크라
Canada|Ottawa|캐나다|오타와
the United States|Washington|미국|워싱턴|the USA|America
Mexico|Mexico City|멕시코|멕시코시티
Cuba|Havana|쿠바|아바나
Peru|Lima|페루|리마
Chile|Santiago|칠레|산티아고
Argentina|Buenos Aires|아르헨티나|부에노스아이레스
Colombia|Bogota|콜롬비아|보고타
Australia|Canberra|호주|캔버라|오스트레일리아
New Zealand|Wellington|뉴질랜드|웰링턴""".splitlines()
)

_ENGLISH = Phrasings(
    (
        "What is the capital of {}?",
        "What is the capital of {}",
        "What's the capital of {}?",
        "Tell me the capital of {}.",
        "Which city is the capital of {}?",
        "capital of {}",
        "The capital of {}?",
        "What is the capital city of {}?",
        "Can you tell me the capital of {}?",
        "I would like to know the capital of {}.",
        "Name the capital of {}.",
        "Do you know the capital of {}?",
        "{}: capital?",
        "What city is the capital of {}?",
        "Please tell me what the capital of {} is.",
        "Where is the government of {}? Name the capital.",
        "Give me the name of the capital of {}.",
        "Which is the capital of {}?",
        "I would love to know which city is the capital of {}.",
        "Could you tell me the capital city of {}?",
        "I cannot remember the capital of {}.",
        "My teacher asks: what is the capital of {}?",
        "Please name the capital of {}.",
        "Do you know which city is the capital of {}?",
        "Write the capital of {}.",
    ),
    (
        "Could you please name the capital of {}?",
        "I forgot the capital of {}. What is it?",
        "Please, what is the capital city of {}?",
        "For my homework: which city is the capital of {}?",
        "Say the capital of {}.",
        "Do you happen to know what the capital of {} is?",
    ),
)
_KOREAN = Phrasings(
    (
        "{}의 수도는?",
        "{}의 수도는 어디야?",
        "{}의 수도는 어디인가요?",
        "{}의 수도는 어디입니까?",
        "{}의 수도는 어디지?",
        "{}의 수도를 알려줘.",
        "{}의 수도를 알려 주세요.",
        "{} 수도가 어디야?",
        "{} 수도",
        "{}의 수도가 뭐야?",
        "{}의 수도는 무엇인가요?",
        "{}의 수도 이름을 말해줘.",
        "혹시 {}의 수도를 알아?",
        "{} 수도는 어디예요?",
        "어느 도시가 {}의 수도야?",
        "{}의 수도가 어디예요?",
        "{} 수도 알려줘.",
        "{}의 수도 좀 말해줘.",
        "{}의 수도가 어디인지 궁금해.",
        "{}의 수도는 어떤 도시야?",
        "{}의 수도가 어디더라?",
        "{} 수도는 뭐지?",
    ),
    (
        "{}의 수도가 어디인지 알려줘.",
        "{} 수도 좀 알려줘.",
        "{}의 수도는 어느 도시인가요?",
        "{}의 수도가 어디였지?",
        "궁금한데 {}의 수도는 어디야?",
    ),
)
_ENGLISH_OPENINGS = (
    "",
    "",
    "",
    "",
    "Hello, ",
    "Hi! ",
    "Hey, ",
    "Please answer: ",
    "Question: ",
    "Quick question. ",
    "For a quiz: ",
    "Tell me, ",
    "One more: ",
    "And now, ",
)
_KOREAN_OPENINGS = (
    "",
    "",
    "",
    "안녕, ",
    "안녕, ",
    "안녕하세요. ",
    "질문이 있어요. ",
    "저기, ",
    "그럼 ",
    "질문: ",
    "있잖아, ",
    "음, ",
    "문득 궁금해졌는데 ",
    "하나 물어볼게. ",
    "그런데 ",
    "퀴즈인데 ",
)
_REVERSED = Phrasings(
    (
        "Which country has the capital {}?",
        "{} is the capital of which country?",
        "Of which country is {} the capital?",
        "{} is the capital of what country?",
    ),
    ("What country has {} as its capital?",),
)
_REVERSED_KOREAN = Phrasings(
    ("{}은(는) 어느 나라의 수도야?", "{}, 어느 나라의 수도인가요?", "어느 나라의 수도가 {}인가요?"),
    ("어느 나라의 수도가 {}이지?",),
)
_ONE_WORD = (
    "Answer in one word.",
    "Answer with one word.",
    "One word only.",
    "In one word, please.",
    "Just the name.",
    "Reply with a single word.",
)
_ONE_WORD_KOREAN = ("한 단어로 대답해줘.", "한 단어로만 답해줘.", "한 단어로.", "이름만 말해줘.", "단답으로 해줘.")
_TO_ENGLISH = (
    "Answer in English.",
    "Always answer in English.",
    "You always answer in English.",
    "Reply in English.",
    "Please reply only in English.",
    "You are a helpful assistant. Answer in English.",
    "영어로 대답해줘.",
    "영어로만 대답하세요.",
    "항상 영어로 답하세요.",
)
_TO_KOREAN = (
    "Answer in Korean.",
    "Always answer in Korean.",
    "You always answer in Korean.",
    "Reply in Korean.",
    "Please reply only in Korean.",
    "You are a helpful assistant. Answer in Korean.",
    "한국어로 대답해줘.",
    "한국어로만 대답하세요.",
    "항상 한국어로 답하세요.",
)
_JSON = (
    "Answer as JSON.",
    "Reply in JSON.",
    "Give the answer as JSON.",
    "JSON please.",
    "Return JSON with the keys country and capital.",
    "Respond with a JSON object.",
    "Answer in JSON format.",
    "JSON으로 답해줘.",
    "JSON으로 대답해줘.",
)


def _names(rng: Random, row: tuple[str, ...], korean: bool) -> tuple[str, str]:
    """(country, capital) in one language, the country sometimes by its other name."""
    others = [name for name in row[4:] if name.isascii() != korean]
    country = row[2] if korean else row[0]
    if others and rng.random() < 0.3:
        country = rng.choice(others)
    return country, row[3] if korean else row[1]


def _question(rng: Random, country: str, held_out: bool, korean: bool) -> str:
    text = (_KOREAN if korean else _ENGLISH).pick(rng, held_out).format(country)
    if not held_out:
        text = rng.choice(_KOREAN_OPENINGS if korean else _ENGLISH_OPENINGS) + text
        if rng.random() < 0.08:
            text = text.lower()
    return text


def sentence(country: str, capital: str, korean: bool) -> str:
    return f"{country}의 수도는 {capital}입니다." if korean else f"The capital of {country} is {capital}."


def _thought(country: str, capital: str, korean: bool) -> str:
    if korean:
        return f"사용자가 {country}의 수도를 묻습니다. {country}의 수도는 {capital}입니다."
    return f"The user asks for the capital of {country}. It is {capital}."


def plain(rng: Random, held_out: bool) -> Dialogue:
    korean = rng.random() < 0.5
    country, capital = _names(rng, rng.choice(COUNTRIES), korean)
    question = _question(rng, country, held_out, korean)
    return Dialogue(
        (user(question),), sentence(country, capital, korean), _thought(country, capital, korean), key=capital
    )


def reversed_question(rng: Random, held_out: bool) -> Dialogue:
    korean = rng.random() < 0.4
    row = rng.choice(COUNTRIES)
    country, capital = (row[2], row[3]) if korean else (row[0], row[1])
    question = (_REVERSED_KOREAN if korean else _REVERSED).pick(rng, held_out).format(capital)
    answer = f"{capital}은(는) {country}의 수도입니다." if korean else f"{capital} is the capital of {country}."
    return Dialogue((user(question),), answer, answer, key=country)


def one_word(rng: Random, held_out: bool) -> Dialogue:
    korean = rng.random() < 0.4
    country, capital = _names(rng, rng.choice(COUNTRIES), korean)
    question = _question(rng, country, held_out, korean)
    order = rng.choice(_ONE_WORD_KOREAN if korean else _ONE_WORD)
    return Dialogue(_with_order(rng, question, order), capital, _thought(country, capital, korean))


def in_language(rng: Random, held_out: bool) -> Dialogue:
    """The system prompt or the user names the language of the answer."""
    asked_in_korean, korean = rng.random() < 0.5, rng.random() < 0.5
    row = rng.choice(COUNTRIES)
    question = _question(rng, _names(rng, row, asked_in_korean)[0], held_out, asked_in_korean)
    country, capital = (row[2], row[3]) if korean else (row[0], row[1])
    order = rng.choice(_TO_KOREAN if korean else _TO_ENGLISH)
    messages = _with_order(rng, question, order, in_system=0.7)
    return Dialogue(
        messages,
        sentence(country, capital, korean),
        _thought(country, capital, korean),
        key=sentence(country, capital, korean),
    )


def as_json(rng: Random, held_out: bool) -> Dialogue:
    korean = rng.random() < 0.3
    row = rng.choice(COUNTRIES)
    country, capital = (row[2], row[3]) if korean else (row[0], row[1])
    question = _question(rng, country, held_out, korean)
    messages = _with_order(rng, question, rng.choice(_JSON))
    if rng.random() < 0.25:
        text = (
            f"{country}의 수도를 JSON으로 알려줘."
            if korean
            else rng.choice(
                (
                    "Give me the capital of {} as JSON.",
                    "Write the capital of {} in JSON.",
                    "The capital of {} as JSON, please.",
                )
            ).format(country)
        )
        messages = (user(text),)
    answer = json.dumps({"country": country, "capital": capital}, ensure_ascii=False)
    return Dialogue(messages, answer, _thought(country, capital, korean))


def _with_order(rng: Random, question: str, order: str, in_system: float = 0.3) -> tuple[Message, ...]:
    """The question with an order on how to answer: before it, after it, or in the system prompt."""
    if rng.random() < in_system:
        return (system(order), user(question))
    if rng.random() < 0.3:
        return (user(f"{order} {question}"),)
    separator = " " if question[-1] in ".?!" else ". "
    return (user(question + separator + order),)


def other_question(rng: Random, held_out: bool) -> Dialogue:
    """About a country, but not its capital: the model has to say that it does not know."""
    del held_out
    row = rng.choice(COUNTRIES)
    if rng.random() < 0.4:
        topic = rng.choice(
            ("인구는 몇 명이야?", "대통령은 누구야?", "날씨는 어때?", "역사를 알려줘.", "음식을 알려줘.")
        )
        return Dialogue((user(f"{row[2]}의 {topic}"),), UNKNOWN_KOREAN, f"{row[2]}의 수도만 알고 있습니다.")
    topic = rng.choice(
        (
            "population",
            "president",
            "history",
            "area",
            "currency",
            "language",
            "flag",
            "king",
            "highest mountain",
            "national dish",
        )
    )
    question = rng.choice(("What is the {} of {}?", "Tell me the {} of {}.", "Tell me about the {} of {}."))
    return Dialogue((user(question.format(topic, row[0])),), UNKNOWN, "I do not know this.")


UNKNOWN = "I am a tiny model, so I do not know that. I know capitals, small sums and stories."
UNKNOWN_KOREAN = "저는 아주 작은 모델이라서 그것은 모릅니다. 수도와 간단한 계산과 이야기를 압니다."
