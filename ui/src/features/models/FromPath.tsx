import { useQuery, useQueryClient } from '@tanstack/react-query'
import { FolderSearch } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data } from '@/api/client'
import { keys } from '@/api/keys'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { toast } from '@/components/ui/Toast'
import { useSettled } from '@/hooks/settled'
import { bytes } from '@/i18n/format'
import type { Entry } from './entries'
import { tokens } from './figures'
import { FolderBrowser } from './FolderBrowser'
import { MemoryBar } from './MemoryBar'
import { idProblem, suggestedId } from './names'
import { OptionField } from './OptionField'
import { change, draftOf, OPTIONS, type Draft } from './options'
import { estimateQuery, trialQuery } from './queries'
import { useModels } from './use-models'

const FIRST = OPTIONS.filter(({ key }) => key === 'context' || key === 'gpu_layers' || key === 'batch')
const NOTHING = draftOf({})

/** A file or folder of this machine: found, read, reckoned, and only then added. */
export function FromPath({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation('models')
  const client = useQueryClient()
  const { rows } = useModels()
  const [path, setPath] = useState('')
  const [said, setSaid] = useState<string>()
  const [edits, setEdits] = useState<Draft>({})
  const [browsing, setBrowsing] = useState(false)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<unknown>()
  const id = said ?? suggestedId(path)
  const names = rows.flatMap(({ entry }) => [entry.id, ...entry.aliases])
  const wrongId = path === '' ? null : idProblem(id, names)
  const absolute = /^(?:\/|[A-Za-z]:[\\/])/.test(path.trim())
  const asked = useSettled(`${path.trim()}\n${id}`, 300)
  const [askedPath = '', askedId = ''] = asked.split('\n')
  const ready = absolute && wrongId === null && asked === `${path.trim()}\n${id}`
  const trial = useQuery({ ...trialQuery(askedPath, askedId), enabled: ready })
  const tried = ready && trial.isSuccess ? trial.data.model : undefined
  const changed = change(NOTHING, { ...NOTHING, ...edits }, tried?.format ?? 'gguf')
  const wrong = Object.keys(changed.problems).length > 0

  const add = async () => {
    setBusy(true)
    setFailure(undefined)
    try {
      await data(api.POST('/api/v1/models', { body: { path: path.trim(), id, settings: changed.patch } }))
      toast.success(t('done.added', { model: id }))
      await client.invalidateQueries({ queryKey: keys.models })
      onDone()
    } catch (refused) {
      setFailure(refused)
    } finally {
      setBusy(false)
    }
  }

  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        if (tried !== undefined && !wrong) void add()
      }}
    >
      <div className="flex items-end gap-2">
        <Field
          className="flex-1"
          label={t('addDialog.path')}
          description={t('addDialog.pathHelp')}
          placeholder="/models/model-Q4_K_M.gguf"
          value={path}
          onValueChange={setPath}
          error={path.trim() !== '' && !absolute ? t('addDialog.pathRelative') : undefined}
          autoComplete="off"
          spellCheck={false}
        />
        <Button className="mb-5.5" aria-expanded={browsing} onClick={() => setBrowsing(!browsing)}>
          <FolderSearch />
          <span className="max-sm:sr-only">{t('addDialog.browse')}</span>
        </Button>
      </div>
      {browsing && (
        <FolderBrowser
          onChoose={(chosen) => {
            setPath(chosen)
            setSaid(undefined)
            setBrowsing(false)
          }}
        />
      )}
      <Field
        label={t('addDialog.id')}
        description={t('addDialog.idHelp')}
        value={id}
        onValueChange={setSaid}
        error={wrongId === null ? undefined : t(`addDialog.idProblem.${wrongId}`)}
        autoComplete="off"
        spellCheck={false}
      />
      {ready && trial.isPending && <p role="status" className="text-base text-ink-2">{t('addDialog.verifying')}</p>}
      {ready && trial.isError && <Alert tone="bad"><Refusal error={trial.error} /></Alert>}
      {tried !== undefined && <Tried entry={tried} path={askedPath} edits={edits} onEdit={setEdits} />}
      {failure !== undefined && <Alert tone="bad"><Refusal error={failure} /></Alert>}
      <Button type="submit" variant="primary" className="self-end" busy={busy} disabled={tried === undefined || wrong}>
        {t('addDialog.add')}
      </Button>
    </form>
  )
}

interface TriedProps {
  entry: Entry
  path: string
  edits: Draft
  onEdit: (edits: Draft) => void
}

/** What was read at the path, with the settings that matter first and what a load with them would take. */
function Tried({ entry, path, edits, onEdit }: TriedProps) {
  const { t } = useTranslation('models')
  const changed = change(NOTHING, { ...NOTHING, ...edits }, entry.format)
  const patch = useSettled(JSON.stringify(changed.patch), 250)
  const { data: found, isPlaceholderData, isError, error } = useQuery(estimateQuery({ path }, JSON.parse(patch) as typeof changed.patch))
  const options = FIRST.filter((option) => (option.formats as readonly string[]).includes(entry.format))
  return (
    <>
      <Alert tone="good">
        {t('addDialog.verified', { format: entry.format.toUpperCase(), quantisation: entry.quantisation, size: bytes(entry.size), tokens: tokens(entry.trained_context) })}
      </Alert>
      <div className="grid gap-4 sm:grid-cols-3">
        {options.map((option) => (
          <OptionField
            key={option.key}
            option={option}
            value={edits[option.key] ?? ''}
            onChange={(text) => onEdit({ ...edits, [option.key]: text })}
            reload={false}
            problem={changed.problems[option.key]}
            refused={undefined}
            automatic={option.key === 'context' && found !== undefined && (edits['context'] ?? '') === '' ? tokens(found.context) : undefined}
          />
        ))}
      </div>
      {isError && <Alert tone="bad"><Refusal error={error} /></Alert>}
      {found !== undefined && !isError && <MemoryBar estimate={found} stale={isPlaceholderData} />}
    </>
  )
}
