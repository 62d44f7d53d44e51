// The pages in their order, with their icons: for the navigation, the palette and the shortcuts.
import { Activity, BookOpen, Box, Gauge, MessageSquare, Settings, type LucideIcon } from 'lucide-react'

export interface PageEntry {
  name: 'chat' | 'models' | 'monitor' | 'bench' | 'guide' | 'settings'
  to: '/chat' | '/models' | '/monitor' | '/bench' | '/guide' | '/settings'
  icon: LucideIcon
}

export const PAGES: readonly PageEntry[] = [
  { name: 'chat', to: '/chat', icon: MessageSquare },
  { name: 'models', to: '/models', icon: Box },
  { name: 'monitor', to: '/monitor', icon: Activity },
  { name: 'bench', to: '/bench', icon: Gauge },
  { name: 'guide', to: '/guide', icon: BookOpen },
  { name: 'settings', to: '/settings', icon: Settings },
]

/** Those that the bottom bar has in its sheet. */
export const LAST_PAGES: readonly PageEntry['name'][] = ['guide', 'settings']
