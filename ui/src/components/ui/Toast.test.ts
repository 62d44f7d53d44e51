import { expect, test } from 'vitest'
import { toast, toasts } from './Toast'

test('what is said before anybody shows it is shown once somebody does', () => {
  const [first, second]: [string[], string[]] = [[], []]
  const into = (heard: string[]) => toasts[' subscribe'](({ action, options }: { action: string; options: { title?: string } }) => heard.push(`${action} ${options.title ?? ''}`))
  const gone = toast.success('early')
  toast.close(gone)
  toast.success('kept')
  const leave = into(first)
  toast.success('later')
  leave()
  into(second)
  expect(first).toEqual(['add early', 'close ', 'add kept', 'add later'])
  expect(second).toEqual([])
})
