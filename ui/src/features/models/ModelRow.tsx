import { Link } from '@tanstack/react-router'
import { Copy, Ellipsis, FileSearch, ListChecks, SlidersHorizontal, Trash2 } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { answers } from '@/api/served'
import { Badge } from '@/components/ui/Badge'
import { buttonClass } from '@/components/ui/Button'
import { cn } from '@/components/ui/cn'
import { IconButton } from '@/components/ui/IconButton'
import { Menu, type MenuItem } from '@/components/ui/Menu'
import { Progress } from '@/components/ui/Progress'
import { Reason } from '@/components/ui/Reason'
import { useCopy } from '@/hooks/clipboard'
import { ago, bytes, dotted, duration } from '@/i18n/format'
import { Capabilities } from './Capabilities'
import { isLanguageModel, isLoaded, type Row } from './entries'
import { memory, parameters, tokens } from './figures'
import { FormatBadge } from './FormatBadge'
import { LoadButton } from './LoadButton'
import { StateMark } from './StateMark'
import { useNow } from './use-now'
import { useIsAdmin, useMayAsk } from './use-models'

export interface ModelRowProps {
  row: Row
  onOpen: (part?: string) => void
  onDelete: () => void
}

/** One model of the list: what it is, how it stands, what can be done with it. */
export function ModelRow({ row, onOpen, onDelete }: ModelRowProps) {
  const { t } = useTranslation('models')
  const { entry } = row
  return (
    <li className="flex flex-wrap gap-x-4 gap-y-2 px-4 py-3 md:items-center" data-model={entry.id}>
      <div className="min-w-0 grow basis-full md:basis-52">
        <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <button type="button" onClick={() => onOpen()} aria-label={t('list.open', { model: entry.id })} className="min-w-0 rounded-sm text-left font-medium break-all hover:text-accent-ink hover:underline">
            {entry.id}
          </button>
          <FormatBadge format={entry.format} />
          {entry.quantisation !== '' && <Badge>{entry.quantisation}</Badge>}
          <Capabilities names={entry.capabilities} />
        </div>
        <Facts row={row} />
      </div>
      <Standing row={row} />
      <Actions row={row} onOpen={onOpen} onDelete={onDelete} />
    </li>
  )
}

function Facts({ row: { entry, lastUsed } }: { row: Row }) {
  const { t } = useTranslation('models')
  const now = useNow(30_000)
  const facts = dotted([
    entry.parameters > 0 && t('list.parameters', { value: parameters(entry.parameters) }),
    entry.size > 0 && bytes(entry.size),
    entry.context > 0 && t('list.context', { value: tokens(entry.context) }),
    entry.format === 'remote' && t('list.remote'),
    entry.source === 'package' && t('list.package'),
    lastUsed === null ? null : t('list.used', { when: ago(Math.min(lastUsed, now), now) }),
  ])
  return <p className="mt-0.5 text-sm text-ink-2">{facts}</p>
}

function Standing({ row }: { row: Row }) {
  const { t } = useTranslation('models')
  const now = useNow(10_000)
  const left = row.expiresAt === null ? null : Math.max(0, row.expiresAt - now)
  const more = dotted([
    row.memory !== null && memory(row.memory),
    isLoaded(row.state) && row.entry.settings['pin'] === true && t('list.pinned'),
    row.state === 'ready' && left !== null && t('list.expires', { time: duration(left < 60 ? Math.round(left) : 60 * Math.round(left / 60)) }),
    row.waiting > 0 && t('state.waiting', { count: row.waiting }),
  ])
  return (
    <div className="flex w-full min-w-0 flex-wrap items-center gap-x-2 gap-y-1 md:w-56 lg:w-72 md:flex-col md:items-end md:gap-y-0">
      <StateMark row={row} />
      {more !== '' && <span className="tabular text-sm text-ink-2">{more}</span>}
      {row.state === 'starting' && row.progress !== null && (
        <Progress className="w-full" hideLabel label={t('state.starting')} value={Math.round(row.progress * 100)} />
      )}
      {row.state === 'failed' && row.reason !== null && <p role="alert" className="w-full text-sm break-words text-bad md:line-clamp-3 md:text-right"><Reason>{row.reason}</Reason></p>}
    </div>
  )
}

function Actions({ row, onOpen, onDelete }: ModelRowProps) {
  const { t } = useTranslation('models')
  const isAdmin = useIsAdmin()
  const { entry, state } = row
  const mayAsk = useMayAsk()
  const canChat = mayAsk && answers(entry)
  return (
    <div className="flex w-full items-center gap-2 md:ml-auto md:w-auto">
      {canChat && (
        <Link to="/chat" search={{ model: entry.id }} className={buttonClass({ size: 'sm', variant: isLoaded(state) ? 'primary' : 'secondary' })}>
          {t('action.chat')}
          <span className="sr-only"> {entry.id}</span>
        </Link>
      )}
      {isAdmin && <LoadButton row={row} />}
      <div className={cn('ml-auto md:ml-0')}>
        <More row={row} onOpen={onOpen} onDelete={onDelete} />
      </div>
    </div>
  )
}

function More({ row: { entry }, onOpen, onDelete }: ModelRowProps) {
  const { t } = useTranslation('models')
  const isAdmin = useIsAdmin()
  const { copy } = useCopy()
  const { path } = entry
  const groups: MenuItem[][] = [
    [
      { label: t('action.details'), icon: <FileSearch />, onSelect: () => onOpen('overview') },
      ...(isAdmin ? [{ label: t('action.settings'), icon: <SlidersHorizontal />, onSelect: () => onOpen('load') }] : []),
      ...(!isLanguageModel(entry.format) ? [] : [{ label: t('action.check'), icon: <ListChecks />, onSelect: () => onOpen('check') }]),
    ],
    [
      { label: t('action.copyId'), icon: <Copy />, onSelect: () => copy(entry.id) },
      ...(path === null ? [] : [{ label: t('action.copyPath'), icon: <Copy />, onSelect: () => copy(path) }]),
    ],
  ]
  if (isAdmin) groups.push([{ label: t('action.delete'), icon: <Trash2 />, onSelect: onDelete, danger: true }])
  return <Menu groups={groups} trigger={<IconButton size="sm" label={t('list.more', { model: entry.id })} icon={<Ellipsis />} />} />
}
