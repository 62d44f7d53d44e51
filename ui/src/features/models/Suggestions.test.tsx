import './i18n'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, render, screen } from '@testing-library/react'
import { afterEach, expect, it } from 'vitest'
import { i18n } from '@/i18n/texts'
import type { Change, Estimate } from './fit'
import { Suggestions } from './Suggestions'

const NONE: Change = { text: 'raise fleet.memory: no model fits into what is free', settings: {}, unload: [], at_most: null }
const CONTEXT: Change = { text: 'lower the context to 4096', settings: { context: 4096 }, unload: [], at_most: null }
const OTHERS: Change = { text: 'unload small', settings: {}, unload: ['small'], at_most: null }

function show(...changes: Change[]) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Suggestions id="large" estimate={{ changes } as unknown as Estimate} />
    </QueryClientProvider>,
  )
}

afterEach(() => act(() => i18n.changeLanguage('en')))

it('says all of it in Korean, to those who listen too', async () => {
  await i18n.changeLanguage('ko')
  show(NONE, CONTEXT, OTHERS)
  const said = screen.getByTestId('suggestions').textContent
  for (const word of ['raise', 'lower', 'unload', 'no model']) expect(said).not.toContain(word)
  expect(screen.getByRole('button', { name: /4,096/ })).toBeInTheDocument()
})

it('speaks of settings only where some would be written', () => {
  show(NONE, OTHERS)
  expect(screen.queryByText('Written to the model’s settings.')).toBeNull()
  show(CONTEXT)
  expect(screen.getByText('Written to the model’s settings.')).toBeInTheDocument()
})
