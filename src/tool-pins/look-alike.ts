import { hiddenCharacter, showHidden } from '../core/visible-text.ts'

/**
 * Letters of other scripts that look like an ASCII one in common fonts (Unicode TR39, "confusables", the part that matters
 * for names; NFKC has dealt with widths, styles and ligatures before). One line a letter: what it looks like, then the twins.
 */
const TWINS = `
a аɑαạ
b ƅьвβъḅ
c сϲⅽç
d ԁɗḍď
e еєҽėęёɛ
f ғƒ
g ɡցģğ
h һհнḥ
i іιıíìïįīɩ
j јϳ
k кκқķ
l ӏⅼļłľ
m мⅿṃ
n нոпηñńņ
o оοօσօөóòöõøōօ
p рρṗ
q ԛզգ
r гŗřṛ
s ѕꜱşšśṣ
t тτţťṭ
u սυúùüūʋц
v ѵνⅴ
w ԝшωѡẃ
x хχⅹ
y уүγýÿ
z ᴢźžżẓ
`

const LOOKS = new Map(
  TWINS.trim()
    .split('\n')
    .flatMap((line) => [...line.slice(2)].map((twin) => [twin, line.charAt(0)] as const)),
)

const SEPARATORS = /[\p{Pd}\p{Pc}\p{Zs}./\\:~·・]+/gu

/** ASCII that is read for something else: `rn` for m, `vv` for w, digits for letters. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/[1il|!]/g, 'l'],
  [/0/g, 'o'],
  [/rn/g, 'm'],
  [/vv/g, 'w'],
  [/cl/g, 'd'],
  [/5/g, 's'],
]

/**
 * What a name looks like at a glance: names of equal looks are taken for one another by people and models. Case and accents
 * do not count; what cannot be seen is left out.
 */
export function looks(name: string): string {
  let text = ''
  const visible = showHidden(name.normalize('NFKC').toLowerCase(), () => '')
  for (const character of visible) text += LOOKS.get(character) ?? character
  text = text.normalize('NFD').replace(/\p{Mn}/gu, '')
  for (const [shape, looksLike] of SHAPES) text = text.replace(shape, looksLike)
  return text
}

const ASCII = /^[\x21-\x7e]+$/
const LATIN = /\p{Script=Latin}/u
const OTHER = /[^\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]/u

/**
 * True for a name that poses as another whatever else is listed: it holds what cannot be seen, mixes Latin with another
 * script, or is written in other letters throughout and still reads as an ASCII name.
 */
export function poses(name: string): boolean {
  if (ASCII.test(name)) return false
  if (hiddenCharacter(name) !== null || name !== name.trim()) return true
  if (LATIN.test(name) && OTHER.test(name)) return true
  return ASCII.test(looks(name))
}

/** Names of tools by their looks. */
export interface LookAlikes {
  add(upstream: string, name: string): void
  /**
   * A known name that this one could be taken for, or null. Within one upstream, names that differ in case or separators
   * alone are look-alikes too; among several they are habits of different authors, and equal names are told apart by the
   * upstream's.
   */
  twin(upstream: string, name: string): string | null
}

export function createLookAlikes(): LookAlikes {
  const within = new Map<string, Set<string>>()
  const among = new Map<string, Set<string>>()
  return {
    add(upstream, name) {
      const look = looks(name)
      put(within, withinKey(upstream, look), name)
      put(among, look, name)
    },
    twin(upstream, name) {
      const look = looks(name)
      for (const other of within.get(withinKey(upstream, look)) ?? []) if (other !== name) return other
      const lower = name.toLowerCase()
      for (const other of among.get(look) ?? []) if (other.toLowerCase() !== lower) return other
      return null
    },
  }
}

function withinKey(upstream: string, look: string): string {
  return `${upstream} ${look.replace(SEPARATORS, '-')}`
}

function put(map: Map<string, Set<string>>, key: string, name: string): void {
  const names = map.get(key)
  if (names === undefined) map.set(key, new Set([name]))
  else names.add(name)
}
