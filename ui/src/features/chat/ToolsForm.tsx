import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { TextArea } from '@/components/ui/TextArea'
import { EXAMPLE, toolsOf, written, type Tool } from './tools'
import type { Params } from './types'

/** The tools of a conversation, as JSON. */
export function ToolsForm({ params, onSave, onClose }: { params: Params; onSave: (tools: readonly Tool[]) => void; onClose: () => void }) {
  const { t } = useTranslation('chat')
  const [text, setText] = useState(() => written(params))
  const found = toolsOf(text)
  return (
    <div className="flex flex-col gap-3 pb-1">
      <TextArea
        label={t('tools.json')}
        description={t('tools.jsonHelp')}
        error={'wrong' in found ? t(`tools.wrong.${found.wrong}`, { name: found.name }) : undefined}
        value={text}
        onValueChange={setText}
        spellCheck={false}
        className="[&_textarea]:font-mono [&_textarea]:text-sm"
        rows={10}
      />
      <div className="flex flex-wrap justify-end gap-2">
        {text.trim() === '' && (
          <Button variant="ghost" className="mr-auto" onClick={() => setText(JSON.stringify(EXAMPLE, null, 2))}>
            {t('tools.example')}
          </Button>
        )}
        <Button onClick={onClose}>{t('action.cancel', { ns: 'common' })}</Button>
        <Button
          variant="primary"
          disabled={'wrong' in found}
          onClick={() => {
            if ('wrong' in found) return
            onSave(found.tools)
            onClose()
          }}
        >
          {t('action.save', { ns: 'common' })}
        </Button>
      </div>
    </div>
  )
}
