// What the llm-server's page has left in this browser: its list of models, and the parameters of its chats. Pure.
import { isObject, objectOf } from '@/api/json'

export const LIST_KEY = 'llmServerClientConfig'
export const PARAMS_KEY = 'modelConfig'

export interface EarlierList {
  models: Record<string, unknown>[]
  activeModelId: string | null
}

/** Its list, null where there is none that can be read. */
export function earlierList(text: string | null): EarlierList | null {
  const said = objectOf(text ?? '')
  const models = said?.['models']
  if (!Array.isArray(models)) return null
  const named = models.filter((one): one is Record<string, unknown> => isObject(one) && typeof one['id'] === 'string')
  if (named.length === 0) return null
  const active = said?.['activeModelId']
  return { models: named, activeModelId: typeof active === 'string' ? active : null }
}

const NAMES: Readonly<Record<string, string>> = {
  temperature: 'temperature', topp: 'top_p', topk: 'top_k', minp: 'min_p', typicalp: 'typical_p', maxtokens: 'max_tokens', npredict: 'max_tokens',
  repeatpenalty: 'repeat_penalty', repetitionpenalty: 'repeat_penalty', repeatlastn: 'repeat_last_n', presencepenalty: 'presence_penalty',
  frequencypenalty: 'frequency_penalty', seed: 'seed',
}

/** Its chats' parameters by our names; what is none of them is left out. Null where nothing is left. */
export function earlierParams(text: string | null): { params: Record<string, number>; systemPrompt: string } | null {
  const said = objectOf(text ?? '')
  if (said === null) return null
  const params: Record<string, number> = {}
  let systemPrompt = ''
  for (const [key, value] of Object.entries(said)) {
    const name = key.toLowerCase().replaceAll(/[_-]/g, '')
    const own = NAMES[name]
    if (own !== undefined && typeof value === 'number' && Number.isFinite(value)) params[own] = value
    if (name === 'systemprompt' && typeof value === 'string') systemPrompt = value
  }
  return Object.keys(params).length > 0 || systemPrompt !== '' ? { params, systemPrompt } : null
}
