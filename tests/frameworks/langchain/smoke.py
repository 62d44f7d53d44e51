"""LangChain, as its page on `langchain-openai` has it."""

import json
import sys

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

url, model = sys.argv[1:]
question = "What is the capital of France?"
chat = ChatOpenAI(
    model=model, base_url=f"{url}/v1", api_key="none", temperature=0, max_tokens=60,
    extra_body={"enable_thinking": False},
)  # fmt: skip


@tool
def get_weather(city: str) -> str:
    """Get the weather in a city."""
    return f"{city}: 20 degrees"


calls = chat.bind_tools([get_weather], tool_choice="get_weather").invoke("What is the weather in Paris?").tool_calls
# Texts, not token ids of OpenAI's models.
vector = OpenAIEmbeddings(
    model=model, base_url=f"{url}/v1", api_key="none", check_embedding_ctx_length=False
).embed_query("one")
print(json.dumps({
    "chat": chat.invoke(question).content,
    "streaming": "".join(str(chunk.content) for chunk in chat.stream(question)),
    "tools": calls[0]["args"]["city"],
    "embeddings": len(vector),
}))  # fmt: skip
