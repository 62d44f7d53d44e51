"""LlamaIndex by `OpenAILike`, as its page has it."""

import json
import sys

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

url, model = sys.argv[1:]
llm = OpenAILike(
    model=model, api_base=f"{url}/v1", api_key="none", is_chat_model=True, temperature=0, max_tokens=80,
    additional_kwargs={"extra_body": {"enable_thinking": False}},
)  # fmt: skip
question = [ChatMessage(role="user", content="What is the capital of France?")]
print(json.dumps({
    "chat": llm.chat(question).message.content,
    "streaming": "".join(piece.delta or "" for piece in llm.stream_chat(question)),
}))  # fmt: skip
