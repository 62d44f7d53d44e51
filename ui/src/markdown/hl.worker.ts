import hljs from 'highlight.js/lib/common'
import { chunksOf } from './chunks'
import type { Colours, Job } from './highlight'

self.onmessage = (event: MessageEvent<Job>) => {
  const { id, code, language } = event.data
  const known = hljs.getLanguage(language) !== undefined
  const chunks = known ? chunksOf(hljs.highlight(code, { language, ignoreIllegals: true }).value) : []
  const answer: Colours = { id, chunks }
  self.postMessage(answer)
}
