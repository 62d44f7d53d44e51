// The examples of the `@anthropic-ai/sdk` package's README, at another base URL.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';

const FRANCE = [{ role: 'user', content: 'What is the capital of France?' }];
const PLAIN = { max_tokens: 40, temperature: 0 };
const WEATHER = {
  name: 'get_weather',
  description: 'Get the weather in a city.',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const FORM = {
  type: 'object',
  properties: { capital: { type: 'string', enum: ['Paris', 'Seoul'] } },
  required: ['capital'],
  additionalProperties: false,
};

const client = (baseURL) => new Anthropic({ baseURL, apiKey: 'none', maxRetries: 0, timeout: 60_000 });
const text = (message) => message.content.filter((block) => block.type === 'text').map((block) => block.text).join('');

async function chat(url, model) {
  const message = await client(url).messages.create({ model, messages: FRANCE, ...PLAIN });
  assert.match(text(message), /Paris/);
  assert.equal(message.stop_reason, 'end_turn');
  const { input_tokens } = await client(url).messages.countTokens({ model, messages: FRANCE });
  assert.equal(input_tokens, message.usage.input_tokens + message.usage.cache_read_input_tokens);
}

async function streaming(url, model) {
  let heard = '';
  const stream = client(url).messages.stream({ model, messages: FRANCE, ...PLAIN }).on('text', (delta) => (heard += delta));
  assert.equal(text(await stream.finalMessage()), heard);
  assert.match(heard, /Paris/);
  const kinds = [];
  for await (const event of await client(url).messages.create({ model, messages: FRANCE, ...PLAIN, stream: true })) {
    kinds.push(event.type);
  }
  assert.deepEqual([kinds[0], kinds[1], kinds.at(-2), kinds.at(-1)],
    ['message_start', 'content_block_start', 'message_delta', 'message_stop']);
}

async function tools(url, model) {
  const messages = [{ role: 'user', content: 'What is the weather in Paris?' }];
  const asked = { model, ...PLAIN, max_tokens: 120, tools: [WEATHER] };
  const stream = client(url).messages.stream({ ...asked, messages });
  const called = await stream.finalMessage();
  assert.equal(called.stop_reason, 'tool_use');
  const use = called.content.find((block) => block.type === 'tool_use');
  assert.deepEqual([use.name, use.input], ['get_weather', { city: 'Paris' }]);
  messages.push({ role: 'assistant', content: called.content });
  messages.push({ role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: '20 degrees' }] });
  assert.equal((await client(url).messages.create({ ...asked, messages })).role, 'assistant');
}

async function structured(url, model) {
  const output_config = { format: { type: 'json_schema', schema: FORM } };
  const message = await client(url).messages.create({ model, messages: FRANCE, ...PLAIN, output_config });
  assert.deepEqual(JSON.parse(text(message)), { capital: 'Paris' });
}

async function errors(url, model) {
  await assert.rejects(client(url).messages.create({ model: 'no-such-model', messages: FRANCE, ...PLAIN }), (error) => {
    assert.ok(error instanceof Anthropic.NotFoundError);
    assert.equal(error.error.error.type, 'not_found_error');
    assert.ok(error.requestID);
    return true;
  });
  await assert.rejects(client(url).messages.create({ model, messages: FRANCE, max_tokens: 0 }), Anthropic.BadRequestError);
}

async function cancellation(url, model) {
  const stream = client(url).messages.stream({ model, messages: FRANCE, max_tokens: 4000 });
  stream.on('connect', () => stream.abort()); // not at the first text: a whole answer may have come with it
  await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
  await chat(url, model);
}

export const checks = { chat, streaming, tools, 'structured output': structured, errors, cancellation };
