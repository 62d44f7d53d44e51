import { Badge } from '@/components/ui/Badge'
import type { Format } from './entries'

const NAMES: Record<Format, string> = { gguf: 'GGUF', mlx: 'MLX', remote: 'API' }

export function FormatBadge({ format }: { format: Format }) {
  return <Badge tone={format === 'remote' ? 'neutral' : format}>{NAMES[format]}</Badge>
}
