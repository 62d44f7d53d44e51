// The examples of the `ollama` package's README, at another host.
import assert from 'node:assert/strict';
import { Ollama } from 'ollama';

const FRANCE = [{ role: 'user', content: 'What is the capital of France?' }];
const PLAIN = { think: false, options: { temperature: 0, num_predict: 40 } };
const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Get the weather in a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const FORM = {
  type: 'object',
  properties: { capital: { type: 'string', enum: ['Paris', 'Seoul'] } },
  required: ['capital'],
};

const client = (host) => new Ollama({ host });

async function chat(url, model) {
  const response = await client(url).chat({ model, messages: FRANCE, ...PLAIN });
  assert.match(response.message.content, /Paris/);
  assert.ok(response.eval_count > 0 && response.total_duration > 0);
  const { models } = await client(url).list();
  assert.ok(models.some((each) => each.name === model || each.name === `${model}:latest`));
}

async function streaming(url, model) {
  let text = '';
  for await (const part of await client(url).chat({ model, messages: FRANCE, ...PLAIN, stream: true })) text += part.message.content;
  assert.match(text, /Paris/);
}

async function tools(url, model) {
  const messages = [{ role: 'user', content: 'What is the weather in Paris?' }];
  const asked = { model, think: false, options: { temperature: 0, num_predict: 120 }, tools: [WEATHER] };
  const { message } = await client(url).chat({ ...asked, messages });
  assert.deepEqual(message.tool_calls[0].function, { name: 'get_weather', arguments: { city: 'Paris' }, ...pick(message) });
  messages.push(message, { role: 'tool', content: '20 degrees', tool_name: 'get_weather' });
  assert.equal((await client(url).chat({ ...asked, messages })).message.role, 'assistant');
}

// Ollama numbers its calls, which no client looks at.
const pick = (message) => ('index' in message.tool_calls[0].function ? { index: message.tool_calls[0].function.index } : {});

async function structured(url, model) {
  const { message } = await client(url).chat({ model, messages: FRANCE, ...PLAIN, format: FORM });
  assert.deepEqual(JSON.parse(message.content), { capital: 'Paris' });
}

async function embeddings(url, model) {
  const { embeddings: found } = await client(url).embed({ model, input: ['one', 'two'] });
  assert.equal(found.length, 2);
}

async function errors(url) {
  await assert.rejects(client(url).chat({ model: 'no-such-model', messages: FRANCE }), (error) => {
    assert.equal(error.status_code, 404);
    assert.match(error.message, /no-such-model/);
    return true;
  });
}

async function cancellation(url, model) {
  const ollama = client(url);
  const stream = await ollama.chat({ model, messages: FRANCE, options: { num_predict: 4000 }, stream: true });
  ollama.abort(); // not at the first part: a whole answer may have come with it
  await assert.rejects(async () => {
    for await (const part of stream) assert.ok(part);
  }, { name: 'AbortError' });
  await chat(url, model);
}

export const checks = { chat, streaming, tools, 'structured output': structured, embeddings, errors, cancellation };
