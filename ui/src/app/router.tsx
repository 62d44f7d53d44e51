// The pages and their addresses. Each is one `page.tsx` in its feature, loaded when it is opened.
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { authStatus } from '@/api/auth'
import { PageError } from './shell/PageError'
import { PageMissing } from './shell/PageMissing'
import { PagePending } from './shell/PagePending'
import { Shell } from './shell/Shell'
import { code } from './page-code'
import { queryClient } from './query'
import { isSetupSkipped } from './setup'

interface Context {
  queryClient: typeof queryClient
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
}

const root = createRootRouteWithContext<Context>()({ component: Outlet, errorComponent: PageError, notFoundComponent: PageMissing })

/** Everything that takes a login, where there is an account to log in with. */
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: Shell,
  notFoundComponent: PageMissing,
  beforeLoad: async ({ context, location }) => {
    const status = await context.queryClient.ensureQueryData(authStatus)
    const next = location.href === '/' ? undefined : location.href
    if (status.setup_required && (status.setup_needs_code || !isSetupSkipped())) throw redirect({ to: '/setup', replace: true })
    if (!status.setup_required && !status.authenticated) throw redirect({ to: '/login', search: { next }, replace: true })
  },
})

const index = createRoute({
  getParentRoute: () => inside,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/chat', replace: true })
  },
})

const chat = createRoute({
  getParentRoute: () => inside,
  path: '/chat',
  validateSearch: (search: Record<string, unknown>): { model?: string | undefined } => ({ model: text(search['model']) }),
  component: lazyRouteComponent(code(() => import('@/features/chat/page')), 'ChatPage'),
})

const chatOf = createRoute({
  getParentRoute: () => inside,
  path: '/chat/$chatId',
  validateSearch: (search: Record<string, unknown>): { leaf?: string | undefined } => ({ leaf: text(search['leaf']) }),
  component: lazyRouteComponent(code(() => import('@/features/chat/page')), 'ChatPage'),
})

export interface ModelsSearch {
  tab?: string | undefined
  /** The model whose drawer is open, and its tab. */
  m?: string | undefined
  part?: string | undefined
  add?: string | undefined
}

const models = createRoute({
  getParentRoute: () => inside,
  path: '/models',
  validateSearch: (search: Record<string, unknown>): ModelsSearch => ({
    tab: text(search['tab']),
    m: text(search['m']),
    part: text(search['part']),
    add: text(search['add']),
  }),
  component: lazyRouteComponent(code(() => import('@/features/models/page')), 'ModelsPage'),
})

const monitor = createRoute({
  getParentRoute: () => inside,
  path: '/monitor',
  validateSearch: (search: Record<string, unknown>): { range?: string | undefined; tab?: string | undefined } => ({
    range: text(search['range']),
    tab: text(search['tab']),
  }),
  component: lazyRouteComponent(code(() => import('@/features/monitor/page')), 'MonitorPage'),
})

const bench = createRoute({
  getParentRoute: () => inside,
  path: '/bench',
  validateSearch: (search: Record<string, unknown>): { run?: string | undefined; tab?: string | undefined } => ({
    run: text(search['run']),
    tab: text(search['tab']),
  }),
  component: lazyRouteComponent(code(() => import('@/features/bench/page')), 'BenchPage'),
})

const guide = createRoute({
  getParentRoute: () => inside,
  path: '/guide',
  component: lazyRouteComponent(code(() => import('@/features/guide/page')), 'GuidePage'),
})

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  component: lazyRouteComponent(code(() => import('@/features/settings/page')), 'SettingsPage'),
})

const settingsOf = createRoute({
  getParentRoute: () => inside,
  path: '/settings/$section',
  component: lazyRouteComponent(code(() => import('@/features/settings/page')), 'SettingsPage'),
})

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string | undefined } => ({ next: text(search['next']) }),
  component: lazyRouteComponent(code(() => import('@/features/auth/login')), 'LoginPage'),
})

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(code(() => import('@/features/auth/setup')), 'SetupPage'),
})

const tree = root.addChildren([
  inside.addChildren([index, chat, chatOf, models, monitor, bench, guide, settings, settingsOf]),
  login,
  setup,
])

export const router = createRouter({
  routeTree: tree,
  basepath: '/ui',
  context: { queryClient },
  defaultPreload: 'intent',
  defaultPendingComponent: PagePending,
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: PageMissing,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
