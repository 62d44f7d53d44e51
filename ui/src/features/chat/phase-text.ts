import type { TFunction } from 'i18next'
import { duration, number, percent, rate } from '@/i18n/format'
import type { Phase } from './run-events'

/** What goes on, with the numbers that are known of it. `model` is the one that was asked for. */
export function phaseText(t: TFunction<'chat'>, phase: Phase, model: string): string {
  switch (phase.phase) {
    case 'starting':
      return t('phase.starting')
    case 'queued': {
      const place = t('phase.queued', { position: number(phase.position ?? 0) })
      return phase.wait === null ? place : `${place} · ${t('phase.wait', { time: duration(phase.wait) })}`
    }
    case 'loading': {
      const name = phase.model ?? model
      return phase.progress === null ? t('phase.loading', { model: name }) : t('phase.loadingShare', { model: name, share: percent(phase.progress) })
    }
    case 'reading': {
      const read = t('phase.reading', { done: number(phase.done ?? 0), total: number(phase.total ?? 0) })
      const said = (phase.cached ?? 0) > 0 ? [read, t('message.cached', { tokens: number(phase.cached ?? 0) })] : [read]
      if (phase.per_second !== null) said.push(t('message.rate', { rate: rate(phase.per_second) }))
      if (phase.wait !== null) said.push(t('phase.left', { time: duration(phase.wait) }))
      return said.join(' · ')
    }
    case 'thinking':
    case 'answering': {
      const what = t(phase.phase === 'thinking' ? 'phase.thinking' : 'phase.answering')
      return phase.per_second === null ? what : `${what} · ${t('message.tokens', { count: phase.tokens ?? 0, tokens: number(phase.tokens ?? 0) })} · ${t('message.rate', { rate: rate(phase.per_second) })}`
    }
  }
}
