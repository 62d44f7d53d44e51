import { expect, test } from 'vitest'
import { after, NOTHING, type HubEvent } from './topics'

const event = (topic: string, type: string, data: object) => ({ seq: 1, topic, type, data }) as unknown as HubEvent
const told = (...events: HubEvent[]) => events.reduce(after, NOTHING)

test('a model comes, changes in its place, and goes', () => {
  const begun = told(event('models', 'snapshot', { models: [{ id: 'a', state: 'ready' }, { id: 'b', state: 'ready' }] }))
  const changed = after(begun, event('models', 'changed', { id: 'a', state: 'stopping' }))
  expect(changed.models?.map((one) => [one.id, one.state])).toEqual([
    ['a', 'stopping'],
    ['b', 'ready'],
  ])
  expect(after(changed, event('models', 'gone', { id: 'a' })).models?.map((one) => one.id)).toEqual(['b'])
})

test('what comes anew stands first among downloads, last among requests', () => {
  const standing = told(
    event('downloads', 'snapshot', { downloads: [{ id: 'old' }] }),
    event('downloads', 'changed', { id: 'new' }),
    event('requests', 'snapshot', { requests: [{ number: 1 }] }),
    event('requests', 'changed', { number: 2 }),
  )
  expect(standing.downloads?.map((one) => one.id)).toEqual(['new', 'old'])
  expect(standing.requests?.map((one) => one.number)).toEqual([1, 2])
})

test('a snapshot replaces what was known, a resync changes nothing by itself', () => {
  const begun = told(event('requests', 'snapshot', { requests: [{ number: 1 }] }))
  expect(after(begun, event('requests', 'resync', {}))).toBe(begun)
  expect(after(begun, event('requests', 'snapshot', { requests: [] })).requests).toEqual([])
})

test('no benchmark is other than not knowing', () => {
  expect(NOTHING.bench).toBeUndefined()
  expect(told(event('bench', 'snapshot', { running: null })).bench).toBeNull()
  expect(told(event('bench', 'progress', { id: 'x' }), event('bench', 'ended', { id: 'x' })).bench).toBeNull()
})
