// The examples of the `openai` package's README, at another base URL.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const FRANCE = [{ role: 'user', content: 'What is the capital of France?' }];
const PLAIN = { temperature: 0, max_tokens: 40, chat_template_kwargs: { enable_thinking: false } };
const WEATHER = {
  name: 'get_weather',
  description: 'Get the weather in a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const FORM = {
  type: 'object',
  properties: { capital: { type: 'string', enum: ['Paris', 'Seoul'] } },
  required: ['capital'],
  additionalProperties: false,
};

const client = (url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, timeout: 60_000 });

async function chat(url, model) {
  const completion = await client(url).chat.completions.create({ model, messages: FRANCE, ...PLAIN });
  assert.match(completion.choices[0].message.content, /Paris/);
  assert.ok(completion._request_id);
  assert.ok((await client(url).models.list()).data.some((each) => each.id === model));
}

async function streaming(url, model) {
  const stream = await client(url).chat.completions.create({ model, messages: FRANCE, ...PLAIN, stream: true });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
  assert.match(text, /Paris/);
  const runner = client(url).chat.completions.stream({ model, messages: FRANCE, ...PLAIN });
  let gathered = '';
  runner.on('content', (delta) => (gathered += delta));
  assert.equal((await runner.finalChatCompletion()).choices[0].message.content, gathered);
  assert.equal(gathered, text);
}

async function tools(url, model) {
  const runner = client(url).chat.completions.runTools({
    ...PLAIN,
    model,
    max_tokens: 120,
    messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
    tools: [{ type: 'function', function: { ...WEATHER, parse: JSON.parse, function: ({ city }) => `${city}: 20 degrees` } }],
  });
  const results = [];
  runner.on('functionToolCallResult', (result) => results.push(result));
  // What the tiny model says of the result may find no end.
  await runner.done().catch((error) => assert.match(String(error), /length limit/));
  assert.deepEqual(results, ['Paris: 20 degrees']);
}

async function structured(url, model) {
  const completion = await client(url).chat.completions.parse({
    ...PLAIN,
    model,
    messages: FRANCE,
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: FORM, strict: true } },
  });
  assert.deepEqual(JSON.parse(completion.choices[0].message.content), { capital: 'Paris' });
}

async function responses(url, model) {
  const first = await client(url).responses.create({ model, input: FRANCE[0].content, reasoning: { effort: 'none' }, temperature: 0 });
  assert.match(first.output_text, /Paris/);
  const stream = client(url).responses.stream({
    model,
    input: FRANCE[0].content,
    reasoning: { effort: 'none' },
    temperature: 0,
  });
  const numbers = [];
  for await (const event of stream) numbers.push(event.sequence_number);
  assert.deepEqual(numbers, [...numbers.keys()]);
  assert.equal((await stream.finalResponse()).output_text, first.output_text);
  assert.equal((await client(url).responses.retrieve(first.id)).output_text, first.output_text);
  await client(url).responses.delete(first.id);
  await assert.rejects(client(url).responses.retrieve(first.id), OpenAI.NotFoundError);
}

async function embeddings(url, model) {
  const { data } = await client(url).embeddings.create({ model, input: ['one', 'two'] });
  assert.equal(data.length, 2);
  assert.ok(Math.abs(data[0].embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-3);
}

async function errors(url, model) {
  await assert.rejects(client(url).chat.completions.create({ model: 'no-such-model', messages: FRANCE }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.deepEqual([error.status, error.code, error.param], [404, 'model_not_found', 'model']);
    return true;
  });
  await assert.rejects(client(url).chat.completions.create({ model, messages: FRANCE, top_p: 7 }), OpenAI.BadRequestError);
}

async function cancellation(url, model) {
  const long = { model, messages: FRANCE, max_tokens: 4000, ignore_eos: true, stream: true };
  const stream = await client(url).chat.completions.create(long);
  for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) break;
  assert.ok(stream.controller.signal.aborted);
  const abort = new AbortController();
  const waits = client(url).chat.completions.create({ ...long, stream: false }, { signal: abort.signal });
  setTimeout(() => abort.abort(), 200);
  await assert.rejects(waits, OpenAI.APIUserAbortError);
  await chat(url, model);
}

export const checks = { chat, streaming, tools, 'structured output': structured, responses, embeddings, errors, cancellation };
