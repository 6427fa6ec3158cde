/** The element of an HTML report that holds its bundle. */
export const BUNDLE_ELEMENT = 'aegis-bundle'

const OPENING = `<template id="${BUNDLE_ELEMENT}">`
const CLOSING = '</template>'

/**
 * The text of the bundle in an HTML report; any other text is given back as it is. Null where the page holds none, or more than
 * one: then different readers would take different ones. What the page shows is not looked at, and may be anything.
 */
export function embeddedBundle(text: string): string | null {
  if (!/^<!doctype html>/i.test(text)) return text
  const [, inside, ...more] = text.split(OPENING)
  // In the bundle's own text no `<` stands as it is.
  const end = inside?.indexOf('<') ?? -1
  if (inside === undefined || more.length > 0 || !inside.startsWith(CLOSING, end)) return null
  return inside.slice(0, end)
}
