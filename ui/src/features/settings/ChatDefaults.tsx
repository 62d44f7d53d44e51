import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { chatDefaults, presets, type ChatDefaults as Defaults } from '@/api/chats'
import { api, data, type Schemas } from '@/api/client'
import { answering, served } from '@/api/served'
import { Card } from '@/components/ui/Card'
import { Fetched } from '@/components/ui/Fetched'
import { Refusal } from '@/components/ui/Refusal'
import { Select } from '@/components/ui/Select'
import { SkeletonList } from '@/components/ui/Skeleton'
import { toast } from '@/components/ui/Toast'
import { choicesWith, contentsOf, NONE, withChange } from './chat-defaults'

/** What new conversations of this account begin with, wherever it is logged in. */
export function ChatDefaults() {
  const { t } = useTranslation('settings')
  const now = useQuery(chatDefaults)
  const kept = useQuery(presets)
  const models = useQuery(served)
  const pending = <SkeletonList rows={2} />
  return (
    <Card title={t('begin.title')} description={t('begin.intro')}>
      <Fetched query={now} pending={pending}>
        {(defaults) => (
          <Fetched query={kept} pending={pending}>
            {(all) => (
              <Fetched query={models} pending={pending}>
                {(served) => <Choices now={defaults} presets={all} models={answering(served)} />}
              </Fetched>
            )}
          </Fetched>
        )}
      </Fetched>
    </Card>
  )
}

function Choices({ now, presets, models }: { now: Defaults; presets: readonly Schemas['PresetObject'][]; models: readonly Schemas['ModelObject'][] }) {
  const { t } = useTranslation('settings')
  const client = useQueryClient()
  const save = useMutation({
    // Asked for anew: another tab may have changed the other one, or deleted its preset.
    mutationFn: async (change: Schemas['NewChatDefaults']) =>
      data(api.PUT('/api/v1/chat-defaults', { body: withChange(await client.fetchQuery(chatDefaults), change) })),
    onSuccess: (answer) => {
      client.setQueryData(chatDefaults.queryKey, answer)
      toast.success(t('begin.saved'), t('begin.title'))
    },
  })
  return (
    <div className="flex flex-col gap-4">
      <Select
        label={t('begin.model')}
        description={t('begin.modelHelp')}
        value={now.model ?? NONE}
        disabled={save.isPending}
        choices={[{ value: NONE, label: t('begin.lastModel') }, ...choicesWith(models.map(({ id }) => ({ value: id, label: id })), now.model, t('begin.gone'))]}
        onValueChange={(value) => save.mutate({ model: value === NONE ? null : value })}
      />
      <Select
        label={t('begin.preset')}
        value={now.preset?.id ?? NONE}
        disabled={save.isPending || presets.length === 0}
        choices={[{ value: NONE, label: t('begin.noPreset'), hint: t('begin.noPresetHelp') }, ...presets.map(({ id, name }) => ({ value: id, label: name }))]}
        onValueChange={(value) => save.mutate({ preset: value === NONE ? null : value })}
      />
      {now.preset !== null && <Contents preset={now.preset} />}
      <p className="text-sm text-ink-3">
        {presets.length === 0 ? t('begin.empty') : t('begin.presetHelp')}{' '}
        <Link to="/chat" search={{}} className="whitespace-nowrap text-accent-ink underline underline-offset-4">
          {t('begin.toChat')}
        </Link>
      </p>
      {save.error !== null && (
        <div role="alert" className="text-sm text-bad">
          <Refusal error={save.error} />
        </div>
      )}
    </div>
  )
}

/** What a preset holds, so that nobody has to open the chat page to know. */
function Contents({ preset }: { preset: Schemas['PresetObject'] }) {
  const { t } = useTranslation('settings')
  const params = contentsOf(preset.params)
  return (
    <dl aria-label={t('begin.contents', { name: preset.name })} className="-mt-2 flex flex-col gap-2 rounded-lg bg-sunken px-3 py-2.5 text-sm">
      <div>
        <dt className="text-ink-3">{t('begin.prompt')}</dt>
        <dd className="line-clamp-6 break-words whitespace-pre-line">{preset.system_prompt === '' ? t('config.none') : preset.system_prompt}</dd>
      </div>
      <div>
        <dt className="text-ink-3">{t('begin.params')}</dt>
        <dd className="break-words">{params === '' ? t('begin.ofModel') : <code className="font-mono">{params}</code>}</dd>
      </div>
    </dl>
  )
}
