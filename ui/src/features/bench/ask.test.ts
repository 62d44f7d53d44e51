import { expect, it, vi } from 'vitest'
import { ask, asking, type Asked } from './ask'
import { FRESH } from './ask-settings'

async function asked(body: string): Promise<Asked> {
  vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(body))
  const said = { ...FRESH, model: 'm' }
  let last = asking(1, said, 'why?')
  await ask(last, said, new AbortController().signal, (now) => {
    last = now
  })
  return last
}

it('is done when the server says that it is', async () => {
  expect(await asked('data: {"text":"so"}\n\ndata: [DONE]\n\n')).toMatchObject({ text: 'so', state: 'done' })
})

it('has failed where the answer is cut, and keeps what came', async () => {
  expect(await asked('data: {"text":"so"}\n\n')).toMatchObject({ text: 'so', state: 'failed' })
})

it('has failed with what the server says', async () => {
  const error = { message: 'it is too long', type: 'x', param: null, code: 'context_length_exceeded' }
  const { state, error: told } = await asked(`data: ${JSON.stringify({ error })}\n\n`)
  expect([state, told?.message]).toEqual(['failed', 'It is too long.'])
})
