import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { served } from '@/api/served'
import { useUnsaved } from '@/app/unsaved'
import { Alert } from '@/components/ui/Alert'
import { Badge } from '@/components/ui/Badge'
import { Button } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { CopyButton } from '@/components/ui/CopyButton'
import { Fetched } from '@/components/ui/Fetched'
import { Field } from '@/components/ui/Field'
import { Progress } from '@/components/ui/Progress'
import { Refusal } from '@/components/ui/Refusal'
import { Select } from '@/components/ui/Select'
import { SkeletonList } from '@/components/ui/Skeleton'
import { Switch } from '@/components/ui/Switch'
import { toast } from '@/components/ui/Toast'
import { percent } from '@/i18n/format'
import { valueOf, type Config } from './fields'
import { ANY, choicesOf, onHub, pauseOf, toneOf, type SpeechStatus } from './speech'
import { useSetting } from './use-config'

const INSTALL = "pip install 'dovetail[speech]'"

/** Whether recordings are written down, by which model, and how far that one is. */
export function Speech({ config }: { config: Config }) {
  const { t } = useTranslation('settings')
  const query = useQuery({
    queryKey: keys.speech,
    queryFn: () => data(api.GET('/v1/audio/transcriptions')),
    // What has failed is asked again by hand: asking by itself would take the failure from the page each time.
    refetchInterval: ({ state }) => (state.data === undefined ? false : pauseOf(state.data)),
  })
  const status = query.data
  return (
    <Card
      title={t('speech.title')}
      description={t('speech.intro')}
      actions={status === undefined ? undefined : <Badge tone={toneOf(status)}>{t(`speech.state.${status.status}`)}</Badge>}
    >
      <Fetched query={query} pending={<SkeletonList rows={2} />}>
        {(found) => (
          <div className="flex flex-col gap-4">
            {!found.installed && (
              <Alert tone="warn" actions={<CopyButton text={INSTALL} />}>
                {t('speech.install')} <code className="font-mono text-sm">{INSTALL}</code>
              </Alert>
            )}
            <Enabled config={config} installed={found.installed} />
            <Model config={config} />
            <State status={found} />
          </div>
        )}
      </Fetched>
    </Card>
  )
}

/** How far a model is that is on its way, and what is wrong with one that cannot be had. */
function State({ status }: { status: SpeechStatus }) {
  const { t } = useTranslation('settings')
  if (status.status === 'downloading') {
    const { progress } = status
    return <Progress value={progress === null ? null : progress * 100} label={t('speech.state.downloading')} aside={progress === null ? undefined : percent(progress)} />
  }
  if ((status.status !== 'missing' && status.status !== 'failed') || status.message === null) return null
  return (
    <Alert tone={status.status === 'failed' ? 'bad' : 'warn'} title={t(`speech.${status.status}`)}>
      <span lang="en">{status.message}</span>
    </Alert>
  )
}

function Enabled({ config, installed }: { config: Config; installed: boolean }) {
  const { t } = useTranslation('settings')
  const { locked, put, busy, failed } = useSpeech('speech.enabled', config)
  const on = valueOf(config, 'speech.enabled') === true
  return (
    <div>
      <Switch
        label={t('speech.enabled')}
        description={locked ? t('config.overridden') : t('speech.enabledHelp')}
        checked={on}
        disabled={locked || (!installed && !on)}
        onCheckedChange={(next) => !busy && put(next)}
      />
      {failed !== undefined && (
        <div role="alert" className="mt-1 text-xs text-bad">
          {failed}
        </div>
      )}
    </div>
  )
}

function Model({ config }: { config: Config }) {
  const query = useQuery(served)
  return (
    <Fetched query={query} pending={<SkeletonList rows={1} />}>
      {(models) => <Choice config={config} models={models} />}
    </Fetched>
  )
}

function Choice({ config, models }: { config: Config; models: Schemas['ModelObject'][] }) {
  const { t } = useTranslation('settings')
  const choose = useSpeech('speech.model', config)
  const fetch = useSpeech('speech.model', config)
  const { locked } = choose
  const busy = choose.busy || fetch.busy
  const [typed, setTyped] = useState('')
  const chosen = (valueOf(config, 'speech.model') ?? null) as string | null
  const choices = choicesOf(models, chosen)
  const name = typed.trim()
  useUnsaved(name !== '')
  return (
    <div className="flex flex-col gap-4">
      {choices.length === 0 ? (
        <p className="text-sm text-ink-2">{t('speech.empty')}</p>
      ) : (
        <Select
          label={t('speech.model')}
          description={locked ? t('config.overridden') : t('speech.modelHelp')}
          value={chosen ?? ANY}
          error={choose.failed}
          disabled={locked || busy}
          onValueChange={(value) => choose.put(value === ANY ? null : value)}
          choices={[{ value: ANY, label: t('speech.any') }, ...choices.map((value) => ({ value, label: value }))]}
        />
      )}
      {!locked && (
        <form
          className="flex flex-wrap items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault()
            fetch.put(name, () => setTyped(''))
          }}
        >
          <Field
            label={t('speech.hub')}
            description={t('speech.hubHelp')}
            error={fetch.failed ?? (name === '' || onHub(name) ? undefined : t('speech.hubWrong'))}
            placeholder="Systran/faster-whisper-small"
            spellCheck={false}
            value={typed}
            onValueChange={setTyped}
            className="flex-1 basis-56"
          />
          <Button type="submit" busy={busy} disabled={!onHub(name)}>
            {t('speech.fetch')}
          </Button>
        </form>
      )}
    </div>
  )
}

/** One setting of speech to text, after whose change its state is asked for again. */
function useSpeech(key: string, config: Config) {
  const { t } = useTranslation('settings')
  const client = useQueryClient()
  const save = useSetting(key)
  const put = (value: unknown, done?: () => void) =>
    save.mutate(value, {
      onSuccess: () => {
        done?.()
        toast.success(t('config.saved'), t('speech.title'))
        void client.invalidateQueries({ queryKey: keys.speech })
      },
    })
  return { locked: config.overridden.includes(key), put, busy: save.isPending, failed: save.error === null ? undefined : <Refusal error={save.error} /> }
}
