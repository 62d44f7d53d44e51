import './texts'
import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { MessageFooter } from './MessageFooter'
import type { Message, Timings, Usage } from './types'

it("says the server's figures, and none of its own", () => {
  const usage = { prompt_tokens: 812, completion_tokens: 142, prompt_tokens_details: { cached_tokens: 600 } } as Usage
  const timings = { predicted_per_second: 61.26, ttft_ms: 417, prompt_per_second: 1930.4, prompt_n: 212 } as Timings
  const message = { usage, timings, model: 'large', status: 'complete', finish_reason: 'length' } as Message
  render(<MessageFooter message={message} />)
  const said = screen.getByTestId('message-footer').textContent
  for (const part of ['142 tokens', '61.3 tok/s', '0.42 s', '812', '600 cached', '1,930 tok/s', 'large']) expect(said).toContain(part)
})

it('leaves out what the server does not say', () => {
  const message = { usage: null, timings: null, model: 'large', status: 'complete', finish_reason: 'stop' } as Message
  render(<MessageFooter message={message} />)
  expect(screen.getByTestId('message-footer')).toHaveTextContent(/^large$/)
})
