import { type RefObject } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** An element's width in CSS pixels, as it changes. Zero before it is known. */
export function useWidth<T extends Element> (): readonly [ref: RefObject<T | null>, width: number] {
  const ref = useRef<T | null>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const element = ref.current!
    setWidth(Math.floor(element.getBoundingClientRect().width))
    const observer = new ResizeObserver(entries => setWidth(Math.floor(entries.at(-1)!.contentRect.width)))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [ref, width]
}
