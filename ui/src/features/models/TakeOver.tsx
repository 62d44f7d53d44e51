import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data, request } from '@/api/client'
import { keys } from '@/api/keys'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Refusal } from '@/components/ui/Refusal'
import { toast } from '@/components/ui/Toast'
import { earlierList, earlierParams, LIST_KEY, PARAMS_KEY } from './earlier'

/** Offers once to take over what the llm-server's page has left in this browser; from then on the server has it. */
export function TakeOver() {
  const { t } = useTranslation('models')
  const client = useQueryClient()
  const [left, setLeft] = useState(() => ({ list: earlierList(stored(LIST_KEY)), params: earlierParams(stored(PARAMS_KEY)) }))
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<unknown>()
  const { list, params } = left
  if (list === null && params === null) return null
  const forget = () => {
    for (const key of [LIST_KEY, PARAMS_KEY]) localStorage.removeItem(key)
    setLeft({ list: null, params: null })
  }
  const take = async () => {
    setBusy(true)
    setFailure(undefined)
    try {
      if (list !== null) {
        await request('/api/save-config', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(list) })
      }
      if (params !== null) {
        const body = { name: 'llm-server', system_prompt: params.systemPrompt, params: params.params }
        await data(api.PUT('/api/v1/presets/{id}', { params: { path: { id: 'llm-server' } }, body }))
      }
      forget()
      toast.success(t('earlier.taken'))
      await client.invalidateQueries({ queryKey: keys.models })
    } catch (refused) {
      setFailure(refused)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Alert
      title={t('earlier.title')}
      actions={
        <>
          <Button size="sm" variant="ghost" onClick={forget}>
            {t('earlier.forget')}
          </Button>
          <Button size="sm" variant="primary" busy={busy} onClick={() => void take()}>
            {t('earlier.take')}
          </Button>
        </>
      }
    >
      {t('earlier.body', { count: list?.models.length ?? 0 })}
      {failure !== undefined && <div className="text-bad"><Refusal error={failure} /></div>}
    </Alert>
  )
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}
