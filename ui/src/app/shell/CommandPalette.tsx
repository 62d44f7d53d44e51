import { Dialog as Base } from '@base-ui/react/dialog'
import { Search } from 'lucide-react'
import { useId, useRef, useState, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { found, setPaletteOpen, useAllCommands, usePaletteOpen, type Command } from '@/app/commands'
import { cn } from '@/components/ui/cn'
import { Keys } from '@/components/ui/Keys'
import { Refusal } from '@/components/ui/Refusal'
import { useFound } from './use-found'

/** Everything that can be done, and models and conversations, by typing. */
export function CommandPalette() {
  const { t } = useTranslation()
  const open = usePaletteOpen()
  return (
    <Base.Root open={open} onOpenChange={(next) => setPaletteOpen(next)}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-shade transition-opacity duration-100 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Base.Popup className="popup fixed top-[12dvh] left-1/2 z-50 flex max-h-[70dvh] w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 flex-col overflow-hidden rounded-xl border border-line bg-raised text-ink shadow-lg outline-none">
          <Base.Title className="sr-only">{t('palette.title')}</Base.Title>
          <Finder />
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

function Finder() {
  const { t } = useTranslation()
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const more = useFound(query)
  const commands = [...found(useAllCommands(), query), ...more.commands]
  const current = Math.min(at, Math.max(0, commands.length - 1))
  const move = (to: number) => {
    const next = (to + commands.length) % Math.max(1, commands.length)
    setAt(next)
    list.current?.querySelector(`[data-place="${next}"]`)?.scrollIntoView({ block: 'nearest' })
  }
  const run = (command: Command | undefined) => {
    if (!command) return
    setPaletteOpen(false)
    command.run()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const steps: Record<string, () => void> = {
      ArrowDown: () => move(current + 1),
      ArrowUp: () => move(current - 1),
      Enter: () => run(commands[current]),
    }
    const step = steps[event.key]
    if (!step) return
    event.preventDefault()
    step()
  }
  return (
    <>
      <div className="flex items-center gap-2.5 border-b border-line px-3.5">
        <Search aria-hidden="true" className="size-4 shrink-0 text-ink-3" />
        <input
          role="combobox"
          aria-expanded="true"
          aria-controls={id}
          aria-activedescendant={commands.length > 0 ? `${id}-${current}` : undefined}
          aria-label={t('palette.title')}
          placeholder={t('palette.placeholder')}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value)
            setAt(0)
          }}
          onKeyDown={onKeyDown}
          className="h-12 min-w-0 flex-1 bg-transparent text-md outline-none placeholder:text-ink-3"
        />
      </div>
      <div ref={list} id={id} role="listbox" aria-label={t('palette.title')} className="min-h-0 flex-1 overflow-y-auto p-1.5">
        {commands.map((command, place) => (
          <div
            key={command.id}
            id={`${id}-${place}`}
            data-place={place}
            role="option"
            tabIndex={-1}
            aria-selected={place === current}
            onMouseMove={() => setAt(place)}
            onClick={() => run(command)}
            onKeyDown={onKeyDown}
            className={cn('flex min-h-9 items-center gap-3 rounded-md px-2.5 py-1.5', place === current && 'bg-hover')}
          >
            <span className="min-w-0 flex-1 truncate">{command.label}</span>
            {command.keys === undefined ? <span className="text-xs text-ink-3">{command.group}</span> : <Keys keys={command.keys} />}
          </div>
        ))}
      </div>
      {commands.length === 0 && more.error === null && (
        <p className="px-4 pb-5 text-center text-ink-2">{more.isPending ? t('state.loading') : t('palette.nothing', { query })}</p>
      )}
      {more.error !== null && (
        <div role="alert" className="border-t border-line px-4 py-3 text-sm text-bad">
          <Refusal error={more.error} />
        </div>
      )}
    </>
  )
}
