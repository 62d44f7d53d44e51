import { expect, it } from 'vitest'
import { sentence } from './sentence'

it.each([
  ['this session has ended; log in again', 'This session has ended; log in again.'],
  ["you have no chat 'chat_1' here", "You have no chat 'chat_1' here."],
  ["model 'x' does not exist; models here: tiny-gguf, tiny-mlx", "Model 'x' does not exist; models here: tiny-gguf, tiny-mlx"],
  ['it takes 9.3 GiB, and 4.0 GiB are free (memory.limit)', 'It takes 9.3 GiB, and 4.0 GiB are free (memory.limit).'],
  ['a model has 20', 'A model has 20.'],
  ["the worker's log says: out of memory", "The worker's log says: out of memory."],
  ['tiny-gguf cannot be loaded: config.json is missing', 'tiny-gguf cannot be loaded: config.json is missing.'],
  ['config.json is not valid JSON', 'config.json is not valid JSON.'],
  ['n: should be at least 1', 'n: should be at least 1.'],
  ['add its folder to catalog.folders', 'Add its folder to catalog.folders'],
  ['there is no room on /var/lib', 'There is no room on /var/lib'],
  ['Already a sentence.', 'Already a sentence.'],
  ['is it?', 'Is it?'],
  ['several lines:\nllama_model_load: error', 'Several lines:\nllama_model_load: error'],
  ['모델이 없습니다.', '모델이 없습니다.'],
  ['', ''],
])('%j is %j', (said, shown) => {
  expect(sentence(said)).toBe(shown)
  expect(sentence(shown)).toBe(shown)
})

it('leaves the name of the field at fault', () => {
  expect(sentence('stop is empty', 'stop')).toBe('stop is empty.')
  expect(sentence('stop is empty')).toBe('Stop is empty.')
})
