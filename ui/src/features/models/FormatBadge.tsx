import { Badge } from '@/components/ui/Badge'
import { isLanguageModel, type Format } from './entries'

const NAMES: Readonly<Record<string, string>> = { gguf: 'GGUF', mlx: 'MLX', whisper: 'Whisper', remote: 'API' }

/** A model's format; `remote` is one that another server has. */
export function FormatBadge({ format }: { format: Format }) {
  return <Badge tone={isLanguageModel(format) ? format : 'neutral'}>{NAMES[format] ?? format}</Badge>
}
