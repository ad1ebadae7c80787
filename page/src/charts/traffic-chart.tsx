import { useRef, useState } from 'preact/hooks'
import type { Usage } from '../api/types.ts'
import { countOf, millisecondsOf, shortCount } from '../format/number.ts'
import { bucketName, bucketSentence, shortLabel } from './bucket-words.ts'
import { labelled, niceScale } from './scale.ts'
import { TrafficTable } from './traffic-table.tsx'
import { useWidth } from './use-width.ts'

const margin = { left: 52, right: 8 }
const bars = { top: 8, height: 168 }
const line = { top: 204, height: 56 }
const height = 288

/**
 * Requests and errors as bars, and p95 as a line below them, over the same time. Arrow keys walk along the buckets;
 * the same numbers are in a table below.
 */
export function TrafficChart ({ usage, label }: { readonly usage: Usage, readonly label: string }) {
  const [frame, width] = useWidth<HTMLDivElement>()
  const [chosen, setChosen] = useState<number | null>(null)
  const isFocused = useRef(false)
  const { data, bucket } = usage
  const last = data.length - 1
  const plotWidth = Math.max(0, width - margin.left - margin.right)
  const step = plotWidth / Math.max(1, data.length)
  const barWidth = Math.max(1, Math.min(28, step * (step > 8 ? 0.68 : 0.8)))
  const counts = niceScale(Math.max(0, ...data.map(({ requests }) => requests)), true)
  const latencies = niceScale(Math.max(0, ...data.map(({ latencyMs }) => latencyMs?.p95 ?? 0)), false)
  const centre = (index: number): number => margin.left + (index + 0.5) * step
  const barY = (value: number): number => bars.top + bars.height * (1 - value / counts.end)
  const lineY = (value: number): number => line.top + line.height * (1 - value / latencies.end)
  const current = chosen === null ? undefined : data[Math.min(chosen, last)]

  const walk = (event: KeyboardEvent): void => {
    const from = chosen ?? last
    const to = { ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: from + 1, ArrowUp: from + 1, Home: 0, End: last }[event.key]
    if (to === undefined) return
    event.preventDefault()
    setChosen(Math.max(0, Math.min(last, to)))
  }
  const point = (event: PointerEvent): void => {
    const x = event.clientX - frame.current!.getBoundingClientRect().left - margin.left
    setChosen(x < 0 || x > plotWidth ? null : Math.max(0, Math.min(last, Math.floor(x / step))))
  }

  return (
    <figure class='chart'>
      <figcaption class='legend'>
        <span class='legend-item'><span class='swatch swatch-requests' aria-hidden='true' />Succeeded</span>
        <span class='legend-item'><span class='swatch swatch-errors' aria-hidden='true' />Errors</span>
        <span class='legend-item'><span class='swatch swatch-p95' aria-hidden='true' />p95 latency</span>
      </figcaption>
      <div
        ref={frame}
        class='chart-frame'
        role='slider'
        tabIndex={0}
        aria-label={`${label}. Arrow keys read out the values.`}
        aria-orientation='horizontal'
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={Math.max(0, Math.min(chosen ?? last, last))}
        aria-valuetext={data.length === 0 ? 'No data' : bucketSentence(data[Math.min(chosen ?? last, last)]!, bucket)}
        onKeyDown={walk}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => { if (!isFocused.current) setChosen(null) }}
        onFocus={event => {
          isFocused.current = event.currentTarget.matches(':focus-visible')
          if (isFocused.current) setChosen(chosen ?? last)
        }}
        onBlur={() => {
          isFocused.current = false
          setChosen(null)
        }}
      >
        <svg width={width} height={height} viewBox={`0 0 ${Math.max(1, width)} ${height}`} aria-hidden='true'>
          {counts.ticks.map(tick => <Tick key={tick} y={barY(tick)} width={width} text={shortCount(tick)} />)}
          {[0, latencies.end].map(tick => <Tick key={tick} y={lineY(tick)} width={width} text={millisecondsOf(tick)} />)}
          {chosen !== null && <rect class='chart-cursor' x={centre(Math.min(chosen, last)) - step / 2} y={bars.top} width={step} height={line.top + line.height - bars.top} />}
          {data.map(({ start, requests, errors }, index) => {
            const x = centre(index) - barWidth / 2
            const errorHeight = errors === 0 ? 0 : Math.max(2, bars.top + bars.height - barY(errors))
            const base = bars.top + bars.height
            return (
              <g key={start}>
                {requests > errors && <rect class='bar' x={x} y={Math.min(barY(requests), base - 2)} width={barWidth} height={Math.max(2, base - barY(requests) - errorHeight)} rx={Math.min(2, barWidth / 3)} />}
                {errors > 0 && <rect class='bar-errors' x={x} y={base - errorHeight} width={barWidth} height={errorHeight} rx={Math.min(2, barWidth / 3)} />}
              </g>
            )
          })}
          {stretches(data.map(({ latencyMs }, index) => latencyMs === null ? null : [centre(index), lineY(latencyMs.p95)])).map(points => points.length === 1
            ? <circle key={points[0]![0]} class='dot' cx={points[0]![0]} cy={points[0]![1]} r='2.5' />
            : <polyline key={points[0]![0]} class='line' points={points.map(point => point.join(',')).join(' ')} />)}
          {current?.latencyMs && <circle class='dot' cx={centre(Math.min(chosen!, last))} cy={lineY(current.latencyMs.p95)} r='3.5' />}
          {labelled(data.length, plotWidth, 64).map(index => <text key={index} class='axis' x={centre(index)} y={height - 6} text-anchor={index === last && step < 22 ? 'end' : 'middle'} dx={index === last && step < 22 ? step / 2 + margin.right : 0}>{shortLabel(data[index]!.start, bucket)}</text>)}
        </svg>
        {current !== undefined && (
          <div class='chart-tip' style={tipPlace(centre(Math.min(chosen!, last)), width)} aria-hidden='true'>
            <p class='chart-tip-title'>{bucketName(current.start, bucket)}</p>
            <dl>
              <dt>Requests</dt><dd>{countOf(current.requests)}</dd>
              <dt>Errors</dt><dd>{countOf(current.errors)}</dd>
              <dt>p95</dt><dd>{current.latencyMs === null ? '–' : millisecondsOf(current.latencyMs.p95)}</dd>
            </dl>
          </div>
        )}
      </div>
      <details class='chart-values'>
        <summary>Show as a table</summary>
        <TrafficTable usage={usage} caption={label} />
      </details>
    </figure>
  )
}

function Tick ({ y, width, text }: { readonly y: number, readonly width: number, readonly text: string }) {
  return (
    <g>
      <line class='grid' x1={margin.left} x2={Math.max(0, width - margin.right)} y1={Math.round(y) + 0.5} y2={Math.round(y) + 0.5} />
      <text class='axis' x={margin.left - 8} y={y + 4} text-anchor='end'>{text}</text>
    </g>
  )
}

/** A line is broken where nothing was requested: there is no latency to draw. */
function stretches (points: readonly (readonly [number, number] | null)[]): readonly (readonly (readonly [number, number])[])[] {
  const lines: (readonly [number, number])[][] = [[]]
  for (const point of points) {
    if (point !== null) lines.at(-1)!.push(point)
    else if (lines.at(-1)!.length > 0) lines.push([])
  }
  return lines.filter(line => line.length > 0)
}

/** Beside the bucket, on the side that has room. Set as properties: the policy allows no style attribute. */
function tipPlace (x: number, width: number): { left?: string, right?: string } {
  return x < width / 2 ? { left: `${Math.round(x + 14)}px`, right: 'auto' } : { right: `${Math.round(width - x + 14)}px`, left: 'auto' }
}
