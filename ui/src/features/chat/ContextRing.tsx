import { Popover } from '@base-ui/react/popover'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { cn } from '@/components/ui/cn'
import { dotted, number, percent } from '@/i18n/format'
import type { Meter } from './meter'

const COLOURS = { ok: 'text-accent-ink', warn: 'text-warn', full: 'text-bad' }
const ROUND = 2 * Math.PI * 6

export interface ContextActions {
  onSummary: () => void
  onTrim: () => void
  /** Null where the asker may not change the model. */
  onRaise: (() => void) | null
}

/** How full the context is, and what can be done about it. */
export function ContextRing({ meter, actions, isBusy }: { meter: Meter; actions: ContextActions; isBusy: boolean }) {
  const { t } = useTranslation('chat')
  if (meter.max === 0) return null
  const share = percent(meter.share)
  const { split } = meter
  const rows = [
    ['system', split.system],
    ['files', split.files],
    ['history', split.history],
    ['reserve', meter.reserve],
  ] as const
  return (
    <Popover.Root>
      <Popover.Trigger
        aria-label={t('context.label', { share })}
        data-testid="context-ring"
        className={cn('flex h-8 items-center gap-1.5 rounded-md px-1.5 text-xs hover:bg-hover', COLOURS[meter.level])}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true" className="size-4 -rotate-90">
          <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeOpacity="0.2" strokeWidth="3" />
          <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeWidth="3" strokeDasharray={`${ROUND * meter.share} ${ROUND}`} />
        </svg>
        <span className="tabular hidden sm:inline">{share}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner align="end" sideOffset={4} collisionPadding={8} className="z-50 outline-none">
          <Popover.Popup className="popup w-72 rounded-lg border border-line bg-raised p-3 text-base text-ink shadow-lg outline-none">
            <Popover.Title className="font-medium">{t('context.title')}</Popover.Title>
            <Popover.Description className="tabular text-sm text-ink-2">
              {dotted([
                t('context.of', { used: number(meter.used), max: number(meter.max) }),
                meter.cached > 0 && t('message.cached', { tokens: number(meter.cached) }),
              ])}
            </Popover.Description>
            <dl className="tabular my-2 flex flex-col gap-0.5 text-sm">
              {rows
                .filter(([, tokens]) => tokens > 0)
                .map(([name, tokens]) => (
                  <div key={name} className="flex">
                    <dt className="flex-1 text-ink-2">{t(`context.${name}`)}</dt>
                    <dd>{name === 'reserve' ? number(tokens) : `≈ ${number(tokens)}`}</dd>
                  </div>
                ))}
            </dl>
            {meter.level !== 'ok' && <p className="mb-2 text-sm text-ink-2">{t(`context.${meter.level}`)}</p>}
            <div className="flex flex-col gap-1.5">
              <Button size="sm" disabled={isBusy || meter.used === 0} onClick={actions.onSummary}>
                {t('context.summary')}
              </Button>
              <Button size="sm" disabled={isBusy || meter.used === 0} onClick={actions.onTrim}>
                {t('context.trim')}
              </Button>
              {actions.onRaise !== null && (
                <Button size="sm" onClick={actions.onRaise}>
                  {t('context.raise')}
                </Button>
              )}
            </div>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  )
}
