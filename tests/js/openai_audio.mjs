// What the `openai` package's README does with recordings, at another base URL; `file` is one that says `text`.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import OpenAI, { toFile } from 'openai';

async function transcription(url, model, file, text) {
  const { audio } = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, timeout: 60_000 });
  const heard = await audio.transcriptions.create({ model, file: fs.createReadStream(file) });
  assert.equal(heard.text, text);
  assert.equal(heard.usage.type, 'duration');
  const bytes = await toFile(fs.readFileSync(file), 'möwe "1".wav');
  const whole = await audio.transcriptions.create({
    model: 'whisper-1',
    file: bytes,
    response_format: 'verbose_json',
    timestamp_granularities: ['word', 'segment'],
  });
  assert.deepEqual([whole.text, whole.filename, whole.language], [text, 'möwe "1".wav', 'english']);
  assert.equal(whole.words.map((each) => each.word).join(' '), text);
  assert.equal(whole.segments.map((each) => each.text).join('').trim(), text);
  const subtitles = await audio.transcriptions.create({ model, file: fs.createReadStream(file), response_format: 'srt' });
  assert.match(subtitles, /^1\n00:00:00,\d{3} --> /);
  const stream = await audio.transcriptions.create({ model, file: fs.createReadStream(file), stream: true });
  let deltas = '';
  let done = '';
  for await (const event of stream) {
    if (event.type === 'transcript.text.delta') deltas += event.delta;
    if (event.type === 'transcript.text.done') done = event.text;
  }
  assert.deepEqual([deltas, done], [text, text]);
  assert.equal(typeof (await audio.translations.create({ model, file: fs.createReadStream(file) })).text, 'string');
  await assert.rejects(audio.transcriptions.create({ model, file: await toFile(Buffer.from('none'), 'a.wav') }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.deepEqual([error.status, error.code, error.param], [400, 'invalid_audio', 'file']);
    return true;
  });
}

export const checks = { transcription };
