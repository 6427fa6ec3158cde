import { codePoint, showHidden } from '../../../core/visible-text.ts'

/** Characters shown at first; the rest is there for who asks for it. */
const FIRST = 2000
/** Characters shown at all: a page with more would be of use to nobody. */
const MOST = 256 * 1024

/**
 * Text that an agent, an upstream or a repository supplied: the one way by which such text comes onto a page. It is escaped, cannot
 * turn the direction of what stands beside it, shows what cannot be seen as code points, and cannot fill the page.
 * @param props.lines line breaks and tabs are layout here, not hidden characters
 * @param props.name letters of several scripts are marked: where they stand in one word, or (`strict`) anywhere in it
 * @param props.brief as many characters and no more, for places where the whole of it is one step away
 */
export function Said(props: {
  readonly text: string
  readonly lines?: boolean
  readonly name?: 'strict' | 'words'
  readonly first?: number
  readonly brief?: number
  readonly strong?: boolean
}) {
  const { text, lines = false, name, brief, strong = false, first = brief ?? FIRST } = props
  const look = strong ? 'q' : lines ? 'lines' : undefined
  if (text === '') return <span class="dim">(empty)</span>
  const head = cut(text, first)
  const rest = cut(text.slice(head.length), MOST - first)
  const left = text.length - head.length - rest.length
  return (
    <>
      <bdi class={look}>{visible(head, lines)}</bdi>
      {name !== undefined && isMixed(text, name) ? <MixedScripts text={text} /> : null}
      {rest === '' ? null : brief === undefined ? (
        <details class="rest">
          <summary>{text.length - head.length} more characters</summary>
          <bdi class={look}>{visible(rest, lines)}</bdi>
          {left > 0 ? <p class="dim">{left} characters are not shown here; the API gives them.</p> : null}
        </details>
      ) : (
        <span class="dim">…[+{text.length - head.length}]</span>
      )}
    </>
  )
}

function MixedScripts({ text }: { readonly text: string }) {
  const strange = [...new Set([...text].filter((letter) => /\p{L}/u.test(letter) && !LATIN.test(letter)))]
  const points = strange.slice(0, 8).map(codePoint).join(' ')
  return (
    <span class="mark" title={`Letters of several scripts: ${points}`}>
      mixed scripts {points}
    </span>
  )
}

/** A beginning that ends between characters. */
function cut(text: string, length: number): string {
  const head = text.slice(0, Math.max(0, length))
  return /[\uD800-\uDBFF]$/.test(head) && text.length > head.length ? head.slice(0, -1) : head
}

/** The pieces of a text, those that cannot be seen as marks. */
function visible(text: string, lines: boolean) {
  const pieces: (string | { readonly point: string })[] = []
  let from = 0
  let at = 0
  const spaced = showHidden(text, (character) =>
    lines && (character === '\n' || character === '\t') ? character : `\u0000${codePoint(character)}\u0000`,
  )
  for (; from < spaced.length; from = at + 1) {
    at = spaced.indexOf('\u0000', from)
    if (at < 0) {
      pieces.push(spaced.slice(from))
      break
    }
    if (at > from) pieces.push(spaced.slice(from, at))
    const end = spaced.indexOf('\u0000', at + 1)
    pieces.push({ point: spaced.slice(at + 1, end) })
    at = end
  }
  return pieces.map((piece) =>
    typeof piece === 'string' ? (
      piece
    ) : (
      <span class="cp" title="a character that cannot be seen">
        {piece.point}
      </span>
    ),
  )
}

/** Scripts with letters that look like Latin ones (Unicode TR39, mixed-script detection). */
const LOOK_ALIKE =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Coptic}\p{Script=Lisu}]/u
const LATIN = /\p{Script=Latin}/u

function isMixed(text: string, within: 'strict' | 'words'): boolean {
  if (!LOOK_ALIKE.test(text)) return false
  const words = within === 'strict' ? [text] : text.split(/[^\p{L}]+/u)
  return words.some((word) => LATIN.test(word) && LOOK_ALIKE.test(word))
}
