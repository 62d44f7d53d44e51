// The one way to the server: typed by the OpenAPI document, errors as values of one class, a 401 told to who asks for a login.
// The session is a cookie of this site alone, and the server refuses writes that another site's page sends.
import createClient, { type Middleware } from 'openapi-fetch'
import { i18n, language } from '@/i18n/texts'
import { inWords, isWhole } from './codes'
import type { components, paths } from './schema'
import { sentence } from './sentence'

export type Schemas = components['schemas']

/** What the server refused, or why it could not be reached: `message` says what happened and what to do. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly param: string | null
  /** Seconds after which another try makes sense, where the server says so. */
  readonly retryAfter: number | null
  /** The server's own words, in English. */
  readonly said: string
  /** `said` as a sentence, where `message` is other words that leave something of it out. */
  readonly detail: string | undefined

  // oxlint-disable-next-line max-params
  constructor(message: string, status: number, code: string, param: string | null, retryAfter: number | null, said = message) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.param = param
    this.retryAfter = retryAfter
    this.said = said
    const whole = sentence(said, param)
    this.detail = [said, whole].includes(message) || isWhole(code) ? undefined : whole
  }
}

type Listener = () => void
const loggedOut = new Set<Listener>()

/** Tells `listener` whenever the server does not know who is asking; what it returns ends that. */
export function onLoggedOut(listener: Listener): () => void {
  loggedOut.add(listener)
  return () => loggedOut.delete(listener)
}

/** To be called by whoever sees a 401 beside `api`, such as a stream. */
export function tellLoggedOut(): void {
  for (const listener of loggedOut) listener()
}

/** The error of an answer that is none of 2xx. Reads its body. */
export async function failure(response: Response): Promise<ApiError> {
  const after = Number(response.headers.get('retry-after') ?? Number.NaN)
  const retryAfter = Number.isFinite(after) ? after : null
  try {
    return refusal(((await response.json()) as Schemas['Error']).error, response.status, retryAfter)
  } catch {
    const message = i18n.t('error.unexpected', { status: response.status })
    return new ApiError(message, response.status, 'unexpected', null, retryAfter)
  }
}

/** What the server says went wrong: as its answer, or in what it tells of a download or of a message. */
interface Failure {
  message: string
  code: string | null
  param?: string | null
}

/** It in the reader's language; without a status of its own a failure is the server's. */
export function refusal({ message, code, param = null }: Failure, status = 500, retryAfter: number | null = null): ApiError {
  const known = code ?? 'unknown'
  const words = language() === 'en' ? sentence(message, param) : inWords(known, status)
  return new ApiError(words, status, known, param, retryAfter, message)
}

/** Any failure as an ApiError: one of the network becomes a sentence. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof TypeError) return new ApiError(i18n.t('error.network'), 0, 'network', null, null)
  const said = error instanceof Error ? error.message : String(error)
  return new ApiError(language() === 'en' ? said : i18n.t('error.title'), 0, 'unexpected', null, null, said)
}

const throwing: Middleware = {
  async onResponse({ request, response }) {
    if (response.ok) return
    if (response.status === 401 && !new URL(request.url).pathname.startsWith('/auth/')) tellLoggedOut()
    throw await failure(response)
  },
  onError({ error }) {
    return asApiError(error)
  },
}

/** `await api.GET('/api/v1/models')`, whose `data` is typed; throws ApiError. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: (request: Request) => fetch(request) })
api.use(throwing)

/** The body of an answer that succeeded: `await data(api.GET('/api/v1/users'))`. Throws ApiError. */
export async function data<T>(answer: Promise<{ data?: T }>): Promise<NonNullable<T>> {
  const { data: body } = await answer
  if (body === undefined || body === null) throw new ApiError(i18n.t('error.unexpected', { status: 200 }), 200, 'empty', null, null)
  return body
}

/** `fetch` with the same errors, for streams and files. Throws ApiError. */
export async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw asApiError(error)
  }
  if (response.ok) return response
  if (response.status === 401 && !path.startsWith('/auth/')) tellLoggedOut()
  throw await failure(response)
}
