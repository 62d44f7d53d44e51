import { getRouteApi, useParams } from '@tanstack/react-router'
import './texts'
import '@/markdown/markdown.css'
import { ChatView } from './ChatView'

const begin = getRouteApi('/inside/chat')
const open = getRouteApi('/inside/chat/$chatId')

/** A conversation by its address, or the one that is not yet begun. */
export function ChatPage() {
  const { chatId } = useParams({ strict: false })
  return chatId === undefined ? <Beginning /> : <Opened />
}

function Beginning() {
  const { model } = begin.useSearch()
  return <ChatView chatId={null} model={model} />
}

function Opened() {
  const { chatId } = open.useParams()
  const { leaf } = open.useSearch()
  return <ChatView key={chatId} chatId={chatId} leaf={leaf} />
}
