import { getRouteApi } from '@tanstack/react-router'

const route = getRouteApi('/inside/models')

export interface Place {
  tab?: string | undefined
  m?: string | undefined
  part?: string | undefined
  add?: string | undefined
}

/** Where on the page one is, as the address says: the tab, the model in the drawer and its part, the way of adding. */
export function usePlace(): [Place, (change: Place, replace?: boolean) => void] {
  const place: Place = route.useSearch()
  const navigate = route.useNavigate()
  return [place, (change, replace = false) => void navigate({ search: (old: Place) => ({ ...old, ...change }), replace })]
}
