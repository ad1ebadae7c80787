import { type Period, periods } from '../format/period.ts'
import { replaceQuery } from '../router.ts'
import { Choices } from './choices.tsx'

/** Kept in the address, so that a link or a reload shows the same. */
export function PeriodPicker ({ period }: { readonly period: Period }) {
  return <Choices label='Period' value={period.id} options={periods} onChange={id => replaceQuery({ period: id === '24h' ? '' : id })} />
}
