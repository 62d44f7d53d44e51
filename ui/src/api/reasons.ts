// Why a figure is not known, or something waits: the server says it in English, most often in one of these sentences.
import { language } from '@/i18n/texts'

/** As the server says it of a figure that only a GPU has. */
export const NO_GPU = 'no GPU is here'

const KO: Readonly<Record<string, string>> = {
  'told from the second reading on': '두 번째 측정부터 알 수 있습니다',
  'no CPU time was counted since the last reading': '마지막 측정 이후 집계된 CPU 시간이 없습니다',
  [NO_GPU]: 'GPU가 없습니다',
  "no GPU's driver lists this process": '이 프로세스를 보고하는 GPU 드라이버가 없습니다',
  "it has no memory of its own: it shares the machine's": '전용 메모리가 없고 시스템 메모리를 함께 씁니다',
  'the driver has no file that tells it': '드라이버가 이 값을 제공하지 않습니다',
  'the driver has no sensors': '드라이버에 센서가 없습니다',
  'the GPU is asleep, and asking would wake it': 'GPU가 절전 상태이며, 확인하면 깨어납니다',
  'no process that this user may look at uses it': '볼 수 있는 프로세스 가운데 사용하는 것이 없습니다',
  'the process has ended, or this user may not look at it': '프로세스가 끝났거나 볼 권한이 없습니다',
  'this system does not tell its memory': '이 시스템은 메모리 정보를 제공하지 않습니다',
  'macOS tells it to root alone (powermetrics)': 'macOS에서는 root만 볼 수 있습니다(powermetrics)',
  'a model finds out how many requests it is best served with': '모델이 한 번에 처리하기 좋은 요청 수를 찾고 있습니다',
}

/** The reason in the reader's language, where it is one of those that are known. */
export function reasonOf(said: string): string {
  return (language() === 'ko' ? KO[said] : undefined) ?? said
}
