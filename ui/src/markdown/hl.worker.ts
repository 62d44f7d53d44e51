import hljs from 'highlight.js/lib/common'
import jinja from 'highlight.js/lib/languages/django'
import { chunksOf } from './chunks'
import type { Colours, Job } from './highlight'

// Chat templates are written in it; Django's templates have the same form.
hljs.registerLanguage('jinja', jinja)

self.onmessage = (event: MessageEvent<Job>) => {
  const { id, code, language } = event.data
  const known = hljs.getLanguage(language) !== undefined
  const chunks = known ? chunksOf(hljs.highlight(code, { language, ignoreIllegals: true }).value) : []
  const answer: Colours = { id, chunks }
  self.postMessage(answer)
}
