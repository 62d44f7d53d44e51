// What the pages of an older server kept in this browser: taken over to the server once, then no longer here.
import { api } from '@/api/client'

const LIST = 'llmServerClientConfig'
const PARAMS = 'modelConfig'
const PRESET = 'earlier-settings'

const NAMES: Record<string, string> = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  maxTokens: 'max_tokens',
  repeatPenalty: 'repeat_penalty',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  seed: 'seed',
}

/** Request parameters by the names that this server has for them; what is none of those, or no number, is left out. */
export function paramsOf(said: Record<string, unknown>): Record<string, number> {
  const own = Object.values(NAMES)
  return Object.fromEntries(
    Object.entries(said).flatMap(([name, value]) => {
      const wire = NAMES[name] ?? (own.includes(name) ? name : undefined)
      return wire !== undefined && typeof value === 'number' && Number.isFinite(value) ? [[wire, value]] : []
    }),
  )
}

/** Takes both over, for an admin. One that the server refuses stays, and is tried again next time. */
export async function takeOver(presetName: string): Promise<void> {
  await moved(LIST, async (said) => {
    const models = said['models']
    if (!Array.isArray(models)) return
    const active = said['activeModelId']
    await api.POST('/api/save-config', {
      body: { models: models as Record<string, unknown>[], activeModelId: typeof active === 'string' ? active : null },
    })
  })
  await moved(PARAMS, async (said) => {
    const params = paramsOf(said)
    if (Object.keys(params).length === 0) return
    await api.PUT('/api/v1/presets/{id}', { params: { path: { id: PRESET } }, body: { name: presetName, system_prompt: '', params } })
  })
}

async function moved(key: string, take: (said: Record<string, unknown>) => Promise<void>): Promise<void> {
  try {
    const text = localStorage.getItem(key)
    if (text === null) return
    const said: unknown = JSON.parse(text)
    if (typeof said === 'object' && said !== null) await take(said as Record<string, unknown>)
    localStorage.removeItem(key)
  } catch {
    // Not JSON, no storage, or refused: nothing is lost by leaving it.
  }
}
