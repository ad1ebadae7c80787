/** The axis's end and steps for values up to `max`: 1, 2 or 5 times a power of ten, three or four steps. */
export function niceScale (max: number, isWhole: boolean): { readonly end: number, readonly ticks: readonly number[] } {
  const rough = Math.max(max, isWhole ? 3 : 0.1) / 3
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(factor => factor * power).find(step => step >= rough)!
  const steps = Math.max(1, Math.ceil(max / step))
  return { end: steps * step, ticks: Array.from({ length: steps + 1 }, (_, index) => index * step) }
}

/** Indices of the buckets that get a label: evenly apart, as many as fit. */
export function labelled (count: number, width: number, labelWidth: number): readonly number[] {
  const step = Math.max(1, Math.ceil(count / Math.max(1, Math.floor(width / labelWidth))))
  // From the end, so that the current bucket has its label.
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => count - 1 - index * step).reverse()
}
