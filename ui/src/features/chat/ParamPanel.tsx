import { useEffect, useState } from 'react'
import { Braces, RotateCcw } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { TextArea } from '@/components/ui/TextArea'
import { FIELDS, withField } from './params'
import { ParamField } from './ParamField'
import { ParamJson } from './ParamJson'
import { PresetBar } from './PresetBar'
import type { Params } from './types'
import type { Model } from './use-models'

export interface ParamPanelProps {
  systemPrompt: string
  params: Params
  model: Model | undefined
  onChange: (change: { system_prompt?: string; params?: Params }) => void
}

const GROUPS = ['sampling', 'length', 'penalties', 'form'] as const

/** What a conversation asks the model by: the system prompt, and parameters that differ from the model's own. */
export function ParamPanel({ systemPrompt, params, model, onChange }: ParamPanelProps) {
  const { t } = useTranslation('chat')
  const [isJson, setJson] = useState(false)
  const [prompt, setPrompt] = useState(systemPrompt)
  useEffect(() => setPrompt(systemPrompt), [systemPrompt])
  const isOwn = Object.keys(params).length > 0
  return (
    <div className="flex flex-col gap-5 p-4" data-testid="params">
      <PresetBar systemPrompt={systemPrompt} params={params} onApply={(preset) => onChange(preset)} />
      <TextArea
        label={t('params.system')}
        value={prompt}
        placeholder={t('params.systemPlaceholder')}
        onValueChange={setPrompt}
        onBlur={() => prompt !== systemPrompt && onChange({ system_prompt: prompt })}
        rows={3}
      />
      {isJson ? (
        <ParamJson params={params} onChange={(next) => onChange({ params: next })} />
      ) : (
        GROUPS.map((group) => (
          <fieldset key={group} className="flex flex-col gap-3.5">
            <legend className="mb-2 text-xs font-medium text-ink-3">{t(`params.${group}`)}</legend>
            {FIELDS.filter((field) => field.group === group).map((field) => (
              <ParamField key={field.name} field={field} params={params} advice={model?.sampling} onChange={(value) => onChange({ params: withField(params, field.name, value) })} />
            ))}
          </fieldset>
        ))
      )}
      <div className="flex gap-2">
        <Button size="sm" disabled={!isOwn} onClick={() => onChange({ params: {} })}>
          <RotateCcw />
          {t('params.resetAll')}
        </Button>
        <Button size="sm" variant="ghost" aria-pressed={isJson} onClick={() => setJson(!isJson)}>
          <Braces />
          {isJson ? t('params.fields') : 'JSON'}
        </Button>
      </div>
    </div>
  )
}
