import { afterEach, expect, it } from 'vitest'
import { i18n } from '@/i18n/texts'
import { failure } from './client'

afterEach(() => i18n.changeLanguage('en'))

it('keeps the words of the server where others stand for them', async () => {
  await i18n.changeLanguage('ko')
  const message = 'models.m.context: Input should be greater than or equal to 64'
  const body = JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: 'invalid_configuration' } })
  const refused = await failure(new Response(body, { status: 422 }))
  expect(refused.message).not.toContain('models.m')
  expect(refused.said).toBe(message)
})

it.each([
  ['session_ended', 401, undefined],
  ['insufficient_memory', 507, 'It takes 9.3 GiB, and 4.0 GiB are free.'],
  ['something_new', 400, 'n: should be at least 1.'],
])('says %s in Korean, and beneath it what only the server knows', async (code, status, detail) => {
  await i18n.changeLanguage('ko')
  const message = detail?.replace(/^It/, 'it').replace(/\.$/, '') ?? 'this session has ended; log in again'
  const body = JSON.stringify({ error: { message, type: 'x', param: null, code } })
  const refused = await failure(new Response(body, { status }))
  expect(refused.message).toMatch(/^[^A-Za-z]+$/)
  expect(refused.detail).toBe(detail)
})

it('has one sentence alone in English, and it is one', async () => {
  const body = JSON.stringify({ error: { message: 'it takes 9.3 GiB', type: 'x', param: null, code: 'insufficient_memory' } })
  const refused = await failure(new Response(body, { status: 507 }))
  expect([refused.message, refused.detail]).toEqual(['It takes 9.3 GiB.', undefined])
})
