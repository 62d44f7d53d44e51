import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { api, asApiError, data, type ApiError } from '@/api/client'
import { keys } from '@/api/keys'
import { useUnsaved } from '@/app/unsaved'
import { UnsavedGuard } from '@/app/UnsavedGuard'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { ErrorState } from '@/components/ui/ErrorState'
import { Refusal } from '@/components/ui/Refusal'
import { Skeleton } from '@/components/ui/Skeleton'
import { toast } from '@/components/ui/Toast'
import { useSettled } from '@/hooks/settled'
import { number } from '@/i18n/format'
import { isLoaded, type Row } from './entries'
import type { Estimate } from './fit'
import { MemoryBar } from './MemoryBar'
import { OptionField } from './OptionField'
import { change, draftOf, GROUPS, optionsOf, refusals, type Change, type Draft, type Key } from './options'
import { estimateQuery } from './queries'
import { useLoad } from './use-load'

export interface LoadSettingsProps {
  row: Row
  version: string
  /** The models that are loaded, as a text that changes with them. */
  loaded: string
}

/** Every setting of a model, what a load with them would take, and a way to save them. */
export function LoadSettings({ row, version, loaded }: LoadSettingsProps) {
  const { t } = useTranslation('models')
  const client = useQueryClient()
  const { loadNow } = useLoad()
  const { entry } = row
  const before = useMemo(() => draftOf(entry.settings), [entry.settings])
  const [edits, setEdits] = useState<Draft>({})
  const [refusal, setRefusal] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  const draft = useMemo(() => ({ ...before, ...edits }), [before, edits])
  const changed = useMemo(() => change(before, draft, entry.format), [before, draft, entry.format])

  const wrong = Object.keys(changed.problems).length > 0
  useUnsaved(wrong || changed.changed.length > 0)
  const edit = (key: Key, text: string) => {
    setEdits((old) => ({ ...old, [key]: text }))
    setRefusal((old) => (old?.code === 'config_conflict' ? old : undefined))
  }
  const discard = () => {
    setEdits({})
    setRefusal(undefined)
  }
  const save = async (andLoad: boolean) => {
    setBusy(true)
    setRefusal(undefined)
    try {
      if (changed.changed.length > 0) {
        const body = { settings: changed.patch, version: version === '' ? null : version }
        const saved = await data(api.PATCH('/api/v1/models/{id}', { params: { path: { id: entry.id } }, body }))
        await client.invalidateQueries({ queryKey: keys.models })
        // What was typed meanwhile is not saved.
        setEdits((now) => Object.fromEntries(Object.entries(now).filter(([key, text]) => text !== edits[key])))
        toast.success(t('done.saved', { model: entry.id }), saved.reload && !andLoad ? t('done.reload') : undefined)
      }
      if (andLoad) await loadNow(entry.id)
    } catch (failure) {
      setRefusal(asApiError(failure))
    } finally {
      setBusy(false)
    }
  }

  const lines = refusal === undefined ? {} : refusals(refusal.said, entry.id)
  return (
    <form
      className="flex flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault()
        if (!wrong && changed.changed.length > 0) void save(false)
      }}
    >
      {entry.format !== 'remote' && (
        <Reckoned id={entry.id} changed={changed} beside={`${version} ${loaded}`}>
          {(found) => <Groups {...{ row, draft, before, changed, lines, found }} onChange={edit} />}
        </Reckoned>
      )}
      {entry.format === 'remote' && (
        <Groups {...{ row, draft, before, changed, lines, found: undefined }} onChange={edit} />
      )}
      {refusal !== undefined && (
        <Alert
          tone="bad"
          actions={
            refusal.code === 'config_conflict' && (
              <Button size="sm" onClick={() => void client.invalidateQueries({ queryKey: keys.models }).then(() => setRefusal(undefined))}>
                {t('load.readAgain')}
              </Button>
            )
          }
        >
          {refusal.code === 'config_conflict' ? t('load.conflict') : <Refusal error={refusal} />}
        </Alert>
      )}
      <UnsavedGuard />
      <div className="sticky -bottom-4 -mx-4 -mb-4 flex flex-wrap items-center gap-2 border-t border-line bg-surface px-4 py-3">
        <p role="status" className="min-w-0 flex-1 text-sm text-ink-2 max-sm:basis-full">
          {changed.changed.length === 0 ? t('load.nothing') : t('load.changed', { count: changed.changed.length })}
        </p>
        {changed.changed.length > 0 && (
          <Button variant="ghost" onClick={discard}>
            {t('load.discard')}
          </Button>
        )}
        <Button type="submit" variant="primary" busy={busy} disabled={wrong || changed.changed.length === 0}>
          {t('load.save')}
        </Button>
        <Button busy={busy} disabled={wrong || (changed.changed.length === 0 && isLoaded(row.state))} onClick={() => void save(true)}>
          {t(changed.changed.length === 0 ? 'action.load' : 'load.saveLoad')}
        </Button>
      </div>
    </form>
  )
}

interface ReckonedProps {
  id: string
  changed: Change
  beside: string
  children: (found: Estimate | undefined) => ReactNode
}

/** The estimate of what is in the fields, reckoned a moment after the last key. */
function Reckoned({ id, changed, beside, children }: ReckonedProps) {
  const patch = useSettled(JSON.stringify(changed.patch), 250)
  const { data: found, isPending, isError, error, isPlaceholderData, refetch } = useQuery(estimateQuery({ model: id }, JSON.parse(patch) as Change['patch'], beside))
  return (
    <>
      {isPending && <Skeleton className="h-24" />}
      {isError && <ErrorState error={error} onRetry={() => void refetch()} className="py-4" />}
      {found !== undefined && !isError && (
        <div className="z-10 bg-surface md:sticky md:-top-4 md:-mt-4 md:pt-4 md:pb-1">
          <MemoryBar estimate={found} stale={isPlaceholderData} />
        </div>
      )}
      {children(found)}
    </>
  )
}

interface GroupsProps {
  row: Row
  draft: Draft
  before: Draft
  changed: Change
  lines: Partial<Record<Key, string>>
  found: Estimate | undefined
  onChange: (key: Key, text: string) => void
}

function Groups({ row, draft, before, changed, lines, found, onChange }: GroupsProps) {
  const { t } = useTranslation('models')
  const options = optionsOf(row.entry.format)
  return GROUPS.map((group) => {
    const own = options.filter((option) => option.group === group)
    if (own.length === 0) return null
    return (
      <fieldset key={group} className="flex flex-col gap-3">
        <legend className="mb-2 text-base font-semibold">{t(`group.${group}`)}</legend>
        <div className="grid gap-x-4 gap-y-4 sm:grid-cols-2">
          {own.map((option) => (
            <OptionField
              key={option.key}
              option={option}
              value={draft[option.key] ?? ''}
              onChange={(text) => onChange(option.key, text)}
              reload={option.reload && isLoaded(row.state) && changed.changed.includes(option.key)}
              problem={changed.problems[option.key]}
              refused={lines[option.key]}
              automatic={automatic(option.key, found, draft, before)}
            />
          ))}
        </div>
      </fieldset>
    )
  })
}

/** What holds for an empty field: what the estimate was made with. */
function automatic(key: Key, found: Estimate | undefined, draft: Draft, before: Draft): string | undefined {
  if (found === undefined || draft[key] !== '' || before[key] !== '') return undefined
  if (key === 'context') return number(found.context)
  if (key === 'parallel') return number(found.parallel)
  if (key === 'gpu_layers' && found.gpu_layers !== null && found.gpu_layers >= 0) return number(found.gpu_layers)
  return undefined
}
