import { javascript } from '../quoting'
import { path, QUESTION, SENTENCES, TOOL_QUESTION, type Examples, type Target, type Task } from '../request'

export const REACT: Examples = {
  chat: (target) => `import { useState } from "react";

const model = ${javascript(target.model)};

export function Chat() {
  const [answer, setAnswer] = useState("");

  async function ask(question) {
    const response = await ${post('chat', target, '{ model, messages: [{ role: "user", content: question }] }')};
    const body = await response.json();
    setAnswer(response.ok ? body.choices[0].message.content : body.error.message);
  }

  return (
    <>
      <button onClick={() => ask(${javascript(QUESTION)})}>Ask</button>
      <p>{answer}</p>
    </>
  );
}
`,

  stream: (target) => `import { useRef, useState } from "react";

const model = ${javascript(target.model)};

export function Chat() {
  const [answer, setAnswer] = useState("");
  const running = useRef(null);

  async function ask(question) {
    setAnswer("");
    running.current = new AbortController();
    const messages = [{ role: "user", content: question }];
    try {
      const response = await ${post('stream', target, '{ model, messages, stream: true }', 'signal: running.current.signal')};
      if (!response.ok) return setAnswer((await response.json()).error.message);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const lines = (rest + value).split("\\n");
        rest = lines.pop();
        for (const line of lines) {
          if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
          const event = JSON.parse(line.slice("data: ".length));
          const text = event.error?.message ?? event.choices[0]?.delta?.content ?? "";
          setAnswer((before) => before + text);
        }
      }
    } catch (error) {
      if (error.name !== "AbortError") throw error; // stopped
    }
  }

  return (
    <>
      <button onClick={() => ask(${javascript(QUESTION)})}>Ask</button>
      <button onClick={() => running.current?.abort()}>Stop</button>
      <p aria-live="polite">{answer}</p>
    </>
  );
}
`,

  tools: (target) => `import { useState } from "react";

const model = ${javascript(target.model)};
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather in a city",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

async function complete(messages) {
  const response = await ${post('tools', target, '{ model, messages, tools }')};
  const body = await response.json();
  if (!response.ok) throw new Error(body.error.message);
  return body.choices[0].message;
}

export function Weather() {
  const [answer, setAnswer] = useState("");

  async function ask(question) {
    const messages = [{ role: "user", content: question }];
    let message = await complete(messages);
    if (message.tool_calls) {
      messages.push(message);
      for (const call of message.tool_calls) {
        const { city } = JSON.parse(call.function.arguments);
        messages.push({ role: "tool", tool_call_id: call.id, content: \`18 degrees and sunny in \${city}\` });
      }
      message = await complete(messages);
    }
    setAnswer(message.content);
  }

  return (
    <>
      <button onClick={() => ask(${javascript(TOOL_QUESTION)})}>Ask</button>
      <p>{answer}</p>
    </>
  );
}
`,

  embeddings: (target) => `import { useEffect, useState } from "react";

const model = ${javascript(target.model)};
const sentences = ${JSON.stringify(SENTENCES)};

export function Likeness() {
  const [likeness, setLikeness] = useState(null);

  useEffect(() => {
    async function compare() {
      const response = await ${post('embeddings', target, '{ model, input: sentences }')};
      const body = await response.json();
      if (!response.ok) throw new Error(body.error.message);
      const [one, other] = body.data.map((item) => item.embedding);
      setLikeness(one.reduce((sum, value, i) => sum + value * other[i], 0));
    }
    compare();
  }, []);

  return <p>{likeness === null ? "…" : \`These two are \${likeness.toFixed(2)} alike.\`}</p>;
}
`,
}

function post(task: Task, { base, key }: Target, body: string, more = ''): string {
  const said = key ? `, authorization: ${javascript(`Bearer ${key}`)}` : ''
  const indent = { tools: '  ', chat: '    ', stream: '      ', embeddings: '      ' }[task]
  return [
    `fetch(${javascript(base + path(task))}, {`,
    `  method: "POST",`,
    `  headers: { "content-type": "application/json"${said} },`,
    `  body: JSON.stringify(${body}),`,
    ...(more ? [`  ${more},`] : []),
    '})',
  ].join(`\n${indent}`)
}
