import { cleanup, render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it } from 'vitest'
import { en } from './i18n/en'
import './texts'
import type { Model } from './use-models'
import { Welcome } from './Welcome'

const model = (id: string, size: number): Model => ({
  id,
  size,
  aliases: [],
  capabilities: ['chat'],
  context: 4096,
  created: 0,
  format: 'gguf',
  placement: null,
  quantisation: '',
  reason: null,
  sampling: {},
  state: 'ready',
})

async function ideas(chosen: Model): Promise<{ shown: (string | null)[]; taken: string[] }> {
  const taken: string[] = []
  render(<Welcome models={[chosen]} model={chosen} isLoading={false} error={null} onRetry={() => undefined} onIdea={(text) => taken.push(text)} />)
  const buttons = screen.getAllByRole('button')
  await userEvent.click(buttons[0] as HTMLElement)
  return { shown: buttons.map((button) => button.textContent), taken }
}

afterEach(cleanup)

describe('Welcome', () => {
  it('asks a model that comes with the program what it knows', async () => {
    const { shown, taken } = await ideas(model('tiny-gguf', 5_000_000))
    expect(shown).toContain(en.idea.capital)
    expect(shown).not.toContain(en.idea.code)
    expect(taken).toEqual([en.idea.capital])
    expect(screen.getByText(en.idea.otherCapital).lang).toBe('ko')
  })

  it('asks nothing for who may only look, and says who can change it', () => {
    render(<Welcome models={[]} model={undefined} isLoading={false} error={null} onRetry={() => undefined} onIdea={null} />)
    expect(screen.queryAllByRole('button')).toEqual([])
    expect(screen.getByText(en.welcome.viewerHelp)).toBeTruthy()
  })

  it('asks any other model more, one that is called tiny, too', async () => {
    const { shown } = await ideas(model('tiny-llama', 600_000_000))
    expect(shown).toContain(en.idea.code)
  })
})
