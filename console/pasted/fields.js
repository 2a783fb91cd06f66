/**
 * Bodies as curl writes them: fields of a form, encoded or multipart.
 */
import { Unreadable } from './unreadable.js'

/** As curl encodes them: letters, digits and -._~ stay, and a space is a plus. */
export const encode = (text) =>
  encodeURIComponent(text.toWellFormed())
    .replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')

/** `text`, `=text`, `name=text`, `@file` or `name@file`. */
export function encodedField(given, readFile) {
  const at = given.includes('=') ? given.indexOf('=') : given.indexOf('@')
  if (at < 0) return encode(given)
  const value = given.slice(at + 1)
  return `${at === 0 ? '' : `${given.slice(0, at)}=`}${encode(given[at] === '@' ? readFile(value) : value)}`
}

/** The value of a field and what follows it, `;type=…` or `;filename=…`; a value in quotes may hold a semicolon. */
function split(value) {
  const [whole, quoted, plain] = /^\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^;]*))/.exec(value) ?? ['', undefined, '']
  return [quoted === undefined ? plain.trimEnd() : quoted.replaceAll(/\\([\\"])/g, '$1'), value.slice(whole.length)]
}

const attributeOf = (rest, name) => split(new RegExp(`;\\s*${name}=([\\s\\S]*)`, 'i').exec(rest)?.[1] ?? '')[0]

const inHeader = (text) => text.replaceAll('"', '%22').replaceAll(/\r|\n/g, (sign) => (sign === '\r' ? '%0D' : '%0A'))

/** One part of a multipart body. What a file holds is nothing that the gateway looks at. */
export function part(given, isLiteral, flag, readFile) {
  const at = given.indexOf('=')
  if (at < 0) throw new Unreadable(`${flag} takes a field: name=value.`)
  const name = inHeader(given.slice(0, at))
  const value = given.slice(at + 1)
  const begin = `Content-Disposition: form-data; name="${name}"`
  if (isLiteral) return `${begin}\r\n\r\n${value}`
  const isFile = value.startsWith('@')
  const isText = value.startsWith('<')
  const [text, rest] = split(isFile || isText ? value.slice(1) : value)
  const type = attributeOf(rest, 'type').replaceAll(/[\r\n]/g, '')
  const typeLine = type === '' ? '' : `\r\nContent-Type: ${type}`
  if (isFile) {
    const fileName = attributeOf(rest, 'filename') || text.split(/[/\\]/).at(-1)
    return `${begin}; filename="${inHeader(fileName)}"${typeLine || '\r\nContent-Type: application/octet-stream'}\r\n\r\n`
  }
  return `${begin}${typeLine}\r\n\r\n${isText ? readFile(text) : text}`
}

/** @returns {{ boundary: string, body: string }} */
export function multipart(parts) {
  let number = 0
  while (parts.some((one) => one.includes(`webdispatcher-${number}`))) number += 1
  const boundary = `webdispatcher-${number}`
  return { boundary, body: `${parts.map((one) => `--${boundary}\r\n${one}\r\n`).join('')}--${boundary}--\r\n` }
}
