import { useEffect, useState } from 'react'

/** Whole seconds that are left; `start` begins it anew. */
export function useCountdown(): { left: number; start: (seconds: number) => void } {
  const [until, setUntil] = useState(0)
  const [left, setLeft] = useState(0)
  useEffect(() => {
    const tick = () => {
      const now = Math.max(0, Math.ceil((until - performance.now()) / 1000))
      setLeft(now)
      if (now === 0) clearInterval(timer)
    }
    const timer = setInterval(tick, 250)
    return () => clearInterval(timer)
  }, [until])
  return {
    left,
    start: (seconds) => {
      setLeft(Math.ceil(seconds))
      setUntil(performance.now() + seconds * 1000)
    },
  }
}
