import { AudioLines, Binary, Brain, Image, ListOrdered, Mic, Volume2, Wrench } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Tooltip } from '@/components/ui/Tooltip'

const MARKS = {
  tools: Wrench, thinking: Brain, vision: Image, audio: AudioLines, embedding: Binary, rerank: ListOrdered, speech: Volume2, transcription: Mic,
} as const

function isMarked(name: string): name is keyof typeof MARKS {
  return name in MARKS
}

/** What a model can do beside writing, as marks with names. */
export function Capabilities({ names }: { names: readonly string[] }) {
  const { t } = useTranslation('models')
  return (
    <span className="inline-flex items-center gap-1.5 align-middle text-ink-3">
      {names.filter(isMarked).map((name) => {
        const Mark = MARKS[name]
        const label = t(`capability.${name}`)
        return (
          <Tooltip key={name} text={label}>
            <span role="img" aria-label={label}>
              <Mark className="size-3.5" />
            </span>
          </Tooltip>
        )
      })}
    </span>
  )
}
