"""LiteLLM over three of the APIs that it speaks."""

import json
import sys

import litellm

url, model = sys.argv[1:]
question = [{"role": "user", "content": "What is the capital of France?"}]
openai = {"model": f"openai/{model}", "api_base": f"{url}/v1", "api_key": "none"}
asked = {"messages": question, "max_tokens": 80}


def text(answer: litellm.ModelResponse) -> str:
    return answer.choices[0].message.content


stream = litellm.completion(**openai, **asked, temperature=0, stream=True)
print(json.dumps({
    "chat": text(litellm.completion(**openai, **asked, temperature=0)),
    "streaming": "".join(chunk.choices[0].delta.content or "" for chunk in stream),
    "by Anthropic's API": text(
        litellm.completion(model=f"anthropic/{model}", api_base=url, api_key="none", **asked, temperature=0)
    ),
    "by Ollama's API": text(litellm.completion(model=f"ollama_chat/{model}", api_base=url, **asked, temperature=0)),
    "embeddings": len(litellm.embedding(**openai, input=["one"]).data[0]["embedding"]),
}))  # fmt: skip
