import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useUnsaved } from '@/app/unsaved'
import { Button } from '@/components/ui/Button'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { Switch } from '@/components/ui/Switch'
import { TextArea } from '@/components/ui/TextArea'
import { toast } from '@/components/ui/Toast'
import { bytes } from '@/i18n/format'
import { asText, parsed, valueOf, type Config, type SettingField } from './fields'
import { useSetting } from './use-config'

/** One setting of the file, saved by itself. */
export function SettingRow({ field, config }: { field: SettingField; config: Config }) {
  const { t } = useTranslation()
  const { t: ts } = useTranslation('settings')
  const value = valueOf(config, field.key)
  const [typed, setTyped] = useState<{ text: string; over: string }>()
  const save = useSetting(field.key)
  const locked = config.overridden.includes(field.key)
  const label = ts(`field.${field.key}`)
  const help = locked ? ts('config.overridden') : ts(`help.${field.key}`)
  const put = (next: unknown) => {
    save.mutate(next, {
      onSuccess: () => {
        setTyped(undefined)
        toast.success(ts('config.saved'), label)
      },
    })
  }
  const failed = save.error === null ? undefined : <Refusal error={save.error} />
  const now = asText(value)
  const draft = typed?.text
  const changed = draft !== undefined && draft !== now
  useUnsaved(changed)
  if (field.kind === 'switch') {
    return (
      <div className="border-b border-line py-3 first:pt-0 last:border-0 last:pb-0">
        <Switch label={label} description={help} checked={value === true} disabled={locked} onCheckedChange={(on) => !save.isPending && put(on)} />
        {failed !== undefined && (
          <div role="alert" className="mt-1 text-xs text-bad">
            {failed}
          </div>
        )}
      </div>
    )
  }
  const text = draft ?? now
  const next = parsed(field, text)
  const overtaken = changed && typed?.over !== now ? ts('config.meanwhile', { value: now === '' ? ts('config.none') : now }) : undefined
  const mistake = draft !== undefined && next === undefined ? ts('config.whole', { min: field.min ?? 0 }) : (failed ?? overtaken)
  const edit = (said: string) => setTyped((before) => ({ text: said, over: before?.over ?? now }))
  const shared = { label, description: help, error: mistake, value: text, onValueChange: edit, disabled: locked, className: 'flex-1 basis-56' }
  return (
    <form
      className="flex flex-wrap items-end gap-2 border-b border-line py-3 first:pt-0 last:border-0 last:pb-0"
      onSubmit={(event) => {
        event.preventDefault()
        if (next !== undefined) put(next)
      }}
    >
      {field.kind === 'lines' ? (
        <TextArea {...shared} spellCheck={false} placeholder={ts('config.none')} />
      ) : (
        <Field {...shared} inputMode="decimal" suffix={field.unit === 'bytes' && typeof next === 'number' ? bytes(next) : undefined} placeholder={field.optional === true ? ts('config.unset') : undefined} />
      )}
      {changed && (
        <div className="flex gap-2">
          <Button
            onClick={() => {
              setTyped(undefined)
              save.reset()
            }}
          >{t('action.cancel')}</Button>
          <Button type="submit" variant="primary" busy={save.isPending} disabled={next === undefined}>
            {t('action.save')}
          </Button>
        </div>
      )}
    </form>
  )
}
