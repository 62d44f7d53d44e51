// What each topic of the event stream comes to: snapshots and changes put together. Pure.
import type { Schemas } from '@/api/client'

export type HubEvent = Schemas['HubEvent']
export type Topic = HubEvent['topic']
export type Reading = Schemas['Reading']
export type ModelFigures = Schemas['ModelFigures']
export type LiveRequest = Schemas['RequestAnswer']
export type Download = Schemas['DownloadAnswer']
export type BenchmarkUnderWay = Schemas['BenchmarkUnderWay']

/** How things stand; null is what has not been heard of yet. `downloads` has the newest first. */
export interface Standing {
  metrics: Reading | null
  models: readonly ModelFigures[] | null
  downloads: readonly Download[] | null
  requests: readonly LiveRequest[] | null
  /** The benchmark that runs; undefined while that is not known. */
  bench: BenchmarkUnderWay | null | undefined
}

export const NOTHING: Standing = { metrics: null, models: null, downloads: null, requests: null, bench: undefined }

/** The standing after `event`; the same object where nothing of it has changed. */
export function after(standing: Standing, event: HubEvent): Standing {
  switch (event.topic) {
    case 'metrics':
      return event.type === 'resync' ? standing : { ...standing, metrics: event.data as Reading }
    case 'models':
      return models(standing, event)
    case 'downloads':
      return downloads(standing, event)
    case 'requests':
      return requests(standing, event)
    case 'bench':
      return bench(standing, event)
    default:
      return standing
  }
}

type Of<T extends Topic> = Extract<HubEvent, { topic: T }> | Schemas['Resync']

function models(standing: Standing, event: Of<'models'>): Standing {
  const known = standing.models ?? []
  switch (event.type) {
    case 'snapshot':
      return { ...standing, models: (event.data as Schemas['ModelsData']).models }
    case 'changed':
      return { ...standing, models: replaced(known, event.data as ModelFigures, (one) => one.id, 'end') }
    case 'gone':
      return { ...standing, models: known.filter((one) => one.id !== (event.data as Schemas['ModelName']).id) }
    default:
      return standing
  }
}

function downloads(standing: Standing, event: Of<'downloads'>): Standing {
  const known = standing.downloads ?? []
  switch (event.type) {
    case 'snapshot':
      return { ...standing, downloads: (event.data as Schemas['DownloadsData']).downloads }
    case 'changed':
    case 'progress':
      return { ...standing, downloads: replaced(known, event.data as Download, (one) => one.id, 'start') }
    case 'gone':
      return { ...standing, downloads: known.filter((one) => one.id !== (event.data as Schemas['ModelName']).id) }
    default:
      return standing
  }
}

function requests(standing: Standing, event: Of<'requests'>): Standing {
  const known = standing.requests ?? []
  switch (event.type) {
    case 'snapshot':
      return { ...standing, requests: (event.data as Schemas['RequestsData']).requests }
    case 'changed':
      return { ...standing, requests: replaced(known, event.data as LiveRequest, (one) => one.number, 'end') }
    case 'gone': {
      const { number } = event.data as Schemas['RequestNumber']
      return { ...standing, requests: known.filter((one) => one.number !== number) }
    }
    default:
      return standing
  }
}

function bench(standing: Standing, event: Of<'bench'>): Standing {
  switch (event.type) {
    case 'snapshot':
      return { ...standing, bench: (event.data as Schemas['BenchmarksData']).running }
    case 'progress':
      return { ...standing, bench: event.data as BenchmarkUnderWay }
    case 'ended':
      return { ...standing, bench: null }
    default:
      return standing
  }
}

/** `all` with `one` in the place of the one with its key, else as a new one at the `place`. */
function replaced<T>(all: readonly T[], one: T, key: (one: T) => unknown, place: 'start' | 'end'): readonly T[] {
  const wanted = key(one)
  const index = all.findIndex((each) => key(each) === wanted)
  if (index === -1) return place === 'end' ? [...all, one] : [one, ...all]
  return all.with(index, one)
}
