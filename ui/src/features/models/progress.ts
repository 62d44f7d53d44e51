// Downloads as they are shown. Pure.
import type { Schemas } from '@/api/client'

export type Download = Schemas['DownloadAnswer']
export type Verb = 'pause' | 'resume' | 'retry' | 'cancel'

/** Of 100; null while its size is not known. */
export function percentOf(download: Download): number | null {
  return download.total > 0 ? Math.min(100, (100 * download.done) / download.total) : null
}

/** It runs, and no byte has come for the last seconds. */
export function isStalled(download: Download): boolean {
  return download.state === 'running' && download.speed === 0 && download.done > 0
}

export function isUnderWay(download: Download): boolean {
  return ['queued', 'running', 'retrying', 'paused'].includes(download.state)
}

/** What can be done with it, the usual first. */
export function verbsOf(download: Download): readonly Verb[] {
  switch (download.state) {
    case 'queued':
    case 'running':
      return ['pause', 'cancel']
    case 'retrying':
      return ['retry', 'pause', 'cancel']
    case 'paused':
      return ['resume', 'cancel']
    case 'failed':
      return ['retry']
    default:
      return []
  }
}

/** The first file's name, where there is one alone: a repository may be downloaded more than once. */
export function titleOf(download: Download): string {
  const [first] = download.files
  return download.choice ?? (download.files.length === 1 && first !== undefined ? first.name : download.repo)
}
