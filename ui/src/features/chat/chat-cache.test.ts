import { QueryClient } from '@tanstack/react-query'
import { describe, expect, it, vi } from 'vitest'
import { type ChatChange, chatKeys } from './api'
import { changed, changeInTurn, put } from './chat-cache'
import type { Chat, Message, Summary } from './types'

const summary = { id: 'c', title: '', running: null } as unknown as Summary
const message = (id: string) => ({ id, parts: [], status: 'complete' }) as unknown as Message
const chat = (...ids: string[]): Chat => ({ ...summary, messages: ids.map(message) }) as Chat

describe('put', () => {
  it('is not taken back by what was being fetched before', async () => {
    const client = new QueryClient()
    client.setQueryData(chatKeys.one('c'), chat('a'))
    let answer: (old: Chat) => void = () => undefined
    const fetched = client.fetchQuery({ queryKey: chatKeys.one('c'), queryFn: () => new Promise<Chat>((done) => (answer = done)) }).catch(() => undefined)
    await put(client, { ...summary, running: 'run' }, message('b'))
    answer(chat('a'))
    await fetched
    const kept = client.getQueryData<Chat>(chatKeys.one('c'))
    expect(kept?.messages.map((one) => one.id)).toEqual(['a', 'b'])
    expect(kept?.running).toBe('run')
  })
})

describe('changeInTurn', () => {
  it('sends one change after the other, those that wait as one', async () => {
    const sent: ChatChange[] = []
    const ends: (() => void)[] = []
    const send = (_: string, change: ChatChange) => new Promise<Summary>((done) => {
      sent.push(change)
      ends.push(() => done(summary))
    })
    void changeInTurn('c', { params: { temperature: 0.1 } }, send)
    await vi.waitFor(() => expect(sent).toHaveLength(1))
    void changeInTurn('c', { params: { temperature: 0.2 } }, send)
    void changeInTurn('c', { params: { temperature: 0.3 }, title: 'x' }, send)
    let isDone = false
    const all = changed('c').then(() => (isDone = true))
    expect(sent).toHaveLength(1)
    ends[0]?.()
    await vi.waitFor(() => expect(sent).toHaveLength(2))
    expect(isDone).toBe(false)
    ends[1]?.()
    await all
    expect(sent).toEqual([{ params: { temperature: 0.1 } }, { params: { temperature: 0.3 }, title: 'x' }])
  })

  it('tells of a failure, and begins anew after it', async () => {
    const send = vi.fn().mockRejectedValueOnce(new Error('no')).mockResolvedValue(summary)
    await expect(changeInTurn('c', { title: 'x' }, send)).rejects.toThrow('no')
    await changed('c')
    await changeInTurn('c', { title: 'y' }, send)
    expect(send).toHaveBeenLastCalledWith('c', { title: 'y' })
  })
})
