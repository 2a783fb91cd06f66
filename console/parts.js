/**
 * Small parts that several panels are made of.
 */
import { html } from 'htm/preact'
import { useEffect, useState } from 'preact/hooks'
import { clock, count } from './format.js'

/** Each state has a shape of its own, so that none is told by colour alone. */
const shapes = {
  good: html`<circle cx="6" cy="6" r="5" />`,
  bad: html`<path d="M2.2 2.2l7.6 7.6M9.8 2.2L2.2 9.8" class="stroke" />`,
  warn: html`<path d="M6 .8l5.6 10.4H.4z" />`,
  calm: html`<path d="M1.5 6h9" class="stroke" />`,
  going: html`<path d="M2 1.5l8 4.5-8 4.5z" />`,
  source: html`<path d="M6 .5L11.5 6 6 11.5.5 6z" />`,
  target: html`<circle cx="6" cy="6" r="5" />`,
  both: html`<path d="M6 1a5 5 0 0 1 0 10z" /><circle cx="6" cy="6" r="4.2" class="stroke thin" />`
}

export const Shape = ({ name }) => html`<svg class="shape" viewBox="0 0 12 12" aria-hidden="true">${shapes[name]}</svg>`

/** `tone`: good, bad, warn, calm or going. */
export const Badge = ({ tone, children }) =>
  html`<span class="badge ${tone}"><${Shape} name=${tone} />${children}</span>`

/** A system in a line of text; whatever is no system stays a word. */
export function System({ name, release }) {
  if (!(name in shapes)) return html`<span class="system none">${name ?? 'gateway'}</span>`
  return html`<span class="system ${name}"><${Shape} name=${name} />${name}${release && ` ${release}`}</span>`
}

export const Time = ({ at }) => html`<time datetime=${new Date(at).toISOString()}>${clock(at)}</time>`

/** One number with what it is. */
export function Metric({ label, value, unit, note, tone }) {
  return html`<div class="metric ${tone}">
    <dt>${label}</dt>
    <dd><b>${value}</b>${unit && html` <span class="unit">${unit}</span>`}${note && html`<small>${note}</small>`}</dd>
  </div>`
}

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`

export function Panel({ id, title, aside, children, wide }) {
  return html`<section id=${id} class="panel ${wide ? 'wide' : ''}" aria-labelledby="${id}-title">
    <div class="panel-head"><h2 id="${id}-title">${title}</h2>${aside}</div>
    ${children}
  </section>`
}

/** One of several, as buttons that say which is pressed. */
export function Choice({ label, options, chosen, onChoose }) {
  return html`<div class="choice" role="group" aria-label=${label}>
    ${Object.entries(options).map(
      ([key, text]) =>
        html`<button key=${key} type="button" aria-pressed=${String(key === chosen)} onClick=${() => onChoose(key)}>${text}</button>`
    )}
  </div>`
}

/** A cell says what it is by itself, or on a phone, where the heads are not seen, by its label. */
const cellOf = (row) =>
  function Cell({ key, label, show, number, head, whole, told }) {
    const looks = {
      class: [number && 'number', whole && 'whole'].filter(Boolean).join(' '),
      'data-label': told ? label : undefined
    }
    return head
      ? html`<th key=${key} role="rowheader" scope="row" ...${looks}>${show(row)}</th>`
      : html`<td key=${key} role="cell" ...${looks}>${show(row)}</td>`
  }

/**
 * On a phone each row becomes a block of lines, which takes a table's meaning away from it: so the roles are written out.
 * `columns`: `{ key, label, show(row), number?, head?, whole?, told? }`: a number, the row's name, a line of its own on a
 * phone, a value that needs its label there.
 */
export function Table({ caption, columns, rows, rowKey }) {
  return html`<table role="table" class="rows">
    <caption class="sr">${caption}</caption>
    <thead role="rowgroup"><tr role="row">
      ${columns.map(({ key, label, number }) => html`<th key=${key} role="columnheader" scope="col" class=${number && 'number'}>${label}</th>`)}
    </tr></thead>
    <tbody role="rowgroup">
      ${rows.map((row) => html`<tr role="row" key=${rowKey(row)}>${columns.map(cellOf(row))}</tr>`)}
    </tbody>
  </table>`
}

/** The first of many, and a button for all. */
export function useFirst(rows, first, what) {
  const [isWhole, setWhole] = useState(false)
  const more =
    rows.length > first &&
    html`<button type="button" class="more" aria-expanded=${String(isWhole)} onClick=${() => setWhole(!isWhole)}>
      ${isWhole ? `Show the newest ${first}` : `Show all ${count(rows.length)} ${what}`}
    </button>`
  return [isWhole ? rows : rows.slice(0, first), more]
}

/** Renders again every so often, for what is told relative to now. */
export function useNow(everyMs) {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
