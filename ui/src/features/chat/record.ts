/** Records the microphone as a WAV file. Only where the page is secure: browsers give none to plain http. */
import { wavOf } from './wav'

const RATE = 16_000

export function canRecord(): boolean {
  return window.isSecureContext && typeof navigator.mediaDevices?.getUserMedia === 'function' && typeof MediaRecorder === 'function'
}

export interface Recording {
  /** Ends it and gives what was heard; null where there is nothing. */
  stop: () => Promise<File | null>
  /** Lets the microphone go; what was heard is forgotten. */
  drop: () => void
}

/** Asks for the microphone. Throws what the browser says where it is refused or there is none. */
export async function record(now: () => Date = () => new Date()): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
  const recorder = new MediaRecorder(stream)
  const pieces: Blob[] = []
  recorder.ondataavailable = (event) => pieces.push(event.data)
  const ended = new Promise<void>((done) => {
    recorder.onstop = () => done()
  })
  recorder.start()
  const release = () => {
    for (const track of stream.getTracks()) track.stop()
  }
  return {
    drop: release,
    stop: async () => {
      recorder.stop()
      await ended
      release()
      const whole = new Blob(pieces)
      if (whole.size === 0) return null
      const name = `recording-${now().toISOString().slice(11, 19).replaceAll(':', '')}.wav`
      return new File([await asWav(whole)], name, { type: 'audio/wav' })
    },
  }
}

async function asWav(sound: Blob): Promise<ArrayBuffer> {
  const context = new AudioContext({ sampleRate: RATE })
  try {
    const decoded = await context.decodeAudioData(await sound.arrayBuffer())
    const offline = new OfflineAudioContext(1, Math.max(1, Math.ceil(decoded.duration * RATE)), RATE)
    const source = offline.createBufferSource()
    source.buffer = decoded
    source.connect(offline.destination)
    source.start()
    return wavOf((await offline.startRendering()).getChannelData(0), RATE)
  } finally {
    await context.close()
  }
}
