import { describe, expect, it } from 'vitest'
import type { ChatDefaults } from '@/api/chats'
import type { Schemas } from '@/api/client'
import { begunBy } from './beginning'
import { rememberModel } from './ui-store'
import { chosenModel } from './use-models'

const DEFAULTS: ChatDefaults = {
  model: null,
  preset: { id: 'terse', name: 'Terse', system_prompt: 'Be brief.', params: { temperature: 0.2 }, updated_at: 1 },
}

describe('begunBy', () => {
  it('begins with nothing, or by the preset', () => {
    expect(begunBy({}, undefined)).toEqual({ system_prompt: '', params: {} })
    expect(begunBy({}, { model: 'm', preset: null })).toEqual({ system_prompt: '', params: {} })
    expect(begunBy({}, DEFAULTS)).toEqual({ system_prompt: 'Be brief.', params: { temperature: 0.2 } })
  })

  it('takes what was said, also that there is to be none, and the rest of the preset', () => {
    expect(begunBy({ system_prompt: '' }, DEFAULTS)).toEqual({ system_prompt: '', params: { temperature: 0.2 } })
    expect(begunBy({ params: {} }, DEFAULTS)).toEqual({ system_prompt: 'Be brief.', params: {} })
    expect(begunBy({ params: { top_k: 3 }, model: 'm' }, DEFAULTS).params).toEqual({ top_k: 3 })
  })
})

describe('chosenModel', () => {
  const models = ['a', 'b', 'c'].map((id) => ({ id, aliases: [`${id}-alias`], state: id === 'c' ? 'ready' : 'unloaded' }) as unknown as Schemas['ModelObject'])

  it('is the one that is loaded, the one used last, the preferred one, the conversation’s', () => {
    expect(chosenModel(models, null)).toBe('c')
    rememberModel('b')
    expect(chosenModel(models, null)).toBe('b')
    expect(chosenModel(models, null, 'a-alias')).toBe('a-alias')
    expect(chosenModel(models, 'gone', 'a')).toBe('gone')
    rememberModel('b+polite')
    expect(chosenModel(models, null)).toBe('c')
  })

  it('is not a preferred one that is not here', () => {
    rememberModel('b')
    expect(chosenModel(models, null, 'gone')).toBe('b')
  })
})
