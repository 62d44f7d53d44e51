// Whether this browser goes on without an account, which a server on its own machine allows.
const KEY = 'dovetail.setup'

export function isSetupSkipped(): boolean {
  try {
    return localStorage.getItem(KEY) === 'skipped'
  } catch {
    return false
  }
}

export function skipSetup(): void {
  try {
    localStorage.setItem(KEY, 'skipped')
  } catch {
    // Without storage it is asked again next time.
  }
}
