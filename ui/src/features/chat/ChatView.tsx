import { useCallback, useMemo, useRef, useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { asApiError } from '@/api/client'
import { ErrorState } from '@/components/ui/ErrorState'
import { Page } from '@/components/ui/Page'
import { Sheet } from '@/components/ui/Sheet'
import { SkeletonList } from '@/components/ui/Skeleton'
import { ChatHeader } from './ChatHeader'
import { Composer } from './Composer'
import { type Conversation, ConversationProvider } from './conversation'
import { DropZone } from './DropZone'
import { HistoryPane } from './HistoryPane'
import { MessageList } from './MessageList'
import { ParamPanel } from './ParamPanel'
import { PhaseLine } from './PhaseLine'
import { RunAnnouncer } from './RunAnnouncer'
import { stepAside } from './tree'
import { draftOf, forgetBeginning, setDraft, setProblem, takeOut, toggleHistory, togglePanel, useHistoryOpen, usePanelOpen, useProblem } from './ui-store'
import { useChatActions } from './use-chat-actions'
import { useChatShortcuts } from './use-chat-shortcuts'
import { useContextActions } from './use-context-actions'
import { useConversationState } from './use-conversation-state'
import { useFiles } from './use-files'
import { useIsWide } from './use-is-wide'
import { useRunFollowing } from './use-run-following'
import { Welcome } from './Welcome'

/** The page: history, conversation, parameters. */
export function ChatView({ chatId, leaf, model: wanted }: { chatId: string | null; leaf?: string | undefined; model?: string | undefined }) {
  const { t } = useTranslation('chat')
  const navigate = useNavigate()
  const state = useConversationState(chatId, leaf, wanted)
  const { chat, known, tree, path, model, modelId, query } = state
  const actions = useChatActions(chatId)
  const [edited, setEdited] = useState<string | null>(null)
  const [isSending, setSending] = useState(false)
  const problem = useProblem(chatId)
  const field = useRef<HTMLTextAreaElement>(null)
  const [isHistoryOpen, isPanelOpen] = [useHistoryOpen(), usePanelOpen()]
  const [isHistoryWide, isPanelWide] = [useIsWide(900), useIsWide(1180)]
  const [sheet, setSheet] = useState<'history' | 'params' | null>(null)
  useRunFollowing(chat)
  const running = chat?.running ?? null
  const isBusy = running !== null
  const attempt = useCallback((what: () => Promise<void>) => {
    setProblem(chatId, null)
    what().catch((failure: unknown) => setProblem(chatId, asApiError(failure)))
  }, [chatId])
  const conversation = useMemo<Conversation>(
    () => ({ chatId, actions, models: known.models, model: modelId, isBusy, attempt }),
    [chatId, actions, known.models, modelId, isBusy, attempt],
  )
  const addFiles = useFiles(chatId, model)
  const context = useContextActions(state, attempt)
  const last = path.at(-1)
  const send = () => {
    const draft = draftOf(chatId)
    let at = chatId
    setSending(true)
    setProblem(chatId, null)
    state
      .ready()
      .then(({ parent, ...beginning }) => actions.send(parent, draft, beginning, (kept) => {
        at = kept
        takeOut(chatId, draft)
        if (chatId === null) forgetBeginning()
      }))
      .catch((failure: unknown) => setProblem(at, asApiError(failure)))
      .finally(() => setSending(false))
  }
  const onStep = useCallback(
    (id: string, by: 1 | -1) => {
      const next = stepAside(tree, id, by)
      if (next !== null) attempt(() => actions.show(next))
    },
    [tree, actions, attempt],
  )
  const stop = running === null ? null : () => attempt(() => actions.stop(running))
  const editLast = () => {
    const mine = path.findLast((message) => message.role === 'user')
    if (mine !== undefined && !isBusy) setEdited(mine.id)
  }
  const onHistory = () => (isHistoryWide ? toggleHistory() : setSheet('history'))
  const onPanel = () => (isPanelWide ? togglePanel() : setSheet('params'))
  useChatShortcuts({ chatId, path, field, onStop: stop, onHistory, onNew: () => void navigate({ to: '/chat', search: {} }) })
  const panel = <ParamPanel systemPrompt={state.systemPrompt} params={state.params} model={model} onChange={state.change} />
  const { data: status } = useQuery(authStatus)
  const onlyLooks = status?.authenticated === true && !may(status, 'member')
  const lack = modelId === null ? null : known.lacks(modelId)
  const isBare = !known.isLoading && known.error === null && (modelId === null || known.models.length === 0)
  const reason = onlyLooks ? t('welcome.viewer') : isBare ? t('composer.noModel') : lack === null ? null : t(`composer.${lack}`, { model: modelId })
  return (
    <Page title={chat?.title === undefined || chat.title === '' ? t('title') : chat.title} bare>
      <div className="flex h-full min-h-0">
        {isHistoryWide && isHistoryOpen && (
          <aside aria-label={t('history.label')} className="w-66 shrink-0 border-r border-line bg-sunken/60">
            <HistoryPane chatId={chatId} onOpen={() => undefined} />
          </aside>
        )}
        <DropZone onFiles={addFiles} className="flex min-w-0 flex-1 flex-col">
          <ChatHeader
            chat={chat ?? null}
            models={known.models}
            model={modelId}
            onModel={state.choose}
            meter={state.meter}
            context={context}
            isBusy={isBusy}
            onHistory={onHistory}
            onPanel={onPanel}
            isPanelOpen={isPanelWide ? isPanelOpen : sheet === 'params'}
          />
          <ConversationProvider value={conversation}>
            {chatId !== null && query.isPending ? (
              <SkeletonList rows={4} className="mx-auto mt-8 w-full max-w-3xl flex-1 px-4" rowClassName="h-16" />
            ) : chatId !== null && query.error !== null && chat === undefined ? (
              <ErrorState error={query.error} onRetry={() => void query.refetch()} className="flex-1" />
            ) : path.length === 0 ? (
              <div className="min-h-0 flex-1 overflow-y-auto">
                <Welcome
                  models={known.models}
                  model={model}
                  isLoading={known.isLoading}
                  error={known.error}
                  onRetry={known.refetch}
                  onIdea={
                    onlyLooks
                      ? null
                      : (text) => {
                          setDraft(chatId, { text })
                          field.current?.focus()
                        }
                  }
                />
              </div>
            ) : (
              <MessageList tree={tree} path={path} edited={edited} onEdited={setEdited} onStep={onStep} />
            )}
          </ConversationProvider>
          <div className="mx-auto w-full max-w-3xl px-4">
            <PhaseLine messageId={isBusy ? (last?.id ?? null) : null} model={modelId ?? ''} />
          </div>
          <Composer
            chatId={chatId}
            model={model}
            name={modelId}
            params={state.params}
            onParams={(params) => state.change({ params })}
            onSend={send}
            onFiles={addFiles}
            onStop={stop}
            onEditLast={editLast}
            isSending={isSending}
            reason={reason}
            problem={problem}
            onDismiss={() => setProblem(chatId, null)}
            field={field}
          />
        </DropZone>
        {isPanelWide && isPanelOpen && (
          <aside aria-label={t('header.params')} className="w-80 shrink-0 overflow-y-auto border-l border-line">
            {panel}
          </aside>
        )}
      </div>
      <RunAnnouncer message={last} />
      <Sheet open={sheet === 'history' && !isHistoryWide} onOpenChange={(next) => setSheet(next ? 'history' : null)} side="left" title={t('history.label')}>
        <HistoryPane chatId={chatId} onOpen={() => setSheet(null)} />
      </Sheet>
      <Sheet open={sheet === 'params' && !isPanelWide} onOpenChange={(next) => setSheet(next ? 'params' : null)} title={t('header.params')}>
        {panel}
      </Sheet>
    </Page>
  )
}
