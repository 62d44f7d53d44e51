import { Tooltip } from '@base-ui/react/tooltip'
import type { ReactNode } from 'react'

/** Once a tooltip has been shown, the next ones come at once. */
export function TooltipProvider({ children }: { children: ReactNode }) {
  return <Tooltip.Provider delay={500}>{children}</Tooltip.Provider>
}
