import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Dialog } from '@/components/ui/Dialog'
import { ErrorState } from '@/components/ui/ErrorState'
import { Field } from '@/components/ui/Field'
import { Reason } from '@/components/ui/Reason'
import { Refusal } from '@/components/ui/Refusal'
import { SkeletonList } from '@/components/ui/Skeleton'
import { toast } from '@/components/ui/Toast'
import { bytes } from '@/i18n/format'
import { removalQuery } from './queries'

const SHOWN = 8

/** Takes a model away in one of two steps: its entry in the configuration, or its files, which nothing brings back. */
export function DeleteDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation('models')
  const client = useQueryClient()
  const { data: told, isPending, isError, error, refetch } = useQuery(removalQuery(id))
  const [busy, setBusy] = useState<'entry' | 'files'>()
  const [failure, setFailure] = useState<unknown>()
  const remove = async (what: 'entry' | 'files') => {
    setBusy(what)
    setFailure(undefined)
    try {
      const query = what === 'files' ? { files: true, confirm: id } : {}
      await data(api.DELETE('/api/v1/models/{id}', { params: { path: { id }, query } }))
      toast.success(t('done.removed', { model: id }))
      onClose()
      await client.invalidateQueries({ queryKey: keys.models })
    } catch (refused) {
      setFailure(refused)
    } finally {
      setBusy(undefined)
    }
  }
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t('remove.title', { model: id })}>
      <div className="flex flex-col gap-5 pb-2">
        {isPending && <SkeletonList rows={3} />}
        {isError && <ErrorState error={error} onRetry={() => void refetch()} />}
        {told !== undefined && (
          <>
            <section className="flex flex-col gap-2">
              <h3 className="text-base font-semibold">{t('remove.entryTitle')}</h3>
              <p className="text-base text-ink-2">{told.entry ? t('remove.entryHelp', { model: id }) : t('remove.noEntry')}</p>
              {told.entry && (
                <Button className="self-start" busy={busy === 'entry'} onClick={() => void remove('entry')}>
                  {t('remove.entry')}
                </Button>
              )}
            </section>
            <FileRemoval id={id} told={told} busy={busy === 'files'} onRemove={() => void remove('files')} />
          </>
        )}
        {failure !== undefined && <Alert tone="bad"><Refusal error={failure} /></Alert>}
      </div>
    </Dialog>
  )
}

interface FileRemovalProps {
  id: string
  told: Schemas['RemovalAnswer']
  busy: boolean
  onRemove: () => void
}

function FileRemoval({ id, told, busy, onRemove }: FileRemovalProps) {
  const { t } = useTranslation('models')
  const [typed, setTyped] = useState('')
  const size = bytes(told.bytes)
  const more = told.files.length - SHOWN
  return (
    <section className="flex flex-col gap-2 border-t border-line pt-4">
      <h3 className="text-base font-semibold">{t('remove.filesTitle')}</h3>
      {told.problem === null ? (
        <>
          <p className="text-base text-ink-2">{t('remove.filesHelp', { size })}</p>
          <ul className="rounded-lg border border-line bg-sunken px-3 py-2 text-sm">
            {told.files.slice(0, SHOWN).map((file) => (
              <li key={file.name} className="flex gap-3">
                <span className="min-w-0 flex-1 font-mono break-all">{file.name}</span>
                <span className="tabular shrink-0 text-ink-2">{bytes(file.bytes)}</span>
              </li>
            ))}
            {more > 0 && <li className="text-ink-2">{t('remove.more', { count: more })}</li>}
          </ul>
          <Field label={t('remove.typed', { model: id, size })} value={typed} onValueChange={setTyped} autoComplete="off" spellCheck={false} />
          <Button variant="danger" className="self-start" busy={busy} disabled={typed.trim() !== id} onClick={onRemove}>
            {t('remove.files')}
          </Button>
        </>
      ) : (
        <Alert title={t('remove.stays')}>
          <Reason>{told.problem}</Reason>
        </Alert>
      )}
    </section>
  )
}
