import { shell } from '../quoting'
import { json, path, type Examples, type Target, type Task } from '../request'

export const CURL: Examples = {
  chat: (target) => request('chat', target),
  stream: (target) => request('stream', target, ' -N'),
  tools: (target) => request('tools', target),
  embeddings: (target) => request('embeddings', target),
}

function request(task: Task, target: Target, options = ''): string {
  return [
    `curl${options} ${shell(target.base + path(task))}`,
    "-H 'content-type: application/json'",
    ...(target.key ? [`-H ${shell(`authorization: Bearer ${target.key}`)}`] : []),
    `-d ${shell(json(task, target.model))}`,
  ].join(' \\\n  ')
}
