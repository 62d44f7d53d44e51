import { javascript } from '../quoting'
import { json, path, type Examples, type Target, type Task } from '../request'

export const JAVASCRIPT: Examples = {
  chat: (target) => `${RUN}
${ask('chat', target)}
const answer = await response.json();
if (!response.ok) throw new Error(answer.error.message);
console.log(answer.choices[0].message.content);
`,

  stream: (target) => `${RUN}
${ask('stream', target)}
if (!response.ok) throw new Error((await response.json()).error.message);

let rest = "";
for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + piece).split("\\n");
  rest = lines.pop();
  for (const line of lines) {
    if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
    const event = JSON.parse(line.slice("data: ".length));
    if (event.error) throw new Error(event.error.message);
    process.stdout.write(event.choices[0]?.delta?.content ?? "");
  }
}
console.log();
`,

  tools: (target) => `${RUN}
function getWeather({ city }) {
  return \`18 degrees and sunny in \${city}\`;
}

const body = ${json('tools', target.model)};

async function ask() {
  const response = await fetch(${javascript(target.base + path('tools'))}, {
    method: "POST",
    headers: ${headers(target)},
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer.choices[0].message;
}

let message = await ask();
if (message.tool_calls) {
  body.messages.push(message);
  for (const call of message.tool_calls) {
    const content = getWeather(JSON.parse(call.function.arguments));
    body.messages.push({ role: "tool", tool_call_id: call.id, content });
  }
  message = await ask();
}
console.log(message.content);
`,

  embeddings: (target) => `${RUN}
${ask('embeddings', target)}
const answer = await response.json();
if (!response.ok) throw new Error(answer.error.message);
for (const { index, embedding } of answer.data) {
  console.log(index, embedding.length, embedding.slice(0, 4));
}
`,
}

const RUN = '// Node 18 or newer: node example.mjs'

function ask(task: Task, target: Target): string {
  return `const response = await fetch(${javascript(target.base + path(task))}, {
  method: "POST",
  headers: ${headers(target)},
  body: JSON.stringify(${json(task, target.model).split('\n').join('\n  ')}),
});`
}

function headers({ key }: Target): string {
  const said = key ? `, authorization: ${javascript(`Bearer ${key}`)}` : ''
  return `{ "content-type": "application/json"${said} }`
}
