import { expect, it } from 'vitest'
import { wavOf } from './wav'

it('writes the header and samples of a WAV file', () => {
  const view = new DataView(wavOf(new Float32Array([0, 1, -1, 2]), 16_000))
  const text = (at: number): string => String.fromCharCode(...new Uint8Array(view.buffer, at, 4))
  expect([text(0), text(8), text(12), text(36)]).toEqual(['RIFF', 'WAVE', 'fmt ', 'data'])
  expect([view.getUint32(4, true), view.getUint32(24, true), view.getUint32(28, true), view.getUint32(40, true)]).toEqual([44, 16_000, 32_000, 8])
  expect([0, 1, 2, 3].map((index) => view.getInt16(44 + index * 2, true))).toEqual([0, 32_767, -32_768, 32_767])
})
