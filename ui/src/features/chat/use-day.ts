import { useEffect, useState } from 'react'

/** A moment of today: another one from the next midnight on, also for a tab or a machine that slept over it. */
export function useDay(): Date {
  const [day, setDay] = useState(() => new Date())
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = () => {
      clearTimeout(timer)
      const now = new Date()
      timer = setTimeout(look, midnightAfter(now).getTime() - now.getTime())
      setDay((before) => (before.toDateString() === now.toDateString() ? before : now))
    }
    document.addEventListener('visibilitychange', look)
    look()
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [])
  return day
}

function midnightAfter(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1)
}
