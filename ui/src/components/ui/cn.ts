import { clsx, type ClassValue } from 'clsx'
import { extendTailwindMerge } from 'tailwind-merge'

const merge = extendTailwindMerge({
  extend: { classGroups: { 'font-size': [{ text: ['2xs', 'xs', 'sm', 'base', 'md', 'lg', 'xl', '2xl'] }] } },
})

/** Class names put together; of two that say the same, the later holds. */
export function cn(...classes: ClassValue[]): string {
  return merge(clsx(classes))
}
