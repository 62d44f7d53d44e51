import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { api } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Dialog } from '@/components/ui/Dialog'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { Segmented } from '@/components/ui/Segmented'
import { Select } from '@/components/ui/Select'
import { toast } from '@/components/ui/Toast'
import { askSettings, loadOptions, problemsOf, type AskSettings, type Problem } from './ask-settings'
import { models as allModels } from './queries'

export interface AskSettingsDialogProps {
  open: boolean
  onOpenChange: (open: boolean) => void
}

/** Which model is asked, with which load options, and how it answers. */
export function AskSettingsDialog({ open, onOpenChange }: AskSettingsDialogProps) {
  const { t } = useTranslation('bench')
  return (
    <Dialog open={open} onOpenChange={onOpenChange} holds="input" title={t('test.settingsTitle')}>
      <Form onDone={() => onOpenChange(false)} />
    </Dialog>
  )
}

function Form({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation('bench')
  const { data: models = [], error: missing } = useQuery(allModels)
  const isAdmin = may(useQuery(authStatus).data, 'admin')
  const [said, setSaid] = useState(askSettings.getState())
  const [tried, setTried] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const change = (more: Partial<AskSettings>) => setSaid((before) => ({ ...before, ...more }))
  const problems = problemsOf(said)
  const wrong = (field: Problem) => (tried && problems.includes(field) ? { error: t(`test.problems.${field}`) } : {})
  const save = async () => {
    setTried(true)
    if (problems.length > 0) return
    setBusy(true)
    setError(undefined)
    try {
      const settings = loadOptions(said)
      if (settings) await api.PATCH('/api/v1/models/{id}', { params: { path: { id: said.model } }, body: { settings } })
      askSettings.setState(said, true)
      toast.success(t('test.saved'))
      onDone()
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  const field = (name: 'repo' | 'file' | 'path' | 'context' | 'layers', help: string) => (
    <Field
      label={t(`test.${name}`)}
      description={help}
      spellCheck={false}
      autoComplete="off"
      value={said[name]}
      onValueChange={(value) => change({ [name]: value })}
      {...wrong(name)}
    />
  )
  return (
    <form
      className="flex flex-col gap-4 pb-1"
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <div className="flex flex-col items-start gap-1">
        <span className="text-sm font-medium">{t('test.source')}</span>
        <Segmented<AskSettings['source']>
          label={t('test.source')}
          value={said.source}
          onValueChange={(source) => change({ source })}
          choices={(['installed', 'hub', 'file'] as const).map((value) => ({
            value,
            label: t(`test.sources.${value}`),
          }))}
        />
      </div>
      {said.source === 'installed' && (
        <div>
          <Select
            label={t('test.model')}
            placeholder={t('test.chooseModel')}
            value={said.model === '' ? null : said.model}
            onValueChange={(model) => change({ model })}
            choices={models.map(({ id, quantisation }) => ({
              value: id,
              label: id,
              ...(quantisation !== '' && { hint: quantisation }),
            }))}
          />
          {tried && problems.includes('model') && (
            <p role="alert" className="mt-1 text-xs text-bad">
              {t('test.problems.model')}
            </p>
          )}
        </div>
      )}
      {said.source === 'hub' && (
        <>
          {field('repo', t('test.repoHelp'))}
          {field('file', t(isAdmin ? 'test.fileHelp' : 'test.fileHereHelp'))}
        </>
      )}
      {said.source === 'file' && field('path', t('test.pathHelp'))}
      {isAdmin ? (
        <div className="grid gap-3 sm:grid-cols-2">
          {field('context', t('test.contextHelp'))}
          {field('layers', t('test.layersHelp'))}
        </div>
      ) : (
        <p className="text-sm text-ink-2">{t('test.loadByAdmins')}</p>
      )}
      <div className="flex flex-wrap items-start gap-4">
        <div className="flex flex-col items-start gap-1">
          <span className="text-sm font-medium">{t('test.mode')}</span>
          <Segmented<'stream' | 'whole'>
            label={t('test.mode')}
            value={said.stream ? 'stream' : 'whole'}
            onValueChange={(mode) => change({ stream: mode === 'stream' })}
            choices={(['stream', 'whole'] as const).map((value) => ({ value, label: t(`test.modes.${value}`) }))}
          />
        </div>
        {said.source === 'installed' && (
          <Field
            label={t('test.maxTokens')}
            inputMode="numeric"
            value={said.maxTokens}
            onValueChange={(maxTokens) => change({ maxTokens })}
            {...wrong('maxTokens')}
            className="w-40"
          />
        )}
      </div>
      {missing !== null && <Alert tone="bad"><Refusal error={missing} /></Alert>}
      {error !== undefined && <Alert tone="bad"><Refusal error={error} /></Alert>}
      <Button type="submit" variant="primary" busy={busy} className="self-end">
        {t('test.save')}
      </Button>
    </form>
  )
}
