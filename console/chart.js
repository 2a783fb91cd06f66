/**
 * A chart of the last hour. The canvas is for eyes; its legend is a table with the newest and the highest values, which is
 * what a screen reader gets, and under a pointer the values of that moment.
 */
import { html } from 'htm/preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { minute, unknown } from './format.js'

/** Lines differ by their dashes too, for those who do not tell the colours apart. */
const dashes = [[], [9, 3], [2, 3], [12, 3, 2, 3], [5, 3], [16, 4], [2, 6]]

/** By its place, or as the series itself says: what flickers is easier to read without gaps. */
const dashOf = ({ dash }, at) => dashes[(dash ?? at) % dashes.length]

/** Less than this is not spread over the whole width. s. */
const shortestSpan = 300
const longestSpan = 3600

const isDark = matchMedia('(prefers-color-scheme: dark)')

/** Counts how often the scheme has changed, since a canvas does not follow it by itself. */
function useScheme() {
  const [scheme, setScheme] = useState(isDark.matches)
  useEffect(() => {
    const follow = () => setScheme(isDark.matches)
    isDark.addEventListener('change', follow)
    return () => isDark.removeEventListener('change', follow)
  }, [])
  return scheme
}

const dataOf = (points, series) => [
  points.map(({ at }) => at / 1000),
  ...series.map(({ value }) => points.map((point) => value(point) ?? null))
]

/** By the data themselves: of a single point uPlot would make a day. */
function rangeOfTime({ data: [times] }) {
  const max = times.at(-1) ?? Date.now() / 1000
  const min = times[0] ?? max
  return [Math.max(Math.min(min, max - shortestSpan), max - longestSpan), max]
}

/** From zero, with air above; something flat at zero gets a scale too. */
const rangeOfValues = (_chart, _min, max) => [0, max > 0 ? max * 1.12 : 5]

/** Steps of an axis on which there is nothing between one and two. */
const wholeSteps = [1, 10, 100, 1000, 10_000, 100_000].flatMap((step) => [step, 2 * step, 5 * step])

function optionsFor({ place, series, format, isWhole, onMoment }) {
  const style = getComputedStyle(place)
  const colour = (name) => style.getPropertyValue(`--${name}`).trim()
  const font = `11px ${style.fontFamily}`
  const axis = { stroke: colour('dim'), font, grid: { stroke: colour('grid'), width: 1 }, ticks: { show: false } }
  return {
    width: place.clientWidth,
    height: place.clientHeight,
    padding: [8, 10, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
    scales: { x: { range: rangeOfTime }, y: { range: rangeOfValues } },
    series: [
      {},
      ...series.map((one, at) => ({
        stroke: colour(one.colour),
        width: 1.75,
        dash: dashOf(one, at),
        fill: one.isFilled ? `${colour(one.colour)}1c` : undefined,
        // Of one point there is no line.
        points: { show: ({ data: [times] }) => times.length < 3, size: 5 },
        spanGaps: false
      }))
    ],
    axes: [
      { ...axis, size: 26, gap: 6, space: 70, values: (_chart, splits) => splits.map((at) => minute(at * 1000)) },
      {
        ...axis,
        ...(isWhole && { incrs: wholeSteps }),
        size: 48,
        gap: 6,
        space: 32,
        values: (_chart, splits) => splits.map((value) => format(value))
      }
    ],
    hooks: { setCursor: [({ cursor }) => onMoment(cursor.idx ?? null)] }
  }
}

function Marker({ colour, dash }) {
  return html`<svg class="marker" viewBox="0 0 22 8" aria-hidden="true">
    <line x1="1" y1="4" x2="21" y2="4" style=${{ stroke: `var(--${colour})` }} stroke-dasharray=${dash.join(' ')} />
  </svg>`
}

function Legend({ title, series, points, moment, format }) {
  const shown = moment === null ? points.at(-1) : points[moment]
  const highestOf = ({ value }) => Math.max(...points.map((point) => value(point) ?? Number.NEGATIVE_INFINITY))
  return html`<table class="legend">
    <caption class="sr">${title}: the newest values, and the highest of the last hour</caption>
    <thead><tr>
      <th scope="col"><span class="sr">What</span></th>
      <th scope="col" class="number">${moment === null || shown === undefined ? 'now' : minute(shown.at)}</th>
      <th scope="col" class="number">highest</th>
    </tr></thead>
    <tbody>
      ${series.map((one, at) => {
        const highest = highestOf(one)
        return html`<tr key=${one.key}>
          <th scope="row"><${Marker} colour=${one.colour} dash=${dashOf(one, at)} />${one.label}</th>
          <td class="number">${shown === undefined ? unknown : format(one.value(shown))}</td>
          <td class="number dim">${Number.isFinite(highest) ? format(highest) : unknown}</td>
        </tr>`
      })}
    </tbody>
  </table>`
}

/** A chart with the size of its place, made anew for other series or another scheme. */
function useChart({ points, series, format, isWhole, onMoment }) {
  const place = useRef(null)
  const chart = useRef(null)
  const scheme = useScheme()
  const key = series.map((one) => one.key).join()
  useEffect(() => {
    const made = new uPlot(
      optionsFor({ place: place.current, series, format, isWhole, onMoment }),
      dataOf(points, series),
      place.current
    )
    chart.current = made
    const resize = new ResizeObserver(([{ contentRect }]) => made.setSize(contentRect))
    resize.observe(place.current)
    return () => {
      resize.disconnect()
      made.destroy()
      chart.current = null
      onMoment(null)
    }
  }, [key, scheme])
  useEffect(() => chart.current?.setData(dataOf(points, series)), [points])
  return place
}

/** `series`: `{ key, label, colour, value(point), isFilled?, dash? }`. */
export function Chart({ title, summary, points, series, format, isWhole, aside }) {
  const id = useId()
  const [moment, setMoment] = useState(null)
  const place = useChart({ points, series, format, isWhole, onMoment: setMoment })
  return html`<figure class="chart" aria-labelledby=${id}>
    <div class="chart-head">
      <h3 id=${id}>${title}</h3>
      ${aside}
    </div>
    <div class="chart-body">
      <div class="canvas" ref=${place} aria-hidden="true"></div>
      <${Legend} title=${title} series=${series} points=${points} moment=${moment} format=${format} />
    </div>
    ${summary && html`<figcaption>${summary}</figcaption>`}
  </figure>`
}
