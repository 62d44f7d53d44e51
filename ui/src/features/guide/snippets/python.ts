import { python } from '../quoting'
import { QUESTION, SENTENCES, TOOL_QUESTION, type Examples, type Target } from '../request'

export const PYTHON: Examples = {
  chat: (target) => `${client(target)}
answer = client.chat.completions.create(
    model=${python(target.model)},
    messages=[{"role": "user", "content": ${python(QUESTION)}}],
)
print(answer.choices[0].message.content)
`,

  stream: (target) => `${client(target)}
stream = client.chat.completions.create(
    model=${python(target.model)},
    messages=[{"role": "user", "content": ${python(QUESTION)}}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
`,

  tools: (target) => `import json

${client(target)}

def get_weather(city):
    return f"18 degrees and sunny in {city}"


tools = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
messages = [{"role": "user", "content": ${python(TOOL_QUESTION)}}]


def ask():
    answer = client.chat.completions.create(model=${python(target.model)}, messages=messages, tools=tools)
    return answer.choices[0].message


message = ask()
if message.tool_calls:
    messages.append(message)
    for call in message.tool_calls:
        content = get_weather(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    message = ask()
print(message.content)
`,

  embeddings: (target) => `${client(target)}
answer = client.embeddings.create(
    model=${python(target.model)},
    input=[${SENTENCES.map(python).join(', ')}],
)
for item in answer.data:
    print(item.index, len(item.embedding), item.embedding[:4])
`,
}

function client({ base, key }: Target): string {
  const said = key ? python(key) : `"none"`
  const why = key ? '' : '  # this server asks for none'
  return `from openai import OpenAI  # pip install openai

client = OpenAI(
    base_url=${python(`${base}/v1`)},
    api_key=${said},${why}
)
`
}
