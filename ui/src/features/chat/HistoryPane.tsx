import { useDeferredValue, useRef, useState } from 'react'
import { Link } from '@tanstack/react-router'
import { Download, Ellipsis, MessagesSquare, Plus, Search, Upload, X } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button, buttonClass } from '@/components/ui/Button'
import { cn } from '@/components/ui/cn'
import { EmptyState } from '@/components/ui/EmptyState'
import { ErrorState } from '@/components/ui/ErrorState'
import { FilePicker } from '@/components/ui/FilePicker'
import { CHAT_FILES } from '@/hooks/chat-import'
import { IconButton } from '@/components/ui/IconButton'
import { Menu } from '@/components/ui/Menu'
import { SkeletonList } from '@/components/ui/Skeleton'
import { HistoryItem } from './HistoryItem'
import { useExchange } from './use-exchange'
import { type Group, useHistory } from './use-history'

/** All conversations: found by what was said in them, opened, and brought from elsewhere. */
export function HistoryPane({ chatId, onOpen }: { chatId: string | null; onOpen: () => void }) {
  const { t } = useTranslation('chat')
  const [query, setQuery] = useState('')
  const { groups, folders, chats, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useHistory(useDeferredValue(query.trim()))
  const { exportAll, importFile } = useExchange()
  const picker = useRef<HTMLInputElement>(null)
  const isEmpty = !isPending && error === null && chats.length === 0
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex items-center gap-1.5 p-2">
        <Link to="/chat" search={{}} onClick={onOpen} className={cn(buttonClass({ variant: 'secondary' }), 'flex-1')} data-testid="new-chat">
          <Plus />
          {t('history.new')}
        </Link>
        <Menu
          trigger={<IconButton label={t('history.more')} icon={<Ellipsis />} />}
          groups={[
            [
              { label: t('history.import'), icon: <Upload />, onSelect: () => picker.current?.click() },
              { label: t('history.exportAll'), icon: <Download />, disabled: isEmpty && query === '', onSelect: exportAll },
            ],
          ]}
        />
        <FilePicker ref={picker} accept={CHAT_FILES} testId="import-input" onFiles={(files) => files.forEach(importFile)} />
      </div>
      <div className="px-2 pb-2">
        <div className="flex h-8 items-center gap-2 rounded-md border border-line bg-surface px-2 focus-within:border-accent-ink">
          <Search aria-hidden size={14} className="shrink-0 text-ink-3" />
          <input
            type="text"
            role="searchbox"
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Escape' || query === '') return
              event.stopPropagation()
              setQuery('')
            }}
            aria-label={t('history.search')}
            placeholder={t('history.search')}
            data-testid="chat-search"
            className="min-w-0 flex-1 bg-transparent text-base outline-none placeholder:text-ink-3"
          />
          {query !== '' && (
            <button type="button" aria-label={t('history.clear')} onClick={() => setQuery('')} className="grid size-6 place-items-center rounded-sm text-ink-3 hover:bg-hover">
              <X aria-hidden size={14} />
            </button>
          )}
        </div>
      </div>
      <nav aria-label={t('history.label')} className="min-h-0 flex-1 overflow-y-auto px-2 pb-2">
        {isPending && <SkeletonList rows={6} rowClassName="h-8" />}
        {error !== null && <ErrorState error={error} onRetry={() => void refetch()} className="py-6" />}
        {isEmpty && (
          <EmptyState icon={<MessagesSquare />} title={query === '' ? t('history.empty') : t('history.nothing')} className="py-8">
            {query === '' ? t('history.emptyHelp') : t('history.nothingHelp')}
          </EmptyState>
        )}
        {groups.map((group) => (
          <section key={`${group.key}/${group.name}`} aria-label={labelOf(t, group)}>
            <h2 className="px-2 pt-3 pb-1 text-xs font-medium text-ink-3">{labelOf(t, group)}</h2>
            <ul>
              {group.chats.map((chat) => (
                <HistoryItem key={chat.id} chat={chat} isCurrent={chat.id === chatId} folders={folders} onOpen={onOpen} />
              ))}
            </ul>
          </section>
        ))}
        {hasNextPage && (
          <Button variant="ghost" size="sm" className="mt-2 w-full" busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t('history.older')}
          </Button>
        )}
      </nav>
    </div>
  )
}

function labelOf(t: ReturnType<typeof useTranslation<'chat'>>['t'], group: Group): string {
  return group.key === 'folder' ? group.name : t(group.key === 'older' ? 'history.older_group' : `history.${group.key}`)
}
