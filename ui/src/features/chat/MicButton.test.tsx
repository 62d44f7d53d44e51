import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MicButton } from './MicButton'
import type { Recording } from './record'
import './texts'
import type { Model } from './use-models'

const asked = vi.hoisted(() => ({ answers: [] as ((recording: Recording) => void)[] }))
vi.mock('./record', () => ({ canRecord: () => true, record: () => new Promise((done) => asked.answers.push(done)) }))

const model = { id: 'm', capabilities: ['audio'] } as unknown as Model
const recording = () => ({ stop: vi.fn(() => Promise.resolve(null)), drop: vi.fn() })

afterEach(() => {
  cleanup()
  asked.answers.length = 0
})

function shown() {
  vi.stubGlobal('isSecureContext', true)
  return render(<MicButton model={model} onFile={() => undefined} />)
}

describe('MicButton', () => {
  it('asks for the microphone once, however often it is pressed meanwhile', () => {
    shown()
    fireEvent.click(screen.getByTestId('mic'))
    fireEvent.click(screen.getByTestId('mic'))
    expect(asked.answers).toHaveLength(1)
  })

  it('lets the microphone go with the page', async () => {
    const { unmount } = shown()
    const now = recording()
    fireEvent.click(screen.getByTestId('mic'))
    await act(async () => asked.answers[0]?.(now))
    unmount()
    expect(now.drop).toHaveBeenCalledOnce()
  })

  it('lets it go, too, where it was given after the page has gone', async () => {
    const { unmount } = shown()
    const late = recording()
    fireEvent.click(screen.getByTestId('mic'))
    unmount()
    await act(async () => asked.answers[0]?.(late))
    expect(late.drop).toHaveBeenCalledOnce()
  })
})
