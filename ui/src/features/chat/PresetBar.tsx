import { useEffect, useRef, useState } from 'react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Bookmark, Download, Ellipsis, Save, Trash2, Upload } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { presets } from '@/api/chats'
import { keys } from '@/api/keys'
import { FilePicker } from '@/components/ui/FilePicker'
import { IconButton } from '@/components/ui/IconButton'
import { Menu } from '@/components/ui/Menu'
import { Refusal } from '@/components/ui/Refusal'
import { Select } from '@/components/ui/Select'
import { toast } from '@/components/ui/Toast'
import { saveFile } from '@/markdown/save'
import { putPreset, removePreset } from './api'
import { NameDialog } from './NameDialog'
import { freeName, type PresetFile, presetId, presetLike, presetOf } from './params'
import { fileName } from './transcript'
import type { Params } from './types'

/** System prompts and parameters under a name: taken, kept, and carried as files. */
export function PresetBar({ systemPrompt, params, onApply }: {
  systemPrompt: string
  params: Params
  onApply: (preset: { system_prompt: string; params: Params }) => void
}) {
  const { t } = useTranslation('chat')
  const client = useQueryClient()
  const { data: kept = [], isPending, error } = useQuery(presets)
  const [chosen, setChosen] = useState<string | null>(null)
  const [isNaming, setNaming] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const preset = kept.find((one) => one.id === chosen)
  // Also the one that a conversation has begun by; what is changed afterwards can be saved to it.
  const like = presetLike(preset === undefined ? kept : [preset, ...kept], systemPrompt, params)?.id
  useEffect(() => {
    if (like !== undefined) setChosen(like)
  }, [like])
  const attempt = async (what: () => Promise<unknown>) => {
    try {
      await what()
      void client.invalidateQueries({ queryKey: keys.chatDefaults })
      await client.invalidateQueries({ queryKey: keys.presets })
    } catch (failure) {
      toast.failure(failure, t('preset.failed'))
    }
  }
  /** As one more: those that there are stay as they are. */
  const add = ({ name, ...what }: PresetFile) =>
    attempt(async () => {
      // Others may have made some since they were read.
      const known = await client.fetchQuery({ ...presets, staleTime: 0 })
      const id = presetId(name, known.map((one) => one.id))
      await putPreset(id, { name: freeName(name, known.map((one) => one.name)), ...what })
      setChosen(id)
    })
  return (
    <div className="flex items-end gap-1.5">
      <Select
        className="flex-1"
        label={t('preset.label')}
        placeholder={isPending ? t('state.loading', { ns: 'common' }) : error !== null ? '' : kept.length === 0 ? t('preset.none') : t('preset.choose')}
        error={error === null ? undefined : <Refusal error={error} />}
        disabled={kept.length === 0}
        value={preset?.id ?? null}
        choices={kept.map((one) => ({ value: one.id, label: one.name }))}
        onValueChange={(id) => {
          setChosen(id)
          const found = kept.find((one) => one.id === id)
          if (found !== undefined) onApply({ system_prompt: found.system_prompt, params: found.params })
        }}
      />
      <Menu
        trigger={<IconButton label={t('preset.more')} icon={<Ellipsis />} />}
        groups={[
          [
            ...(preset === undefined ? [] : [{ label: t('preset.update', { name: preset.name }), icon: <Save />, onSelect: () => void attempt(() => putPreset(preset.id, { name: preset.name, system_prompt: systemPrompt, params })) }]),
            { label: t('preset.save'), icon: <Bookmark />, onSelect: () => setNaming(true) },
          ],
          [
            { label: t('preset.import'), icon: <Upload />, onSelect: () => picker.current?.click() },
            {
              label: t('preset.export'),
              icon: <Download />,
              onSelect: () => saveFile(fileName(preset?.name ?? 'preset', 'json'), JSON.stringify({ name: preset?.name ?? t('preset.unnamed'), system_prompt: systemPrompt, params }, null, 2), 'application/json'),
            },
          ],
          ...(preset === undefined ? [] : [[{ label: t('preset.delete', { name: preset.name }), icon: <Trash2 />, danger: true, onSelect: () => void attempt(async () => {
            await removePreset(preset.id)
            toast.action(t('preset.deleted', { name: preset.name }), { label: t('history.undo'), onClick: () => void attempt(() => putPreset(preset.id, { name: preset.name, system_prompt: preset.system_prompt, params: preset.params })) })
          }) }]]),
        ]}
      />
      <FilePicker
        ref={picker}
        accept=".json,application/json"
        onFiles={([file]) => {
          void file?.text().then((text) => {
            const found = presetOf(text)
            if (found === null) toast.error(t('preset.unreadable'))
            else void add(found)
          })
        }}
      />
      <NameDialog open={isNaming} onClose={() => setNaming(false)} title={t('preset.save')} label={t('preset.name')} value="" onSave={(name) => void add({ name, system_prompt: systemPrompt, params })} />
    </div>
  )
}
