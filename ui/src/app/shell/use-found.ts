import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { chatsFound } from '@/api/chats'
import { served } from '@/api/served'
import { found, type Command } from '@/app/commands'
import { useSettled } from '@/hooks/settled'

/** Models and conversations that a text finds; the server is asked for the latter a moment after the last key. */
export function useFound(query: string): { commands: readonly Command[]; isPending: boolean; error: unknown } {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const text = query.trim()
  const asked = useSettled(text, 200)
  const models = useQuery({ ...served, enabled: text !== '' })
  const chats = useQuery({ ...chatsFound(asked), enabled: asked !== '' })
  if (text === '') return { commands: [], isPending: false, error: null }
  const ofModels = (models.data ?? []).map(
    ({ id, aliases, quantisation }): Command => ({
      id: `model-${id}`,
      label: id,
      group: t('palette.models'),
      keywords: [...aliases, quantisation].join(' '),
      run: () => void navigate({ to: '/models', search: { m: id } }),
    }),
  )
  // Those of another text would be opened by mistake.
  const hits = asked === text ? (chats.data?.data ?? []) : []
  const ofChats = hits.map(
    ({ id, title, hit_id: leaf }): Command => ({
      id: `chat-${id}`,
      label: title === '' ? t('palette.untitled') : title,
      group: t('palette.chats'),
      run: () => void navigate({ to: '/chat/$chatId', params: { chatId: id }, search: leaf === null ? {} : { leaf } }),
    }),
  )
  return {
    commands: [...found(ofModels, text), ...ofChats],
    isPending: asked !== text || models.isPending || chats.isPending,
    error: models.error ?? chats.error,
  }
}
