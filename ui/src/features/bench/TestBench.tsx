import { useQuery } from '@tanstack/react-query'
import { Settings2 } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { authStatus, may } from '@/api/auth'
import { Button } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { EmptyState } from '@/components/ui/EmptyState'
import { TextArea } from '@/components/ui/TextArea'
import { enterHere, plainEnter, useImeEnter } from '@/hooks/ime-enter'
import { ask, asking, type Asked } from './ask'
import { askSettings, nameOf, problemsOf } from './ask-settings'
import { AskSettingsDialog } from './AskSettingsDialog'
import { Exchange } from './Exchange'
import { SixFigures } from './SixFigures'

/** Answers that are shown at once; nothing is kept beyond the page. */
const SHOWN = 20

/** One question at a time to one model, and the six figures of its answer; for those who may ask. */
export function TestBench() {
  const { t } = useTranslation('bench')
  const { data: status } = useQuery(authStatus)
  if (may(status, 'member')) return <Bench />
  return <EmptyState title={t('test.forbidden')}>{t('test.forbiddenHelp')}</EmptyState>
}

function Bench() {
  const { t } = useTranslation('bench')
  const said = useStore(askSettings)
  const [isOpen, setOpen] = useState(false)
  const [prompt, setPrompt] = useState('')
  const [all, setAll] = useState<readonly Asked[]>([])
  const under = useRef<AbortController>(undefined)
  useEffect(() => () => under.current?.abort(), [])
  const last = all.at(-1)
  const isRunning = last?.state === 'running'
  const send = () => {
    if (isRunning || prompt.trim() === '') return
    if (problemsOf(said).length > 0) {
      setOpen(true)
      return
    }
    const controller = new AbortController()
    under.current = controller
    const begun = asking((last?.number ?? 0) + 1, said, prompt.trim())
    setAll((before) => [...before, begun].slice(-SHOWN))
    setPrompt('')
    void ask(begun, said, controller.signal, (asked) => {
      setAll((before) => before.map((each) => (each.number === asked.number ? asked : each)))
    })
  }
  const enter = useImeEnter(send, enterHere(plainEnter))
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-0 flex-1 basis-72 text-sm text-ink-2">{t('test.description')}</p>
        <span className="max-w-80 truncate text-sm font-medium">{nameOf(said) || t('test.chooseModel')}</span>
        <Button onClick={() => setOpen(true)}>
          <Settings2 aria-hidden="true" />
          {t('test.settings')}
        </Button>
      </div>
      <SixFigures figures={last?.figures ?? null} />
      <Card>
        <form
          className="flex flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault()
            send()
          }}
        >
          <TextArea
            label={t('test.prompt')}
            placeholder={t('test.placeholder')}
            value={prompt}
            onValueChange={setPrompt}
            {...enter}
          />
          <div className="flex justify-end gap-2">
            {isRunning ? (
              <Button onClick={() => under.current?.abort()}>{t('test.stop')}</Button>
            ) : (
              <Button type="submit" variant="primary" disabled={prompt.trim() === ''}>
                {t('test.ask')}
              </Button>
            )}
          </div>
        </form>
      </Card>
      {all.length === 0 ? (
        <EmptyState title={t('test.nothing')}>{t('test.nothingHelp')}</EmptyState>
      ) : (
        <ol className="flex flex-col-reverse gap-3">
          {all.map((asked) => (
            <Exchange key={asked.number} asked={asked} />
          ))}
        </ol>
      )}
      <AskSettingsDialog open={isOpen} onOpenChange={setOpen} />
    </div>
  )
}
