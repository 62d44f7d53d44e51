import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { TextArea } from '@/components/ui/TextArea'
import { paramsOf } from './params'
import type { Params } from './types'

/** All parameters as the server is sent them, those that have no field among them. */
export function ParamJson({ params, onChange }: { params: Params; onChange: (params: Params) => void }) {
  const { t } = useTranslation('chat')
  const now = JSON.stringify(params, null, 2)
  const [written, setWritten] = useState(now)
  useEffect(() => setWritten(now), [now])
  const found = paramsOf(written)
  return (
    <TextArea
      label={t('params.json')}
      description={t('params.jsonHelp')}
      error={found === null ? t('wrong.json') : undefined}
      value={written}
      onValueChange={setWritten}
      onBlur={() => found !== null && written !== now && onChange(found)}
      spellCheck={false}
      className="[&_textarea]:font-mono [&_textarea]:text-sm"
      rows={8}
    />
  )
}
