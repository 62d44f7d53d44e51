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
