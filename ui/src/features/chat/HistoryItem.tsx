import { memo, useState } from 'react'
import { Link } from '@tanstack/react-router'
import { Download, Ellipsis, FileText, Folder, FolderMinus, FolderPlus, Pencil, Pin, PinOff, Trash2 } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'
import { Menu } from '@/components/ui/Menu'
import { Spinner } from '@/components/ui/Spinner'
import { NameDialog } from './NameDialog'
import type { Listed } from './types'
import { useExchange } from './use-exchange'
import { useFiling } from './use-filing'

/** One conversation in the list, and what can be done with it. */
export const HistoryItem = memo(function HistoryItem({ chat, isCurrent, folders, onOpen }: {
  chat: Listed
  isCurrent: boolean
  folders: readonly string[]
  onOpen: () => void
}) {
  const { t } = useTranslation('chat')
  const [asks, setAsks] = useState<'title' | 'folder' | null>(null)
  const { rename, pin, file, remove } = useFiling()
  const { exportOne } = useExchange()
  const title = chat.title === '' ? t('history.untitled') : chat.title
  return (
    <li className={cn('group/item relative rounded-md hover:bg-hover', isCurrent && 'bg-pressed')} data-chat={chat.id}>
      <Link
        to="/chat/$chatId"
        params={{ chatId: chat.id }}
        search={chat.hit_id === null ? {} : { leaf: chat.hit_id }}
        aria-current={isCurrent ? 'page' : undefined}
        onClick={onOpen}
        className="block rounded-md py-1.5 pr-9 pl-2"
      >
        <span className="flex items-center gap-1.5">
          {chat.pinned && <Pin aria-hidden size={12} className="shrink-0 text-ink-3" />}
          <span className="min-w-0 flex-1 truncate text-base">{title}</span>
          {chat.running !== null && (
            <span role="img" aria-label={t('history.running')} className="text-accent-ink">
              <Spinner className="size-3.5" />
            </span>
          )}
        </span>
        {chat.hit !== null && chat.hit !== '' && <span className="line-clamp-2 block text-xs text-ink-3">{chat.hit}</span>}
      </Link>
      <Menu
        trigger={
          <button
            type="button"
            aria-label={t('history.actions', { title })}
            className={cn(
              'absolute top-1 right-1 grid size-6 place-items-center rounded-sm text-ink-3 opacity-0 group-focus-within/item:opacity-100 group-hover/item:opacity-100 hover:bg-pressed hover:text-ink data-popup-open:opacity-100 [@media(hover:none)]:opacity-100',
              isCurrent && 'opacity-100',
            )}
          >
            <Ellipsis aria-hidden size={14} />
          </button>
        }
        groups={[
          [
            { label: t('history.rename'), icon: <Pencil />, onSelect: () => setAsks('title') },
            { label: chat.pinned ? t('history.unpin') : t('history.pin'), icon: chat.pinned ? <PinOff /> : <Pin />, onSelect: () => pin(chat, !chat.pinned) },
          ],
          [
            ...folders.filter((name) => name !== chat.folder).slice(0, 8).map((name) => ({ label: name, icon: <Folder />, onSelect: () => file(chat, name) })),
            { label: t('history.newFolder'), icon: <FolderPlus />, onSelect: () => setAsks('folder') },
            ...(chat.folder === null ? [] : [{ label: t('history.noFolder'), icon: <FolderMinus />, onSelect: () => file(chat, null) }]),
          ],
          [
            { label: t('history.exportMd'), icon: <FileText />, onSelect: () => exportOne(chat, 'md') },
            { label: t('history.exportJson'), icon: <Download />, onSelect: () => exportOne(chat, 'json') },
          ],
          [{ label: t('history.delete'), icon: <Trash2 />, danger: true, onSelect: () => remove(chat, isCurrent) }],
        ]}
      />
      <NameDialog
        open={asks !== null}
        onClose={() => setAsks(null)}
        title={t(asks === 'folder' ? 'history.newFolder' : 'history.rename')}
        label={t(asks === 'folder' ? 'history.folderName' : 'history.title')}
        value={asks === 'folder' ? '' : chat.title}
        onSave={(name) => (asks === 'folder' ? file(chat, name) : rename(chat, name))}
      />
    </li>
  )
})
