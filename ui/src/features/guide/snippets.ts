import type { Examples, Language, Target, Task } from './request'
import { CPP } from './snippets/cpp'
import { CSHARP } from './snippets/csharp'
import { CURL } from './snippets/curl'
import { JAVA } from './snippets/java'
import { JAVASCRIPT } from './snippets/javascript'
import { PYTHON } from './snippets/python'
import { REACT } from './snippets/react'

const EXAMPLES: Readonly<Record<Language, Examples>> = {
  curl: CURL,
  javascript: JAVASCRIPT,
  react: REACT,
  python: PYTHON,
  java: JAVA,
  csharp: CSHARP,
  cpp: CPP,
}

/** The example in that language, ready to run. */
export function snippet(language: Language, task: Task, target: Target): string {
  return EXAMPLES[language][task](target)
}
