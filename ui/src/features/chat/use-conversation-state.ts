import { useMemo } from 'react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { toast } from '@/components/ui/Toast'
import { authStatus, may } from '@/api/auth'
import { chatDefaults } from '@/api/chats'
import { answering, served } from '@/api/served'
import { type ChatChange, chatKeys, chatOf } from './api'
import { begunBy } from './beginning'
import { changeInTurn } from './chat-cache'
import { meter } from './meter'
import { grow, leafFor, pathTo } from './tree'
import type { Chat, Params } from './types'
import { setBeginning, useBeginning } from './ui-store'
import { chosenModel, loadModel, modelOf, useModels } from './use-models'

/** The conversation that is shown with all that follows from it: branch, model, parameters, context. */
export function useConversationState(chatId: string | null, leaf: string | undefined, wantedModel: string | undefined) {
  const client = useQueryClient()
  const query = useQuery({ ...chatOf(chatId ?? ''), enabled: chatId !== null })
  const chat = chatId === null ? undefined : query.data
  const known = useModels()
  const mayLoad = may(useQuery(authStatus).data, 'admin')
  const said = useBeginning()
  const { data: defaults } = useQuery({ ...chatDefaults, enabled: chatId === null })
  const tree = useMemo(() => grow(chat?.messages ?? []), [chat?.messages])
  const path = useMemo(() => pathTo(tree, leafFor(tree, leaf, chat?.leaf_id)), [tree, leaf, chat?.leaf_id])
  // One that is there and still being fetched is not begun by anything.
  const begun = useMemo(() => (chatId === null ? begunBy(said, defaults) : begunBy({}, undefined)), [chatId, said, defaults])
  const own = chat === undefined ? (said.model ?? wantedModel ?? null) : chat.model
  const modelId = chosenModel(known.models, own, chatId === null ? defaults?.model : null)
  const model = modelOf(known.models, modelId)
  const systemPrompt = chat?.system_prompt ?? begun.system_prompt
  const params = chat?.params ?? begun.params
  const full = useMemo(() => meter(path, model?.context ?? 0, systemPrompt, params), [path, model?.context, systemPrompt, params])
  const change = useMemo(
    () => (to: ChatChange & { params?: Params }) => {
      if (chatId === null) {
        setBeginning(to)
        return
      }
      // What is being fetched would take the change back.
      void client.cancelQueries({ queryKey: chatKeys.one(chatId) })
      client.setQueryData<Chat>(chatKeys.one(chatId), (old) => old && { ...old, ...to })
      changeInTurn(chatId, to).catch((failure: unknown) => {
        toast.failure(failure)
        void client.invalidateQueries({ queryKey: chatKeys.one(chatId) })
      })
    },
    [chatId, client],
  )
  /** Takes a model for what comes next, and has it loaded meanwhile, by who may; for others the first message does. */
  const choose = useMemo(
    () => (id: string) => {
      change({ model: id })
      const state = modelOf(known.models, id)?.state
      if (mayLoad && (state === 'unloaded' || state === 'failed'))
        loadModel(id).catch(toast.failure)
    },
    [change, known.models, mayLoad],
  )
  /** What answers next, by what and behind which message; also for who is quicker than the conversation, the defaults or the list of models. */
  const ready = async () => {
    const models = answering(await client.ensureQueryData(served))
    if (chatId === null) {
      const wanted = await client.ensureQueryData(chatDefaults)
      return { parent: null, model: chosenModel(models, own, wanted.model), ...begunBy(said, wanted) }
    }
    if (chat !== undefined) return { parent: path.at(-1)?.id ?? null, model: modelId ?? chosenModel(models, own), system_prompt: systemPrompt, params }
    const fetched = await client.ensureQueryData(chatOf(chatId))
    const parent = leafFor(grow(fetched.messages), leaf, fetched.leaf_id)
    return { parent, model: chosenModel(models, fetched.model), system_prompt: fetched.system_prompt, params: fetched.params }
  }
  return { ready, query, chat, known, tree, path, modelId, model, systemPrompt, params, meter: full, change, choose }
}
