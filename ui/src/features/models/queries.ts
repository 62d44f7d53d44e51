import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Entry } from './entries'
import type { Patch } from './options'

const own = (...parts: readonly unknown[]) => [...keys.models, ...parts]
// What was asked once, and is not asked again because the list of models has changed.
const asked = (...parts: readonly unknown[]) => ['asked of models', ...parts]

/** All models; for those who may only use them without paths and settings. */
export const entriesQuery = (isAdmin: boolean) =>
  queryOptions({
    queryKey: own('entries', isAdmin),
    queryFn: () => (isAdmin ? data(api.GET('/api/v1/models')) : visible()),
  })

async function visible(): Promise<Schemas['ModelEntries']> {
  const { data: models } = await data(api.GET('/v1/models'))
  const entries: Entry[] = models.map((model) => ({
    ...model,
    path: null,
    source: model.format === 'remote' ? 'server' : 'folder',
    settings: {},
    architecture: '',
    parameters: 0,
    trained_context: 0,
    files: [],
  }))
  return { version: '', free: null, data: entries }
}

export const detailsQuery = (id: string) =>
  queryOptions({
    queryKey: own('details', id),
    queryFn: () => data(api.GET('/api/v1/models/{id}/details', { params: { path: { id } } })),
  })

export const adaptersQuery = (id: string) =>
  queryOptions({
    queryKey: own('adapters', id),
    queryFn: () => data(api.GET('/api/v1/models/{id}/adapters', { params: { path: { id } } })),
  })

export const removalQuery = (id: string) =>
  queryOptions({
    queryKey: asked('removal', id),
    queryFn: () => data(api.GET('/api/v1/models/{id}/removal', { params: { path: { id } } })),
    staleTime: 0,
  })

// What a load with `settings` over those that are saved would take; the last figures stay while others are reckoned;
// `beside` is a text of what they depend on beside that: the saved settings, and what is loaded.
export const estimateQuery = (of: { model: string } | { path: string }, settings: Patch, beside = '') =>
  queryOptions({
    queryKey: asked('estimate', of, settings, beside),
    queryFn: () => data(api.POST('/api/v1/models/estimate', { body: { ...of, settings } })),
    placeholderData: keepPreviousData,
    staleTime: 5000,
  })

export const folderQuery = (path: string | null) =>
  queryOptions({
    queryKey: asked('folder', path),
    queryFn: () => data(api.GET('/api/v1/folders', { params: { query: path === null ? {} : { path } } })),
    staleTime: 0,
  })

export const foundQuery = queryOptions({
  queryKey: asked('found'),
  queryFn: () => data(api.GET('/api/v1/models/found')),
  staleTime: 0,
})

export const searchQuery = (text: string) =>
  queryOptions({
    queryKey: asked('search', text),
    queryFn: () => data(api.GET('/api/v1/hub/search', { params: { query: { q: text } } })),
  })

export const filesQuery = (repo: string) => {
  const [owner = '', name = ''] = repo.split('/')
  return queryOptions({
    queryKey: asked('files', repo),
    queryFn: () => data(api.GET('/api/v1/hub/{owner}/{name}/files', { params: { path: { owner, name } } })),
  })
}

export const downloadsQuery = queryOptions({
  queryKey: ['downloads'],
  queryFn: () => data(api.GET('/api/v1/downloads')),
})

/** What was tried of a path, without adding anything. */
export const trialQuery = (path: string, id: string) =>
  queryOptions({
    queryKey: asked('trial', path, id),
    queryFn: () => data(api.POST('/api/v1/models', { body: { path, id: id === '' ? null : id, test: true } })),
    staleTime: 0,
    retry: false,
  })
