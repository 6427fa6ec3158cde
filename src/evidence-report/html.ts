import { codePoint, showHidden } from '../core/visible-text.ts'

/** Text that may stand in a page as it is: only `html` makes it. */
export class Html {
  /** Private, so that no other object passes for one. */
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  get text(): string {
    return this.#text
  }
}

export type Part = string | number | Html | null | readonly Part[]

/** A piece of a page. What is filled in is text and shown as text, whatever is in it; only pieces made here are markup. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((page, text, index) => page + rendered(parts[index - 1] ?? null) + text))
}

function rendered(part: Part): string {
  if (part === null) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'number') return String(part)
  return typeof part === 'string' ? shown(part, '') : part.map(rendered).join('')
}

/** Text of several lines: line feeds and tabs stay what they are. */
export function lines(text: string): Html {
  return new Html(shown(text, '\n\t'))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** What hides, moves or reorders text is shown as its code point. */
function shown(text: string, except: string): string {
  const escaped = text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
  return showHidden(escaped, (hidden) =>
    except.includes(hidden) ? hidden : `<span class="hidden-char">${codePoint(hidden)}</span>`,
  )
}

/** JSON that may stand inside an element: no character of it can end the element or begin another. */
export function inertJson(text: string): Html {
  return new Html(text.replace(/[&<>]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`))
}
