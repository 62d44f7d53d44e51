import { describe, expect, it } from 'vitest'
import { draftOf, setDraft, takeOut } from './ui-store'

describe('takeOut', () => {
  it('leaves what was written and attached while a message was sent', () => {
    const [sent, later] = [new File(['a'], 'a.txt'), new File(['b'], 'b.txt')]
    setDraft('c', { text: 'first', files: [sent] })
    const draft = draftOf('c')
    setDraft('c', { text: 'first and more', files: [sent, later] })
    takeOut('c', draft)
    expect(draftOf('c')).toEqual({ text: ' and more', files: [later] })
    setDraft('c', { text: 'quite another' })
    takeOut('c', draft)
    expect(draftOf('c').text).toBe('quite another')
  })
})
