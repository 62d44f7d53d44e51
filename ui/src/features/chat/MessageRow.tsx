import { memo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { AssistantMessage } from './AssistantMessage'
import { BranchPicker } from './BranchPicker'
import { useConversation } from './conversation'
import { FileChip } from './FileChip'
import { MessageActions } from './MessageActions'
import { MessageEdit } from './MessageEdit'
import { MessageFooter } from './MessageFooter'
import { markdownOf } from './transcript'
import type { Row } from './rows'
import type { Message } from './types'
import { useMessage } from './use-message'

/** One message with all that belongs to it; the same before, while and after it is written. */
export const MessageRow = memo(function MessageRow({ row, isEdited, onEdited, onStep }: {
  row: Row
  isEdited: boolean
  onEdited: (id: string | null) => void
  onStep: (id: string, by: 1 | -1) => void
}) {
  const { t } = useTranslation('chat')
  const message = useMessage(row.message)
  const { actions, model, attempt } = useConversation()
  const isUser = message.role === 'user'
  const [isActive, setActive] = useState(false)
  const edit = isEdited && (
    <MessageEdit
      text={markdownOf({ parts: message.parts.filter((part) => part.type === 'text') })}
      isUser={isUser}
      onCancel={() => onEdited(null)}
      onSave={(text) => attempt(async () => {
        await actions.save(message, text)
        onEdited(null)
      })}
      onBranch={(text) => attempt(() => actions.branch(message, text, model, () => onEdited(null)))}
    />
  )
  return (
    // By keyboard each message is a stop, whose buttons come with it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <article
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      aria-label={t(isUser ? 'message.yours' : 'message.of', { model: message.model ?? t('message.assistant') })}
      data-message={message.id}
      data-role={message.role}
      data-status={message.status}
      className="group/message mx-auto w-full max-w-3xl rounded-lg px-4 py-2 focus-visible:-outline-offset-2"
      onFocus={() => setActive(true)}
      onMouseEnter={() => setActive(true)}
    >
      {isUser ? (
        <div className="flex flex-col items-end gap-1.5">
          {message.parts.map((part, index) => (part.type === 'image' || part.type === 'audio' || part.type === 'file' ? <FileChip key={index} file={part} /> : null))}
          {edit || <UserText message={message} />}
        </div>
      ) : (
        edit || <AssistantMessage message={message} results={row.results} isLast={row.isLast} />
      )}
      <div className={isUser ? 'mt-1 flex min-h-7 items-center justify-end gap-1' : 'mt-1 flex min-h-7 flex-wrap items-center gap-x-3 gap-y-0.5'}>
        {!isUser && message.status !== 'streaming' && <MessageFooter message={message} />}
        <div className={isUser ? 'flex items-center' : 'ml-auto flex items-center'}>
          {/* Buttons of messages that nobody is at cost as much as the messages. */}
          {!isEdited && message.status !== 'streaming' && (isActive || row.isLast) && (
            <MessageActions message={message} isLast={row.isLast} onEdit={() => onEdited(message.id)} />
          )}
          <BranchPicker place={row.place} onStep={(by) => onStep(message.id, by)} />
        </div>
      </div>
    </article>
  )
})

function UserText({ message }: { message: Message }) {
  const text = markdownOf({ parts: message.parts.filter((part) => part.type === 'text') })
  if (text === '') return null
  return <div data-testid="user-text" className="max-w-[min(85%,36rem)] rounded-xl rounded-br-sm bg-accent-soft px-3.5 py-2 text-md break-words whitespace-pre-wrap">{text}</div>
}
