import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { asApiError } from '@/api/client'
import { Button } from '@/components/ui/Button'
import { Field } from '@/components/ui/Field'
import { Switch } from '@/components/ui/Switch'
import { TextArea } from '@/components/ui/TextArea'
import { toast } from '@/components/ui/Toast'
import { asText, parsed, valueOf, type Config, type SettingField } from './fields'
import { useSetting } from './use-config'

/** One setting of the file, saved by itself. */
export function SettingRow({ field, config }: { field: SettingField; config: Config }) {
  const { t } = useTranslation()
  const { t: ts } = useTranslation('settings')
  const value = valueOf(config, field.key)
  const [draft, setDraft] = useState<string>()
  const save = useSetting(field.key)
  const locked = config.overridden.includes(field.key)
  const label = ts(`field.${field.key}`)
  const help = locked ? ts('config.overridden') : ts(`help.${field.key}`)
  const put = (next: unknown) => {
    save.mutate(next, {
      onSuccess: () => {
        setDraft(undefined)
        toast.success(ts('config.saved'), label)
      },
    })
  }
  const failed = save.error === null ? undefined : asApiError(save.error).message
  if (field.kind === 'switch') {
    return (
      <div className="border-b border-line py-3 first:pt-0 last:border-0 last:pb-0">
        <Switch label={label} description={help} checked={value === true} disabled={locked || save.isPending} onCheckedChange={put} />
        {failed !== undefined && <p className="mt-1 text-xs text-bad">{failed}</p>}
      </div>
    )
  }
  const text = draft ?? asText(value)
  const next = parsed(field, text)
  const mistake = draft !== undefined && next === undefined ? ts('config.whole', { min: field.min ?? 0 }) : failed
  const changed = draft !== undefined && draft !== asText(value)
  const shared = { label, description: help, error: mistake, value: text, onValueChange: setDraft, disabled: locked, className: 'flex-1 basis-56' }
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
        <Field {...shared} inputMode="decimal" placeholder={field.optional === true ? ts('config.unset') : undefined} />
      )}
      {changed && (
        <div className="flex gap-2">
          <Button onClick={() => setDraft(undefined)}>{t('action.cancel')}</Button>
          <Button type="submit" variant="primary" busy={save.isPending} disabled={next === undefined}>
            {t('action.save')}
          </Button>
        </div>
      )}
    </form>
  )
}
