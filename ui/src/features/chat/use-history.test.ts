import { describe, expect, it } from 'vitest'
import type { Listed } from './types'
import { groupsOf, inOrder } from './use-history'

const NOW = new Date(2026, 5, 15, 12)
const chat = (id: string, days: number, more: Partial<Listed> = {}) =>
  ({ id, pinned: false, folder: null, updated_at: NOW.getTime() / 1000 - days * 86_400, ...more }) as unknown as Listed

// As the server has them: pinned ones first, then by when something was last said.
const CHATS = [chat('pinned', 30, { pinned: true }), chat('now', 0), chat('filed', 0.1, { folder: 'work' }), chat('day', 1), chat('filed too', 3, { folder: 'work' }), chat('old', 20)]

describe('the list', () => {
  it('is in groups', () => {
    expect(groupsOf(CHATS, false, NOW).map((group) => [group.key, group.name, group.chats.map((one) => one.id)])).toEqual([
      ['pinned', '', ['pinned']],
      ['folder', 'work', ['filed', 'filed too']],
      ['today', '', ['now']],
      ['yesterday', '', ['day']],
      ['older', '', ['old']],
    ])
  })

  it('is gone through by keys in the order in which it is shown', () => {
    expect(inOrder(CHATS, NOW).map((one) => one.id)).toEqual(['pinned', 'filed', 'filed too', 'now', 'day', 'old'])
  })
})
